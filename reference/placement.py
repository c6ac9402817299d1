"""Placement: where a Transformer block has its norms, on the residual stream, on a sublayer's input or on its output.

Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture" (arXiv 2002.04745), for Post-LN and Pre-LN;
the sources of the others stand beside their clauses. A norm and a sublayer (an attention, a feed-forward network) are
functions of x alone, `layernorm.forward` for example. The precision is that of the arguments.
"""

from typing import NamedTuple

import numpy as np

from reference import layernorm, rmsnorm

# -- blocks ------------------------------------------------------------------------------------------------------------


def post_norm(x, sublayer, norm):
    """y = norm(x + sublayer(x)), the stream after a Post-LN block.

    x, y: (..., n).  sublayer, norm: functions from (..., n) to (..., n).
    """
    return norm(x + sublayer(x))


def pre_norm(x, sublayer, norm):
    """y = x + sublayer(norm(x)), the stream after a Pre-LN block; arguments as those of `post_norm`."""
    return x + sublayer(norm(x))


def pre_norm_stack(x, sublayers, norm):
    """y = norm(x) after one Pre-LN block per sublayer, in their order.

    x, y: (..., n).  sublayers: a list of functions.  norm: the function that stands in every block and after the last.
    """
    for sublayer in sublayers:
        x = pre_norm(x, sublayer, norm)
    return norm(x)


def sandwich_norm(x, sublayer, norm):
    """y = x + norm(sublayer(norm(x))), the stream after a sandwich block; arguments as those of `post_norm`."""
    return x + norm(sublayer(norm(x)))


def output_norm(x, sublayer, norm):
    """y = x + norm(sublayer(x)), a norm on the sublayer's output alone; arguments as those of `post_norm`."""
    return x + norm(sublayer(x))


def parallel_block(x, attention, mlp, norm, mlp_norm=None):
    """y = x + attention(norm(x)) + mlp(norm(x)), or mlp(mlp_norm(x)) where that norm is given.

    x, y: (..., n).  attention, mlp, norm, mlp_norm: functions from (..., n) to (..., n).
    """
    mlp_norm = mlp_norm or norm
    return x + attention(norm(x)) + mlp(mlp_norm(x))


# -- depth -------------------------------------------------------------------------------------------------------------


def stream_variances(x, sublayers, block, norm):
    """The variance of the stream after each block, over all of its values: an array (blocks,).

    x: (..., n), the stream before the first block.  sublayers: a list of functions, one per block.  block: `pre_norm` or
    another of the above, called as block(x, sublayer, norm).
    """
    variances = []
    for sublayer in sublayers:
        x = block(x, sublayer, norm)
        variances.append(x.var())
    return np.array(variances)


def layer_norm_jacobian(x, eps=0.0):
    """The matrix dy[i] / dx[j] of LayerNorm without weight and bias.  x: (n,).  Returns (n, n)."""
    return np.stack([layernorm.backward(dy, x, eps=eps)[0] for dy in np.eye(x.size)])


def rms_norm_jacobian(x, eps=0.0):
    """The matrix dy[i] / dx[j] of RMSNorm without weight.  x: (n,).  Returns (n, n)."""
    return np.stack([rmsnorm.backward(dy, x, eps=eps)[0] for dy in np.eye(x.size)])


# -- attention ---------------------------------------------------------------------------------------------------------


def attention_logits(q, k, norm=None):
    """q k^T / sqrt(d), with the rows of q and k normed first where a norm is given.

    q: (queries, d).  k: (keys, d).  norm: a function from (..., d) to (..., d).  Returns (queries, keys).
    """
    if norm is not None:
        q, k = norm(q), norm(k)
    return q @ k.T / np.sqrt(q.shape[-1])


def per_head_norm(q, weight=1.0, eps=1e-6):
    """RMSNorm of every head by itself, as in Qwen3.  q: (..., heads, d).  weight: (d,) or a scalar, the same for all heads."""
    return rmsnorm.forward(q, weight, eps)


