"""The six norms: how each is called, what its reference says, and how its arrays map onto the bounds' one form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from harness import bounds
from harness.bounds import Arithmetic, View
from harness.doubledouble import DoubleDouble
from harness.formats import FORMATS, HALVES, Array
from reference import batchnorm, deepnorm, groupnorm, layernorm, rmsnorm


@dataclass(frozen=True, eq=False)
class Case:
    """The inputs of one call, as float64 arrays whose values are exact in `dtype` (parameters: in `param_dtype`).

    weight, bias, running_mean and running_var may be absent (None). eps None: the call leaves it to the default.
    What a norm does not take, it ignores.
    """

    norm: str
    name: str
    dtype: str
    x: Array
    dy: Array
    weight: Array | None = None
    bias: Array | None = None
    eps: float | None = 1e-5
    param_dtype: str = ""
    normalized_ndim: int = 1
    num_groups: int = 1
    running_mean: Array | None = None
    running_var: Array | None = None
    training: bool = True
    momentum: float = 0.1
    alpha: float = 1.0
    sublayer_output: Array | None = None

    def __post_init__(self) -> None:
        _freeze(self)

    @property
    def format_of_parameters(self) -> str:
        return self.param_dtype or self.dtype

    def but(self, **changes: Any) -> Case:
        """The same call with something changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Conventions:
    """What sound implementations do differently, as detected; the truth and the bounds follow it.

    gain_is_one_plus_weight: the weight is stored as gain - 1.  staged: x_hat is rounded to the output's format before
    the weight (16-bit formats).  internal: the format that float64 input is computed in.  eps_dtype: the one that eps
    is rounded to.  biased: the running variance is stored as it normalizes.  old_momentum: momentum weighs the old
    value.  default_eps: what eps=None means.  level: the arithmetic that is granted (`harness.grades`): sound is "stable".
    """

    gain_is_one_plus_weight: bool = False
    staged: bool = False
    internal: str = "float64"
    eps_dtype: str = "float64"
    biased: bool = False
    old_momentum: bool = False
    default_eps: float = 1e-5
    level: str = "stable"

    def eps(self, case: Case) -> float:
        eps = self.default_eps if case.eps is None else case.eps
        return float(np.float32(eps)) if self.eps_dtype == "float32" and case.dtype == "float64" else eps


@dataclass(frozen=True)
class Expected:
    """The truth of one output (high + low, where float64 is too narrow) and the error allowed on it."""

    value: Array
    low: Array
    allowed: Array
    dtype: str

    def __post_init__(self) -> None:
        _freeze(self)


def _freeze(holder: Case | Expected) -> None:
    """Its arrays move to memory that can't be made writeable: an implementation in this process may find them."""
    for name, value in vars(holder).items():
        if type(value) is np.ndarray and value.size and type(value.base) is not bytes:
            object.__setattr__(holder, name, np.ndarray(value.shape, value.dtype, value.tobytes()))


