"""`--isolate`: the same verdicts from a process of its own, and a verdict still where that process is killed, garbled or gone."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from running import reported, run

from harness import families, isolation, wire
from harness.boundary import Crash, Fault, Timeout
from harness.clauses import all_clauses
from harness.comparison import Output, Violation
from harness.implementations import NotFound
from harness.isolation import IsolatedSubject, Limits

HERE = Path(__file__).resolve().parent
CLAUSES = set(all_clauses())


@pytest.fixture
def isolated() -> Iterator[Any]:
    """Makes subjects of a file; their processes end with the test."""

    def made(path: Path | str, norm: str = "rms_norm", call_s: float = 30.0, dtype: str = "float32") -> IsolatedSubject:
        implementation = isolation.load(str(path), CLAUSES, Limits(call_s, 600.0, time.monotonic()))
        return IsolatedSubject(implementation, norm, "cpu", dtype)

    yield made
    isolation.close()


def _file(folder: Path, body: str, name: str = "mine.py") -> Path:
    path = folder / name
    head = "import os, signal, sys, time\nimport torch\nfrom torch.nn.functional import rms_norm as right\n\n\n"
    path.write_text(head + "def rms_norm(x, shape, weight=None, eps=1e-6):\n    " + body.replace("\n", "\n    ") + "\n")
    return path


# -- the same verdicts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "sound/gemma",
        "sound/batch_by_hand",
        "wrong/written_into_input",
        "wrong/default_dtype_changed",
    ],
)
def test_isolated_or_not_the_verdicts_are_the_same(name: str) -> None:
    """To the last digit of the worst error, with the choices seen, of sound ones and of wrong ones.

    The diagnosis has a limit in seconds, which may find it at another point.
    """
    arguments = ("-q", *_tests_of(name), f"--impl={HERE / name}.py", "--dtype=float32")

    here, there = reported(*arguments), reported(*arguments, "--isolate")

    assert there.status == here.status
    assert _judged(there.records) == _judged(here.records)


def _judged(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**r, "diagnosis": None, "message": (r["message"] or "").partition("\nlooks like")[0].partition("\nseen")[0]}
        for r in records
    ]


def _tests_of(name: str) -> list[str]:
    text = (HERE / f"{name}.py").read_text(encoding="utf-8")
    files = {
        "def layer_norm": "test_layernorm.py",
        "def rms_norm": "test_rmsnorm.py",
        "def batch_norm": "test_batchnorm.py",
    }
    return [file for function, file in files.items() if function in text]


def test_an_adapter_of_another_kind_of_arrays_is_isolated_too() -> None:
    """The references themselves, in NumPy, with a backward of their own."""
    arguments = ("-q", "test_rmsnorm.py", "--impl=reference", "--dtype=float64")

    assert reported(*arguments, "--isolate").records == reported(*arguments).records


def test_cores_share_an_isolated_run(tmp_path: Path) -> None:
    """Under pytest-xdist each of its processes has a process of the implementation's own; the records are the same."""
    path = _file(tmp_path, "if x.dtype == torch.bfloat16: os.abort()\nreturn right(x, shape, weight, eps)")
    arguments = (
        "-q",
        "test_rmsnorm.py",
        f"--impl={path}",
        "--dtype=float32",
        "--dtype=bfloat16",
        "--isolate",
        "-k",
        "RM-1 or RM-2",
    )

    alone, together = reported(*arguments), reported(*arguments, "-n", "2")

    outcomes = [{(r["clause"], r["dtype"]): r["outcome"] for r in done.records} for done in (alone, together)]
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0].values()) >= {"pass", "crash"}


# -- its end -----------------------------------------------------------------------------------------------------------


def test_a_crash_costs_what_was_running(isolated: Any, tmp_path: Path) -> None:
    """It is told with the signal, the call and the last words; what comes after has a process again."""
    body = "if x.shape[-1] == 3:\n    print('last words')\n    os.kill(os.getpid(), signal.SIGSEGV)\nreturn right(x, shape, weight, eps)"
    impl = isolated(_file(tmp_path, body))
    impl.begin()

    with pytest.raises(
        Crash, match=r"(?s)SIGSEGV during backward of rms_norm in float32 on three-values, .*last words"
    ):
        families.input_gradient(impl)
    with pytest.raises(Crash, match="three-values"):  # of the same check: it has had its end
        families.formula(impl)

    impl.begin()
    families.formula(impl)


@pytest.mark.parametrize(("body", "kind", "said"), [
    ("os._exit(0)", Crash, "ended by itself, with exit status 0"),
    ("time.sleep(60)", Timeout, r"gave no answer within 1 s .* \(--call-timeout\)"),
    ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", Timeout, "gave no answer within 1 s"),
])  # fmt: skip
def test_an_end_is_told_as_what_it_was(isolated: Any, tmp_path: Path, body: str, kind: type[Fault], said: str) -> None:
    """An exit, even with status 0, a sleep and a loop that ignores a polite request."""
    impl = isolated(_file(tmp_path, body), call_s=1.0)

    with pytest.raises(kind, match=said):
        families.formula(impl)


