"""How much a sample's output depends on the samples that share its batch."""

import math

import torch
from torch.nn import functional

from experiments.conditions import generator, single_thread

GROUPS = 4


@single_thread
def noise(norm: str, batch: int, draws: int = 64, channels: int = 16, positions: int = 16, seed: int = 0) -> float:
    """The standard deviation of the output for one and the same sample, over `draws` batches that it is normalized in.

    Wu & He 2018, "Group Normalization" (arXiv 1803.08494), sec. 1: BatchNorm's estimates get worse as the batch gets
    small; GroupNorm and LayerNorm, which take no statistics over the batch, do not notice. `norm` is "batch", "layer"
    (over channels and positions) or "group" (4 groups). Every sample has a mean and a scale of its own, so that company
    matters. The unit is that of the output, whose own standard deviation is 1.

    Seeds 0 to 4: BatchNorm's is 0.39 to 0.44 in a batch of 2, 0.32 to 0.36 of 4, 0.13 to 0.15 of 32; the others' is 0.
    In a batch of 1 there is no company, and BatchNorm's is 0 too.
    """
    random = generator(seed)
    sample = _samples(1, channels, positions, random)
    outputs = [
        _normalize(norm, torch.cat([sample, _samples(batch - 1, channels, positions, random)]))[0] for _ in range(draws)
    ]
    return torch.stack(outputs).var(dim=0, correction=0).mean().sqrt().item()


def _samples(count: int, channels: int, positions: int, random: torch.Generator) -> torch.Tensor:
    mean = torch.randn(count, channels, 1, generator=random, dtype=torch.float64)
    scale = (torch.randn(count, channels, 1, generator=random, dtype=torch.float64) / 2).exp()
    return mean + scale * torch.randn(count, channels, positions, generator=random, dtype=torch.float64)


def _normalize(norm: str, x: torch.Tensor) -> torch.Tensor:
    """x: (samples, channels, positions)."""
    if norm == "batch":
        return functional.batch_norm(x, None, None, training=True)
    if norm == "layer":
        return functional.layer_norm(x, x.shape[1:])
    if norm == "group":
        return functional.group_norm(x, GROUPS)
    raise ValueError(f"norm {norm!r}: there are batch, layer and group")


@single_thread
def trained_error(norm: str, batch: int, samples: int = 4096, seed: int = 0) -> float:
    """The share of 4096 new samples that a small network gets wrong after one pass over `samples` in batches of `batch`.

    Wu & He 2018, Fig. 1 in miniature: BatchNorm's error grows as the batches get small, GroupNorm's stays. The network,
    16 inputs, two layers of 32 ReLUs with the norm before them, 4 classes, learns the answers of a random network by
    plain gradient descent; the learning rate is 0.2 * batch / 32, as there, and BatchNorm's momentum 0.1 * batch / 32,
    so that the running statistics look back on as many samples. They are what BatchNorm evaluates with.
    `norm` is "batch", "layer" or "group" (4 groups).

    Seeds 0 to 3: from batches of 32 to batches of 2 BatchNorm's error rises by 0.19 to 0.25, from 0.27 to 0.35;
    LayerNorm's and GroupNorm's move by 0.006 at most.
    """
    if norm not in ("batch", "layer", "group"):
        raise ValueError(f"norm {norm!r}: there are batch, layer and group")
    random = generator(seed)
    inputs, width, classes = 16, 32, 4
    teacher = torch.randn(inputs, width, generator=random), torch.randn(width, classes, generator=random)
    x, x_new = torch.randn(samples, inputs, generator=random), torch.randn(4096, inputs, generator=random)
    labels, labels_new = ((t @ teacher[0]).tanh().matmul(teacher[1]).argmax(dim=1) for t in (x, x_new))

    sizes = ((inputs, width), (width, width), (width, classes))
    weights = [(math.sqrt(2 / i) * torch.randn(i, o, generator=random)).requires_grad_() for i, o in sizes]
    scales, shifts = ([f(width, requires_grad=True) for _ in range(2)] for f in (torch.ones, torch.zeros))
    running = [(torch.zeros(width), torch.ones(width)) for _ in range(2)]

    def network(x: torch.Tensor, training: bool) -> torch.Tensor:
        for weight, scale, shift, (mean, variance) in zip(weights[:2], scales, shifts, running, strict=True):
            x = x @ weight
            if norm == "batch":
                x = functional.batch_norm(x, mean, variance, scale, shift, training, momentum=0.1 * batch / 32)
            elif norm == "layer":
                x = functional.layer_norm(x, (width,), scale, shift)
            else:
                x = functional.group_norm(x, GROUPS, scale, shift)
            x = x.relu()
        return x @ weights[2]

    parameters = [*weights, *scales, *shifts]
    for rows in torch.randperm(samples, generator=random).split(batch):
        loss = functional.cross_entropy(network(x[rows], training=True), labels[rows])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= 0.2 * batch / 32 * gradient
    with torch.no_grad():
        return (network(x_new, training=False).argmax(dim=1) != labels_new).double().mean().item()
