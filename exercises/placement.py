"""Placement: the exercises of specs/placement.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain PL-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def post_norm(x, sublayer, norm):
    """y = norm(x + sublayer(x)), the stream after a Post-LN block.

    x, y: (..., n).  sublayer, norm: functions from (..., n) to (..., n).
    """
    raise NotImplementedError


def pre_norm(x, sublayer, norm):
    """y = x + sublayer(norm(x)), the stream after a Pre-LN block; arguments as those of `post_norm`."""
    raise NotImplementedError


def pre_norm_stack(x, sublayers, norm):
    """y = norm(x) after one Pre-LN block per sublayer, in their order.

    x, y: (..., n).  sublayers: a list of functions.  norm: the function that stands in every block and after the last.
    """
    raise NotImplementedError


def sandwich_norm(x, sublayer, norm):
    """y = x + norm(sublayer(norm(x))), the stream after a sandwich block; arguments as those of `post_norm`."""
    raise NotImplementedError


def output_norm(x, sublayer, norm):
    """y = x + norm(sublayer(x)), a norm on the sublayer's output alone; arguments as those of `post_norm`."""
    raise NotImplementedError


def parallel_block(x, attention, mlp, norm, mlp_norm=None):
    """y = x + attention(norm(x)) + mlp(norm(x)), or mlp(mlp_norm(x)) where that norm is given.

    x, y: (..., n).  attention, mlp, norm, mlp_norm: functions from (..., n) to (..., n).
    """
    raise NotImplementedError


def stream_variances(x, sublayers, block, norm):
    """The variance of the stream after each block, over all of its values: an array (blocks,).

    x: (..., n), the stream before the first block.  sublayers: a list of functions, one per block.  block: `pre_norm` or
    another of the above, called as block(x, sublayer, norm).
    """
    raise NotImplementedError


def layer_norm_jacobian(x, eps=0.0):
    """The matrix dy[i] / dx[j] of LayerNorm without weight and bias.  x: (n,).  Returns (n, n)."""
    raise NotImplementedError


def rms_norm_jacobian(x, eps=0.0):
    """The matrix dy[i] / dx[j] of RMSNorm without weight.  x: (n,).  Returns (n, n)."""
    raise NotImplementedError


def attention_logits(q, k, norm=None):
    """q k^T / sqrt(d), with the rows of q and k normed first where a norm is given.

    q: (queries, d).  k: (keys, d).  norm: a function from (..., d) to (..., d).  Returns (queries, keys).
    """
    raise NotImplementedError


def per_head_norm(q, weight=1.0, eps=1e-6):
    """RMSNorm of every head by itself, as in Qwen3.  q: (..., heads, d).  weight: (d,) or a scalar, the same for all heads."""
    raise NotImplementedError


def across_heads_norm(q, weight=1.0, eps=1e-6):
    """One RMSNorm over all heads of a token together, as in OLMo 2.  q: (..., heads, d).  weight: (heads * d,) or a scalar."""
    raise NotImplementedError


def rotate(q, angle):
    """The rotary embedding: the plane of the features i and i + d/2 is turned by angle[i], from i towards i + d/2.

    q: (..., d).  angle: (d/2,) or a scalar, in radians: the token's position times a frequency.  Returns (..., d).
    """
    raise NotImplementedError


def normed_and_rotated(q, angle, weight=1.0, eps=1e-6):
    """What Qwen3 and Gemma 3 do to a query or key: RMSNorm with its weight first, then `rotate`.

    q: (..., d).  angle: (d/2,) or a scalar.  weight: (d,) or a scalar.  Returns (..., d).
    """
    raise NotImplementedError


def norm_count(layers, block_norms, attention_norms=0, outside_norms=0):
    """How many norms a model has.

    block_norms: around the sublayers of one layer.  attention_norms: inside the attention of one layer (q_norm, k_norm).
    outside_norms: outside the layers (on the embeddings, the final norm).
    """
    raise NotImplementedError


def census(architecture):
    """The facts about an architecture as a tuple of 9, of which PL-12 looks at the first 5, and at 8 of XLNet's.

    norm: "LayerNorm" or "RMSNorm".  placement: "post", "pre", "parallel", "sandwich" or "output".  eps: the default of its
    configuration in transformers.  bias: True or False.  gain, what x_hat is multiplied by: "weight", "1 + weight" or
    "none".  block_norms, attention_norms, outside_norms: how many around the sublayers of a layer, inside its attention,
    outside the layers.  qk_norm: over which values those in the attention go, or "none".

    architecture: a name. PL-12 asks for "BERT", "GPT-1", "GPT-2", "XLNet", "T5 encoder", "LLaMA", "Gemma 3" and "OLMo 2";
    the solution has others. Raises KeyError where there is no such architecture.
    """
    raise NotImplementedError
