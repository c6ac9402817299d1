"""Finding what `--impl` names, and calling it by the contract: functions as they are, torch modules wrapped."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from harness import PACKAGE, ROOT, bridge, install, part
from harness.boundary import ORIGINALS, owned, text_of
from harness.formats import FORMATS
from harness.norms import NORMS
from harness.text import one_line

ADAPTERS = ROOT / "adapters"


class NotFound(Exception):
    """`--impl` names nothing that can be held to the specs; the message says what is wrong and what there is."""

    def __init__(self, message: str):
        super().__init__(one_line(message, 1000))


@dataclass(frozen=True, eq=False)
class Implementation:
    """What is held to the specs: the norms that it offers, and the bridge to its arrays."""

    name: str
    version: str
    functions: dict[str, Callable[..., Any]]
    from_numpy: Callable[..., Any]
    to_numpy: Callable[..., Any]
    vjp: Callable[..., Any] | None
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    known_failures: dict[str, str]
    torch: bool  # its arrays are torch tensors, so that memory layouts can be tried
    process: Any = None  # where it is isolated, its `isolation.Process`
    replaced: tuple[str, ...] = ()  # functions of others that its import replaced; they are back

    def known_failure(self, clause: str, device: str, dtype: str) -> str | None:
        """The declared reason, if this clause is declared to fail here."""
        for key in (clause, f"{clause}[{dtype}]", f"{clause}[{device}]", f"{clause}[{device}-{dtype}]"):
            if key in self.known_failures:
                return key
        return None


def of_function(name: str, norm: str, function: Callable[..., Any]) -> Implementation:
    """A function on torch tensors, on the CPU and in every dtype, as an implementation of one norm."""
    bridges = bridge.from_numpy, bridge.to_numpy, bridge.vjp
    return Implementation(name, "", {norm: function}, *bridges, tuple(FORMATS), ("cpu",), {}, True)


def adapter_names() -> list[str]:
    """What `--impl` takes by a bare name."""
    return sorted(p.stem for p in ADAPTERS.glob("*.py") if not p.stem.startswith("_"))


def load(what: str, clause_ids: set[str]) -> Implementation:
    """The implementation that WHAT names.

    WHAT is an adapter's name (`jax`), a dotted module (`torch.nn.functional`), a file (`my_kernels.py`), or one norm
    alone (`rms_norm=package.module:Class`, `layer_norm=my_kernels.py:fused`). Raises NotFound.
    """
    try:
        return _found(what, clause_ids)
    except NotFound:
        raise
    except Exception as e:  # a module whose own __getattr__ raises, a class that has no signature
        raise NotFound(f"--impl {what}: it can't be read: {type(e).__name__}: {_one_line(e)}") from e


def _found(what: str, clause_ids: set[str]) -> Implementation:
    if not what.isprintable():
        raise NotFound(f"--impl {what!a}: expected a name without control characters")
    norm, _, target = what.partition("=") if re.match(r"\w+=", what) else ("", "", what)
    if norm:
        if norm not in NORMS:
            raise NotFound(f"--impl {what}: there is no norm {norm!r}; there are {', '.join(NORMS)}")
        path, _, attribute = target.rpartition(":")
        if not path or not attribute.isidentifier():
            raise NotFound(f"--impl {what}: expected {norm}=module:attribute or {norm}=file.py:attribute")
        module = _module(path, what)
        if not hasattr(module, attribute):
            raise NotFound(f"--impl {what}: {path} has no {attribute!r}{_similar(attribute, dir(module))}")
        functions = {norm: _function(norm, getattr(module, attribute), what)}
    else:
        module = _module(what, what)
        functions = {n: _function(n, getattr(module, n), what) for n in NORMS if hasattr(module, n)}
    if not functions and Path(what).parent.name == "exercises":
        raise NotFound(f"--impl {what}: exercises are held as a folder: --impl {Path(what).parent}")
    if not functions:
        raise NotFound(f"--impl {what}: it offers no norm; a norm is a function named {', '.join(NORMS)}")
    return _implementation(what, module, functions, clause_ids)


def _similar(name: str, names: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, [n for n in names if not n.startswith("_")], n=3)
    return f"; it has {', '.join(near)}" if near else ""


def _module(what: str, option: str) -> ModuleType:
    """The module of an adapter, a file or a dotted name; what it warns of while it is imported is its own affair."""
    with warnings.catch_warnings(action="ignore"):
        return _imported(what, option)


def _replaced() -> tuple[str, ...]:
    return tuple(name for originals in ORIGINALS for name in originals.put_back())


def _imported(what: str, option: str) -> ModuleType:
    path = Path(what)
    try:
        if what.endswith(".py"):
            if not path.is_file():
                raise NotFound(f"--impl {option}: there is no file {what}")
            if path.resolve().parent == ADAPTERS:  # by its name in the package: adapters/jax.py must not hide jax
                return part(f"adapters.{path.stem}")
            return from_file(path)
        if path.is_file() or not what:
            raise NotFound(
                f"--impl {option}: expected an adapter ({', '.join(adapter_names())}), a module or a .py file"
            )
        if what in adapter_names():
            return part(f"adapters.{what}")
        return part(what) if what.startswith("adapters.") else importlib.import_module(what)
    except NotFound:
        raise
    except SyntaxError as e:
        raise NotFound(f"--impl {option}: {e.filename}, line {e.lineno}: {e.msg}") from e
    except ImportError as e:
        absent = e.name if isinstance(e, ModuleNotFoundError) and e.name else ""
        if what not in adapter_names() and absent and (what + ".").startswith(absent + "."):
            adapters = ", ".join(adapter_names())
            raise NotFound(
                f"--impl {option}: no adapter, file or module is named {what}; the adapters are {adapters}"
            ) from e
        advice = f"; install it with: {install(what.replace('_', '-'))}" if what in adapter_names() else ""
        raise NotFound(f"--impl {option}: it can't be imported: {_one_line(e)}{advice}") from e
    except BaseException as e:
        _ = owned(e)  # a person's Ctrl-C goes on
        raise NotFound(f"--impl {option}: it can't be imported: {type(e).__name__}: {_one_line(e)}") from None


def _one_line(error: BaseException) -> str:
    return " ".join(text_of(error).split())[:300]


def from_file(path: Path) -> ModuleType:
    """A file as a module of its own; files beside it can be imported from it."""
    name = (
        path.stem
        if path.stem.isidentifier() and importlib.util.find_spec(path.stem) is None
        else f"normspec_{abs(hash(path.resolve()))}"
    )
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and Triton look their module up
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _implementation(
    what: str, module: ModuleType, functions: dict[str, Callable[..., Any]], clause_ids: set[str]
) -> Implementation:
    dtypes, devices = (
        _names(module, "DTYPES", tuple(FORMATS), what),
        _names(module, "DEVICES", tuple(bridge.devices()), what),
    )
    if unknown := [d for d in dtypes if d not in FORMATS]:
        raise NotFound(f"--impl {what}: DTYPES names {unknown[0]!r}; there are {', '.join(FORMATS)}")
    known_failures = getattr(module, "KNOWN_FAILURES", {})
    if not isinstance(known_failures, dict) or not all(isinstance(t, str) for kv in known_failures.items() for t in kv):
        raise NotFound(f'--impl {what}: KNOWN_FAILURES is no dict of reasons by clause, as {{"LN-12": "reason, link"}}')
    for key in known_failures:
        match = re.fullmatch(r"([A-Z]+-\d+)(?:\[([\w-]+)\])?", key)
        if match is None or match[1] not in clause_ids:
            near = _similar(key.split("[")[0], sorted(clause_ids)).replace("; it has", "; did you mean")
            raise NotFound(
                f"--impl {what}: KNOWN_FAILURES names an unknown clause {key!r}{near} (--explain lists them)"
            )
        parts = set(match[2].split("-")) if match[2] else set()
        if unknown_part := parts - set(FORMATS) - {"cpu", "cuda", "xpu", "mps"} - set(devices):
            raise NotFound(
                f"--impl {what}: KNOWN_FAILURES names {key!r}, where {sorted(unknown_part)[0]!r} is neither a dtype "
                f"({', '.join(FORMATS)}) nor a device"
            )
    return Implementation(
        name=what,
        version=_version(module),
        functions=functions,
        from_numpy=getattr(module, "from_numpy", bridge.from_numpy),
        to_numpy=getattr(module, "to_numpy", bridge.to_numpy),
        vjp=getattr(module, "vjp", bridge.vjp if _makes_tensors(module, dtypes, devices) else None),
        dtypes=dtypes,
        devices=devices,
        known_failures=known_failures,
        torch=not hasattr(module, "from_numpy"),
        replaced=_replaced(),
    )


def _names(module: ModuleType, name: str, default: tuple[str, ...], what: str) -> tuple[str, ...]:
    """What DTYPES or DEVICES names."""
    given = getattr(module, name, default)
    named = isinstance(given, tuple | list | set | frozenset) and all(type(g) is str and g.isprintable() for g in given)
    if not named or not all(given) or not given:
        raise NotFound(f"--impl {what}: {name} is {given!r}, expected some names, as {default}")
    return tuple(given)


def _makes_tensors(module: ModuleType, dtypes: tuple[str, ...], devices: tuple[str, ...]) -> bool:
    """Whether its arrays are torch tensors, which autograd can differentiate."""
    if not hasattr(module, "from_numpy"):
        return True
    try:
        return isinstance(module.from_numpy(np.zeros(1), dtypes[0], devices[0]), torch.Tensor)
    except Exception:  # the tests that call it will say what is wrong
        return True


def _version(module: ModuleType) -> str:
    """The version of the package that the module belongs to, or, for an adapter, of the one that it adapts."""
    package, *inner = module.__name__.removeprefix(PACKAGE).split(".")
    if package == "adapters":
        package = getattr(module, "PACKAGE", inner[0])
    version = getattr(module, "__version__", None) or getattr(sys.modules.get(package), "__version__", None)
    try:
        return one_line(str(version or importlib.metadata.version(package)))
    except Exception:  # no such package, or a version of another kind than text
        return ""


# -- classes ------------------------------------------------------------------------------------------------------------

EPS_NAMES = ("eps", "epsilon", "variance_epsilon", "norm_eps", "layer_norm_eps", "rms_norm_eps")


def _function(norm: str, found: Any, what: str) -> Callable[..., Any]:
    """A function as it is; a torch module class as a function of the contract's signature."""
    if not isinstance(found, type):
        if not callable(found):
            raise NotFound(f"--impl {what}: {norm} is {type(found).__name__}, neither a function nor a class")
        return found
    if not issubclass(found, torch.nn.Module):
        raise NotFound(f"--impl {what}: {found.__name__} is a class, but no torch.nn.Module; give a function instead")
    return _wrapped(norm, found)


