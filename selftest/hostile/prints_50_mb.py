"""It prints 50 MB and is wrong."""

VERDICTS = {"RM-1": "fail"}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    print("loud " * 10_000_000)
    return x