def across_heads_norm(q, weight=1.0, eps=1e-6):
    """One RMSNorm over all heads of a token together, as in OLMo 2.  q: (..., heads, d).  weight: (heads * d,) or a scalar."""
    rows = q.reshape(*q.shape[:-2], -1)  # (..., heads * d)
    return rmsnorm.forward(rows, weight, eps).reshape(q.shape)


def rotate(q, angle):
    """The rotary embedding: the plane of the features i and i + d/2 is turned by angle[i], from i towards i + d/2.

    q: (..., d).  angle: (d/2,) or a scalar, in radians: the token's position times a frequency.  Returns (..., d).
    """
    first, second = np.split(q, 2, axis=-1)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def normed_and_rotated(q, angle, weight=1.0, eps=1e-6):
    """What Qwen3 and Gemma 3 do to a query or key: RMSNorm with its weight first, then `rotate`.

    q: (..., d).  angle: (d/2,) or a scalar.  weight: (d,) or a scalar.  Returns (..., d).
    """
    return rotate(rmsnorm.forward(q, weight, eps), angle)


# -- census ------------------------------------------------------------------------------------------------------------


def norm_count(layers, block_norms, attention_norms=0, outside_norms=0):
    """How many norms a model has.

    block_norms: around the sublayers of one layer.  attention_norms: inside the attention of one layer (q_norm, k_norm).
    outside_norms: outside the layers (on the embeddings, the final norm).
    """
    return layers * (block_norms + attention_norms) + outside_norms


def census(architecture):
    """The facts about an architecture as a tuple of 9, of which PL-12 looks at the first 5, and at 8 of XLNet's.

    norm: "LayerNorm" or "RMSNorm".  placement: "post", "pre", "parallel", "sandwich" or "output".  eps: the default of its
    configuration in transformers.  bias: True or False.  gain, what x_hat is multiplied by: "weight", "1 + weight" or
    "none".  block_norms, attention_norms, outside_norms: how many around the sublayers of a layer, inside its attention,
    outside the layers.  qk_norm: over which values those in the attention go, or "none".

    architecture: a name. PL-12 asks for "BERT", "GPT-1", "GPT-2", "XLNet", "T5 encoder", "LLaMA", "Gemma 3" and "OLMo 2";
    the solution has others. Raises KeyError where there is no such architecture.
    """
    if architecture not in CENSUS:
        raise KeyError(f"there is no {architecture!r} in the census, but {', '.join(CENSUS)}")
    return CENSUS[architecture]


class Architecture(NamedTuple):
    """What one architecture does with its norms, as observed by `experiments.census`."""

    norm: str
    placement: str
    eps: float
    bias: bool
    gain: str
    block_norms: int  # in a layer, around its sublayers
    attention_norms: int  # in a layer, inside the attention
    outside_norms: int  # outside the layers
    qk_norm: str  # over which values those in the attention go, if without weight, if after the rotation


