"""Its exception says 50 MB."""

VERDICTS = {"RM-1": "error"}
SAYS = "ValueError: no no"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise ValueError("no " * 17_000_000)