def test_too_many_ends_in_a_row_are_enough(tmp_path: Path) -> None:
    """A norm that never answers is given up, each check says why, and one that answers beside it is judged."""
    path = _file(tmp_path, "time.sleep(60)")
    path.write_text(path.read_text() + "\n\nfrom torch.nn.functional import layer_norm\n")

    began = time.monotonic()
    result = reported("-q", "test_rmsnorm.py", "test_layernorm.py", f"--impl={path}", "--dtype=float32", "--isolate",
                      "--call-timeout=0.5", "-k", "RM-1 or LN-1")  # fmt: skip

    of_rms = [r for r in result.records if r["norm"] == "rms_norm"]
    assert {r["outcome"] for r in of_rms} == {"timeout"}
    assert sum("not tried: 3 calls in a row" in r["message"] for r in of_rms) >= len(of_rms) - 2
    assert {r["outcome"] for r in result.records if r["norm"] == "layer_norm"} >= {"pass"}
    assert result.status == 1
    assert time.monotonic() - began < 60


def test_a_run_has_a_limit(tmp_path: Path) -> None:
    """What has not begun by then is a timeout that says so."""
    path = _file(tmp_path, "return right(x, shape, weight, eps)")

    result = reported(
        "-q", "test_rmsnorm.py", f"--impl={path}", "--dtype=float32", "--isolate", "--run-timeout=1e-3", "-k", "RM-1"
    )

    of_rms = [r for r in result.records if r["norm"] == "rms_norm"]
    assert {r["outcome"] for r in of_rms} == {"timeout"}
    assert all("not tried" in r["message"] and "--run-timeout" in r["message"] for r in of_rms)
    assert result.status == 1


@pytest.mark.parametrize(("text", "said"), [
    ("import os; os._exit(0)", "exit status 0, while it was imported"),
    ("import time; time.sleep(60)", "gave no answer within 1 s while it was imported"),
    ("import sys; sys.exit()", "SystemExit"),
    ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
])  # fmt: skip
def test_an_import_that_ends_is_an_error_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    """And leaves no folder behind."""
    path = tmp_path / "ends.py"
    path.write_text(text)

    with pytest.raises(NotFound) as error:
        isolation.load(str(path), CLAUSES, Limits(0.5, 60.0, time.monotonic()))

    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert isolation.PROCESSES == []


def test_conventions_are_settled_again_after_a_crash(isolated: Any) -> None:
    """A weight stored as gain - 1 is judged as that, though the process ended while it was to be found out."""
    impl = isolated(HERE / "sound" / "gemma.py")
    impl.begin()
    impl.__dict__.pop("conventions")
    os.kill(impl.implementation.process._process.pid, signal.SIGKILL)

    impl.begin()
    families.formula(impl)

    assert impl.conventions.gain_is_one_plus_weight


@pytest.mark.parametrize(("arguments", "said"), [
    (("--call-timeout=0",), "--call-timeout 0: expected seconds, more than 0"),
    (("--run-timeout=nan",), "--run-timeout nan: expected seconds, more than 0"),
    (("--benchmark-enable",), "--isolate: norms are timed in this process"),
])  # fmt: skip
def test_a_wrong_command_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """In one line."""
    result = run("--impl=torch", "--isolate", "--collect-only", "-q", *arguments)

    assert result.status == 4
    assert said in result.stderr


# -- killed at any moment ----------------------------------------------------------------------------------------------

CHECKS = (families.formula, families.statistics, families.affine, families.isolation, families.input_gradient, families.only_asked,
          families.no_state, families.inputs_untouched, families.hygiene, families.output_dtype)  # fmt: skip
KILLS = 1000 if hypothesis.settings.get_current_profile_name() == "thorough" else 60


def _verdict(impl: IsolatedSubject, check: families.Family) -> str:
    impl.in_a_row.clear()
    impl.begin()
    try:
        check(impl)
    except Violation:
        return "fail"
    except Fault as e:
        return e.outcome
    return "pass"