# fmt: off
CENSUS = {
    #                            norm         placement   eps        bias   gain     around, in attention, outside
    "BERT":         Architecture("LayerNorm", "post",     1e-12,     True,  "weight",     2, 0, 1, "none"),
    "RoBERTa":      Architecture("LayerNorm", "post",     1e-12,     True,  "weight",     2, 0, 1, "none"),
    "XLNet":        Architecture("LayerNorm", "post",     1e-12,     True,  "weight",     2, 0, 0, "none"),
    "GPT-1":        Architecture("LayerNorm", "post",     1e-5,      True,  "weight",     2, 0, 0, "none"),
    "OPT-350m":     Architecture("LayerNorm", "post",     1e-5,      True,  "weight",     2, 0, 0, "none"),
    "BART decoder": Architecture("LayerNorm", "post",     1e-5,      True,  "weight",     3, 0, 1, "none"),
    "MiniMax":      Architecture("RMSNorm",   "post",     1e-5,      False, "weight",     2, 0, 1, "none"),
    "GPT-2":        Architecture("LayerNorm", "pre",      1e-5,      True,  "weight",     2, 0, 1, "none"),
    "OPT":          Architecture("LayerNorm", "pre",      1e-5,      True,  "weight",     2, 0, 1, "none"),
    "BLOOM":        Architecture("LayerNorm", "pre",      1e-5,      True,  "weight",     2, 0, 2, "none"),
    "Nemotron":     Architecture("LayerNorm", "pre",      1e-5,      True,  "1 + weight", 2, 0, 1, "none"),
    "MPT":          Architecture("LayerNorm", "pre",      1e-5,      False, "weight",     2, 0, 1, "none"),
    "DBRX":         Architecture("LayerNorm", "pre",      1e-5,      False, "weight",     2, 0, 1, "none"),
    "OLMo":         Architecture("LayerNorm", "pre",      1e-5,      False, "none",       2, 0, 1, "none"),
    "T5 encoder":   Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     2, 0, 1, "none"),
    "T5 decoder":   Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     3, 0, 1, "none"),
    "LLaMA":        Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     2, 0, 1, "none"),
    "Llama 4":      Architecture("RMSNorm",   "pre",      1e-5,      False, "weight",     2, 1, 1, "per head, no weight, rotated"),
    "Mistral":      Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     2, 0, 1, "none"),
    "Mixtral":      Architecture("RMSNorm",   "pre",      1e-5,      False, "weight",     2, 0, 1, "none"),
    "Qwen2":        Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     2, 0, 1, "none"),
    "Qwen3":        Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     2, 2, 1, "per head"),
    "Qwen3-Next":   Architecture("RMSNorm",   "pre",      1e-6,      False, "1 + weight", 2, 2, 1, "per head"),
    "Gemma":        Architecture("RMSNorm",   "pre",      1e-6,      False, "1 + weight", 2, 0, 1, "none"),
    "DeepSeek-V3":  Architecture("RMSNorm",   "pre",      1e-6,      False, "weight",     2, 2, 1, "latent"),
    "Phi-3":        Architecture("RMSNorm",   "pre",      1e-5,      False, "weight",     2, 0, 1, "none"),
    "gpt-oss":      Architecture("RMSNorm",   "pre",      1e-5,      False, "weight",     2, 0, 1, "none"),
    "nanochat":     Architecture("RMSNorm",   "pre",      1e-6,      False, "none",       2, 2, 1, "per head, no weight, rotated"),
    "GPT-J":        Architecture("LayerNorm", "parallel", 1e-5,      True,  "weight",     1, 0, 1, "none"),
    "GPT-NeoX":     Architecture("LayerNorm", "parallel", 1e-5,      True,  "weight",     2, 0, 1, "none"),
    "Falcon-7B":    Architecture("LayerNorm", "parallel", 1e-5,      True,  "weight",     1, 0, 1, "none"),
    "Falcon-40B":   Architecture("LayerNorm", "parallel", 1e-5,      True,  "weight",     2, 0, 1, "none"),
    "Phi-2":        Architecture("LayerNorm", "parallel", 1e-5,      True,  "weight",     1, 0, 1, "none"),
    "Command-R":    Architecture("LayerNorm", "parallel", 1e-5,      False, "weight",     1, 0, 1, "none"),
    "Command-R+":   Architecture("LayerNorm", "parallel", 1e-5,      False, "weight",     1, 2, 1, "per head"),
    "Cohere 2":     Architecture("LayerNorm", "parallel", 1e-5,      False, "weight",     1, 0, 1, "none"),
    "Gemma 2":      Architecture("RMSNorm",   "sandwich", 1e-6,      False, "1 + weight", 4, 0, 1, "none"),
    "Gemma 3":      Architecture("RMSNorm",   "sandwich", 1e-6,      False, "1 + weight", 4, 2, 1, "per head"),
    "Gemma 4":      Architecture("RMSNorm",   "sandwich", 1e-6,      False, "weight",     5, 3, 2, "per head"),
    "GLM-4":        Architecture("RMSNorm",   "sandwich", 1.5625e-7, False, "weight",     4, 0, 1, "none"),
    "OLMo 2":       Architecture("RMSNorm",   "output",   1e-5,      False, "weight",     2, 2, 1, "all heads"),
    "OLMo 3":       Architecture("RMSNorm",   "output",   1e-5,      False, "weight",     2, 2, 1, "all heads"),
    "EXAONE 4":     Architecture("RMSNorm",   "output",   1e-5,      False, "weight",     2, 2, 1, "per head"),
}
# fmt: on
