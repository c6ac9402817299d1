"""What the place of the norm in a residual block does as the blocks get many."""

import math

import torch
from torch.nn.functional import layer_norm

from experiments.conditions import generator, single_thread
from reference import deepnorm


@single_thread
def update_ratio(layers: int, step: float = 1e-3, seed: int = 0) -> float:
    """How many times further one sign step moves the output of a Post-LN stack than that of a DeepNorm stack.

    Wang et al. 2022, "DeepNet" (arXiv 2203.00555), sec. 3 and 4: DeepNorm bounds |F(theta + d) - F(theta)|, the change
    of the output per update. Here F is a stack of `layers` feed-forward sublayers of width 64 with 256 ReLUs each, on 64
    rows, in float64; d moves every weight by `step` against the sign of the gradient of a random linear loss, as the
    first step of Adam does; the change is measured in the Euclidean norm. A ratio, so without unit.

    Seeds 0 to 7 give 8.2 to 10.3 at 18 layers and 5.0 to 6.2 at 6 with a step of 1e-3; at 18 layers 5.5 to 6.8 with 2e-3
    and 2.8 to 3.2 with 5e-3, where Post-LN's change can hardly get larger.
    """
    alpha, beta = deepnorm.constants(encoder_layers=layers)["encoder"]
    return _moved(layers, 1.0, 1.0, step, seed) / _moved(layers, alpha, beta, step, seed)


def _moved(layers: int, alpha: float, beta: float, step: float, seed: int, width: int = 64, rows: int = 64) -> float:
    """|F(theta + d) - F(theta)| of a stack of x = LN(alpha * x + relu(x @ w1) @ w2)."""
    random = generator(seed)
    std = beta * math.sqrt(2 / (width + 4 * width))  # Xavier
    w1 = std * torch.randn(layers, width, 4 * width, generator=random, dtype=torch.float64)
    w2 = std * torch.randn(layers, 4 * width, width, generator=random, dtype=torch.float64)
    x, dy = (torch.randn(rows, width, generator=random, dtype=torch.float64) for _ in range(2))

    def stack(w1: torch.Tensor, w2: torch.Tensor) -> torch.Tensor:
        y = x
        for first, second in zip(w1, w2, strict=True):
            y = layer_norm(alpha * y + (y @ first).relu() @ second, (width,))
        return y

    y = stack(w1.requires_grad_(), w2.requires_grad_())
    dw1, dw2 = torch.autograd.grad((y * dy).sum(), (w1, w2))
    with torch.no_grad():
        return (stack(w1 - step * dw1.sign(), w2 - step * dw2.sign()) - y).norm().item()


@single_thread
def stream_variance(blocks: int, placement: str, width: int = 1024, seed: int = 0) -> float:
    """The variance of the residual stream after `blocks` blocks whose branches are random linear maps of gain 1.

    Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture" (arXiv 2002.04745): under
    Pre-LN each branch adds its variance to the stream's, which becomes 1 + blocks from 1; under Post-LN it is 1 after
    every block. "sandwich" is x + LN(f(LN(x))). Over 64 rows, in squared units of an input of variance 1.

    Seed 0 gives 4.94, 17.05 and 65.4 after 4, 16 and 64 Pre-LN blocks; seeds 0 to 3 are within 2 % of 1 + blocks.
    """
    random = generator(seed)
    x = torch.randn(64, width, generator=random)
    for _ in range(blocks):
        weight = torch.randn(width, width, generator=random) / math.sqrt(width)
        if placement == "post":
            x = _norm(x + x @ weight)
        elif placement == "pre":
            x = x + _norm(x) @ weight
        elif placement == "sandwich":
            x = x + _norm(_norm(x) @ weight)
        else:
            raise ValueError(f"placement {placement!r}: there are pre, post and sandwich")
    return x.var(correction=0).item()


def _norm(x: torch.Tensor) -> torch.Tensor:
    return layer_norm(x, x.shape[-1:])