def test_killed_at_any_moment_it_never_passes_wrongly_nor_hangs(isolated: Any) -> None:
    """A check of a process that is killed, or stopped, at a random moment is a crash, a timeout or the right verdict."""
    subjects = [
        isolated(HERE / "sound" / "two_pass.py", "layer_norm", 5.0),
        isolated(HERE / "wrong" / "unbiased_variance.py", "layer_norm", 5.0),
    ]
    right = {(s, check): _verdict(s, check) for s in subjects for check in CHECKS}
    assert set(right.values()) == {"pass", "fail"}
    draw, seen = random.Random(5), Counter[str]()

    for _ in range(KILLS):
        impl, check = draw.choice(list(right))
        how = draw.choices((signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGSTOP), (40, 20, 20, 1))[0]

        def kill(impl: IsolatedSubject = impl, how: signal.Signals = how) -> None:
            if (process := impl.implementation.process._process) is not None and process.pid:
                with contextlib.suppress(ProcessLookupError):  # the last signal has ended it
                    os.kill(process.pid, how)

        timer = threading.Timer(draw.uniform(0, 0.05), kill)
        timer.start()
        got = _verdict(impl, check)
        timer.join()
        assert got in ("crash", "timeout", right[impl, check])
        seen[got] += 1

    assert seen["crash"] > KILLS / 10, "the kills came too late to show anything"
    for impl in subjects:  # the last kill may have come between two checks, and is the next one's then
        impl.implementation.process.stop()
    assert {key: _verdict(*key) for key in right} == right


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_what_is_sent_arrives(ends: tuple[socket.socket, socket.socket]) -> None:
    """Arrays of every kind in a request, outputs of every shape in a reply, numbers of what is kept there."""
    one, other = ends
    arrays: dict[str, Any] = {
        "x": np.arange(6.0).reshape(2, 3),
        "none": None,
        "empty": np.zeros((0, 3)),
        "turned": np.ones((3, 2)).T,
    }
    kept = {7: "the array"}

    wire.send(one, wire.request((arrays, wire.Remote(7, []))))
    got, remote = wire.requested(wire.receive(other), kept)
    outputs = {"y": Output(arrays["turned"], "float32", "raw"), "empty": Output(arrays["empty"], "float16", "raw")}
    wire.send(other, wire.reply([outputs, None, "a \ud800 name"], lambda _: 3, number=1))
    body = wire.replied(wire.receive(one), [])

    assert remote == "the array"
    assert got["none"] is None
    assert all((got[k] == arrays[k]).all() and got[k].shape == arrays[k].shape for k in ("x", "empty", "turned"))
    y, nothing, name = body["value"]
    assert (y["y"].value == 1).all()
    assert (y["y"].dtype, y["y"].value.shape, y["empty"].value.shape) == ("float32", (2, 3), (0, 3))
    assert (nothing, name, body["number"]) == (None, "a \ud800 name", 1)


GARBLED = [
    b"not a message at all", wire.MAGIC + struct.pack("<I", 0), wire.MAGIC + struct.pack("<IQ", 1, 1 << 60),
    *(wire.MAGIC + struct.pack("<IQ", 1, len(text)) + text for text in (
        b"", b"[]", b"{}", b"nul", b"\xff", b'{"value": 3}', b'{"value": {"output": [[2], "float32", 1]}}', b'{"value": {"code": "x"}}',
        b'{"value": {"plain": [1]}}', b'{"value": {"list": 3}}', b"[" * 100_000)),
    wire.MAGIC + struct.pack("<IQQ", 2, 40, 8) + b'{"value": {"output": [[3],  "f", 1]}}    ' + bytes(8),
]  # fmt: skip


@pytest.mark.parametrize("data", GARBLED, ids=range(len(GARBLED)))
def test_what_is_no_message_is_refused(data: bytes, ends: tuple[socket.socket, socket.socket]) -> None:
    """As garbled, or as the end of the connection, and as nothing else."""
    one, other = ends
    one.sendall(data)
    one.close()

    with pytest.raises((wire.Garbled, EOFError)):
        wire.replied(wire.receive(other, time.monotonic() + 5), [])


@hypothesis.given(hypothesis.strategies.recursive(
    hypothesis.strategies.none() | hypothesis.strategies.booleans() | hypothesis.strategies.integers() | hypothesis.strategies.text(max_size=9),
    lambda inner: hypothesis.strategies.lists(inner, max_size=3) | hypothesis.strategies.dictionaries(
        hypothesis.strategies.sampled_from(["value", "plain", "list", "dict", "output", "kept", "x"]), inner, max_size=3), max_leaves=12))  # fmt: skip
@hypothesis.settings(max_examples=300)
def test_any_reply_is_read_or_refused(content: Any) -> None:
    """Whatever JSON comes, with whatever arrays."""
    try:
        body = wire.replied([bytearray(json.dumps(content).encode()), bytearray(16)], [])
    except wire.Garbled:
        return
    assert "value" in body


def test_a_message_that_never_ends_is_given_up(ends: tuple[socket.socket, socket.socket]) -> None:
    """Half of one, and one that nobody reads."""
    one, other = ends
    one.sendall(wire.MAGIC)

    with pytest.raises(TimeoutError):
        wire.receive(other, time.monotonic() + 0.1)
    with pytest.raises(TimeoutError):
        wire.send(one, [bytes(1 << 26)], time.monotonic() + 0.1)


def test_the_end_of_a_process_is_noticed_though_its_children_hold_the_connection(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """By what can be read once it has ended."""
    _, other = ends
    gone, _end = os.pipe()
    os.close(_end)

    with pytest.raises(EOFError):
        wire.receive(other, time.monotonic() + 60, gone)
