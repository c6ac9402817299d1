"""What `--impl` takes is loaded as its author means it: a file, a module, a class, and what they declare."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.nn import functional

import adapters.reference
from harness import ROOT, bridge, families
from harness.clauses import all_clauses
from harness.comparison import Violation
from harness.formats import FORMATS
from harness.implementations import ADAPTERS, Implementation, NotFound, adapter_names, load, of_function
from harness.subject import Subject

CLAUSES = {"LN-3", "LN-12", "RM-7"}
CLASSES = '''
import torch


class Rows(torch.nn.Module):
    """As in language models: the last dimension alone, always with a weight, and an eps of another name."""

    def __init__(self, hidden_size, variance_epsilon=1e-6):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(hidden_size))
        self.variance_epsilon = variance_epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.variance_epsilon) * self.weight


class Fixed(torch.nn.Module):
    """Of one size and one eps."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return torch.nn.functional.layer_norm(x, (self.size,), None, None, 0.25)


class Scaled(torch.nn.Module):
    """With a switch for the weight that no other has, and options by keyword."""

    def __init__(self, n, with_scale=True, bias=True, **options):
        super().__init__()
        self.eps = options.get("eps", 1e-5)
        if with_scale:
            self.weight = torch.nn.Parameter(torch.zeros(n))
            if bias:
                self.bias = torch.nn.Parameter(torch.zeros(n))

    def forward(self, x):
        weight, bias = getattr(self, "weight", None), getattr(self, "bias", None)
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, self.eps)


class Deep(torch.nn.LayerNorm):
    """A skip path scaled up."""

    def __init__(self, normalized_shape, alpha=1.0, bias=True, **options):
        super().__init__(normalized_shape, bias=bias, **options)
        self.alpha = alpha

    def forward(self, x, f):
        return super().forward(self.alpha * x + f)
