"""It calls itself without end."""

VERDICTS = {"RM-1": "error"}
SAYS = "RecursionError"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return rms_norm(x, normalized_shape, weight, eps)
