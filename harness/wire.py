"""Messages between the suite and an implementation's process: a few parts of bytes each, with a time limit on every wait.

What the suite sends is pickled, for it is trusted. What comes back is JSON and plain arrays, so that nothing that an
implementation's process says is ever run here.
"""

from __future__ import annotations

import io
import json
import pickle
import socket
import struct
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Any

import numpy as np

from harness.comparison import Output

MAGIC = b"nspc"
PARTS, LONGEST = 256, 1 << 30  # parts of a message, and bytes in all of them together


class Garbled(Exception):
    """What came is no message of this protocol."""


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 1e-3)


def send(connection: socket.socket, parts: Sequence[Any], deadline: float | None = None) -> None:
    """One message. Raises TimeoutError, and OSError where nobody is left to read it."""
    sizes = [memoryview(p).nbytes for p in parts]
    head = MAGIC + struct.pack(f"<I{len(parts)}Q", len(parts), *sizes)
    for part in (head, *parts):
        if memoryview(part).nbytes:
            connection.settimeout(_left(deadline))
            connection.sendall(memoryview(part).cast("B"))


def receive(connection: socket.socket, deadline: float | None = None, gone: int | None = None) -> list[bytearray]:
    """One message. Raises TimeoutError, EOFError where nobody is left to write one, and Garbled.

    gone: what can be read once the process at the other end has ended; its children may still hold the connection.
    """
    magic = _exactly(connection, 8, deadline, gone)
    (count,) = struct.unpack_from("<I", magic, 4)
    if magic[:4] != MAGIC or not 0 < count <= PARTS:
        raise Garbled("it does not begin as a message does")
    sizes = struct.unpack(f"<{count}Q", _exactly(connection, 8 * count, deadline, gone))
    if sum(sizes) > LONGEST:
        raise Garbled(f"it has {sum(sizes):,} bytes")
    return [_exactly(connection, size, deadline, gone) for size in sizes]


def _exactly(connection: socket.socket, size: int, deadline: float | None, gone: int | None) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        watched: list[Any] = [connection] if gone is None else [connection, gone]
        if connection not in (ready := wait(watched, _left(deadline))):
            raise EOFError if ready else TimeoutError
        if not (read := connection.recv_into(view)):
            raise EOFError
        view = view[read:]
    return data


# -- requests ----------------------------------------------------------------------------------------------------------


class Remote:
    """An array that lives in an implementation's process, by its number there; `freed` is told when nobody needs it."""

    def __init__(self, number: int, freed: list[int]):
        self.number, self._freed = number, freed

    def __del__(self) -> None:
        self._freed.append(self.number)


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> int | None:
        return thing.number if isinstance(thing, Remote) else None


def request(content: Any) -> list[Any]:
    """The parts of a request; arrays travel beside it, without a copy."""
    buffers: list[pickle.PickleBuffer] = []
    body = io.BytesIO()
    _Pickler(body, protocol=5, buffer_callback=buffers.append).dump(content)
    return [body.getbuffer(), *(b.raw() for b in buffers)]


class _Unpickler(pickle.Unpickler):
    def __init__(self, parts: list[bytearray], kept: dict[int, Any]):
        super().__init__(io.BytesIO(parts[0]), buffers=parts[1:])
        self._kept = kept

    def persistent_load(self, number: int) -> Any:
        return self._kept[number]


def requested(parts: list[bytearray], kept: dict[int, Any]) -> Any:
    """The content of a request, its remote arrays those that are kept."""
    return _Unpickler(parts, kept).load()


# -- replies -----------------------------------------------------------------------------------------------------------


def reply(value: Any, keep: Callable[[Any], int], **beside: Any) -> list[Any]:
    """The parts of a reply: None, names, lists, dictionaries and Outputs; all else is kept here and sent as its number."""
    arrays: list[Any] = []

    def encoded(value: Any) -> Any:
        if type(value) in (list, tuple):
            return {"list": [encoded(v) for v in value]}
        if type(value) is dict:
            return {"dict": {k: encoded(v) for k, v in value.items()}}
        if type(value) is Output:
            arrays.append(np.ascontiguousarray(value.value, np.float64))
            return {"output": [list(value.value.shape), value.dtype, keep(value.raw)]}
        return {"plain": value} if value is None or type(value) in (bool, str) else {"kept": keep(value)}

    body = {"value": encoded(value), **beside}
    # lone surrogates and all: JSON escapes what is not ASCII
    return [json.dumps(body).encode(), *(a.data if a.size else b"" for a in arrays)]


def replied(parts: list[bytearray], freed: list[int]) -> dict[str, Any]:
    """A reply's content, checked. Raises Garbled."""
    try:
        body = json.loads(parts[0])
        arrays = iter(parts[1:])

        def decoded(value: Any) -> Any:
            ((kind, content),) = value.items()
            if kind == "list":
                return [decoded(v) for v in content]
            if kind == "dict":
                return {str(k): decoded(v) for k, v in content.items()}
            if kind == "output":
                shape, dtype, number = content
                array = np.frombuffer(next(arrays), np.float64).reshape([int(n) for n in shape])
                return Output(array, str(dtype), Remote(int(number), freed))
            if kind == "kept":
                return Remote(int(content), freed)
            if kind == "plain" and (content is None or type(content) in (bool, str)):
                return content
            raise ValueError(kind)

        body["value"] = decoded(body["value"])
    except (ValueError, TypeError, KeyError, LookupError, AttributeError, StopIteration, RecursionError) as e:
        raise Garbled(f"{type(e).__name__}: {str(e)[:200]}") from e
    return dict(body)
