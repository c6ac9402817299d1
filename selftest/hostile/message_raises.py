"""Its exception can't be printed."""

VERDICTS = {"RM-1": "error"}
SAYS = "its message raises"


class _Mute(Exception):
    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise _Mute
