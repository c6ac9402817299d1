"""It closes standard output and is wrong."""

import sys

VERDICTS = {"RM-1": "fail"}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    sys.stdout.close()
    sys.stderr.close()
    return x
