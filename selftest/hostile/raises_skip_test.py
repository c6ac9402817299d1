"""It asks to be skipped as unittest does."""

import unittest

VERDICTS = {"RM-1": "error"}
SAYS = "SkipTest: not today"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise unittest.SkipTest("not today")
