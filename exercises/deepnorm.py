"""DeepNorm: the exercises of specs/deepnorm.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain DN-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def forward(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """y = LayerNorm(alpha * x + sublayer_output).

    x, sublayer_output, y: (..., n).  alpha: a number.  weight, bias: (n,) or a scalar.
    """
    raise NotImplementedError


def backward(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * forward(...))` as (dx, dsublayer_output, dweight, dbias); dx is the skip path's alone."""
    raise NotImplementedError


def constants(encoder_layers=0, decoder_layers=0):
    """`{"encoder": (alpha, beta), "decoder": (alpha, beta)}` for the stacks that there are.

    alpha scales the skip path; beta is the gain of the Xavier initialization of the feed-forward, value and output
    projections. A layer is a Transformer layer, not a sublayer. The formulas are those of DN-2 for a stack alone
    (`pytest --explain DN-2`) and of DN-3 for an encoder and a decoder (`pytest --explain DN-3`). ValueError without a layer.
    """
    raise NotImplementedError


def initial_std(projection, inputs, outputs, beta):
    """Standard deviation of a projection's initial weights: Xavier's sqrt(2 / (inputs + outputs)) times its gain.

    projection: "q_proj", "k_proj", "v_proj" or "out_proj" in attention, "fc1" or "fc2" in the feed-forward network. The
    gain is 1 for query and key, and beta for the other four.
    """
    raise NotImplementedError


def mlp_parameters(inputs, hidden, outputs):
    """`(all, of_layernorms)`: how many parameters the MLP has that some notes call DeepNorm.

    It is Linear, LayerNorm, ReLU for each of the widths in the sequence `hidden`, then Linear to `outputs`; every
    Linear has a bias, every LayerNorm a weight and a bias.
    """
    raise NotImplementedError


def movement(x, sublayer_output, step, alpha, eps=1e-5):
    """The largest change of a value of y when the sublayer's output changes by `step`: what an update of its weights does.

    x, sublayer_output, step: (..., n).  Returns a number.
    """
    raise NotImplementedError


def alpha_in(model, layers):
    """The alpha with which a model of so many layers was trained, by the family's name.

    "DeepNet": (2 layers)^(1/4), the paper's.  "MiniMax": the same (MiniMax-Text-01).  "GLM": (2 layers)^(1/2)
    (GLM-130B, ChatGLM-6B).
    """
    raise NotImplementedError