class Norm:
    """One norm. `inputs` are the differentiable arguments in the order of the call; gradients are named d + input."""

    inputs: tuple[str, ...] = ("x", "weight", "bias")
    updates: tuple[str, ...] = ()  # arrays that a call updates in place, or returns
    center = True

    def __init__(self, name: str, title: str, default_eps: float):
        self.name, self.title, self.default_eps = name, title, default_eps

    def __repr__(self) -> str:
        return self.name

    # -- how it is called -------------------------------------------------------------------------------------------

    def call(self, function: Callable[..., Any], case: Case, arrays: dict[str, Any]) -> Any:
        """The contract's positional call, with `arrays` in the implementation's own type."""
        raise NotImplementedError

    @staticmethod
    def eps_argument(case: Case) -> tuple[float, ...]:
        return () if case.eps is None else (case.eps,)

    # -- how a table of rows, each a set of statistics of its own, becomes a tensor -----------------------------------

    def arrange(self, rows: Array) -> tuple[Array, dict[str, Any]]:
        """The tensor whose sets of statistics are `rows` (m, n), and the arguments that make it so."""
        raise NotImplementedError

    def parameter_shape(self, case: Case) -> tuple[int, ...]:
        return case.x.shape[1:2]

    # -- what is true ---------------------------------------------------------------------------------------------------

    def view(self, case: Case, conventions: Conventions) -> View:
        raise NotImplementedError

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        """The reference's y for the arrays `a`, float64 or double-double."""
        raise NotImplementedError

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        """The reference's gradients: dx, dweight, dbias."""
        raise NotImplementedError

    def running(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        """The reference's running statistics after the call."""
        raise NotImplementedError

    def forward_errors(self, case: Case, conventions: Conventions) -> dict[str, Array]:
        """The bound of y before its last rounding."""
        view, arithmetic = _view(self, case, conventions), self.arithmetic(case, conventions)
        owed = bounds.owed(view, FORMATS[arithmetic.dtype].accumulator)
        return {"y": np.where(owed, bounds.forward(view, arithmetic), np.inf)}

    def backward_errors(self, case: Case, conventions: Conventions) -> dict[str, Array]:
        """The bounds of the gradients before their last rounding."""
        view, arithmetic = _view(self, case, conventions), self.arithmetic(case, conventions)
        owed = bounds.owed(view, FORMATS[arithmetic.dtype].accumulator)
        errors = bounds.backward(view, arithmetic)
        dweight = errors["dweight"] if owed.all() else np.full_like(errors["dweight"], np.inf)
        return {**errors, "dx": np.where(owed, errors["dx"], np.inf), "dweight": dweight}

    def running_errors(self, case: Case, conventions: Conventions) -> dict[str, Array]:
        """The bounds of the running statistics before they are stored."""
        raise NotImplementedError

    def sets(self, case: Case) -> Array:
        """For every element of x the number of the set of values that its mean and variance are taken over."""
        view = self.view(case, Conventions())
        kept = [1 if axis in view.axes else size for axis, size in enumerate(view.x.shape)]
        numbers = np.arange(math.prod(kept), dtype=np.float64).reshape(kept)
        return np.broadcast_to(numbers, view.x.shape).reshape(case.x.shape)

    def arithmetic(self, case: Case, conventions: Conventions) -> Arithmetic:
        f = FORMATS["float32" if case.dtype == "float64" and conventions.internal == "float32" else case.dtype]
        parameters = "float32" if f.name == "float32" else case.format_of_parameters
        unsound = conventions.level in ("fast", "lowp")
        staged = (conventions.staged or unsound) and f.name in HALVES
        return Arithmetic(
            dtype=f.name,
            param_dtype=parameters,
            u=f.narrower_u if conventions.level == "lowp" else FORMATS[f.accumulator].u,
            one_pass=unsound,
            u_stage=f.u if staged else 0.0,
            stage_floor=f.floor if staged else 0.0,
            gain_roundings=int(conventions.gain_is_one_plus_weight),
        )

    def weight(self, case: Case, conventions: Conventions) -> Array:
        """The gain that multiplies x_hat, exact in float64 but for a float64 1 + weight."""
        if case.weight is None:
            return np.ones(self.parameter_shape(case))
        return case.weight + 1.0 if conventions.gain_is_one_plus_weight else case.weight

    def bias(self, case: Case) -> Array:
        return np.zeros(self.parameter_shape(case)) if case.bias is None else case.bias

    def expected(self, case: Case, conventions: Conventions, name: str) -> Expected:
        """The truth and the bound of one output: y, dx, dweight, dbias, running_mean, ..."""
        part = "running" if name in self.updates else "backward" if name.startswith("d") else "forward"
        return _expected(self, case, conventions, part)[name]


@lru_cache(maxsize=16)
def _view(norm: Norm, case: Case, conventions: Conventions) -> View:
    """The same object for all bounds of a case, which share its statistics."""
    return norm.view(case, conventions)


@lru_cache(maxsize=1024)
def _expected(norm: Norm, case: Case, conventions: Conventions, part: str) -> dict[str, Expected]:
    arrays: dict[str, Any] = {
        "x": case.x,
        "dy": case.dy,
        "weight": norm.weight(case, conventions),
        "bias": norm.bias(case),
        "sublayer_output": case.sublayer_output,
        "running_mean": case.running_mean,
        "running_var": case.running_var,
    }
    if case.dtype == "float64" and conventions.internal == "float64":  # the truth must be better than what it judges
        arrays = {k: None if v is None else DoubleDouble(v) for k, v in arrays.items()}
        if conventions.gain_is_one_plus_weight and case.weight is not None:
            arrays["weight"] = DoubleDouble(case.weight) + 1.0
    arithmetic = norm.arithmetic(case, conventions)
    with np.errstate(all="ignore"):
        truth = getattr(norm, part)(case, arrays, conventions.eps(case))
        errors = getattr(norm, f"{part}_errors")(case, conventions)
    result = {}
    for name, value in truth.items():
        high, low = (value.high, value.low) if isinstance(value, DoubleDouble) else (value, np.zeros_like(value))
        dtype = arithmetic.dtype if name in ("y", "dx", "dsublayer_output") else arithmetic.param_dtype
        error = np.nan_to_num(errors[name].reshape(high.shape), nan=np.inf, posinf=np.inf)
        result[name] = Expected(high, low, bounds.allowed(high, error, dtype), dtype)
    return result


def split(size: int) -> tuple[int, int]:
    """Two different factors, as near to each other as can be: 48 -> (6, 8), 7 -> (1, 7), 64 -> (4, 16)."""
    small = next(d for d in range(math.isqrt(size), 0, -1) if size % d == 0 and (d * d != size or size == 1))
    return small, size // small


class RowNorm(Norm):
    """LayerNorm and RMSNorm: statistics over the trailing `normalized_ndim` dimensions."""

    def call(self, function: Callable[..., Any], case: Case, arrays: dict[str, Any]) -> Any:
        parameters = [arrays.get(name) for name in self.inputs if name in ("weight", "bias")]
        return function(arrays["x"], self.parameter_shape(case), *parameters, *self.eps_argument(case))

    def parameter_shape(self, case: Case) -> tuple[int, ...]:
        return case.x.shape[case.x.ndim - case.normalized_ndim :]

    def arrange(self, rows: Array) -> tuple[Array, dict[str, Any]]:
        return rows.reshape(*split(rows.shape[0]), rows.shape[1]), {}

    def view(self, case: Case, conventions: Conventions) -> View:
        first = case.x.ndim - case.normalized_ndim
        return View(
            case.x,
            case.dy,
            self.weight(case, conventions),
            self.bias(case),
            conventions.eps(case),
            tuple(range(first, case.x.ndim)),
            tuple(range(first)),
            center=self.center,
        )

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        x, _, weight, bias = self.flat(case, a)
        return self.unflat(case, y=layernorm.forward(x, weight, bias, eps))

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        x, dy, weight, _ = self.flat(case, a)
        dx, dweight, dbias = layernorm.backward(dy, x, weight, eps)
        return self.unflat(case, dx=dx, dweight=dweight, dbias=dbias)

    def flat(self, case: Case, a: dict[str, Any]) -> tuple[Any, ...]:
        """Several normalized dimensions as one, which is how the references state the norm."""
        n = math.prod(self.parameter_shape(case))
        rows = (*case.x.shape[: case.x.ndim - case.normalized_ndim], n)
        return a["x"].reshape(rows), a["dy"].reshape(rows), a["weight"].reshape(n), a["bias"].reshape(n)

    def unflat(self, case: Case, **outputs: Any) -> dict[str, Any]:
        shape = self.parameter_shape(case)
        return {k: v.reshape(shape if k in ("dweight", "dbias") else case.x.shape) for k, v in outputs.items()}


class RMSNorm(RowNorm):
    """LayerNorm without the mean and the bias."""

    inputs = ("x", "weight")
    center = False

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        x, _, weight, _ = self.flat(case, a)
        return self.unflat(case, y=rmsnorm.forward(x, weight, eps))

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        x, dy, weight, _ = self.flat(case, a)
        dx, dweight = rmsnorm.backward(dy, x, weight, eps)
        return self.unflat(case, dx=dx, dweight=dweight)


class DeepNorm(RowNorm):
    """LayerNorm of alpha * x + sublayer_output."""

    inputs = ("x", "sublayer_output", "weight", "bias")

    def call(self, function: Callable[..., Any], case: Case, arrays: dict[str, Any]) -> Any:
        return function(
            arrays["x"],
            arrays["sublayer_output"],
            case.alpha,
            self.parameter_shape(case),
            arrays.get("weight"),
            arrays.get("bias"),
            *self.eps_argument(case),
        )

    def arrange(self, rows: Array) -> tuple[Array, dict[str, Any]]:
        x, _ = super().arrange(rows)
        # The sublayer's output is the same rows turned by one: as far from zero, and as large, as x.
        return x, {"sublayer_output": np.roll(rows, 1, axis=1).reshape(x.shape), "alpha": 1.5}

    def view(self, case: Case, conventions: Conventions) -> View:
        assert case.sublayer_output is not None
        return replace(super().view(case, conventions), skip=(case.alpha, case.sublayer_output))

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        x, _, weight, bias = self.flat(case, a)
        f = a["sublayer_output"].reshape(x.shape)
        return self.unflat(case, y=deepnorm.forward(x, f, case.alpha, weight, bias, eps))

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        x, dy, weight, _ = self.flat(case, a)
        f = a["sublayer_output"].reshape(x.shape)
        dx, df, dweight, dbias = deepnorm.backward(dy, x, f, case.alpha, weight, eps)
        return self.unflat(case, dx=dx, dsublayer_output=df, dweight=dweight, dbias=dbias)

    def backward_errors(self, case: Case, conventions: Conventions) -> dict[str, Array]:
        errors = super().backward_errors(case, conventions)
        return {**errors, "dx": abs(case.alpha) * errors["dx"], "dsublayer_output": errors["dx"]}


class GroupNorm(Norm):
    """Statistics over each group of neighbouring channels of a sample."""

    def call(self, function: Callable[..., Any], case: Case, arrays: dict[str, Any]) -> Any:
        parameters = arrays.get("weight"), arrays.get("bias")
        return function(arrays["x"], case.num_groups, *parameters, *self.eps_argument(case))

    def groups(self, case: Case) -> int:
        return case.num_groups

    def arrange(self, rows: Array) -> tuple[Array, dict[str, Any]]:
        samples, groups = split(rows.shape[0])
        channels, positions = split(rows.shape[1])
        if channels == 1 and positions < 100:
            channels, positions = positions, channels
        return rows.reshape(samples, groups * channels, positions), {"num_groups": groups}

    def view(self, case: Case, conventions: Conventions) -> View:
        groups, (samples, channels) = self.groups(case), case.x.shape[:2]
        shape = (samples, groups, channels // groups, math.prod(case.x.shape[2:]))
        per_channel = (1, groups, channels // groups, 1)
        return View(
            case.x.reshape(shape),
            case.dy.reshape(shape),
            self.weight(case, conventions).reshape(per_channel),
            self.bias(case).reshape(per_channel),
            conventions.eps(case),
            (2, 3),
            (0, 3),
        )

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        return {"y": groupnorm.forward(a["x"], self.groups(case), a["weight"], a["bias"], eps)}

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        dx, dweight, dbias = groupnorm.backward(a["dy"], a["x"], self.groups(case), a["weight"], eps)
        return {"dx": dx, "dweight": dweight, "dbias": dbias}


class BatchNorm(Norm):
    """Statistics over each channel of the batch, or, in evaluation, those given."""

    updates = ("running_mean", "running_var")

    def call(self, function: Callable[..., Any], case: Case, arrays: dict[str, Any]) -> Any:
        return function(
            arrays["x"],
            arrays.get("running_mean"),
            arrays.get("running_var"),
            arrays.get("weight"),
            arrays.get("bias"),
            case.training,
            case.momentum,
            *self.eps_argument(case),
        )

    def arrange(self, rows: Array) -> tuple[Array, dict[str, Any]]:
        samples, positions = split(rows.shape[1])
        if samples == 1:
            return np.ascontiguousarray(rows.T), {}
        return np.ascontiguousarray(rows.reshape(rows.shape[0], samples, positions).swapaxes(0, 1)), {}

    def view(self, case: Case, conventions: Conventions) -> View:
        axes = batchnorm.batch_axes(case.x)

        def lifted(values: Array) -> Array:
            return batchnorm.per_channel(values, case.x)

        given = None
        if not case.training and case.running_mean is not None and case.running_var is not None:
            given = lifted(case.running_mean)[None], lifted(case.running_var)[None]
        parameters = lifted(self.weight(case, conventions)), lifted(self.bias(case))
        return View(case.x, case.dy, *parameters, conventions.eps(case), axes, axes, given=given)

    @staticmethod
    def given(case: Case, a: dict[str, Any]) -> tuple[Any, ...]:
        """The statistics that evaluation normalizes with."""
        return () if case.training else (a["running_mean"], a["running_var"])

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        return {"y": batchnorm.forward(a["x"], a["weight"], a["bias"], eps, *self.given(case, a))}

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        dx, dweight, dbias = batchnorm.backward(a["dy"], a["x"], a["weight"], eps, *self.given(case, a))
        return {"dx": dx, "dweight": dweight, "dbias": dbias}

    def running(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        updated = self.update(a["running_mean"], a["running_var"], a["x"], case.momentum)
        return dict(zip(self.updates, updated, strict=True))

    def update(self, running_mean: Any, running_var: Any, x: Any, momentum: float) -> tuple[Any, Any]:
        return batchnorm.update(running_mean, running_var, x, momentum)

    def values_per_statistic(self, case: Case) -> int:
        return case.x.size // case.x.shape[1]

    def expected(self, case: Case, conventions: Conventions, name: str) -> Expected:
        # Momentum and bias are the caller's and the store's affair: with momentum turned round, and n / (n - 1) taken
        # back, the reference's own update states the other conventions.
        if name not in self.updates:
            return super().expected(case, conventions, name)
        if conventions.old_momentum:
            case = _with_momentum(case, 1 - case.momentum)
        result = super().expected(case, conventions, name)
        if conventions.biased and name == "running_var":
            n = self.values_per_statistic(case)
            old = (1 - case.momentum) * np.asarray(case.running_var)
            value = old + (result.value - old + result.low) * (n - 1) / n
            return replace(result, value=value, low=np.zeros_like(value))
        return result

    def running_errors(self, case: Case, conventions: Conventions) -> dict[str, Array]:
        assert case.running_mean is not None
        assert case.running_var is not None
        view, n = replace(self.view(case, conventions), eps=0.0), self.values_per_statistic(case)
        old = self.lifted(case.running_mean, case), self.lifted(case.running_var, case)
        arithmetic = self.arithmetic(case, conventions)
        samples = self.averaged_over(case)
        errors = bounds.running(view, arithmetic, old, case.momentum, n / max(n - 1, 1), samples)
        return {name: self.reduced(error, case) for name, error in zip(self.updates, errors, strict=True)}

    def averaged_over(self, case: Case) -> int:
        """How many samples' running statistics are averaged."""
        return 1

    @staticmethod
    def lifted(values: Array, case: Case) -> Array:
        return batchnorm.per_channel(values, case.x)[None]

    @staticmethod
    def reduced(error: Array, case: Case) -> Array:
        return error.reshape(-1)


@lru_cache(maxsize=512)
def _with_momentum(case: Case, momentum: float) -> Case:
    return case.but(momentum=momentum)


class InstanceNorm(GroupNorm, BatchNorm):
    """A group norm with one channel a group, whose running statistics are batch norm's averaged over the samples."""

    inputs = ("x", "weight", "bias")
    updates = ("running_mean", "running_var")

    def call(self, function: Callable[..., Any], case: Case, arrays: dict[str, Any]) -> Any:
        return BatchNorm.call(self, function, case, arrays)

    def groups(self, case: Case) -> int:
        return case.x.shape[1]

    def arrange(self, rows: Array) -> tuple[Array, dict[str, Any]]:
        return rows.reshape(*split(rows.shape[0]), rows.shape[1]), {}

    def view(self, case: Case, conventions: Conventions) -> View:
        view = GroupNorm.view(self, case, conventions)
        if case.training or case.running_mean is None or case.running_var is None:
            return view
        per_channel = (1, case.x.shape[1], 1, 1)
        return replace(view, given=(case.running_mean.reshape(per_channel), case.running_var.reshape(per_channel)))

    def forward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        return (GroupNorm if case.training else BatchNorm).forward(self, case, a, eps)  # type: ignore[arg-type]

    def backward(self, case: Case, a: dict[str, Any], eps: float) -> dict[str, Any]:
        return (GroupNorm if case.training else BatchNorm).backward(self, case, a, eps)  # type: ignore[arg-type]

    def update(self, running_mean: Any, running_var: Any, x: Any, momentum: float) -> tuple[Any, Any]:
        return groupnorm.instance_update(running_mean, running_var, x, momentum)

    def values_per_statistic(self, case: Case) -> int:
        return math.prod(case.x.shape[2:])

    def averaged_over(self, case: Case) -> int:
        return case.x.shape[0]

    @staticmethod
    def lifted(values: Array, case: Case) -> Array:
        return values.reshape(1, -1, 1, 1)

    @staticmethod
    def reduced(error: Array, case: Case) -> Array:
        return error.mean(axis=0).reshape(-1)


NORMS: dict[str, Norm] = {
    norm.name: norm
    for norm in (
        RowNorm("layer_norm", "LayerNorm", 1e-5),
        RMSNorm("rms_norm", "RMSNorm", 1e-6),
        BatchNorm("batch_norm", "BatchNorm", 1e-5),
        GroupNorm("group_norm", "GroupNorm", 1e-5),
        InstanceNorm("instance_norm", "InstanceNorm", 1e-5),
        DeepNorm("deep_norm", "DeepNorm", 1e-5),
    )
}


def second_order(norm: Norm, case: Case, conventions: Conventions, v: Array) -> tuple[Array, Array]:
    """The gradient of sum(v * dx) with respect to x, and the error allowed on it in the accumulator's format.

    The truth is a central difference of the reference's own backward in double-double, extrapolated once
    (Richardson): with steps of 2^-20 of x's size its error is about 2^-70 of the result.
    """
    arrays = {
        "dy": DoubleDouble(case.dy),
        "weight": DoubleDouble(norm.weight(case, conventions)),
        "bias": DoubleDouble(norm.bias(case)),
        "sublayer_output": None if case.sublayer_output is None else DoubleDouble(case.sublayer_output),
    }

    def dx_along(step: float) -> Any:
        return norm.backward(case, {**arrays, "x": DoubleDouble(case.x) + v * step}, conventions.eps(case))["dx"]

    def difference(step: float) -> Any:
        return (dx_along(step) - dx_along(-step)) / (2 * step)

    truth = (difference(2.0**-21) * 4 - difference(2.0**-20)) / 3
    arithmetic, view = norm.arithmetic(case, conventions), norm.view(case, conventions)
    error = bounds.second_order(view, arithmetic, v.reshape(view.x.shape)).reshape(case.x.shape)
    error = error * (case.alpha**2 if case.sublayer_output is not None else 1.0)
    return truth.high, bounds.allowed(truth.high, error, arithmetic.dtype)
