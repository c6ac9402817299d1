"""A Transformer of 1,000 layers, 2,000 sublayers, that DeepNorm trains and Post-LN does not."""

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, layer_norm

from experiments.conditions import generator, single_thread
from reference import deepnorm

WIDTH, HIDDEN, LENGTH, TOKENS = 16, 64, 8, 8


@dataclass(frozen=True)
class Step:
    """One step of the optimizer: the gradient norms are Euclidean, those of a layer over its first feed-forward matrix."""

    loss: float  # before the step, in nats per token
    update: float  # root mean square of F(theta + d) - F(theta) over the batch; the output has root mean square 1
    gradient: float
    first_layer: float
    last_layer: float


@dataclass(frozen=True)
class Training:
    """The figures of one run; `loss` is the last one, after the last step."""

    layers: int
    placement: str
    steps: tuple[Step, ...]
    loss: float
    label_entropy: float  # in nats: the loss of the best answer that does not look at the input
    spread: float  # the variance of the output over the tokens of the batch after the last step; 0 if all are the same

    def __str__(self) -> str:
        lines = [f"{self.placement}, {self.layers} layers: loss, update, gradient norms (all, first layer, last layer)"]
        lines += [
            f"{k:4d}  {s.loss:7.4f}  {s.update:8.5f}  {s.gradient:9.3g} {s.first_layer:9.3g} {s.last_layer:9.3g}"
            for k, s in enumerate(self.steps)
        ]
        lines.append(
            f"{len(self.steps):4d}  {self.loss:7.4f}  label entropy {self.label_entropy:.4f}, spread {self.spread:.3g}"
        )
        return "\n".join(lines)


@single_thread
def train(
    layers: int, placement: str, steps: int = 8, learning_rate: float = 0.5, seed: int = 0, sequences: int = 4
) -> Training:
    """Steps of plain gradient descent, with neither warm-up nor momentum, of an encoder of `layers` layers.

    Wang et al. 2022, "DeepNet: Scaling Transformers to 1,000 Layers" (arXiv 2203.00555), sec. 3 and 4: the update of the
    output that one step of gradient descent makes stays of the order of the learning rate however deep a DeepNorm
    encoder is, and explodes in a Post-LN one. `placement` is "deepnorm" or "post", which has alpha = beta = 1.

    A layer is one head of self-attention and a feed-forward sublayer, of width 16 and 64, in float64; LayerNorm has no
    parameters. The task, on one batch of `sequences` sequences of 8 tokens out of 8, the same at every step, is to name
    the token that stands next (after the last one, the first).

    1,000 layers, 8 steps, seeds 0 to 4: DeepNorm's largest update is 0.09 to 0.12, always the first one, and its loss
    falls to 0.45 to 0.63 times `label_entropy`. Post-LN's first update is 1.19 to 1.45, as large as between two outputs
    that have nothing to do with each other, and its loss ends at 1.00 to 1.12 times `label_entropy`.
    At this depth no learning rate would help Post-LN: by the last layer all tokens are the same already before the first
    step (a `spread` of 1e-30, which is rounding). Where the signal arrives, the learning rate decides. 10 layers, 100
    steps, seeds 0 to 5: with 0.05 Post-LN gets to 0.07 to 0.68 times `label_entropy` and DeepNorm to 0.38 to 0.53; with
    0.5 Post-LN stays at 0.94 to 1.00 and DeepNorm gets to 0.01.
    """
    if placement not in ("deepnorm", "post"):
        raise ValueError(f"placement {placement!r}: there are deepnorm and post")
    alpha, beta = deepnorm.constants(encoder_layers=layers)["encoder"] if placement == "deepnorm" else (1.0, 1.0)
    random = generator(seed)
    parameters = _parameters(layers, beta, random)
    tokens = torch.randint(TOKENS, (sequences, LENGTH), generator=random)
    labels = tokens.roll(-1, dims=1).flatten()

    done = []
    y = _encode(tokens, parameters, alpha)
    for _ in range(steps):
        loss = _loss(y, parameters, labels)
        gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter -= learning_rate * gradients[name]
        before, y = y.detach(), _encode(tokens, parameters, alpha)
        by_layer = gradients["expand"].flatten(1).norm(dim=1)
        done.append(
            Step(
                loss=loss.item(),
                update=(y.detach() - before).square().mean().sqrt().item(),
                gradient=math.sqrt(sum(g.square().sum().item() for g in gradients.values())),
                first_layer=by_layer[0].item(),
                last_layer=by_layer[-1].item(),
            )
        )
    frequencies = labels.bincount().double() / labels.numel()
    return Training(
        layers=layers,
        placement=placement,
        steps=tuple(done),
        loss=_loss(y, parameters, labels).item(),
        label_entropy=torch.special.entr(frequencies).sum().item(),
        spread=y.detach().flatten(0, 1).var(dim=0, correction=0).mean().item(),
    )


def _parameters(layers: int, beta: float, random: torch.Generator) -> dict[str, torch.Tensor]:
    """Xavier normal, with gain beta for the value, output and feed-forward projections."""

    def normal(*shape: int, std: float = 1.0) -> torch.Tensor:
        return std * torch.randn(*shape, generator=random, dtype=torch.float64)

    def xavier(inputs: int, outputs: int, gain: float) -> torch.Tensor:
        return normal(layers, inputs, outputs, std=gain * math.sqrt(2 / (inputs + outputs)))

    parameters = {
        "token": normal(TOKENS, WIDTH),
        "position": normal(LENGTH, WIDTH),
        "query": xavier(WIDTH, WIDTH, 1.0),
        "key": xavier(WIDTH, WIDTH, 1.0),
        "value": xavier(WIDTH, WIDTH, beta),
        "output": xavier(WIDTH, WIDTH, beta),
        "expand": xavier(WIDTH, HIDDEN, beta),
        "contract": xavier(HIDDEN, WIDTH, beta),
        "answer": normal(WIDTH, TOKENS, std=math.sqrt(2 / (WIDTH + TOKENS))),
    }
    return {name: parameter.requires_grad_() for name, parameter in parameters.items()}


def _encode(tokens: torch.Tensor, parameters: dict[str, torch.Tensor], alpha: float) -> torch.Tensor:
    """The output of the last layer: (sequences, 8, 16)."""
    x = _norm(parameters["token"][tokens] + parameters["position"])
    of_layers = [parameters[name].unbind() for name in ("query", "key", "value", "output", "expand", "contract")]
    for query, key, value, output, expand, contract in zip(*of_layers, strict=True):
        logits = (x @ query) @ (x @ key).mT / math.sqrt(WIDTH)
        x = _norm(alpha * x + logits.softmax(dim=-1) @ (x @ value) @ output)
        x = _norm(alpha * x + (x @ expand).relu() @ contract)
    return x


def _loss(y: torch.Tensor, parameters: dict[str, torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy((y @ parameters["answer"]).flatten(0, 1), labels)


def _norm(x: torch.Tensor) -> torch.Tensor:
    return layer_norm(x, x.shape[-1:])
