"""Its tensor says that it has another shape and dtype than it has."""

import torch

VERDICTS = {"RM-1": "fail"}
SAYS = "y has shape (1,)"


class _Tensor(torch.Tensor):
    shape = property(lambda self: torch.Size(self.said[0]))
    dtype = property(lambda self: self.said[1])


def rms_norm(x, normalized_shape, weight=None, eps=None):
    y = torch.zeros(1, dtype=torch.float16).as_subclass(_Tensor)
    y.said = tuple(x.shape), x.dtype
    return y
