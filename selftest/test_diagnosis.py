"""Diagnosis: the mistake is named, both where there are two, none for what is sound, and else what can be said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import ml_dtypes  # noqa: F401  (makes "bfloat16" the name of a NumPy dtype)
import numpy as np
import pytest
import torch
from proof import Verdict, breaks, distinct, held, implementation, measured_in
from running import reported, run

import adapters.reference
from harness.diagnosis import Diagnosis, Diagnostician
from harness.implementations import Implementation
from mistakes.catalogue import Mistake, of_norm
from mistakes.steps import NORMS

HERE = Path(__file__).resolve().parent
LEAST = 0.95  # of the mistakes, the share whose own name stands first


def explained(verdict: Verdict, clause: str, mistakes: Callable[[str], Any] = of_norm) -> Diagnosis:
    """The diagnosis of a broken clause, with time enough."""
    assert verdict.error is not None
    return Diagnostician(mistakes, seconds=60).explain(verdict.subject, verdict.test, clause, verdict.error)  # type: ignore[arg-type]


def first_name(mistake: Mistake) -> str:
    """What stands first where a mistake breaks its clause."""
    verdict = breaks(mistake, measured_in(mistake), mistake.clause)
    if verdict.outcome == "error":  # the exception itself says it
        return mistake.name
    return next(iter(explained(verdict, mistake.clause).names), "")


def named(norm: str, name: str) -> Mistake:
    """The mistake of that name."""
    return next(m for m in of_norm(norm) if m.name == name)


@pytest.mark.parametrize("norm", NORMS)
def test_a_mistake_is_named(norm: str) -> None:
    """First, for at least 95 of 100; each on the first norm that it is known of, in the thorough profile on all."""
    thorough = hypothesis.settings.get_current_profile_name() == "thorough"
    mistakes = of_norm(norm) if thorough else [m for m in of_norm(norm) if distinct()[m.name][0] is m]

    others = {m.name: name for m in mistakes if (name := first_name(m)) != m.name}

    assert len(others) <= (1 - LEAST) * len(mistakes), others


@pytest.mark.parametrize(
    ("norm", "clause", "names"),
    [
        ("layer_norm", "LN-6", ("unbiased_variance", "bias_before_the_weight")),
        ("rms_norm", "RM-7", ("eps_outside_the_root", "weight_twice")),
        ("batch_norm", "BN-26", ("unbiased_variance", "mean_term_missing")),
        ("group_norm", "GI-5", ("channels_interleaved", "bias_missing")),
        ("instance_norm", "GI-83", ("variance_term_missing", "dbias_zero")),
        ("deep_norm", "DN-20", ("root_taken_twice", "dx_without_alpha")),
    ],
)
def test_two_mistakes_at_once_are_both_named(norm: str, clause: str, names: tuple[str, str]) -> None:
    """Where either alone does not give the output."""
    one, other = (named(norm, name) for name in names)
    both = next(iter(one.with_another(other)))

    verdict = held(implementation(norm, both), norm, "float32", clause)
    diagnosis = explained(verdict, clause)

    assert verdict.outcome == "fail", verdict.error
    assert diagnosis.names, diagnosis.symptoms
    assert set(diagnosis.names[0].split(" + ")) == set(names)


def numpy_layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """NumPy's own standard deviation is right; this one divides by n - 1."""
    axes = tuple(range(-len(normalized_shape), 0))
    h = x.astype(np.float64)
    y = (h - h.mean(axes, keepdims=True)) / np.sqrt(h.var(axes, keepdims=True, ddof=1) + eps)
    y = y if weight is None else y * weight.astype(np.float64)
    return (y if bias is None else y + bias.astype(np.float64)).astype(x.dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_mistake_is_named_in_arrays_of_another_package(dtype: str) -> None:
    """Here NumPy's, without gradients, in every format."""
    numpy = adapters.reference
    made = Implementation("numpy", "", {"layer_norm": numpy_layer_norm}, numpy.from_numpy, numpy.to_numpy, None,
                          ("float64", "float32", "bfloat16", "float16"), ("cpu",), {}, False)  # fmt: skip

    assert explained(held(made, "layer_norm", dtype, "LN-3"), "LN-3").names[:1] == ["unbiased_variance"]


@pytest.mark.parametrize(
    ("norm", "name", "clause", "sentence"),
    [
        (
            "layer_norm",
            "unbiased_variance",
            "LN-3",
            "without the bias is off by the factor 0.8165 = sqrt(2/3)",
        ),
        ("rms_norm", "sum_for_the_average", "RM-6", "off by the factor 0.5774 = 1 / sqrt(n) = 1/sqrt(3)"),
        ("layer_norm", "read_as_contiguous", "LN-26", "only when x is"),
        (
            "layer_norm",
            "one_pass_variance",
            "LN-12",
            "the error grows with |mean| / deviation like a one-pass variance",
        ),
        ("layer_norm", "variance_term_missing", "LN-14", "lacks a component along x_hat"),
        ("layer_norm", "mean_term_missing", "LN-14", "lacks a component along 1"),
        ("layer_norm", "last_row_dropped", "LN-35", "only the last 1 of 3 rows"),
        (
            "layer_norm",
            "one_size_wrong",
            "LN-35",
            "only where the last dimension is 1,025: right where it is 2, 127, 129",
        ),
        ("layer_norm", "incomplete_block_dropped", "LN-35", "only where the last dimension is 127, 129, 1,000"),
        ("rms_norm", "statistics_of_the_first_row", "RM-3", "only rows after the first"),
        ("layer_norm", "eps_fixed", "LN-18", "as if eps were 1e-05"),
        ("layer_norm", "parameter_gradients_drop_the_last_rows", "LN-52", "the last 2 are left out"),
        ("layer_norm", "bias_twice", "LN-6", "is off by 1 times the bias"),
        ("layer_norm", "dbias_zero", "LN-51", "dbias is 0 everywhere"),
        ("layer_norm", "eps_missing", "LN-47", "NaN"),
        ("deep_norm", "dx_without_alpha", "DN-20", "off by the constant factor 0.6667 = 1 / alpha"),
    ],
)
def test_where_no_mistake_is_known_the_error_is_described(norm: str, name: str, clause: str, sentence: str) -> None:
    """Where it is wrong, when, and in which way."""
    verdict = breaks(named(norm, name), "float32", clause)

    diagnosis = explained(verdict, clause, lambda norm: ())

    assert diagnosis.names == []
    assert any(sentence in said for said in diagnosis.symptoms), diagnosis.symptoms


def test_nothing_is_named_where_nothing_is_known() -> None:
    """An output that no mistake gives gets sentences, not a name."""

    def noisy(*arguments: Any) -> torch.Tensor:
        y = NORMS["layer_norm"](*arguments)()
        return y * (1 + 0.01 * torch.sin(torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape)))

    diagnosis = explained(held(implementation("layer_norm", noisy), "layer_norm", "float32", "LN-2"), "LN-2")

    assert diagnosis.names == []
    assert diagnosis.symptoms


