"""It raises what Ctrl-C raises."""

VERDICTS = {"RM-1": "error"}
SAYS = "KeyboardInterrupt"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise KeyboardInterrupt
