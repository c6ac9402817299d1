"""What each norm does not notice, and what RMSNorm leaves out of LayerNorm."""

from collections.abc import Callable

import torch

from experiments.conditions import generator, single_thread


def layer_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """LayerNorm out of single operations of torch, as its formula has it.  x: (..., n).  weight, bias: (n,)."""
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return centred * torch.rsqrt(variance + eps) * weight + bias


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """RMSNorm out of the same operations: without the mean, its subtraction and the bias."""
    return x * torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + eps) * weight


def _batch(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    a = x @ weight
    return (a - a.mean(dim=0)) / a.std(dim=0, correction=0)


def _weight(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x @ (weight / weight.norm(dim=0))


def _layer(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    one = torch.ones((), dtype=x.dtype)
    return layer_norm(x @ weight, one, torch.zeros_like(one), eps=0.0)


def _rms(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return rms_norm(x @ weight, torch.ones((), dtype=x.dtype), eps=0.0)


NORMS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "batch": _batch,
    "weight": _weight,
    "layer": _layer,
    "rms": _rms,
}


@single_thread
def changes(norm: str, rows: int = 32, inputs: int = 16, units: int = 24, seed: int = 0) -> dict[str, float]:
    """How far norm(x @ weight) moves, as the largest difference of any value, by each of six changes.

    Ba, Kiros, Hinton 2016 (arXiv 1607.06450) and Zhang & Sennrich 2019, "Root Mean Square Layer Normalization" (arXiv
    1910.07467), both Table 1, whose columns these are. `norm` is "batch", "weight", "layer" or "rms", without weight,
    bias and eps. The values of the output are of the order of 1.
    """
    random = generator(seed)
    x = torch.randn(rows, inputs, generator=random, dtype=torch.float64)
    weight = torch.randn(inputs, units, generator=random, dtype=torch.float64)
    shift = torch.randn(inputs, generator=random, dtype=torch.float64)
    one_unit, one_row = weight.clone(), x.clone()
    one_unit[:, 0] *= 3
    one_row[0] *= 3
    y = NORMS[norm](x, weight)
    changed = {
        "weight matrix rescaled": (x, 3 * weight),
        "weight matrix recentred": (x, weight + shift[:, None]),  # the same shift for every unit
        "one unit's weights rescaled": (x, one_unit),
        "data rescaled": (3 * x, weight),
        "data recentred": (x + shift, weight),  # the same shift for every row
        "one row rescaled": (one_row, weight),
    }
    return {name: (NORMS[norm](*both) - y).abs().max().item() for name, both in changed.items()}
