"""Each norm as a sequence of steps on tensors, sound as it stands; a mistake replaces a step.

The first line of a step's docstring is its formula. Everything is computed in float64 and rounded once, at the end, and
the gradients are autograd's, so that those of a mistaken forward are the ones that its author would get. Where a mistake
replaces a step of the backward, the backward is computed by its formulas instead, as a kernel does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

BACKWARD_STEPS = ("upstream", "saved", "mean_term", "variance_term", "input_gradient", "over_rows", "weight_gradient",
                  "bias_gradient", "gradients", "delivered", "evaluation_gradient", "of_inputs")  # fmt: skip


FORMULA_STEPS = ("saved", "mean_term", "variance_term", "input_gradient", "gradients")


class Steps:
    """One call of a norm. Its sets of values, each with statistics of its own, lie along `axes` of `grouped(x)`.

    n: values in a set.  mean, deviation: one for each set.  x_hat: like x.  weight, bias: like x's parameters, or None.
    """

    names: tuple[str, ...] = ("x", "weight", "bias")
    wide = torch.float64
    explicit = False  # whether the backward is the steps below, or autograd's
    formulas = False  # whether dx is then that of the sound norm's formula, or the derivative of this forward
    axes: tuple[int, ...]
    values: Tensor  # in the backward: what is normalized, and the gradient of y
    dy: Tensor

    def __init__(self, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float):
        self.x, self.weight, self.bias, self.eps = x, weight, bias, eps
        self.dtype = x.dtype

    # -- the call -----------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> tuple[Tensor | None, ...]:
        """The arguments that have gradients."""
        return self.x, self.weight, self.bias

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """The shape of weight and bias."""
        return tuple(self.x.shape[1:2])

    def check(self) -> None:
        """A weight or a bias that does not fit is refused."""
        for name, parameter in (("weight", self.weight), ("bias", self.bias)):
            if parameter is not None and tuple(parameter.shape) != self.parameter_shape:
                raise ValueError(f"{name} has shape {tuple(parameter.shape)}, expected {self.parameter_shape}")

    def __call__(self) -> Tensor:
        """y."""
        self.check()
        y = _Explicit.apply(self, *self.inputs) if self.explicit else self.forward(*self.inputs)
        return self.returned(y)

    def returned(self, y: Tensor) -> Tensor:
        """y is all that a call leaves: in memory of its own, and nothing else is changed"""
        return y

    # -- forward ------------------------------------------------------------------------------------------------------

    def forward(self, *inputs: Tensor | None) -> Tensor:
        """y = (x - mean) / sqrt(variance + eps) * weight + bias"""
        x, weight, bias = self.normalized(*inputs), *inputs[-2:]
        h = self.grouped(x)
        mean, deviation = self.statistics(h)
        x_hat = self.ungrouped(self.standardized(self.centered(h, mean), deviation), x)
        return self.rounded(self.affine(x_hat, self.parameter(weight), self.parameter(bias)))

    def normalized(self, *inputs: Tensor | None) -> Tensor:
        """what is normalized is x"""
        assert inputs[0] is not None
        return self.read(inputs[0])

    def read(self, t: Tensor) -> Tensor:
        """what is normalized is x itself, each value from its own place in memory"""
        return t.to(self.wide)

    def grouped(self, t: Tensor) -> Tensor:
        """a set is all that shares a mean"""
        return t

    def ungrouped(self, t: Tensor, x: Tensor) -> Tensor:
        """y has the shape of x"""
        return t.reshape(x.shape)

    def parameter(self, p: Tensor | None) -> Tensor | None:
        """weight and bias are read as they are"""
        return None if p is None else self.spread(p.to(self.wide))

    def weighted(self, dy: Tensor, weight: Tensor | None) -> Tensor:
        """G = dy * weight"""
        gain = self.parameter(weight)
        return dy if gain is None else dy * gain

    def spread(self, p: Tensor) -> Tensor:
        """each parameter meets its own feature"""
        return p

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """mean and sqrt(variance + eps) are those of the values at hand"""
        mean = self.mean(h)
        variance = self.variance(h, mean)
        self.update(mean, variance)
        return mean, self.root(variance)

    def total(self, t: Tensor) -> Tensor:
        """a sum is taken over all values of its set, and over no others"""
        return t.sum(self.axes, keepdim=True)

    def count(self, t: Tensor) -> int:
        """n is the number of values in a set"""
        return math.prod(t.shape[axis] for axis in self.axes)

    def average(self, t: Tensor) -> Tensor:
        """an average is the sum divided by n"""
        return self.total(t) / self.count(t)

    def mean(self, h: Tensor) -> Tensor:
        """mean = sum(x) / n"""
        return self.average(h)

    def centered(self, h: Tensor, mean: Tensor) -> Tensor:
        """d = x - mean"""
        return h - mean

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        """variance = sum((x - mean)²) / n"""
        return self.average((h - mean) ** 2)

    def root(self, variance: Tensor) -> Tensor:
        """deviation = sqrt(variance + eps)"""
        return (variance + self.eps).sqrt()

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        """x_hat = (x - mean) / sqrt(variance + eps)"""
        return d / deviation

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        """y = x_hat * weight + bias"""
        y = x_hat if weight is None else x_hat * weight
        return y if bias is None else y + bias

    def rounded(self, y: Tensor) -> Tensor:
        """y is rounded to x's dtype, to nearest, once"""
        return y.to(self.dtype)

    def update(self, mean: Tensor, variance: Tensor) -> None:
        """running = (1 - momentum) * running + momentum * batch, in training"""

    # -- backward -----------------------------------------------------------------------------------------------------

    def gradients(self, dy: Tensor, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        """dx, dweight and dbias, in the order of `names`"""
        x, weight, bias = self.normalized(*inputs), *inputs[-2:]
        dy = self.upstream(dy)
        self.values, self.dy = x, dy  # for the mistakes that take one for another
        h = self.grouped(x)
        mean = self.mean(h)
        mean, deviation = self.saved(mean, self.root(self.variance(h, mean)))
        x_hat = self.standardized(self.centered(h, mean), deviation)
        G = self.weighted(dy, weight)
        dx = (
            self.input_gradient(self.grouped(G), x_hat, deviation)
            if self.formulas
            else self.derivative(h, self.grouped(G))
        )
        dx = self.ungrouped(dx, x)
        x_hat = self.ungrouped(x_hat, x)
        dweight = None if weight is None else self.weight_gradient(dy, x_hat).reshape(weight.shape)
        dbias = None if bias is None else self.bias_gradient(dy).reshape(bias.shape)
        return self.delivered(self.of_inputs(dx), dweight, dbias)

    def of_inputs(self, dx: Tensor) -> tuple[Tensor, ...]:
        """the gradient of what is normalized is that of x"""
        return (dx,)

    def delivered(self, dx: tuple[Tensor, ...], dweight: Tensor | None, dbias: Tensor | None) -> tuple[Any, ...]:
        """each gradient has the dtype of what it belongs to"""
        given = zip((*dx, dweight, dbias), self.inputs, strict=True)
        return tuple(None if g is None or t is None else g.to(t.dtype) for g, t in given)

    def upstream(self, dy: Tensor) -> Tensor:
        """dy is read by its strides"""
        return dy.to(self.wide)

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        """the backward uses mean and deviation as exact as the forward's"""
        return mean, deviation

    def mean_term(self, G: Tensor) -> Tensor:
        """the mean takes mean(G) out of dx, G = dy * weight"""
        return self.average(G)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        """the variance takes x_hat * mean(G * x_hat) out of dx, G = dy * weight"""
        return x_hat * self.average(G * x_hat)

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        """dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), G = dy * weight"""
        return (G - self.mean_term(G) - self.variance_term(G, x_hat)) / deviation

    def derivative(self, h: Tensor, G: Tensor) -> Tensor:
        """The gradient of the values h from that of x_hat, whatever the forward does to them."""
        again = torch.is_grad_enabled()  # the gradient is to be differentiated too
        with torch.enable_grad():
            h = h if again and h.requires_grad else h.detach().requires_grad_()
            mean = self.mean(h)
            x_hat = self.standardized(self.centered(h, mean), self.root(self.variance(h, mean)))
        return torch.autograd.grad(x_hat, h, G, create_graph=again)[0]

    def over_rows(self, t: Tensor) -> Tensor:
        """a parameter's gradient is the sum over all that it is broadcast over"""
        return t.sum((0, *range(2, t.ndim)))

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        """dweight = sum(dy * x_hat), over all that the weight is broadcast over"""
        return self.over_rows(dy * x_hat)

    def bias_gradient(self, dy: Tensor) -> Tensor:
        """dbias = sum(dy), over all that the bias is broadcast over"""
        return self.over_rows(dy)


class _Explicit(torch.autograd.Function):
    """The forward of a call, with the backward of its formulas."""

    @staticmethod
    def forward(ctx: Any, steps: Steps, *inputs: Tensor | None) -> Tensor:
        ctx.steps = steps
        ctx.save_for_backward(*inputs)
        return steps.forward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        ctx.steps.needed = ctx.needs_input_grad[1:]
        return None, *ctx.steps.gradients(grads[0], *ctx.saved_tensors)


class LayerNorm(Steps):
    """mean and variance are taken over the trailing dimensions, those of normalized_shape"""

    norm = "layer_norm"

    def __init__(
        self, x: Tensor, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: Any = 1e-5
    ):
        super().__init__(x, weight, bias, eps)
        self.normalized_shape = tuple(normalized_shape)
        self.axes = tuple(range(-len(self.normalized_shape), 0))

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """The normalized shape."""
        return self.normalized_shape

    def check(self) -> None:
        """A normalized_shape that is not the end of x's shape is refused, and a weight or a bias that does not fit."""
        if tuple(self.x.shape[self.x.ndim - len(self.normalized_shape) :]) != self.normalized_shape:
            raise ValueError(f"x of shape {tuple(self.x.shape)} does not end in {self.normalized_shape}")
        super().check()

    def over_rows(self, t: Tensor) -> Tensor:
        """a parameter's gradient is the sum over all rows"""
        return t.reshape(-1, *self.normalized_shape).sum(0)


class RMSNorm(LayerNorm):
    """the mean square is taken over the trailing dimensions, those of normalized_shape"""

    norm = "rms_norm"
    names = ("x", "weight")

    def __init__(self, x: Tensor, normalized_shape: Sequence[int], weight: Any = None, eps: Any = None):
        super().__init__(x, normalized_shape, weight, None, 1e-6 if eps is None else eps)

    def mean(self, h: Tensor) -> Tensor:
        """nothing is subtracted"""
        return torch.zeros_like(self.total(h))

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        """mean square = sum(x²) / n"""
        return self.average(h**2)

    def root(self, variance: Tensor) -> Tensor:
        """rms = sqrt(mean(x²) + eps)"""
        return (variance + self.eps).sqrt()

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        """x_hat = x / sqrt(mean(x²) + eps)"""
        return d / deviation

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        """y = x_hat * weight"""
        return x_hat if weight is None else x_hat * weight

    def mean_term(self, G: Tensor) -> Tensor:
        """nothing but the root mean square depends on x"""
        return torch.zeros_like(self.average(G))

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        """dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps), G = dy * weight"""
        return super().input_gradient(G, x_hat, deviation)


class DeepNorm(LayerNorm):
    """mean and variance of alpha * x + sublayer_output are taken over the trailing dimensions"""

    norm = "deep_norm"
    names = ("x", "sublayer_output", "weight", "bias")

    def __init__(
        self, x: Tensor, sublayer_output: Tensor, alpha: float, shape: Sequence[int], weight: Any = None, bias: Any = None, eps: Any = 1e-5
    ):  # fmt: skip
        super().__init__(x, shape, weight, bias, eps)
        self.sublayer_output, self.alpha = sublayer_output, alpha

    @property
    def inputs(self) -> tuple[Tensor | None, ...]:
        """The arguments that have gradients."""
        return self.x, self.sublayer_output, self.weight, self.bias

    def normalized(self, *inputs: Tensor | None) -> Tensor:
        """what is normalized is alpha * x + sublayer_output"""
        x, sublayer_output = inputs[:2]
        assert x is not None
        assert sublayer_output is not None
        return self.residual(self.read(x), self.read(sublayer_output))

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        """y = LayerNorm(alpha * x + sublayer_output)"""
        return self.alpha * x + sublayer_output

    def of_inputs(self, dx: Tensor) -> tuple[Tensor, ...]:
        """x gets alpha times the gradient of the sum, the sublayer's output gets the gradient itself"""
        return self.alpha * dx, dx


class GroupNorm(Steps):
    """Statistics over the neighbouring channels of a group, and all positions."""

    norm = "group_norm"
    axes = (2,)

    def __init__(self, x: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: Any = 1e-5):
        super().__init__(x, weight, bias, eps)
        self.groups = num_groups

    def check(self) -> None:
        """A number of groups that does not divide the channels is refused, and a weight or a bias that does not fit."""
        if self.x.shape[1] % self.groups:
            raise ValueError(f"{self.x.shape[1]} channels do not divide into {self.groups} groups")
        super().check()

    def grouped(self, t: Tensor) -> Tensor:
        """(N, C, ...) -> (N, groups, C / groups * positions): a group's channels are neighbours"""
        return t.reshape(t.shape[0], self.groups, math.prod(t.shape[1:]) // self.groups)

    def spread(self, p: Tensor) -> Tensor:
        """each channel has a weight and a bias of its own: (C,) -> (C, 1, ...)"""
        return p.reshape(-1, *(1,) * (self.x.ndim - 2))


class BatchNorm(Steps):
    """Statistics over the batch, and all positions; in evaluation those that are given."""

    norm = "batch_norm"

    def __init__(
        self, x: Tensor, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
        momentum: float = 0.1, eps: Any = 1e-5,
    ):  # fmt: skip
        super().__init__(x, weight, bias, eps)
        self.running_mean, self.running_var = running_mean, running_var
        self.training, self.momentum = training, momentum

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        """All but the channels'."""
        return (0, *range(2, self.x.ndim))

    def spread(self, p: Tensor) -> Tensor:
        """each channel has a weight and a bias of its own: (C,) -> (C, 1, ...)"""
        return p.reshape(-1, *(1,) * (self.x.ndim - 2))

    def given(self, values: Tensor) -> Tensor:
        """in evaluation the running statistics are the statistics"""
        return self.spread(values.to(self.wide))

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """mean and variance are the batch's in training, the running ones in evaluation"""
        if self.training:
            return super().statistics(h)
        return self.given(self.running_mean), self.root(self.given(self.running_var))

    def update(self, mean: Tensor, variance: Tensor) -> None:
        """running = (1 - momentum) * running + momentum * batch, in training"""
        if not self.training or self.running_mean is None:
            return
        n = self.count(self.grouped(self.x))
        with torch.no_grad():
            batch = self.per_channel(mean), self.per_channel(self.stored(variance, n))
            for running, new in zip((self.running_mean, self.running_var), batch, strict=True):
                running.copy_(self.moved(running.to(self.wide), new))

    def stored(self, variance: Tensor, n: int) -> Tensor:
        """the running variance is unbiased: variance * n / (n - 1)"""
        return variance * n / (n - 1)

    def moved(self, running: Tensor, batch: Tensor) -> Tensor:
        """running = (1 - momentum) * running + momentum * batch"""
        return (1 - self.momentum) * running + self.momentum * batch

    def per_channel(self, statistic: Tensor) -> Tensor:
        """one running value for each channel"""
        return statistic.reshape(-1)

    def gradients(self, dy: Tensor, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        """dx, dweight and dbias; in evaluation the statistics are constants"""
        if self.training:
            return super().gradients(dy, *inputs)
        x, weight, bias = self.normalized(*inputs), *inputs[-2:]
        dy = self.upstream(dy)
        self.values, self.dy = x, dy  # for the mistakes that take one for another
        mean, deviation = self.saved(self.given(self.running_mean), self.root(self.given(self.running_var)))
        x_hat = self.standardized(self.centered(x, mean), deviation)
        G = self.weighted(dy, weight)
        dx = self.evaluation_gradient(G, x_hat, deviation)
        dweight = None if weight is None else self.weight_gradient(dy, x_hat).reshape(weight.shape)
        dbias = None if bias is None else self.bias_gradient(dy).reshape(bias.shape)
        return self.delivered(self.of_inputs(dx), dweight, dbias)

    def evaluation_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        """in evaluation dx = dy * weight / sqrt(running_var + eps)"""
        return G / deviation


class InstanceNorm(BatchNorm):
    """Statistics over the positions of each channel of each sample; running ones averaged over the samples."""

    norm = "instance_norm"

    def __init__(
        self, x: Tensor, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
        use_input_stats: bool = True, momentum: float = 0.1, eps: Any = 1e-5,
    ):  # fmt: skip
        super().__init__(x, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        """The positions'."""
        return tuple(range(2, self.x.ndim))

    def per_channel(self, statistic: Tensor) -> Tensor:
        """one running value for each channel: the average over the samples"""
        return statistic.mean(0).reshape(-1)


NORMS: dict[str, type[Steps]] = {s.norm: s for s in (LayerNorm, RMSNorm, BatchNorm, GroupNorm, InstanceNorm, DeepNorm)}
