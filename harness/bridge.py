"""torch tensors: how NumPy arrays become them and come back, their gradients, their memory layouts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch

LAYOUTS = ("transposed", "sliced", "row-padded", "offset", "channels-last")


def devices() -> list[str]:
    """Every device found: the CPU first."""
    found = ["cpu"]
    if torch.accelerator.is_available():
        accelerator = torch.accelerator.current_accelerator()
        if accelerator is not None:
            found.append(accelerator.type)
    return found


@cache
def supports(device: str, dtype: str) -> bool:
    """Whether the device has the dtype at all: Apple's GPUs have no float64. What torch does not know, it can't deny."""
    try:
        torch.zeros(1, dtype=getattr(torch, dtype), device=device)
    except TypeError:
        return False
    except RuntimeError:
        return True
    return True


def from_numpy(array: np.ndarray[Any, Any], dtype: str, device: str) -> torch.Tensor:
    """`array` (float64, exact in `dtype`) as a tensor."""
    return torch.tensor(array, dtype=getattr(torch, dtype), device=device)


def to_numpy(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """The tensor's values as float64, in memory of their own where a conversion is needed."""
    return tensor.detach().cpu().to(torch.float64).numpy()


class NoGradientError(NotImplementedError):
    """What autograd was to differentiate does not depend on its inputs, or was cut from them."""


def vjp(
    function: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor], dy: torch.Tensor
) -> tuple[torch.Tensor, Sequence[torch.Tensor | None]]:
    """y = function(*inputs), and the gradients of sum(dy * y); differentiable again where an input needs it."""
    again = any(t.requires_grad for t in inputs)
    leaves = [t if t.requires_grad else t.detach().requires_grad_() for t in inputs]
    y = function(*leaves)
    if not isinstance(y, torch.Tensor) or not y.requires_grad:
        raise NoGradientError("its output carries no gradient")
    if y.shape != dy.shape:
        raise ValueError(f"y has shape {tuple(y.shape)}, expected {tuple(dy.shape)}")
    gradients = torch.autograd.grad(y, leaves, dy.to(y.dtype), create_graph=again, allow_unused=True)
    return y.detach() if not again else y, gradients


def laid_out(tensor: torch.Tensor, layout: str) -> torch.Tensor | None:
    """The same values in other memory, NaN all around them; None where the layout does not exist for this shape."""
    shape = tensor.shape
    if layout == "transposed" and tensor.ndim >= 2:
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "sliced" and tensor.ndim >= 1:  # every other element of the last dimension
        memory = tensor.new_full((*shape[:-1], 2 * shape[-1]), float("nan"))
        return memory[..., ::2].copy_(tensor)
    if layout == "row-padded" and tensor.ndim >= 2:  # contiguous rows, further apart than they are long
        memory = tensor.new_full((*shape[:-1], shape[-1] + 3), float("nan"))
        return memory[..., : shape[-1]].copy_(tensor)
    if layout == "offset":  # contiguous, but not where an allocator would put it
        memory = tensor.new_full((tensor.numel() + 2,), float("nan"))
        return memory[1:-1].view(shape).copy_(tensor)
    if layout == "channels-last" and tensor.ndim in (4, 5):
        return tensor.contiguous(memory_format=torch.channels_last if tensor.ndim == 4 else torch.channels_last_3d)
    if layout == "expanded":  # one row (or sample) that stands for all: stride 0
        return tensor[:1].expand(shape)
    return None


def has_layout(dimensions: int, layout: str) -> bool:
    """Whether a tensor of so many dimensions can have it."""
    return laid_out(torch.zeros((1,) * dimensions), layout) is not None


def memory_overlaps(a: Any, b: Any) -> bool:
    """Whether two tensors share their storage."""
    return (
        isinstance(a, torch.Tensor)
        and isinstance(b, torch.Tensor)
        and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
        and a.numel() > 0
    )


def settings() -> tuple[Any, ...]:
    """torch's lasting settings."""
    return (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision())  # fmt: skip


def restore(saved: tuple[Any, ...]) -> None:
    """Puts torch's lasting settings back."""
    default, grad, threads, deterministic, precision = saved
    torch.set_default_dtype(default)
    torch.set_grad_enabled(grad)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    write_deterministic(deterministic)
    torch.set_float32_matmul_precision(precision)


def write_deterministic(on: bool) -> None:
    """torch's own function loads its compiler, which takes seconds, to tell it too."""
    if "torch._inductor.config" in sys.modules:
        torch.use_deterministic_algorithms(on)
    else:
        torch._C._set_deterministic_algorithms(on, warn_only=False)


@contextmanager
def kept() -> Iterator[None]:
    """Puts torch's lasting settings back as they were, whatever a call leaves behind."""
    saved = settings()
    try:
        yield
    finally:
        restore(saved)


def own_random_state() -> Any:
    """A context whose random numbers are not missing outside."""
    return torch.random.fork_rng(devices=[])


def grad_mode(enabled: bool | None) -> AbstractContextManager[Any]:
    """torch's grad mode on or off within; as it is, if None."""
    return nullcontext() if enabled is None else torch.set_grad_enabled(enabled)


def plain(raw: Any) -> Any:
    """A tensor of a subclass, whose methods may say anything, as the tensor that it is; all else as it is."""
    if not isinstance(raw, torch.Tensor) or type(raw) in (torch.Tensor, torch.nn.Parameter):
        return raw
    with torch._C.DisableTorchFunctionSubclass():
        return torch.Tensor.as_subclass(raw, torch.Tensor)