def _wrapped(norm: str, cls: Any) -> Callable[..., Any]:
    """A module class, built anew for each call with the shape and eps, its weight, bias and buffers those given."""
    parameters = inspect.signature(cls).parameters
    accepts_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def build(*shape: Any, eps: float | None, affine: bool, bias: bool, **options: Any) -> Any:
        keywords = {name: value for name, value in options.items() if name in parameters}
        if eps is not None:
            name = next((n for n in EPS_NAMES if n in parameters), "eps" if accepts_any else None)
            if name is None:
                raise NotImplementedError(f"{cls.__name__} takes no eps")
            keywords[name] = eps
        if not affine:
            name = next((n for n in ("elementwise_affine", "affine", "with_scale") if n in parameters), None)
            if name is None:
                raise NotImplementedError(f"{cls.__name__} always has a weight")
            keywords[name] = False
        elif "affine" in parameters:
            keywords["affine"] = True
        elif not bias and "bias" in parameters:
            keywords["bias"] = False
        return cls(*shape, **keywords)

    def apply(module: Any, tensors: dict[str, Any], buffers: dict[str, Any], *inputs: Any) -> Any:
        x = inputs[0]
        own = {name for name, _ in module.named_parameters()}
        given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        if own != set(given):
            raise NotImplementedError(f"{cls.__name__} has {sorted(own) or 'no parameters'}, not {sorted(given)}")
        module = module.to(device=x.device, dtype=next(iter(given.values()), x).dtype)
        return torch.func.functional_call(
            module, {**given, **{k: v for k, v in buffers.items() if v is not None}}, inputs
        )

    def trailing(shape: tuple[int, ...]) -> Any:
        if "normalized_shape" in parameters:
            return shape
        if len(shape) > 1:
            raise NotImplementedError(f"{cls.__name__} normalizes the last dimension only")
        return shape[0]

    def layer_norm(
        x: Any, shape: tuple[int, ...], weight: Any = None, bias: Any = None, eps: float | None = None
    ) -> Any:
        module = build(trailing(shape), eps=eps, affine=weight is not None, bias=bias is not None)
        return apply(module, {"weight": weight, "bias": bias}, {}, x)

    def rms_norm(x: Any, shape: tuple[int, ...], weight: Any = None, eps: float | None = None) -> Any:
        return layer_norm(x, shape, weight, None, eps)

    def deep_norm(x: Any, f: Any, alpha: float, shape: tuple[int, ...], weight: Any = None, bias: Any = None, eps: float | None = None) -> Any:  # fmt: skip
        if "alpha" not in parameters:
            raise NotImplementedError(f"{cls.__name__} takes no alpha")
        module = build(trailing(shape), eps=eps, affine=weight is not None, bias=bias is not None, alpha=alpha)
        return apply(module, {"weight": weight, "bias": bias}, {}, x, f)

    def group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float | None = None) -> Any:
        module = build(groups, x.shape[1], eps=eps, affine=weight is not None, bias=bias is not None)
        return apply(module, {"weight": weight, "bias": bias}, {}, x)

    def running(x: Any, mean: Any, var: Any, weight: Any, bias: Any, training: bool, momentum: float, eps: float | None) -> Any:  # fmt: skip
        options = {"momentum": momentum, "track_running_stats": mean is not None}
        module = build(x.shape[1], eps=eps, affine=weight is not None, bias=bias is not None, **options)
        module.train(training)
        return apply(module, {"weight": weight, "bias": bias}, {"running_mean": mean, "running_var": var}, x)

    def batch_norm(x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None, training: bool = False, momentum: float = 0.1, eps: float | None = None) -> Any:  # fmt: skip
        return running(x, mean, var, weight, bias, training, momentum, eps)

    def instance_norm(x: Any, mean: Any = None, var: Any = None, weight: Any = None, bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float | None = None) -> Any:  # fmt: skip
        return running(x, mean, var, weight, bias, use_input_stats, momentum, eps)

    return {f.__name__: f for f in (layer_norm, rms_norm, deep_norm, group_norm, batch_norm, instance_norm)}[norm]
