"""How large attention logits get when the query and key weights grow."""

import math

import torch
from torch.nn.functional import rms_norm

from experiments.conditions import generator, single_thread


@single_thread
def largest_logit(
    factor: float, qk_norm: bool, shared: bool = False, width: int = 64, length: int = 32, seed: int = 0
) -> float:
    """The largest |q . k| / sqrt(width) of one head of attention whose query and key weights are `factor` times Xavier's.

    Henry et al. 2020, "Query-Key Normalization for Transformers" (arXiv 2010.04245), and Dehghani et al. 2023, "Scaling
    Vision Transformers to 22 Billion Parameters" (arXiv 2302.05442), sec. 2: without QK-norm the logits grow like the
    square of the weights; with RMSNorm of gain 1 on queries and keys |q| = |k| = sqrt(width), so that by
    Cauchy-Schwarz no logit passes sqrt(width). With `shared` weights q = k, and a token's logit with itself reaches it.
    Without unit.
    """
    random = generator(seed)
    x = torch.randn(length, width, generator=random, dtype=torch.float64)
    weights = factor * torch.randn(2, width, width, generator=random, dtype=torch.float64) / math.sqrt(width)
    q, k = x @ weights[0], x @ weights[0 if shared else 1]
    if qk_norm:
        q, k = rms_norm(q, (width,), eps=0.0), rms_norm(k, (width,), eps=0.0)
    return (q @ k.T).abs().max().item() / math.sqrt(width)
