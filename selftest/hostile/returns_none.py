"""It writes its result nowhere and returns nothing."""

VERDICTS = {"RM-1": "fail"}
SAYS = "y is NoneType, expected an array"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return None
