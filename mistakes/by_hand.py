"""The numbers of a hint: the smallest of a few examples on which a mistake and its norm differ, computed, not remembered."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from mistakes.steps import NORMS

Norm = Callable[..., Tensor]


def _t(values: Any, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(values, dtype=dtype)


ROWS = [
    {"x": [[1.0, 3.0]], "eps": 0.0},
    {"x": [[2.0, 3.0, 5.0, 1.0, 4.0]], "eps": 0.0},
    {"x": [[1.0, 3.0]], "weight": [2.0, 3.0], "bias": [10.0, 20.0], "eps": 0.0},
    {"x": [[1.0, 3.0]], "weight": [0.0, -1.0], "bias": [10.0, 20.0], "eps": 0.0},
    {"x": [[1.0, 3.0]], "bias": [10.0, 20.0], "eps": 0.0},
    {"x": [[1.0, 3.0]], "weight": [2.0, 3.0], "eps": 0.0},
    {"x": [[0.001, -0.001]], "eps": 1e-5},
    {"x": [[3.0, 5.0]], "eps": 3.0},
    {"x": [[1.0, 3.0], [2.0, 6.0]], "eps": 0.0},
    {"x": [[1.0, 3.0], [2.0, 6.0], [5.0, 9.0]], "eps": 0.0},
    {"x": [[[1.0, 3.0], [2.0, 6.0]], [[1.0, 5.0], [9.0, 3.0]]], "eps": 0.0},
    {"x": [[[1.0, 3.0], [2.0, 8.0]]], "shape": (2, 2), "eps": 0.0},
    {"x": [[7.0, 7.0]], "eps": 1e-5},
    {"x": [[0.0, 0.0]], "eps": 1e-5},
    {"x": [[1.0, 30.0]], "eps": 0.0},
    {"x": [[0.0] * 15 + [16.0]], "eps": 0.0},
    {"x": [[0.0] * 16 + [17.0]], "eps": 0.0},
    {"x": [[1.0, float("nan"), 3.0]], "eps": 1e-5},
    {"x": [[1.0, float("inf"), 3.0]], "eps": 1e-5},
    {"x": [[-2.0]], "eps": 1e-5},
    {"x": [[1e6]], "dtype": torch.float32, "eps": 1e-5},
    {"x": [[10000.0, 10001.0, 10002.0]], "dtype": torch.float32, "eps": 1e-5},
    {"x": [[300.0, -300.0]], "dtype": torch.float16, "eps": 1e-5},
    {"x": [[1000.0, 1003.0, 1009.0]], "dtype": torch.float16, "eps": 1e-5},
    {"x": [[1.0, 2.0, 5.0]], "dtype": torch.float16, "eps": 1e-5},
    {"x": [[2.0, 3.0, 5.0, 1.0, 4.0]], "dy": [[1.0, 0.0, 0.0, 0.0, 0.0]], "eps": 0.0},
    {"x": [[2.0, 3.0, 5.0, 1.0, 4.0]], "weight": [1.0, 2.0, 3.0, 4.0, 5.0], "dy": [[1.0, 0.0, 2.0, 0.0, 0.0]], "eps": 0.0},
    {"x": [[1.0, 3.0], [2.0, 8.0]], "weight": [2.0, 3.0], "bias": [10.0, 20.0], "dy": [[1.0, 2.0], [3.0, 5.0]], "eps": 0.0},
    {"x": [[1.0, 3.0, 8.0]] * 5, "weight": [1.0] * 3, "bias": [0.0] * 3, "dy": [[1.0, 2.0, 4.0]] * 5, "eps": 0.0},
    {"x": [[0.001, -0.001, 0.003]], "dy": [[1.0, 0.0, 0.0]], "eps": 1e-6},
    {"x": [[0.01, -0.01, 0.03]], "dy": [[1.0, 0.0, 0.0]], "eps": 1e-3},
]  # fmt: skip


def _row_call(norm: str, e: dict[str, Any]) -> dict[str, Any]:
    """An example of rows as a call of the norm: each row a set of values with statistics of its own."""
    dtype = e.get("dtype", torch.float64)
    x = _t(e["x"], dtype)
    given: dict[str, Any] = {name: _t(e[name], dtype) for name in ("weight", "bias") if name in e}
    dy = _t(e["dy"], dtype) if "dy" in e else None
    if norm in ("batch_norm", "instance_norm", "group_norm") and x.ndim == 2:
        if norm == "batch_norm":
            x, dy = x.T.contiguous(), None if dy is None else dy.T.contiguous()
        elif norm == "instance_norm":
            x, dy = x[None], None if dy is None else dy[None]
        else:
            x, dy = x[..., None], None if dy is None else dy[..., None]
        size = x.shape[1]
        given = {k: v[:size] if v.numel() >= size else v.new_ones(size) for k, v in given.items()}
    return {"norm": norm, "x": x, "dy": dy, "eps": e["eps"], "shape": e.get("shape"), **given}


def _calls(norm: str) -> Iterator[dict[str, Any]]:
    yield from _own_calls(norm)
    if norm == "deep_norm":
        return
    for e in ROWS:
        if norm == "rms_norm" and "bias" in e and "weight" not in e:
            continue
        yield _row_call(norm, {k: v for k, v in e.items() if norm != "rms_norm" or k != "bias"})


def _own_calls(norm: str) -> Iterator[dict[str, Any]]:
    if norm == "group_norm":
        yield {"norm": norm, "x": _t([[[1.0], [3.0], [10.0], [30.0]]]), "groups": 2, "eps": 0.0}
        yield {
            "norm": norm,
            "x": _t([[[1.0], [3.0], [10.0], [30.0]]]),
            "groups": 2,
            "eps": 0.0,
            "weight": _t([1.0, 2.0, 3.0, 4.0]),
        }
        yield {"norm": norm, "x": _t([[[1.0, 3.0]] * 6]), "groups": 2, "eps": 0.0, "dy": _t([[[1.0, 2.0]] * 6])}
    if norm in ("batch_norm", "instance_norm"):
        x = _t([[[1.0, 3.0]], [[2.0, 8.0]]])
        for training in (True, False):
            yield {"norm": norm, "x": x, "eps": 0.0, "training": training, "running": (0.0, 4.0)}
        yield {
            "norm": norm,
            "x": x,
            "eps": 0.0,
            "training": False,
            "running": (0.0, 4.0),
            "dy": _t([[[1.0, 0.0]], [[0.0, 2.0]]]),
        }
    if norm == "deep_norm":
        x, f = _t([[2.0, 3.0, 5.0, 1.0, 4.0]]), _t([[1.0, -1.0, 0.0, 2.0, -2.0]])
        plain = {"norm": norm, "x": x, "sublayer_output": f, "alpha": 2.0, "eps": 0.0}
        for alpha in (2.0, 2.5, -1.5):
            yield {**plain, "alpha": alpha}
        w, b = _t([1.0, 2.0, 3.0, -4.0, 0.0]), _t([1.0, 0.0, 2.0, 0.0, 0.0])
        yield {**plain, "weight": w, "bias": b}
        yield {**plain, "bias": b}
        yield {**plain, "weight": w}
        yield {**plain, "x": 1e-3 * x, "sublayer_output": 1e-3 * f, "eps": 1e-5}
        yield {**plain, "eps": 3.0}
        yield {**plain, "x": _t([[1.0, 3.0], [2.0, 6.0]]), "sublayer_output": _t([[3.0, 0.0], [1.0, 1.0]])}
        yield {**plain, "weight": w, "bias": b, "dy": _t([[1.0, 0.0, 2.0, 0.0, 0.0]])}
        yield {
            "norm": norm,
            "x": x,
            "sublayer_output": f,
            "alpha": 2.0,
            "eps": 0.0,
            "dy": _t([[1.0, 0.0, 0.0, 0.0, 0.0]]),
        }


@contextlib.contextmanager
def _unchanged() -> Iterator[None]:
    """Some mistakes leave torch's settings changed."""
    default, threads = torch.get_default_dtype(), torch.get_num_threads()
    with torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_default_dtype(default)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def _result(function: Norm, call: dict[str, Any]) -> dict[str, Tensor]:
    """y, the gradients where there is a dy, and the running statistics where there are any."""
    norm, x, eps = call["norm"], call["x"].clone(), call["eps"]
    weight, bias = (None if call.get(k) is None else call[k].clone() for k in ("weight", "bias"))
    leaves = {"x": x, "weight": weight, "bias": bias}
    running: dict[str, Tensor] = {}
    f = call.get("sublayer_output", torch.zeros_like(x)).clone()
    if norm == "deep_norm":
        leaves["sublayer_output"] = f
    if call.get("dy") is not None:
        for leaf in leaves.values():
            if leaf is not None:
                leaf.requires_grad_()
    shape = call.get("shape") or tuple(x.shape[-1:])
    if norm == "layer_norm":
        y = function(x, shape, weight, bias, eps)
    elif norm == "rms_norm":
        y = function(x, shape, weight, eps)
    elif norm == "deep_norm":
        y = function(x, f, call.get("alpha", 1.0), shape, weight, bias, eps)
    elif norm == "group_norm":
        y = function(x, call.get("groups", 1), weight, bias, eps)
    else:
        if "running" in call:
            running = {
                name: torch.full(x.shape[1:2], value, dtype=x.dtype)
                for name, value in zip(("running_mean", "running_var"), call["running"], strict=True)
            }
        y = function(
            x,
            running.get("running_mean"),
            running.get("running_var"),
            weight,
            bias,
            call.get("training", True),
            0.25,
            eps,
        )
    result = {"y": y.detach(), **running}
    if call.get("dy") is not None:
        inputs = {k: v for k, v in leaves.items() if v is not None}
        gradients = torch.autograd.grad(y, list(inputs.values()), call["dy"].to(y.dtype), allow_unused=True)
        result |= {f"d{k}": g for k, g in zip(inputs, gradients, strict=True) if g is not None}
    return result


