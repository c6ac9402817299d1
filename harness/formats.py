"""The floating-point formats under test: their constants, and rounding to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Format:
    """u: unit roundoff.  floor: error that the format's smallest numbers excuse.  largest: the largest number."""

    name: str
    short: str
    numpy: Any
    u: float
    floor: float
    largest: float
    accumulator: str

    @property
    def narrower_u(self) -> float:
        """The unit roundoff one format down: float32's for float64, float16's for float32, its own for 16 bits."""
        return {"float64": 2.0**-24, "float32": 2.0**-11}.get(self.name, self.u)


# floor is the least normal number, since hardware may flush what is below it to zero. float16 is the exception: its
# least normal, 6e-5, is not negligible, so there it is half the least subnormal, the error of one rounding.
FORMATS = {
    f.name: f
    for f in (
        Format("float64", "f64", np.float64, 2.0**-53, 2.0**-1022, float(np.finfo(np.float64).max), "float64"),
        Format("float32", "f32", np.float32, 2.0**-24, 2.0**-126, float(np.finfo(np.float32).max), "float32"),
        Format("bfloat16", "bf16", ml_dtypes.bfloat16, 2.0**-8, 2.0**-126, 3.3895313892515355e38, "float32"),
        Format("float16", "f16", np.float16, 2.0**-11, 2.0**-25, 65504.0, "float32"),
    )
}
HALVES = ("bfloat16", "float16")


def rounded(values: Any, dtype: str) -> Array:
    """The nearest numbers of `dtype`, held in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, np.float64).astype(FORMATS[dtype].numpy).astype(np.float64)


def spacing(value: float, dtype: str) -> float:
    """The distance from `value` to the next larger number of `dtype`."""
    return 2 * FORMATS[dtype].u * 2.0 ** np.floor(np.log2(abs(value)))
