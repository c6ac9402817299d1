"""Whoever prints its exception ends the run."""

VERDICTS = {"RM-1": "error"}
SAYS = "its message raises SystemExit"


class _Trap(ValueError):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise _Trap
