"""Its exception prints as what is no text."""

VERDICTS = {"RM-1": "error"}
SAYS = "its message raises TypeError"


class _Odd(ValueError):
    def __str__(self):
        return 5

    __repr__ = __str__


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise _Odd
