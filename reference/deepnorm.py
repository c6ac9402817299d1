"""DeepNorm: a Post-LN residual connection whose skip path is scaled up, LayerNorm(alpha * x + sublayer(x)).

Wang et al. 2022, "DeepNet: Scaling Transformers to 1,000 Layers" (arXiv 2203.00555), Fig. 2. The precision is that of
the arguments, as in `reference.layernorm`.
"""

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
    projections. A layer is a Transformer layer, not a sublayer.
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
