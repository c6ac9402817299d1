"""All is refused, so that nothing can be wrong."""

VERDICTS = {"RM-1": "not_offered"}
SAYS = "not on this machine"
STATUS = 4


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise NotImplementedError("not on this machine")
