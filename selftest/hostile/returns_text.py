"""It returns a text."""

VERDICTS = {"RM-1": "fail"}
SAYS = "y is str, expected an array"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return "all is well"
