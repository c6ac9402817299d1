"""How the pictures look: one palette, one set of sizes."""

from typing import Any

DPI = 150

# Okabe, Ito 2008, "Color Universal Design": told apart by colour-blind readers, and in grey by their lightness.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
BLACK, GREY, PALE = "#222222", "#767676", "#EDEFF2"
BEFORE, AFTER = BLUE, ORANGE  # of a norm, what goes in and what comes out

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "#D0D0D0",
    "figure.titlesize": 12.5,
    "figure.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.w_pad": 0.12,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "axes.edgecolor": "#8A8A8A",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": BLACK,
    "axes.labelcolor": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
}
