"""It returns one value that stands for 10¹²."""

VERDICTS = {"RM-1": "fail"}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return x.new_zeros(1).expand(1 << 40)
