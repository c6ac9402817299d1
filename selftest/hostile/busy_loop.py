"""A call counts without end."""

VERDICTS = {"RM-1": "timeout"}
SAYS = "gave no answer within"
IN_PROCESS = None  # the call never returns


def rms_norm(x, normalized_shape, weight=None, eps=None):
    while True:
        pass
