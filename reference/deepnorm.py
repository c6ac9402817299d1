"""DeepNorm: a Post-LN residual connection whose skip path is scaled up, LayerNorm(alpha * x + sublayer(x)).

Wang et al. 2022, "DeepNet: Scaling Transformers to 1,000 Layers" (arXiv 2203.00555), Fig. 2. The precision is that of
the arguments, as in `reference.layernorm`.
"""

import itertools

import numpy as np

from reference import layernorm


def forward(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """y = LayerNorm(alpha * x + sublayer_output).

    x, sublayer_output, y: (..., n).  alpha: a number.  weight, bias: (n,) or a scalar.
    """
    return layernorm.forward(alpha * x + sublayer_output, weight, bias, eps)


def backward(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * forward(...))` as (dx, dsublayer_output, dweight, dbias); dx is the skip path's alone."""
    dsum, dweight, dbias = layernorm.backward(dy, alpha * x + sublayer_output, weight, eps)
    return alpha * dsum, dsum, dweight, dbias


def constants(encoder_layers=0, decoder_layers=0):
    """`{"encoder": (alpha, beta), "decoder": (alpha, beta)}` for the stacks that there are.

    alpha scales the skip path; beta is the gain of the Xavier initialization of the feed-forward, value and output
    projections. A layer is a Transformer layer, not a sublayer. The formulas are those of DN-2 for a stack alone
    (`pytest --explain DN-2`) and of DN-3 for an encoder and a decoder (`pytest --explain DN-3`). ValueError without a layer.
    """
    n, m = encoder_layers, decoder_layers
    if n < 0 or m < 0 or n + m == 0:
        raise ValueError(f"a stack needs at least one layer: encoder_layers={n}, decoder_layers={m}")
    if m == 0:
        return {"encoder": ((2 * n) ** (1 / 4), (8 * n) ** (-1 / 4))}
    if n == 0:
        return {"decoder": ((2 * m) ** (1 / 4), (8 * m) ** (-1 / 4))}
    return {
        "encoder": (0.81 * (n**4 * m) ** (1 / 16), 0.87 * (n**4 * m) ** (-1 / 16)),
        "decoder": ((3 * m) ** (1 / 4), (12 * m) ** (-1 / 4)),
    }


def initial_std(projection, inputs, outputs, beta):
    """Standard deviation of a projection's initial weights: Xavier's sqrt(2 / (inputs + outputs)) times its gain.

    projection: "q_proj", "k_proj", "v_proj" or "out_proj" in attention, "fc1" or "fc2" in the feed-forward network. The
    gain is 1 for query and key, and beta for the other four.
    """
    gain = {"q_proj": 1.0, "k_proj": 1.0, "v_proj": beta, "out_proj": beta, "fc1": beta, "fc2": beta}[projection]
    return gain * (2 / (inputs + outputs)) ** 0.5


def mlp_parameters(inputs, hidden, outputs):
    """`(all, of_layernorms)`: how many parameters the MLP has that some notes call DeepNorm.

    It is Linear, LayerNorm, ReLU for each of the widths in the sequence `hidden`, then Linear to `outputs`; every
    Linear has a bias, every LayerNorm a weight and a bias.
    """
    widths = [inputs, *hidden, outputs]
    of_linears = sum(before * after + after for before, after in itertools.pairwise(widths))
    of_layernorms = sum(2 * width for width in hidden)
    return of_linears + of_layernorms, of_layernorms


def movement(x, sublayer_output, step, alpha, eps=1e-5):
    """The largest change of a value of y when the sublayer's output changes by `step`: what an update of its weights does.

    x, sublayer_output, step: (..., n).  Returns a number.
    """
    before, after = (forward(x, f, alpha, eps=eps) for f in (sublayer_output, sublayer_output + step))
    return np.abs(after - before).max()


def alpha_in(model, layers):
    """The alpha with which a model of so many layers was trained, by the family's name.

    "DeepNet": (2 layers)^(1/4), the paper's.  "MiniMax": the same (MiniMax-Text-01).  "GLM": (2 layers)^(1/2)
    (GLM-130B, ChatGLM-6B).
    """
    return (2 * layers) ** {"DeepNet": 1 / 4, "MiniMax": 1 / 4, "GLM": 1 / 2}[model]