'''


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path) -> Iterator[None]:
    """No test finds what another has loaded."""
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def _file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def _declared(folder: Path, **declarations: Any) -> Implementation:
    """A LayerNorm with these names beside it."""
    lines = [f"{name} = {value!r}\n" for name, value in declarations.items()]
    return load(_file(folder, "declares.py", "from torch.nn.functional import layer_norm\n" + "".join(lines)), CLAUSES)


def _tensors(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.rand(shape, dtype=torch.float64) + 0.5 for shape in shapes]


# -- what is found ------------------------------------------------------------------------------------------------------


def test_adapters_are_what_stands_in_their_folder() -> None:
    """By name, in order, without the files whose names begin with an underscore."""
    assert adapter_names() == sorted(p.stem for p in ADAPTERS.iterdir() if p.suffix == ".py" and p.name[0] != "_")
    assert "torch" in adapter_names()


def test_a_module_is_loaded_with_the_norms_that_it_has() -> None:
    """Functions as they are, torch's bridge, all dtypes and devices, and torch's version."""
    loaded = load("torch.nn.functional", CLAUSES)

    assert loaded.functions["layer_norm"] is functional.layer_norm
    assert set(loaded.functions) == {"layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm"}
    assert (loaded.name, loaded.version, loaded.torch) == ("torch.nn.functional", torch.__version__, True)
    assert (loaded.from_numpy, loaded.to_numpy, loaded.vjp) == (bridge.from_numpy, bridge.to_numpy, bridge.vjp)
    assert (loaded.dtypes, loaded.devices, loaded.known_failures) == (tuple(FORMATS), tuple(bridge.devices()), {})


def test_what_a_module_declares_is_taken() -> None:
    """Its bridge, its devices and known failures; arrays that are no torch tensors."""
    loaded = load("reference", set(all_clauses()))
    module = sys.modules["adapters.reference"]

    assert (loaded.from_numpy, loaded.to_numpy, loaded.vjp) == (module.from_numpy, module.to_numpy, module.vjp)
    assert (loaded.devices, loaded.known_failures) == (tuple(module.DEVICES), module.KNOWN_FAILURES)
    assert not loaded.torch


@pytest.mark.parametrize("what", ["torch", str(ADAPTERS / "torch.py")])
def test_an_adapter_is_one_by_its_name_and_by_its_file(what: str) -> None:
    """It hides no package of its name, and its version is the package's."""
    loaded = load(what, set(all_clauses()))

    assert loaded.known_failures is sys.modules["adapters.torch"].KNOWN_FAILURES
    assert loaded.version == torch.__version__
    assert sys.modules["torch"] is torch


def test_a_file_imports_what_stands_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before what has that name elsewhere; it is a module of its own name, and the path is left as it was."""
    _file(tmp_path, "beside_the_file.py", "from torch.nn.functional import layer_norm\n")
    monkeypatch.syspath_prepend(Path(_file(tmp_path / "elsewhere", "beside_the_file.py", "")).parent)
    before = list(sys.path)

    loaded = load(_file(tmp_path, "my_own_kernels.py", "from beside_the_file import layer_norm\n"), CLAUSES)

    assert loaded.functions == {"layer_norm": functional.layer_norm}
    assert sys.modules["my_own_kernels"].layer_norm is functional.layer_norm
    assert sys.path == before


@pytest.mark.parametrize("name", ["torch.py", "json.py", "my-kernels.py"])
def test_a_file_hides_no_module(tmp_path: Path, name: str) -> None:
    """One of another module's name, or of none that can be imported, gets a name that is no other's."""
    known = {module: sys.modules.get(module) for module in ("torch", "json", "my-kernels")}

    loaded = load(_file(tmp_path, name, "def layer_norm(x, shape):\n    return x\n"), CLAUSES)

    assert re.fullmatch(r"normspec_\d+", loaded.functions["layer_norm"].__module__)
    assert {module: sys.modules.get(module) for module in known} == known
    assert loaded.version == ""


def test_two_files_of_one_name_are_two(tmp_path: Path) -> None:
    """Each keeps its own functions."""
    text = "def layer_norm(x, shape):\n    return {}\n"
    one, two = (_file(tmp_path / str(k), "my-kernels.py", text.format(k)) for k in (1, 2))

    functions = [load(what, CLAUSES).functions["layer_norm"] for what in (one, two)]

    assert [function(None, None) for function in functions] == [1, 2]
    assert functions[0].__module__ != functions[1].__module__


def test_one_norm_of_a_file_or_a_module(tmp_path: Path) -> None:
    """By its attribute, whatever its name and whatever else stands there."""
    path = _file(tmp_path, "two_norms.py", "from torch.nn.functional import layer_norm, rms_norm\nmine = rms_norm\n")

    of_a_file, of_a_module = (
        load(f"rms_norm={path}:mine", CLAUSES),
        load("rms_norm=torch.nn.functional:rms_norm", CLAUSES),
    )

    assert of_a_file.functions == {"rms_norm": functional.rms_norm}
    assert of_a_module.functions == {"rms_norm": functional.rms_norm}
    assert of_a_file.name == f"rms_norm={path}:mine"


@pytest.mark.parametrize(
    ("declared", "version"),
    [({"__version__": "1.2"}, "1.2"), ({}, "")],
    ids=["its own", "none"],
)
def test_the_version_is_the_module_s(tmp_path: Path, declared: dict[str, str], version: str) -> None:
    """A file that says none has none."""
    assert _declared(tmp_path, **declared).version == version


def test_the_version_is_that_of_the_module_or_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's own before the package's."""
    package, module = ModuleType("quux"), ModuleType("quux.kernels")
    package.__version__, module.layer_norm = "3.4", functional.layer_norm  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "quux", package)
    monkeypatch.setitem(sys.modules, "quux.kernels", module)

    assert load("quux.kernels", CLAUSES).version == "3.4"

    module.__version__ = "5.6"  # type: ignore[attr-defined]
    assert load("quux.kernels", CLAUSES).version == "5.6"


def test_the_version_of_an_adapter_is_that_of_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named as the adapter is, or by PACKAGE; asked of the installation where the package does not say."""
    adapter = ModuleType("adapters.pytest")
    adapter.layer_norm = functional.layer_norm  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "adapters.pytest", adapter)

    assert load("adapters.pytest", CLAUSES).version == pytest.__version__

    adapter.PACKAGE = "torch"  # type: ignore[attr-defined]
    assert load("adapters.pytest", CLAUSES).version == torch.__version__

    adapter.PACKAGE = "pluggy"  # type: ignore[attr-defined]
    assert load("adapters.pytest", CLAUSES).version == importlib.metadata.version("pluggy")


# -- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("", "--impl : expected an adapter (ADAPTERS), a module or a .py file"),
        ("FOLDER/notes.txt", "--impl FOLDER/notes.txt: expected an adapter (ADAPTERS), a module or a .py file"),
        ("FOLDER/nothing.py", "--impl FOLDER/nothing.py: there is no file FOLDER/nothing.py"),
        ("no_package.a.b", "--impl no_package.a.b: no adapter, file or module is named no_package.a.b; the adapters are ADAPTERS"),
        ("torch.nothing", "--impl torch.nothing: no adapter, file or module is named torch.nothing; the adapters are ADAPTERS"),
        ("FOLDER/lacks.py", "--impl FOLDER/lacks.py: it can't be imported: No module named 'no_package'"),
        ("FOLDER/loose.py", "--impl FOLDER/loose.py: it can't be imported: no GPU found"),
        ("FOLDER/leaves.py", "--impl FOLDER/leaves.py: it can't be imported: SystemExit: 3"),
        ("FOLDER/long.py", f"--impl FOLDER/long.py: it can't be imported: ValueError: {'a b ' * 75}"),
        ("FOLDER/typo.py", "--impl FOLDER/typo.py: FOLDER/typo.py, line 2: invalid syntax"),
        ("rms_norm=torch.nn:", "--impl rms_norm=torch.nn:: expected rms_norm=module:attribute or rms_norm=file.py:attribute"),
        ("rms_norm=:RMSNorm", "--impl rms_norm=:RMSNorm: expected rms_norm=module:attribute or rms_norm=file.py:attribute"),
        ("rms_norm=torch:nn.RMSNorm", "--impl rms_norm=torch:nn.RMSNorm: expected rms_norm=module:attribute or rms_norm=file.py:attribute"),
        ("rms_norm=torch.nn:RMSNrom", "--impl rms_norm=torch.nn:RMSNrom: torch.nn has no 'RMSNrom'; it has RMSNorm"),
        ("batch_norm=torch.nn:BatchNorm4d", "--impl batch_norm=torch.nn:BatchNorm4d: torch.nn has no 'BatchNorm4d'; it has BatchNorm3d, BatchNorm2d, BatchNorm1d"),
        ("rms_norm=FOLDER/hides.py:hiden", "--impl rms_norm=FOLDER/hides.py:hiden: FOLDER/hides.py has no 'hiden'"),
    ],
)  # fmt: skip
def test_what_can_t_be_loaded_is_said(tmp_path: Path, what: str, message: str) -> None:
    """In one line: what was asked for, what is wrong, what there is."""
    _file(tmp_path, "notes.txt", "")
    _file(tmp_path, "lacks.py", "import no_package\n")
    _file(tmp_path, "loose.py", "raise ImportError('no GPU\\n   found')\n")
    _file(tmp_path, "leaves.py", "raise SystemExit(3)\n")
    _file(tmp_path, "long.py", "raise ValueError('a b ' * 100)\n")
    _file(tmp_path, "typo.py", "\nx = = 1\n")
    _file(tmp_path, "hides.py", "_hidden = 1\n")
    said = message.replace("FOLDER", str(tmp_path)).replace("ADAPTERS", ", ".join(adapter_names()))

    with pytest.raises(NotFound) as caught:
        load(what.replace("FOLDER", str(tmp_path)), CLAUSES)

    assert str(caught.value).strip() == said.strip()
    assert str(tmp_path) not in sys.path


def test_an_adapter_whose_package_is_absent_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra of its name."""
    monkeypatch.delitem(sys.modules, "adapters.jax", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)

    with pytest.raises(
        NotFound, match=r"^--impl jax: it can't be imported: .*; install it with: pip install '\.\[jax\]'$"
    ):
        load("jax", CLAUSES)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"DTYPES": ("float32", "float8")}, f"DTYPES names 'float8'; there are {', '.join(FORMATS)}"),
        ({"KNOWN_FAILURES": ["LN-3"]}, "KNOWN_FAILURES is no dict of reasons by clause"),
        ({"KNOWN_FAILURES": {"LN-3": 1}}, "KNOWN_FAILURES is no dict of reasons by clause"),
        ({"KNOWN_FAILURES": {3: "a"}}, "KNOWN_FAILURES is no dict of reasons by clause"),
        ({"KNOWN_FAILURES": {"LN-13": "a"}}, "unknown clause 'LN-13'; did you mean LN-3, LN-12 (--explain lists them)"),
        ({"KNOWN_FAILURES": {"LN-3[": "a"}}, "unknown clause 'LN-3['; did you mean LN-3, LN-12 (--explain lists them)"),
        ({"KNOWN_FAILURES": {"LN-3[a]b": "a"}}, "unknown clause 'LN-3[a]b'; did you mean LN-3, LN-12 (--explain"),
        ({"KNOWN_FAILURES": {"QUUX": "a"}}, "unknown clause 'QUUX' (--explain lists them)"),
        ({"KNOWN_FAILURES": {"LN-3[cpu-float8]": "a"}},
         f"'LN-3[cpu-float8]', where 'float8' is neither a dtype ({', '.join(FORMATS)}) nor a device"),
        ({"KNOWN_FAILURES": {"LN-3[tpu-float8]": "a"}}, "where 'float8' is neither a dtype"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_said(tmp_path: Path, declared: dict[str, Any], message: str) -> None:
    """What it names that there is not, and what there is."""
    with pytest.raises(NotFound) as caught:
        _declared(tmp_path, **declared)

    assert str(caught.value).startswith(f"--impl {tmp_path / 'declares.py'}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "holds"),
    [
        ("LN-3", {("cpu", "float32"), ("cpu", "float64"), ("cuda", "float32"), ("cuda", "float64")}),
        ("LN-3[float32]", {("cpu", "float32"), ("cuda", "float32")}),
        ("LN-3[cuda]", {("cuda", "float32"), ("cuda", "float64")}),
        ("LN-3[cuda-float64]", {("cuda", "float64")}),
        ("LN-12", set()),
    ],
)
def test_a_known_failure_is_one_where_it_says(tmp_path: Path, key: str, holds: set[tuple[str, str]]) -> None:
    """In all dtypes on all devices, in one, on one, or in one on one; of this clause alone."""
    loaded = _declared(tmp_path, KNOWN_FAILURES={key: "a reason"})

    places = [(device, dtype) for device in ("cpu", "cuda") for dtype in ("float32", "float64")]

    assert {p for p in places if loaded.known_failure("LN-3", *p) == key} == holds
    assert {p for p in places if loaded.known_failure("LN-3", *p) is None} == set(places) - holds


def test_a_known_failure_on_a_device_of_its_own(tmp_path: Path) -> None:
    """One that the implementation declares among its DEVICES, or that torch has."""
    known = {"LN-3[tpu]": "a", "LN-12[mps]": "b", "RM-7[xpu-float16]": "c", "LN-12[cpu]": "d"}

    loaded = _declared(tmp_path, DEVICES=("tpu",), DTYPES=("float16",), KNOWN_FAILURES=known)

    assert (loaded.known_failures, loaded.devices, loaded.dtypes) == (known, ("tpu",), ("float16",))


# -- classes ------------------------------------------------------------------------------------------------------------


def _loaded(folder: Path, norm: str, name: str) -> Callable[..., Any]:
    where = "torch.nn" if hasattr(torch.nn, name) else _file(folder, "classes_of_mine.py", CLASSES)
    return load(f"{norm}={where}:{name}", CLAUSES).functions[norm]


X, F, W, B, MEAN, VAR = _tensors((2, 3, 4), (2, 3, 4), (4,), (4,), (3,), (3,))
EPS = 0.0625

CALLS: dict[str, tuple[str, str, tuple[Any, ...], Callable[[], torch.Tensor]]] = {
    "LayerNorm": ("layer_norm", "LayerNorm", (X, (4,), W, B, EPS), lambda: functional.layer_norm(X, (4,), W, B, EPS)),
    "LayerNorm, bare": ("layer_norm", "LayerNorm", (X, (4,)), lambda: functional.layer_norm(X, (4,))),
    "LayerNorm, no bias": ("layer_norm", "LayerNorm", (X, (4,), W, None, EPS), lambda: functional.layer_norm(X, (4,), W, None, EPS)),
    "LayerNorm of two dimensions": ("layer_norm", "LayerNorm", (X, (3, 4), F[0], X[0]), lambda: functional.layer_norm(X, (3, 4), F[0], X[0])),
    "RMSNorm": ("rms_norm", "RMSNorm", (X, (4,), W, EPS), lambda: functional.rms_norm(X, (4,), W, EPS)),
    "RMSNorm, bare": ("rms_norm", "RMSNorm", (X, (4,)), lambda: functional.rms_norm(X, (4,))),
    "GroupNorm": ("group_norm", "GroupNorm", (F.mT, 2, W, B, EPS), lambda: functional.group_norm(F.mT, 2, W, B, EPS)),
    "GroupNorm, bare": ("group_norm", "GroupNorm", (F.mT, 2), lambda: functional.group_norm(F.mT, 2)),
    "BatchNorm1d, training": ("batch_norm", "BatchNorm1d", (X, None, None, W[:3], B[:3], True, 0.25, EPS),
                              lambda: functional.batch_norm(X, None, None, W[:3], B[:3], True, 0.25, EPS)),
    "BatchNorm1d, evaluation": ("batch_norm", "BatchNorm1d", (X, MEAN, VAR, W[:3], B[:3], False, 0.25, EPS),
                                lambda: functional.batch_norm(X, MEAN, VAR, W[:3], B[:3], False, 0.25, EPS)),
    "BatchNorm1d, defaults": ("batch_norm", "BatchNorm1d", (X, MEAN, VAR), lambda: functional.batch_norm(X, MEAN, VAR)),
    "InstanceNorm1d": ("instance_norm", "InstanceNorm1d", (X, None, None, W[:3], B[:3], True, 0.25, EPS),
                       lambda: functional.instance_norm(X, None, None, W[:3], B[:3], True, 0.25, EPS)),
    "InstanceNorm1d, evaluation": ("instance_norm", "InstanceNorm1d", (X, MEAN, VAR, None, None, False),
                                   lambda: functional.instance_norm(X, MEAN, VAR, use_input_stats=False)),
    "InstanceNorm1d, defaults": ("instance_norm", "InstanceNorm1d", (X, MEAN.clone(), VAR.clone()), lambda: functional.instance_norm(X)),
    "InstanceNorm1d, bare": ("instance_norm", "InstanceNorm1d", (X,), lambda: functional.instance_norm(X)),
    "one of a language model": ("rms_norm", "Rows", (X, (4,), W, EPS), lambda: functional.rms_norm(X, (4,), W, EPS)),
    "its own eps": ("rms_norm", "Rows", (X, (4,), W), lambda: functional.rms_norm(X, (4,), W, 1e-6)),
    "eps among options": ("layer_norm", "Scaled", (X, (4,), W, B, EPS), lambda: functional.layer_norm(X, (4,), W, B, EPS)),
    "a scale that can be left out": ("layer_norm", "Scaled", (X, (4,)), lambda: functional.layer_norm(X, (4,))),
    "a bias that can be left out": ("layer_norm", "Scaled", (X, (4,), W), lambda: functional.layer_norm(X, (4,), W)),
    "DeepNorm": ("deep_norm", "Deep", (X, F, 1.5, (4,), W, B), lambda: functional.layer_norm(1.5 * X + F, (4,), W, B)),
    "DeepNorm, no bias": ("deep_norm", "Deep", (X, F, 1.5, (4,), W, None, EPS), lambda: functional.layer_norm(1.5 * X + F, (4,), W, None, EPS)),
}  # fmt: skip


@pytest.mark.parametrize(("norm", "name", "arguments", "truth"), CALLS.values(), ids=CALLS.keys())
def test_a_class_is_called_as_a_function(
    tmp_path: Path, norm: str, name: str, arguments: tuple[Any, ...], truth: Callable[[], torch.Tensor]
) -> None:
    """With the shape, eps, weight, bias and statistics of the call, in x's dtype."""
    y = _loaded(tmp_path, norm, name)(*arguments)

    assert y.dtype == torch.float64
    torch.testing.assert_close(y, truth(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("norm", "name"), [("batch_norm", "BatchNorm1d"), ("instance_norm", "InstanceNorm1d")])
@pytest.mark.parametrize("momentum", [0.25, None], ids=["given", "left out"])
def test_a_class_updates_the_statistics_given(tmp_path: Path, norm: str, name: str, momentum: float | None) -> None:
    """In place, with the momentum of the call or 0.1."""
    mean, var, own_mean, own_var = (t.clone() for t in (MEAN, VAR, MEAN, VAR))
    given: Any = (momentum,) if momentum else ()
    getattr(functional, norm)(X, own_mean, own_var, None, None, True, *given)

    _loaded(tmp_path, norm, name)(X, mean, var, None, None, True, *given)

    torch.testing.assert_close((mean, var), (own_mean, own_var), rtol=0, atol=1e-12)
    assert not torch.equal(mean, MEAN)


def test_a_class_hands_gradients_on(tmp_path: Path) -> None:
    """To the weight and the bias of the call."""
    w, b = W.clone().requires_grad_(), B.clone().requires_grad_()

    _loaded(tmp_path, "layer_norm", "LayerNorm")(X, (4,), w, b).sum().backward()

    assert b.grad is not None
    torch.testing.assert_close(b.grad, torch.full((4,), 6.0, dtype=torch.float64))
    assert w.grad is not None


@pytest.mark.parametrize(
    ("norm", "name", "arguments", "message"),
    [
        ("layer_norm", "Fixed", (X, (4,), None, None, EPS), "Fixed takes no eps"),
        ("layer_norm", "Fixed", (X, (4,)), "Fixed always has a weight"),
        ("layer_norm", "Fixed", (X, (4,), W), "Fixed has no parameters, not ['weight']"),
        ("layer_norm", "RMSNorm", (X, (4,), W, B), "RMSNorm has ['weight'], not ['bias', 'weight']"),
        ("rms_norm", "Rows", (X, (3, 4), W), "Rows normalizes the last dimension only"),
        ("rms_norm", "Rows", (X, (4,), None), "Rows always has a weight"),
        ("deep_norm", "LayerNorm", (X, F, 1.5, (4,), W, B), "LayerNorm takes no alpha"),
        ("batch_norm", "BatchNorm1d", (X, MEAN, VAR, W[:3]), "BatchNorm1d has ['bias', 'weight'], not ['weight']"),
    ],
    ids=["eps", "no weight", "a weight", "a bias", "two dimensions", "a scale", "alpha", "a weight alone"],
)
def test_what_a_class_does_not_take_is_not_offered(
    tmp_path: Path, norm: str, name: str, arguments: tuple[Any, ...], message: str
) -> None:
    """It is said in the words of NotImplementedError, and nothing is computed instead."""
    function = _loaded(tmp_path, norm, name)

    with pytest.raises(NotImplementedError, match=f"^{re.escape(message)}$"):
        function(*arguments)


@pytest.mark.parametrize("name", ["LayerNorm", "layer_norm"])
def test_a_function_is_taken_as_it_is(name: str) -> None:
    """A class alone is wrapped."""
    found = {"LayerNorm": torch.nn.LayerNorm, "layer_norm": functional.layer_norm}[name]
    where = {"LayerNorm": "torch.nn", "layer_norm": "torch.nn.functional"}[name]

    function = load(f"layer_norm={where}:{name}", CLAUSES).functions["layer_norm"]

    assert (function is found) == (name == "layer_norm")


def test_the_root_holds_the_adapters() -> None:
    """The folder that is searched is the project's."""
    assert ADAPTERS == ROOT / "adapters"
    assert (ROOT / "pyproject.toml").is_file()


def test_what_an_import_warns_of_is_the_implementations_affair(tmp_path: Path) -> None:
    """Warnings are errors in a run of the suite; a deprecated call in somebody's package is none of its business."""
    path = tmp_path / "deprecated.py"
    path.write_text("import warnings; warnings.warn('old', DeprecationWarning)\ndef layer_norm(*arguments): ...\n")
    with warnings.catch_warnings(action="error"):
        assert set(load(str(path), CLAUSES).functions) == {"layer_norm"}


def test_arrays_that_autograd_does_not_know_have_no_gradients_without_a_vjp(tmp_path: Path) -> None:
    """NumPy's, say; those of a bridge that makes torch tensors have torch's."""
    bridges = "import numpy, torch\ndef from_numpy(array, dtype, device): return {}\ndef to_numpy(a): ...\ndef rms_norm(*a): ...\n"
    for name, made in (("arrays", "numpy.array(array)"), ("tensors", "torch.tensor(array)")):
        (tmp_path / f"{name}.py").write_text(bridges.format(made))
    assert load(str(tmp_path / "arrays.py"), CLAUSES).vjp is None
    assert load(str(tmp_path / "tensors.py"), CLAUSES).vjp is bridge.vjp


def test_where_ordinary_data_are_refused_the_rest_may_round_twice() -> None:
    """A layer_norm of long 16-bit rows alone, whose x_hat is rounded before the weight, as it may be."""

    def layer_norm(
        x: torch.Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
    ) -> torch.Tensor:
        if shape[-1] < 1000:
            raise NotImplementedError("short rows")
        x_hat = functional.layer_norm(x.double(), shape, eps=eps).to(x.dtype)
        return x_hat if weight is None else (x_hat.double() * weight.double() + bias.double()).to(x.dtype)

    impl = Subject(of_function("long rows", "layer_norm", layer_norm), "layer_norm", "cpu", "bfloat16")
    impl.begin()

    impl.check(impl.shaped("long", 5, 4097), "y")

    assert impl.conventions.staged


class _Late:
    """A lazy array, which finds out that its shapes do not fit when it is asked for its own."""

    dtype = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        raise IndexError("shape mismatch: (35,) and (36,)")


def test_a_lazy_array_may_refuse_when_it_is_looked_at() -> None:
    """As tinygrad's tensors do: a weight that does not fit is refused all the same."""
    numpy = adapters.reference

    def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float = 1e-6) -> Any:
        return (
            numpy.rms_norm(x, normalized_shape, weight, eps)
            if weight is None or weight.size == x.shape[-1]
            else _Late()
        )

    made = Implementation("lazy", "", {"rms_norm": rms_norm}, numpy.from_numpy, numpy.to_numpy, None, ("float32",), ("cpu",), {}, False)  # fmt: skip

    families.refuses_weight(Subject(made, "rms_norm", "cpu", "float32"))


def test_what_has_no_gradients_here_is_held_to_hygiene_all_the_same() -> None:
    """Where its vjp refuses this format, say: Paddle's RMSNorm in float32."""

    def vjp(function: Any, inputs: Any, dy: Any) -> Any:
        raise NotImplementedError("no kernel")

    def subject(function: Any) -> Subject:
        made = Implementation("forward", "", {"rms_norm": function}, bridge.from_numpy, bridge.to_numpy, vjp, ("float32",), ("cpu",), {}, True)  # fmt: skip
        return Subject(made, "rms_norm", "cpu", "float32")

    families.hygiene(sound := subject(functional.rms_norm))
    assert sound.log.claims == 1
    with pytest.raises(Violation, match="thread count"):
        families.hygiene(subject(_leaves_a_thread_count))


def _leaves_a_thread_count(*arguments: Any, **named: Any) -> Any:
    torch.set_num_threads(torch.get_num_threads() + 1)
    return functional.rms_norm(*arguments, **named)
