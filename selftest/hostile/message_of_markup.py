"""Its exception has control characters, half a character and tags in it."""

VERDICTS = {"RM-1": "error"}
SAYS = "<script>"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    raise ValueError("\x00\x1b[2J\x1b[31m\ud800 </td><script>alert(1)</script> ]]> [bold] \r\x08")
