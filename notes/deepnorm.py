"""Notes 000 and 002: the MLP that they call DeepNorm, beside DeepNorm.

The notes' class is sound code under the wrong name. DeepNorm is a residual block with two constants of the depth
(Wang et al. 2022, "DeepNet: Scaling Transformers to 1,000 Layers", arXiv 2203.00555).
"""

import copy

import torch
from torch import nn


class MlpCalledDeepNorm(nn.Module):
    """The class `DeepNorm` of the notes: Linear, LayerNorm, ReLU for each hidden width, then Linear.

    Kept as it is, the unused `i` included; only `norm` is new, for the comparison with other norms.
    """

    def __init__(self, input_dim, hidden_dims, output_dim, norm=nn.LayerNorm):
        super().__init__()
        self.layers = nn.ModuleList()
        self.norm_layers = nn.ModuleList()
        for i, hidden_dim in enumerate(hidden_dims):  # noqa: B007  # the notes' loop
            self.layers.append(nn.Linear(input_dim, hidden_dim))
            self.norm_layers.append(norm(hidden_dim))
            input_dim = hidden_dim
        self.output_layer = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        for layer, norm_layer in zip(self.layers, self.norm_layers):  # noqa: B905  # the notes' loop: it may stop short
            x = layer(x)
            x = norm_layer(x)
            x = torch.relu(x)
        return self.output_layer(x)


class DeepNorm(nn.Module):
    """The real one: y = LayerNorm(alpha * x + sublayer(x)), its sublayer initialized with the gain beta.

    alpha and beta are `reference.deepnorm.constants` of the depth; with both 1 it is the original Transformer's Post-LN.
    """

    def __init__(self, sublayer, features, alpha, beta):
        super().__init__()
        self.alpha = alpha
        self.sublayer = sublayer
        self.norm = nn.LayerNorm(features)
        initialize(sublayer, beta)

    def forward(self, x):
        return self.norm(self.alpha * x + self.sublayer(x))


def initialize(sublayer, beta):
    """Xavier initialization of every Linear with the gain beta, but 1 for one named `query` or `key`; biases 0.

    beta acts here alone: no forward multiplies by it. Query and key enter through the softmax only.
    """
    for name, module in sublayer.named_modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight, gain=1.0 if name in ("query", "key") else beta)
            nn.init.zeros_(module.bias)


class Attention(nn.Module):
    """Self-attention of one head, without a mask: a sublayer with the four projections that beta tells apart."""

    def __init__(self, features):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(features, features) for _ in range(4))

    def forward(self, x):
        return self.out(nn.functional.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x)))


def feed_forward(features, hidden):
    """Linear, ReLU, Linear: the other sublayer of a Transformer layer."""
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, features))


def movement(stack, x, target, step):
    """How far the output moves (root mean square) when every weight takes one step of the given size downhill.

    The step is that of the gradient's sign, as Adam's first one is. The stack itself stays as it is.
    """
    stack = copy.deepcopy(stack)
    before = stack(x)
    ((before - target) ** 2).mean().backward()
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter -= step * parameter.grad.sign()
        return (stack(x) - before).square().mean().sqrt().item()