@single_thread
def gradient_norms(layers: int, placement: str, width: int = 64, seed: int = 0) -> list[float]:
    """The gradient norm of the second feed-forward matrix of every layer of a Transformer encoder at initialization.

    Xiong et al. 2020 (arXiv 2002.04745): at the last layer it does not depend on the number of layers under
    Post-LN, and falls like 1 / sqrt(layers) under Pre-LN, whose stream has grown before the final norm takes it back.
    `placement` is "post", "pre" or "deepnorm". One head of self-attention, 4 * width ReLUs, Xavier weights; 4 sequences
    of 16 random inputs, 64 random classes. Euclidean norms, of the gradient of the mean loss in nats, from the first
    layer to the last.

    Seeds 0 to 5, the last layer of 4 and of 64: 0.79 to 0.94 and 0.83 to 1.37 under Post-LN, 0.50 to 0.64 and 0.11 to
    0.18 under Pre-LN, 0.21 to 0.24 and 0.053 to 0.061 under DeepNorm.
    """
    if placement not in ("post", "pre", "deepnorm"):
        raise ValueError(f"placement {placement!r}: there are post, pre and deepnorm")
    alpha, beta = deepnorm.constants(encoder_layers=layers)["encoder"] if placement == "deepnorm" else (1.0, 1.0)
    random = generator(seed)

    def xavier(inputs: int, outputs: int, gain: float = 1.0) -> torch.Tensor:
        weights = torch.randn(layers, inputs, outputs, generator=random, dtype=torch.float64)
        return gain * math.sqrt(2 / (inputs + outputs)) * weights

    query, key = xavier(width, width), xavier(width, width)
    value, output = xavier(width, width, beta), xavier(width, width, beta)
    expand, contract = xavier(width, 4 * width, beta), xavier(4 * width, width, beta).requires_grad_()
    answer = xavier(width, 64)[0]
    x = torch.randn(4, 16, width, generator=random, dtype=torch.float64)
    labels = torch.randint(64, (4 * 16,), generator=random)

    for k in range(layers):
        inside = _norm(x) if placement == "pre" else x
        logits = (inside @ query[k]) @ (inside @ key[k]).mT / math.sqrt(width)
        x = alpha * x + logits.softmax(dim=-1) @ (inside @ value[k]) @ output[k]
        x = x if placement == "pre" else _norm(x)
        inside = _norm(x) if placement == "pre" else x
        x = alpha * x + (inside @ expand[k]).relu() @ contract[k]
        x = x if placement == "pre" else _norm(x)
    y = _norm(x) if placement == "pre" else x
    loss = torch.nn.functional.cross_entropy((y @ answer).flatten(0, 1), labels)
    (gradient,) = torch.autograd.grad(loss, contract)
    return gradient.flatten(1).norm(dim=1).tolist()


@single_thread
def plain_gradient_norms(
    norm: str | None, layers: int = 30, width: int = 128, rows: int = 64, seed: int = 0
) -> list[float]:
    """The gradient norm of every weight matrix of a plain network, relu(norm(x @ weight)) without skips, at initialization.

    Yang et al. 2019, "A Mean Field Theory of Batch Normalization" (arXiv 1902.08129): under BatchNorm the gradient grows
    exponentially on its way from the last layer to the first, whatever the initialization; with ReLU by
    sqrt(pi / (pi - 1)) = 1.2116 per layer in the limit of width. `norm` is "batch", "layer" or None; the weights are
    He's, the loss is a random linear function of the output. Euclidean norms, from the first layer to the last.

    Seeds 0 to 3: the first layer's is 234 to 355 times the last one's under BatchNorm, 0.90 to 1.46 times under
    LayerNorm and 0.91 to 2.06 times without a norm.
    """
    norms = {"batch": _batch_norm, "layer": _norm, None: lambda x: x}
    if norm not in norms:
        raise ValueError(f"norm {norm!r}: there are batch, layer and None")
    random = generator(seed)
    weights = math.sqrt(2 / width) * torch.randn(layers, width, width, generator=random)
    x, dy = (torch.randn(rows, width, generator=random) for _ in range(2))
    for weight in weights.requires_grad_():
        x = norms[norm](x @ weight).relu()
    (gradient,) = torch.autograd.grad((x * dy).sum(), weights)
    return gradient.flatten(1).norm(dim=1).tolist()


def _batch_norm(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.batch_norm(x, None, None, training=True)
