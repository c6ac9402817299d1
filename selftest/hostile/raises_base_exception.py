"""It raises what no handler of exceptions catches."""

VERDICTS = {"RM-1": "error"}
SAYS = "_Odd: very odd"


class _Odd(BaseException):
    pass


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise _Odd("very odd")