def _shown(t: Tensor) -> str:
    def text(v: Any) -> str:
        if isinstance(v, list):
            return "[" + ", ".join(map(text, v)) + "]"
        return f"{0.0 if abs(v) < 1e-12 else v:.5g}"

    return text(t.tolist())


def numbers(norm: str, mistaken: Callable[[], Norm]) -> str:
    """`x = [[1, 3]], eps = 0: y = [[-1, 1]], not [[-0.7071, 0.7071]]`; empty where no example shows the mistake.

    An example on which the wrong values are finite is better than one on which they are not.
    """
    found = ""
    for call in _calls(norm):
        try:
            with _unchanged():
                right, wrong = _result(lambda *a: NORMS[norm](*a)(), call), _result(mistaken(), call)
        except (RuntimeError, ValueError, ZeroDivisionError, IndexError):  # an example that the norm has no answer to
            continue
        for name in sorted(right, key=lambda n: (n == "y" and call.get("dy") is not None, n)):
            if name in wrong and right[name].shape == wrong[name].shape and _differ(call, right[name], wrong[name]):
                text = f"{_given(call)}: {name} = {_shown(right[name])}, not {_shown(wrong[name])}"
                if bool(wrong[name].isfinite().all()):
                    return text
                found = found or text
    return found


def _differ(call: dict[str, Any], right: Tensor, wrong: Tensor) -> bool:
    one, other = right.double(), wrong.double()
    if bool(call["x"].isfinite().all()) and not bool(one.isfinite().all()):
        return False  # 0 / 0: nothing to compare with
    limit = float(1e-3 * one.abs().nan_to_num(0, 0, 0).max() + 1e-6)
    return not bool(torch.isclose(one, other, rtol=0, atol=limit, equal_nan=True).all())


def _given(call: dict[str, Any]) -> str:
    """The arguments of an example."""
    names = ("x", "sublayer_output", "weight", "bias", "dy")
    parts = [f"{k} = {_shown(call[k])}" for k in names if call.get(k) is not None]
    parts += [f"normalized_shape = {call['shape']}"] if call.get("shape") else []
    parts += [f"num_groups = {call.get('groups', 1)}"] if call["norm"] == "group_norm" else []
    parts += [f"alpha = {call['alpha']:g}"] if call["norm"] == "deep_norm" else []
    if "running" in call:
        parts.append(f"running mean {call['running'][0]:g} and variance {call['running'][1]:g}, momentum 0.25")
        parts += [] if call["training"] else ["in evaluation"]
    kind = "" if call["x"].dtype == torch.float64 else f" in {str(call['x'].dtype).removeprefix('torch.')}"
    return ", ".join([*parts, f"eps = {call['eps']:g}{kind}"])