def test_the_time_for_it_is_limited() -> None:
    """When it is used up, nothing new is looked for; the failure stands without a name."""
    mistake = named("layer_norm", "unbiased_variance")
    verdict = breaks(mistake, "float32", "LN-3")
    assert verdict.error is not None

    diagnosis = Diagnostician(of_norm, seconds=0).explain(verdict.subject, verdict.test, "LN-3", verdict.error)  # type: ignore[arg-type]

    assert diagnosis.names == []


def test_it_leaves_no_trace() -> None:
    """Mistakes that change settings or draw random numbers are tried too."""
    mistake = named("layer_norm", "weight_twice")
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    settings = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()

    explained(breaks(mistake, "float32", "LN-6"), "LN-6")

    assert torch.equal(torch.rand(1), expected)
    assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()) == settings


WRONG = str(HERE / "wrong" / "unbiased_variance.py")


def test_message_checklist_and_report_name_it() -> None:
    """With its sentence, its question, and the clauses that it explains."""
    result = reported("-q", "test_layernorm.py", f"--impl={WRONG}", "--dtype=float32")
    shown = run("-q", "test_layernorm.py", f"--impl={WRONG}", "--dtype=float32", "-k", "test_divisor")

    record = next(r for r in result.records if r["clause"] == "LN-3")
    assert record["diagnosis"][0] == "unbiased_variance"
    assert record["grade"] == "none"
    assert "looks like unbiased_variance: the variance divides by n - 1." in record["message"]
    assert "what went wrong" in result.stdout
    assert "✗     looks like unbiased_variance" in result.stdout
    assert "  hint: All your values are off by the same factor" in shown.stdout


def test_hints_come_one_at_a_time(tmp_path: Path) -> None:
    """Without --hint the question; with it the formula, then the numbers."""
    arguments = ("-q", "test_layernorm.py", f"--impl={WRONG}", "--dtype=float32", "-k", "test_divisor",
                 "-p", "cacheprovider", "-o", f"cache_dir={tmp_path}")  # fmt: skip

    runs = [run(*arguments).stdout, *(run(*arguments, "--hint").stdout for _ in range(3))]

    counts = [text.partition("checklist")[0].count("hint: ") for text in runs]
    assert counts == [1, 2, 3, 3]
    assert "x = [[1, 3]], eps = 0: y = [[-1, 1]], not [[-0.70711, 0.70711]]" in runs[2]


@pytest.mark.parametrize(
    ("file", "grades"),
    [
        ("reference", {"float64": "stable", "float32": "faithful", "bfloat16": "faithful"}),
        ("sound/llama_order.py", {"bfloat16": "staged", "float16": "staged"}),
        ("wrong/one_pass_variance.py", {"float32": "fast"}),
        ("wrong/unbiased_variance.py", {"float32": "none", "bfloat16": "none"}),
    ],
)
def test_grades_say_which_arithmetic_explains_the_errors(file: str, grades: dict[str, str]) -> None:
    """The worst of all clauses."""
    from harness.grades import worst

    norm = "layernorm" if "llama" not in file else "rmsnorm"
    impl = HERE / file if file.endswith(".py") else file
    result = reported("-q", f"test_{norm}.py", f"--impl={impl}", *(f"--dtype={dtype}" for dtype in grades))

    found = {
        d: worst(*(r["grade"] for r in result.records if r["dtype"] == d and r["level"] == "must")) for d in grades
    }
    assert found == grades
