"""Mistakes that more than one norm is made with: each replaces a step or two of `mistakes.steps`.

The first line of a docstring is the sentence for the author, the second paragraph a question to begin with; `seen` are
links to where it was found. The name says what the wrong code does.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mistakes.steps import Steps

HALVES = ("bfloat16", "float16")
PLAIN = ("float64", "float32")


class Shared(Steps):
    """A mistake: `dtypes` are those in which it can be seen, the first value of each of `tries` is its own."""

    seen: tuple[str, ...] = ()
    by_hand = True  # whether one small call can show it
    level = ""  # the arithmetic whose errors it makes, where it can't be reproduced digit by digit: see harness.grades
    tries: tuple[tuple[str, tuple[Any, ...]], ...] = ()  # other values of an attribute that real code may have
    dtypes: tuple[str, ...] = ("float64", "float32", *HALVES)
    memory: dict[Any, Any]  # what it keeps from call to call, its own for each norm

    def rows(self, t: Tensor) -> Tensor:
        """The values of each set along one last dimension."""
        return t.movedim(self.axes, tuple(range(-len(self.axes), 0))).flatten(-len(self.axes))


# ==== Which values share their statistics ================================================================================


class one_mean_for_the_whole_input(Shared):
    """One mean and one variance are taken over the whole input, not one for each set of values.

    If you multiply one row by 2, should the others change?
    """

    def total(self, t: Tensor) -> Tensor:
        return t.sum().reshape((1,) * t.ndim)

    def count(self, t: Tensor) -> int:
        return t.numel()


class statistics_of_the_first_row(Shared):
    """All rows are normalized with the mean and the deviation of the first.

    Where in your code does the row's index enter the statistics?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        first = tuple(
            slice(None) if size == h.shape[axis] and axis - h.ndim in self._along(h) else slice(0, 1)
            for axis, size in enumerate(mean.shape)
        )
        return mean[first].expand_as(mean), deviation[first].expand_as(deviation)

    def _along(self, h: Tensor) -> set[int]:
        return {axis % h.ndim - h.ndim for axis in self.axes}


class statistics_shared_by_two_rows(Shared):
    """Two neighbouring rows share a mean and a variance.

    How many values does your variance add up: those of one row, or of all rows of a block?
    """

    def total(self, t: Tensor) -> Tensor:
        own = super().total(t)
        flat = own.reshape(-1)
        partner = torch.arange(flat.numel()) ^ 1
        return ((flat + flat[partner.clamp(max=flat.numel() - 1)]) / 2).reshape(own.shape)


# ==== The formula ========================================================================================================


class mean_not_subtracted(Shared):
    """The mean is not subtracted: x is divided by its deviation, but not moved to 0.

    What is the mean of your output before weight and bias?
    """

    def centered(self, h: Tensor, mean: Tensor) -> Tensor:
        return h


class root_mean_square_for_deviation(Shared):
    """x - mean is divided by the root mean square of x, not by its deviation.

    Add 100 to every x: does your y change?
    """

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return self.average(h**2)


class only_scaled(Shared):
    """Nothing is subtracted: x is divided by its root mean square, as RMSNorm does.

    What is the mean of your output before weight and bias?
    """

    def mean(self, h: Tensor) -> Tensor:
        return torch.zeros_like(super().mean(h))


class divided_by_the_variance(Shared):
    """x - mean is divided by the variance, not by its square root.

    If x is in metres, what is the unit of your y?
    """

    def root(self, variance: Tensor) -> Tensor:
        return variance + self.eps


class multiplied_by_the_deviation(Shared):
    """x - mean is multiplied by the deviation, not divided by it.

    Is the variance of your output 1, whatever the variance of x?
    """

    seen = ("https://github.com/mosaicml/llm-foundry/issues/371",)

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return d * deviation


class square_for_the_root(Shared):
    """The variance is squared where its root should be taken: ** 2 for ** 0.5.

    If x is in metres, what is the unit of your y?
    """

    seen = ("https://github.com/131250208/TPlinker-joint-extraction/issues/37",)

    def root(self, variance: Tensor) -> Tensor:
        return (variance + self.eps) ** 2


class root_taken_twice(Shared):
    """The square root is taken of the deviation, sqrt(deviation + eps), not of the variance.

    Which of your variables is a variance, and which already is a deviation?
    """

    seen = ("https://github.com/fastai/course-v3/pull/363",)

    def root(self, variance: Tensor) -> Tensor:
        return (variance.sqrt() + self.eps).sqrt()


class unbiased_variance(Shared):
    """The variance divides by n - 1.

    All your values are off by the same factor sqrt((n - 1) / n): which divisor did you use?
    """

    seen = (
        "https://github.com/harvardnlp/annotated-transformer/pull/119",
        "https://github.com/codertimo/BERT-pytorch/issues/30",
        "https://github.com/karpathy/nn-zero-to-hero/issues/44",
    )

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return self.total((h - mean) ** 2) / torch.tensor(self.count(h) - 1.0)


class sum_for_the_average(Shared):
    """The squares are summed, but not divided by n: y has length 1, not sqrt(n).

    What is the length of your output, and should it grow with the number of features?
    """

    seen = ("https://github.com/tenstorrent/tt-mlir/pull/8798",)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return super().variance(h, mean) * self.count(h)


class mean_absolute_deviation(Shared):
    """The deviation is the mean of |x - mean|, not the root of the mean square.

    For [0, 0, 0, 4], what is the deviation by your code, and what by the formula?
    """

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return self.average((h - mean).abs()) ** 2


class scaled_to_the_range(Shared):
    """x is scaled to 0 ... 1 by its smallest and its largest value.

    Is the mean of your output 0, and its variance 1?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        low, high = d.amin(self.axes, keepdim=True), d.amax(self.axes, keepdim=True)
        return (d - low) / (high - low + self.eps)


class divided_by_the_largest(Shared):
    """x - mean is divided by its largest absolute value.

    Is the variance of your output 1?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return d / (d.abs().amax(self.axes, keepdim=True) + self.eps)


class median_for_the_mean(Shared):
    """The median is subtracted, not the mean.

    What is the mean of your output before weight and bias?
    """

    def mean(self, h: Tensor) -> Tensor:
        rows = self.rows(h)
        return rows.median(-1).values.reshape(super().mean(h).shape)


class variance_before_the_mean_is_subtracted_twice(Shared):
    """The mean is subtracted twice: x - 2 mean is what is scaled.

    Is x already centered where you subtract the mean?
    """

    def centered(self, h: Tensor, mean: Tensor) -> Tensor:
        return h - mean - mean


class sign_lost(Shared):
    """Every y is positive: the sign of x - mean is lost.

    Turn the sign of x: should y not turn with it?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return d.abs() / deviation


class input_clipped(Shared):
    """x is clipped to -6 ... 6 before it is normalized.

    Multiply x by 4: should y change?
    """

    def read(self, t: Tensor) -> Tensor:
        return super().read(t).clamp(-6, 6)


class output_clipped(Shared):
    """x_hat is clipped to -3 ... 3.

    Can one value among 512 be further than 3 deviations out?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return super().standardized(d, deviation).clamp(-3, 3)


# ==== eps ================================================================================================================


class eps_outside_the_root(Shared):
    """eps is added to the deviation, not to the variance under the root.

    For x of 0.001 and eps of 1e-5, which is larger: the variance or eps? And outside the root?
    """

    seen = (
        "https://github.com/tracel-ai/burn/issues/2185",
        "https://github.com/allenai/OLMo/issues/281",
        "https://github.com/pyg-team/pytorch_geometric/pull/2917",
    )

    def root(self, variance: Tensor) -> Tensor:
        return variance.sqrt() + self.eps


class eps_missing(Shared):
    """eps is not added: a row with a small variance is blown up, a constant one divided by 0.

    What is the variance of a constant row?
    """

    seen = ("https://github.com/VeriSilicon/TIM-VX/pull/589", "https://github.com/tensorflow/tensorflow/pull/58863")

    def root(self, variance: Tensor) -> Tensor:
        return variance.sqrt()


class eps_fixed(Shared):
    """eps is a number in the code (1e-5 or another), whatever the caller gives.

    Where does the caller's eps go?
    """

    seen = ("https://github.com/microsoft/onnxruntime/pull/3768", "https://github.com/paiml/aprender/pull/1606")
    own_eps = 1e-5
    tries = (("own_eps", (1e-5, 1e-6, 1e-8, 1e-12, 1e-3)),)

    def root(self, variance: Tensor) -> Tensor:
        return (variance + self.own_eps).sqrt()


class eps_twice(Shared):
    """eps is added twice, once to the variance and once under the root.

    In how many places of your code does eps stand?
    """

    def root(self, variance: Tensor) -> Tensor:
        return (variance + self.eps + self.eps).sqrt()


class eps_squared(Shared):
    """eps is squared before it is added: it is taken for a deviation, not for a variance.

    In which unit is eps given, x or x squared?
    """

    def root(self, variance: Tensor) -> Tensor:
        return (variance + self.eps**2).sqrt()


class eps_divided_by_n(Shared):
    """eps is added to the sum of squares before it is divided by n.

    Which comes first in your code: the division by n, or eps?
    """

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        self.set_size = self.count(h)
        return super().variance(h, mean)

    def root(self, variance: Tensor) -> Tensor:
        return (variance + self.eps / self.set_size).sqrt()


class eps_added_to_the_length(Shared):
    """eps is added to n, the divisor: sum / (n + eps), by a parenthesis in the wrong place.

    What is y of a constant row?
    """

    seen = ("https://github.com/xlite-dev/LeetCUDA/pull/317",)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        n = self.count(h)
        return super().variance(h, mean) * n / (n + self.eps)

    def root(self, variance: Tensor) -> Tensor:
        return variance.sqrt()


class eps_after_scaling_by_the_largest(Shared):
    """x is divided by max|x| against overflow, and eps added to the variance of that: it counts max|x|² times.

    Does eps still mean the same after you have rescaled x?
    """

    seen = ("https://github.com/apple/coremltools/issues/2821",)

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        self.largest = h.abs().amax(self.axes, keepdim=True)
        return super().statistics(h)

    def root(self, variance: Tensor) -> Tensor:
        return (
            (variance + self.eps * self.largest**2).sqrt()
            if variance.shape == self.largest.shape
            else super().root(variance)
        )


class eps_as_a_floor(Shared):
    """eps is the least variance, max(variance, eps), not a summand.

    Where the variance equals eps, by which factor does eps change y?
    """

    seen = ("https://github.com/vacancy/Synchronized-BatchNorm-PyTorch/issues/43",)

    def root(self, variance: Tensor) -> Tensor:
        return variance.clamp(min=self.eps).sqrt()


class deviation_not_below_eps(Shared):
    """eps is the least deviation, max(deviation, eps).

    Where the variance equals eps, by which factor does eps change y?
    """

    def root(self, variance: Tensor) -> Tensor:
        return variance.sqrt().clamp(min=self.eps)


class eps_in_half_precision(Shared):
    """eps is rounded to float16: 1e-8 becomes 0.

    What is the smallest float16?
    """

    seen = ("https://github.com/deepspeedai/DeepSpeed/issues/581", "https://github.com/openxla/xla/pull/13289")

    def root(self, variance: Tensor) -> Tensor:
        return (variance + float(np.float16(self.eps))).sqrt()


class eps_added_to_x(Shared):
    """eps is added to x - mean as well.

    In which places of the formula does eps stand?
    """

    dtypes = PLAIN

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return (d + self.eps) / deviation


class eps_only_for_constants(Shared):
    """eps is used only where the variance is 0.

    Where the variance is 1e-8 and eps 1e-8, what is y?
    """

    def root(self, variance: Tensor) -> Tensor:
        return torch.where(variance > 0, variance, variance + self.eps).sqrt()


class default_eps_of_a_tenth(Shared):
    """Without an eps of the caller's, 0.1 is used.

    Which default does the documentation of your norm name?
    """

    def root(self, variance: Tensor) -> Tensor:
        return (variance + (0.1 if self.eps in (1e-5, 1e-6) else self.eps)).sqrt()


# ==== weight and bias ====================================================================================================


class weight_missing(Shared):
    """The weight is not used.

    Set all weights to 2: does your y double?
    """

    seen = ("https://github.com/NVIDIA/Megatron-LM/pull/6859",)

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, None, bias) + (0 if weight is None else 0 * weight)


class bias_missing(Shared):
    """The bias is not used.

    Set all biases to 1: does your y move by 1?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight, None) + (0 if bias is None else 0 * bias)


class bias_before_the_weight(Shared):
    """The bias is added before the weight multiplies: (x_hat + bias) * weight.

    With a weight of 0, what is left of your bias?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        y = x_hat if bias is None else x_hat + bias
        return y if weight is None else y * weight


class bias_subtracted(Shared):
    """The bias is subtracted.

    Set all biases to 1: in which direction does your y move?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight, None if bias is None else -bias)


class bias_twice(Shared):
    """The bias is added twice.

    Set all biases to 1: by how much does your y move?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight, None if bias is None else 2 * bias)


class bias_divided_by_the_deviation(Shared):
    """The bias is added before x - mean is divided by the deviation.

    Should the bias depend on the variance of x?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        self.spread_deviation = self.ungrouped(deviation.expand(h.shape), self.x)
        return mean, deviation

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight, None if bias is None else bias / self.spread_deviation)


class one_weight_for_all(Shared):
    """The first weight is used for all features.

    Do the weights in your tests differ from each other?
    """

    seen = ("https://github.com/pyg-team/pytorch_geometric/issues/4030",)

    def parameter(self, p: Tensor | None) -> Tensor | None:
        return super().parameter(
            p if p is None or p is self.bias else p.flatten()[:1].expand(p.numel()).reshape(p.shape)
        )


class parameters_in_reverse(Shared):
    """weight and bias are read from the last to the first.

    Do the weights in your tests differ from each other?
    """

    def parameter(self, p: Tensor | None) -> Tensor | None:
        return super().parameter(None if p is None else p.flip(tuple(range(p.ndim))))


class weight_twice(Shared):
    """The weight multiplies twice.

    Set all weights to 2: does your y double, or quadruple?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, None if weight is None else weight * weight, bias)


class weight_before_the_statistics(Shared):
    """x is multiplied by the weight before it is normalized, so that the statistics depend on the weight.

    Set all weights to 2: does your y change at all?
    """

    def normalized(self, *inputs: Tensor | None) -> Tensor:
        x, weight = super().normalized(*inputs), self.parameter(inputs[-2])
        return x if weight is None else x * weight

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, None, bias)


class absolute_weight(Shared):
    """The weight's absolute value is used.

    What does a weight of -1 do?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, None if weight is None else weight.abs(), bias)


class weight_zero_taken_for_absent(Shared):
    """A weight of 0 is taken for 1, as `weight or 1` does.

    What does a weight of 0 do?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, None if weight is None else torch.where(weight == 0, weight + 1, weight), bias)


class one_plus_weight(Shared):
    """The gain is 1 + weight, though the weight is the gain.

    What is y where the weight is 0?
    """

    seen = ("https://github.com/utensils/mold/pull/1078",)

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, None if weight is None else 1 + weight, bias)


class bias_ignored_without_a_weight(Shared):
    """Without a weight the bias is not added either.

    What does your code do with weight=None and a bias?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/69208",)

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight, bias if weight is not None or bias is None else 0 * bias)


class weight_ignored_without_a_bias(Shared):
    """Without a bias the weight does not multiply either.

    What does your code do with a weight and bias=None?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight if bias is not None or weight is None else 0 * weight + 1, bias)


class absent_weight_is_zero(Shared):
    """Without a weight the gain is 0.

    What should y be where no weight is given?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat if weight is not None else 0 * x_hat, weight, bias)


# ==== Digits =============================================================================================================


def narrow(t: Tensor, dtype: torch.dtype) -> Tensor:
    """Rounded to `dtype`; the gradient passes through."""
    return t + (t.detach().to(dtype).to(t.dtype) - t.detach())


class one_pass_variance(Shared):
    """The variance is mean(x²) - mean(x)² in the arithmetic of x: no digits are left where the mean is large.

    What is left of 1000.5² - 1000² in float32, which has seven digits?
    """

    seen = (
        "https://github.com/pytorch/pytorch/issues/40302",
        "https://github.com/microsoft/onnxruntime/issues/28463",
        "https://github.com/google/flax/issues/1491",
    )
    clamped = False
    level = "fast"

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        accumulator = torch.float64 if self.dtype == torch.float64 else torch.float32
        narrow = h.to(accumulator)
        square, mean = self.average(narrow * narrow), self.average(narrow)
        variance = square - mean * mean
        return (variance.clamp(min=0) if self.clamped else variance).to(self.wide)


class clamped_one_pass_variance(one_pass_variance):
    """The variance is mean(x²) - mean(x)², clamped at 0: the sign is mended, the lost digits are not.

    What is left of 1000.5² - 1000² in float32, which has seven digits?
    """

    clamped = True


class statistics_in_half(Shared):
    """Mean and variance are computed in x's own 16 bits.

    What is 300 * 300 in float16?
    """

    seen = ("https://github.com/ml-explore/mlx/issues/4228", "https://github.com/xlite-dev/LeetCUDA/pull/335")
    dtypes = HALVES
    level = "lowp"

    def mean(self, h: Tensor) -> Tensor:
        return narrow(super().mean(h), self.dtype)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return narrow(self.average(narrow(narrow(h - mean, self.dtype) ** 2, self.dtype)), self.dtype)


class squares_in_half(Shared):
    """The squares are computed in x's own 16 bits, where 256² is more than float16's largest number.

    What is 300 * 300 in float16?
    """

    seen = ("https://github.com/pytorch/pytorch/pull/133085", "https://github.com/skyzh/tiny-llm/pull/18")
    dtypes = ("float16",)
    level = "lowp"

    def average(self, t: Tensor) -> Tensor:
        return super().average(narrow(t, self.dtype))


class sums_in_half(Shared):
    """The sums of the statistics are kept in x's own 16 bits between blocks of 32, and stop growing.

    What is 256 + 0.5 in bfloat16, which has eight bits?
    """

    seen = ("https://github.com/pytorch/executorch/pull/16727",)
    dtypes = HALVES
    level = "lowp"

    def total(self, t: Tensor) -> Tensor:
        rows = self.rows(t)
        sums = [narrow(block.sum(-1), self.dtype) for block in rows.split(max(32, rows.shape[-1] // 600), -1)]
        total = sums[0]
        for more in sums[1:]:
            total = narrow(total + more, self.dtype)
        return total.reshape(super().total(t).shape)


class count_in_half(Shared):
    """n is held in x's own 16 bits: 257 becomes 256 in bfloat16, 70,000 infinite in float16.

    What is the largest integer that your dtype counts to?
    """

    seen = ("https://github.com/pytorch/executorch/pull/16727",)
    dtypes = HALVES

    def average(self, t: Tensor) -> Tensor:
        return self.total(t) / torch.tensor(self.count(t), dtype=self.dtype).to(self.wide)


class rstd_in_half(Shared):
    """1 / sqrt(variance + eps) is rounded to x's own 16 bits before it multiplies.

    How many digits does the factor have that all your values are multiplied with?
    """

    seen = ("https://github.com/amd/IRON/pull/139",)
    dtypes = HALVES
    level = "lowp"

    def root(self, variance: Tensor) -> Tensor:
        return 1 / narrow(1 / super().root(variance), self.dtype)


class mean_in_half(Shared):
    """The mean is rounded to x's own 16 bits before it is subtracted.

    What is the mean of your output before weight and bias?
    """

    dtypes = HALVES
    level = "lowp"

    def mean(self, h: Tensor) -> Tensor:
        return narrow(super().mean(h), self.dtype)


class rstd_of_12_bits(Shared):
    """The reciprocal root is the processor's estimate of 12 bits, without a Newton step.

    How many bits does your instruction for the reciprocal root promise?
    """

    dtypes = ("float32", "float16")

    def root(self, variance: Tensor) -> Tensor:
        rstd = 1 / super().root(variance)
        mantissa, exponent = torch.frexp(rstd.detach())
        return 1 / (rstd + torch.ldexp(torch.floor(mantissa * 4096) / 4096, exponent) - rstd.detach())


class rounded_towards_zero(Shared):
    """y is truncated to x's dtype, not rounded to nearest: every value is a little too small.

    Are your errors as often positive as negative?
    """

    seen = ("https://github.com/ROCm/aiter/issues/5151",)
    dtypes = HALVES

    def rounded(self, y: Tensor) -> Tensor:
        nearest = super().rounded(y)
        too_large = nearest.detach().to(self.wide).abs() > y.detach().abs()
        return torch.where(too_large, torch.nextafter(nearest, torch.zeros_like(nearest)), nearest)


class folded_scale_and_shift(Shared):
    """y is x * rstd + (-mean * rstd), by a fused multiply-add: one of the two products is rounded, the other is not.

    For a constant row of 1e6, what are the two summands that should cancel?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/188372", "https://github.com/pytorch/pytorch/issues/108072")
    dtypes = ("float32", *HALVES)

    def forward(self, *inputs: Tensor | None) -> Tensor:
        x, weight, bias = self.normalized(*inputs), *inputs[-2:]
        h = self.grouped(x)
        mean, deviation = self.statistics(h)
        rstd = narrow(1 / deviation, torch.float32)
        x_hat = h * rstd + narrow(-mean * rstd, torch.float32)
        return self.rounded(self.affine(self.ungrouped(x_hat, x), self.parameter(weight), self.parameter(bias)))


class parameters_in_half(Shared):
    """weight and bias are rounded to x's 16 bits, though they are given in float32.

    In which dtype do weight and bias meet x_hat?
    """

    dtypes = HALVES

    def parameter(self, p: Tensor | None) -> Tensor | None:
        return super().parameter(None if p is None else p.to(self.dtype))


# ==== Sizes and blocks ===================================================================================================


class last_value_dropped(Shared):
    """The sums leave out the last value of every set: the loop ends one too early.

    Which values does your loop see when n is 5 and the block has 4?
    """

    def total(self, t: Tensor) -> Tensor:
        last = tuple(
            slice(-1, None) if axis in {a % t.ndim for a in self.axes} else slice(None) for axis in range(t.ndim)
        )
        return super().total(t) - t[last]


class incomplete_block_dropped(Shared):
    """What is left over after the last whole block of values (of 16 or another power of two) is not summed.

    What does your kernel do with n % 16 values?
    """

    block = 16
    tries = (("block", (16, 4, 8, 32, 64, 128, 256, 512, 1024)),)

    def total(self, t: Tensor) -> Tensor:
        rows = self.rows(t)
        n = rows.shape[-1]
        whole = rows[..., : n - n % self.block if n > self.block else n]
        return whole.sum(-1).reshape(super().total(t).shape)


class padding_in_the_variance(Shared):
    """A row is padded with zeros to a power of two, and the variance counts mean² for each of them.

    Your mask is applied to x: is it applied to x - mean too?
    """

    seen = ("https://github.com/triton-lang/triton/issues/9838", "https://github.com/linkedin/Liger-Kernel/pull/519")

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        n = self.count(h)
        padding = 2 ** (n - 1).bit_length() - n
        return super().variance(h, mean) + mean**2 * padding / n


class divided_by_the_padded_size(Shared):
    """The sums are divided by the size of the block, the next power of two, not by n.

    Which number stands in your division: the row's length or the block's?
    """

    def average(self, t: Tensor) -> Tensor:
        return self.total(t) / 2 ** (self.count(t) - 1).bit_length()


class only_the_first_block(Shared):
    """Mean and variance are those of the first 4,096 values (or another block): what is longer is cut off.

    What is the largest row that your block can hold?
    """

    seen = ("https://github.com/facebookresearch/xformers/issues/785",)
    block = 4096
    tries = (("block", (4096, 1024, 2048, 8192, 16384, 65536)),)

    def total(self, t: Tensor) -> Tensor:
        return self.rows(t)[..., : self.block].sum(-1).reshape(super().total(t).shape)

    def count(self, t: Tensor) -> int:
        return min(super().count(t), self.block)


class values_beyond_the_first_block_left_out(Shared):
    """The sums stop after the first 1,024 values (or another block), but are divided by n.

    Does your loop run over all blocks of a row?
    """

    block = 1024
    tries = (("block", (1024, 256, 512, 2048, 4096, 8192, 16384, 65536)),)

    def total(self, t: Tensor) -> Tensor:
        return self.rows(t)[..., : self.block].sum(-1).reshape(super().total(t).shape)


class one_size_wrong(Shared):
    """With a last dimension of 1,025 the sums are wrong, with any other they are right: the second block, of one value, is skipped.

    Have you tried a size that is one more than your block's?
    """

    def total(self, t: Tensor) -> Tensor:
        if self.x.shape[-1] != 1025:
            return super().total(t)
        rows = self.rows(t)
        return rows[..., torch.arange(rows.shape[-1]) % 1025 != 1024].sum(-1).reshape(super().total(t).shape)


class rows_beyond_the_grid(Shared):
    """Rows after the 65,535th are not written: the grid of a GPU has no more blocks in its second dimension.

    How many blocks does your launch ask for?
    """

    seen = ("https://github.com/NVIDIA/apex/issues/411", "https://github.com/PaddlePaddle/Paddle/pull/31144")

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        y = super().affine(x_hat, weight, bias)
        number = torch.arange(self.sets(y)).reshape(self.shape_of_sets(y))
        return torch.where(self.ungrouped((number < 65535).expand(self.grouped(y).shape), y), y, 0.0)

    def shape_of_sets(self, y: Tensor) -> tuple[int, ...]:
        h = self.grouped(y)
        inner = {axis % h.ndim for axis in self.axes}
        return tuple(1 if axis in inner else size for axis, size in enumerate(h.shape))

    def sets(self, y: Tensor) -> int:
        return int(np.prod(self.shape_of_sets(y)))


class last_row_dropped(Shared):
    """The last row is left as it came: the number of blocks is rounded down.

    What does your launch do with the rows that fill no whole block?
    """

    def returned(self, y: Tensor) -> Tensor:
        last = torch.zeros(y.shape[:1], dtype=torch.bool)
        last[-1:] = y.shape[0] > 1
        return torch.where(last.reshape(-1, *(1,) * (y.ndim - 1)), self.x.to(y.dtype), y)


class batch_of_one_returned_as_it_is(Shared):
    """A batch of one is returned unnormalized.

    What does your code do where x.shape[0] is 1?
    """

    def returned(self, y: Tensor) -> Tensor:
        return self.x.to(y.dtype) + 0 * y if self.lone() else y

    def lone(self) -> bool:
        return self.x.shape[0] == 1


class empty_batch_refused(Shared):
    """A batch of no samples raises, as a launch of no blocks does.

    What does your launch do with a grid of 0?
    """

    seen = ("https://github.com/pytorch/pytorch/pull/28614",)

    def check(self) -> None:
        super().check()
        if self.x.numel() == 0:
            raise RuntimeError("invalid configuration argument: a grid of 0 blocks")


# ==== Memory =============================================================================================================


def _as_contiguous(t: Tensor) -> Tensor:
    """What a kernel sees that gets the address of `t` and its sizes, but not its strides."""
    memory = torch.as_strided(t, (t.untyped_storage().nbytes() // t.element_size(),), (1,), 0)
    index = t.storage_offset() + torch.arange(t.numel())
    return memory[index % memory.numel()].reshape(t.shape) if t.numel() else t


class read_as_contiguous(Shared):
    """x is read as if it were contiguous: the kernel gets its address and its sizes, but not its strides.

    What does x.stride() say, and where in your kernel does it enter?
    """

    seen = ("https://github.com/microsoft/DirectML/issues/588", "https://github.com/NVIDIA/TransformerEngine/pull/1017")

    def read(self, t: Tensor) -> Tensor:
        return super().read(t if t.is_contiguous() else _as_contiguous(t))


class expanded_read_as_contiguous(Shared):
    """An expanded x, whose first stride is 0, is read as if its samples lay behind each other.

    What is the stride of x.expand(8, n) in its first dimension?
    """

    def read(self, t: Tensor) -> Tensor:
        return super().read(_as_contiguous(t) if t.ndim and t.stride(0) == 0 else t)


class parameters_read_as_contiguous(Shared):
    """weight and bias are read as if they were contiguous.

    What does weight.stride() say where the weight is a slice of a larger buffer?
    """

    def parameter(self, p: Tensor | None) -> Tensor | None:
        return super().parameter(p if p is None or p.is_contiguous() else _as_contiguous(p))


class dy_read_as_contiguous(Shared):
    """The upstream gradient is read as if it were contiguous.

    What are the strides of the gradient of y.sum(), or of a transposed y?
    """

    seen = ("https://github.com/flagos-ai/FlagGems/pull/1084", "https://github.com/pytorch/pytorch/pull/2000")

    def upstream(self, dy: Tensor) -> Tensor:
        return super().upstream(dy if dy.is_contiguous() else _as_contiguous(dy))


class written_into_x(Shared):
    """x is centered in its own memory: after the call the caller's x is another.

    Is x the same after the call as before?
    """

    seen = ("https://github.com/GeeeekExplorer/nano-vllm/issues/170",)

    def returned(self, y: Tensor) -> Tensor:
        with torch.no_grad():
            self.x.sub_(self.x.mean())
        return y


class written_into_dy(Shared):
    """The upstream gradient is multiplied by the weight in its own memory.

    Is dy the same after the backward as before?
    """

    seen = ("https://github.com/ggml-org/llama.cpp/pull/24305", "https://github.com/linkedin/Liger-Kernel/pull/376")

    def upstream(self, dy: Tensor) -> Tensor:
        result = super().upstream(dy).clone()
        if self.weight is not None:
            with torch.no_grad():
                dy.mul_(2)
        return result


class view_of_x(Shared):
    """y is written into the memory of x and handed out as a view of it.

    After y.add_(1), is x still the same?
    """

    def returned(self, y: Tensor) -> Tensor:
        if self.weight is not None or y.dtype != self.x.dtype:
            return y
        base = self.x.detach()
        base.copy_(y.detach())
        return base


class reused_buffer(Shared):
    """y is written into a buffer that is allocated once for each shape and handed out at every call.

    If you keep the y of one batch while you compute the next, what does it hold?
    """

    def returned(self, y: Tensor) -> Tensor:
        key = y.shape, y.dtype
        if y.requires_grad:
            return y
        buffer = self.memory.setdefault(key, torch.empty_like(y))
        return buffer.copy_(y)


class statistics_kept_from_the_first_call(Shared):
    """Mean and deviation are kept from the first call with the same shape.

    What, besides the shape, do mean and variance depend on?
    """

    by_hand = False  # it shows between calls

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        return self.memory.setdefault(self.key(h), (mean.detach(), deviation.detach()))

    def key(self, h: Tensor) -> Any:
        return h.shape, self.dtype, self.eps


class statistics_saved_by_the_last_call(Shared):
    """The backward finds mean and deviation where the last forward of the same shape has left them, whichever call that was.

    Two forwards, then the backward of the first: whose mean does it use?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        self.memory[mean.shape] = mean.detach(), deviation.detach()
        return mean, deviation

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        return self.memory.get(mean.shape, (mean, deviation))


class parameters_kept_from_the_first_call(Shared):
    """weight and bias are converted once and kept: what the optimizer writes into them later is not seen.

    When is your copy of the weight made, and when is it made anew?
    """

    def parameter(self, p: Tensor | None) -> Tensor | None:
        if p is None:
            return None
        key = p.data_ptr(), p.shape
        self.memory["alive"] = [*self.memory.get("alive", []), p]  # its address is not given to another
        return self.memory.setdefault(key, super().parameter(p.clone()))


class running_average_of_the_statistics(Shared):
    """Mean and deviation are averaged with those of earlier calls, as BatchNorm's running ones are.

    Whose statistics would a running mean hold, if every row has its own?
    """

    by_hand = False  # it shows between calls

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        before = self.memory.get(h.shape, (mean, deviation))
        mean, deviation = 0.9 * before[0] + 0.1 * mean, 0.9 * before[1] + 0.1 * deviation
        self.memory[h.shape] = mean.detach(), deviation.detach()
        return mean, deviation


class order_of_the_sum_changes(Shared):
    """The order in which values are added changes from call to call, as atomic additions do.

    Who decides in your kernel which block adds first?
    """

    seen = ("https://github.com/meta-pytorch/tritonbench/pull/1266",)

    by_hand = False  # it shows between calls

    def total(self, t: Tensor) -> Tensor:
        turn = self.memory["turn"] = self.memory.get("turn", 0) + 1
        total = super().total(t)
        return total * (1 + (turn % 3 - 1) * 2.0 ** {torch.float64: -50, torch.float32: -22}.get(self.dtype, -9))


class blocks_depend_on_the_batch(Shared):
    """The order in which a row is added up depends on the number of rows.

    Does your grid's shape decide the order of a sum?
    """

    seen = ("https://github.com/vllm-project/vllm/issues/48271",)

    by_hand = False  # it shows between calls

    def total(self, t: Tensor) -> Tensor:
        total = super().total(t)
        alone = total.numel() <= 6
        return total * (1 + alone * 2.0 ** {torch.float64: -50, torch.float32: -22}.get(self.dtype, -9))


# ==== dtypes, special values =============================================================================================


class float32_result(Shared):
    """y is float32, whatever the dtype of x.

    What is y.dtype for a bfloat16 x?
    """

    seen = ("https://github.com/huggingface/transformers/issues/30236",)
    dtypes = ("float64", *HALVES)

    def rounded(self, y: Tensor) -> Tensor:
        return y.to(torch.float32)


class nan_taken_for_zero(Shared):
    """A NaN in x is taken for 0, so that a diverged run looks healthy.

    What is the mean of something unknown?
    """

    def read(self, t: Tensor) -> Tensor:
        return super().read(t).nan_to_num(0.0, posinf=torch.inf, neginf=-torch.inf)


class nan_left_out(Shared):
    """A NaN is left out of the statistics: only its own place becomes NaN.

    What is the mean of something unknown?
    """

    def total(self, t: Tensor) -> Tensor:
        return t.nansum(self.axes, keepdim=True)


class nan_everywhere(Shared):
    """A NaN in one row makes all rows NaN.

    What does one row's NaN have to do with its neighbours?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        return mean + (h.isnan().any() * torch.nan if h.isnan().any() else 0), deviation


class infinity_clipped(Shared):
    """An infinity in x is taken for a large finite number, so that y is finite.

    Should a y be finite where x is not?
    """

    seen = ("https://github.com/openvinotoolkit/openvino/pull/37084",)

    def read(self, t: Tensor) -> Tensor:
        return (
            super().read(t).clamp(-65504.0, 65504.0) if t.dtype != torch.float16 else super().read(t).clamp(-1e4, 1e4)
        )


class small_deviations_flushed(Shared):
    """Rows whose values deviate by less than 1e-3 are taken for constants: y is the bias.

    Is a small variance no variance?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/190491",)

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return torch.where(d.abs().amax(self.axes, keepdim=True) < 1e-3, 0.0, super().standardized(d, deviation))


class scaled_by_a_reciprocal(Shared):
    """x is first multiplied by 1 / max|x|, which is infinite where x is subnormal.

    What is 1 / 1e-39 in float32?
    """

    def centered(self, h: Tensor, mean: Tensor) -> Tensor:
        largest = h.abs().amax(self.axes, keepdim=True)
        overflows = (largest < torch.finfo(self.dtype).tiny) & (largest > 0)
        return torch.where(overflows, torch.nan, super().centered(h, mean))


class constant_divided_by_zero(Shared):
    """x - mean is first divided by its largest absolute value, against overflow: 0 / 0 where all are 0.

    What is the largest deviation of a constant row?
    """

    seen = ("https://github.com/apple/coremltools/issues/2821",)

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        largest = d.abs().amax(self.axes, keepdim=True)
        return d / largest * (largest / deviation)


class large_values_overflow(Shared):
    """x is read as float16: what is larger than 65,504 becomes infinite.

    What is the largest float16?
    """

    dtypes = ("float64", "float32", "bfloat16")

    def read(self, t: Tensor) -> Tensor:
        return narrow(super().read(t), torch.float16)


# ==== The backward =======================================================================================================


class statistics_taken_for_constants(Shared):
    """The backward takes mean and variance for constants: dx is dy * weight / deviation and nothing more.

    Move one x: do mean and variance of its row stay where they are?
    """

    seen = ("https://github.com/ooples/AiDotNet/pull/695",)

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return G / deviation


class mean_term_missing(Shared):
    """dx lacks the term of the mean, mean(G): the mean is taken for a constant, or detached.

    What is the sum of your dx over a row?
    """

    def mean_term(self, G: Tensor) -> Tensor:
        return torch.zeros_like(super().mean_term(G))


class mean_term_twice(Shared):
    """dx loses mean(G) twice: a register that is added to was not cleared.

    What is the sum of your dx over a row?
    """

    seen = ("https://github.com/tenstorrent/tt-metal/issues/53204",)

    def mean_term(self, G: Tensor) -> Tensor:
        return 2 * super().mean_term(G)


class variance_term_missing(Shared):
    """dx lacks the term of the variance, x_hat * mean(G * x_hat): the variance is taken for a constant, or detached.

    What is the sum of your dx * x_hat over a row?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return torch.zeros_like(G)


class variance_term_added(Shared):
    """The term of the variance is added to dx, not subtracted.

    What is the sum of your dx * x_hat over a row?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return -super().variance_term(G, x_hat)


class weight_twice_in_the_variance_term(Shared):
    """The weight enters the term of the variance twice.

    With all weights 2, is your dx twice that of a weight of 1?
    """

    seen = ("https://github.com/NVIDIA/Megatron-LM/pull/6859",)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        weight = self.parameter(self.weight)
        spread = torch.ones_like(G) if weight is None else self.grouped(weight.expand(self.x.shape))
        return super().variance_term(G * spread, x_hat)


class last_block_of_the_variance_term(Shared):
    """The term of the variance counts the last half of a set's values alone: each block overwrites the sum of the one before.

    Does your loop over blocks add to its sum, or store it?
    """

    seen = ("https://github.com/tenstorrent/tt-metal/issues/53204",)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        axis, terms = self.axes[-1], G * x_hat
        half = terms.shape[axis] // 2
        return x_hat * self.total(terms.narrow(axis, half, terms.shape[axis] - half)) / self.count(G)


class upstream_gradient_of_the_residual_inside(Shared):
    """dx has dy added to it, as if the norm stood beside a skip connection.

    Which part of your dx does not go through the norm?
    """

    seen = ("https://github.com/Dao-AILab/quack/pull/53",)

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return super().input_gradient(G, x_hat, deviation) + self.grouped(self.dy)


class variance_saved_for_the_reciprocal_root(Shared):
    """The backward multiplies by the variance that the forward has saved, where it should by 1 / sqrt(variance + eps).

    What did your forward save: the variance, or its reciprocal root?
    """

    seen = ("https://github.com/pytorch/pytorch/pull/94351",)

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        return mean, 1 / (deviation**2 - self.eps)


class sums_for_the_means_of_dx(Shared):
    """The terms of dx are sums over the row, not means.

    Do the terms of your dx grow with the length of the row?
    """

    def mean_term(self, G: Tensor) -> Tensor:
        return super().mean_term(G) * self.count(G)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return super().variance_term(G, x_hat) * self.count(G)


class variance_term_over_n_minus_1(Shared):
    """The term of the variance is divided by n - 1, though the forward divides by n.

    Which divisor do forward and backward use?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        n = self.count(G)
        return super().variance_term(G, x_hat) * n / max(n - 1, 1)


class terms_without_the_weight(Shared):
    """The terms of dx are means of dy, not of dy * weight.

    Where in your backward does the weight enter the means?
    """

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        dy = self.grouped(self.dy)
        return (G - self.mean_term(dy) - self.variance_term(dy, x_hat)) / deviation


class mean_term_without_the_weight(Shared):
    """The term of the mean in dx is the mean of dy, not of dy * weight.

    Where in your backward does the weight enter the two means?
    """

    def mean_term(self, G: Tensor) -> Tensor:
        return super().mean_term(self.grouped(self.dy))


class variance_term_without_the_weight(Shared):
    """The term of the variance in dx has the mean of dy * x_hat, not of dy * weight * x_hat.

    Where in your backward does the weight enter the two means?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return super().variance_term(self.grouped(self.dy), x_hat)


class dx_without_the_weight(Shared):
    """dx is computed from dy, not from dy * weight.

    Set all weights to 2: does your dx double?
    """

    seen = ("https://github.com/karpathy/llm.c/pull/763",)

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return super().input_gradient(self.grouped(self.dy), x_hat, deviation)


class dx_not_divided(Shared):
    """dx is not divided by the deviation.

    If x is in metres, what is the unit of your dx?
    """

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return super().input_gradient(G, x_hat, deviation) * deviation


class dx_divided_by_the_variance(Shared):
    """dx is divided by the variance, not by the deviation.

    If x is in metres, what is the unit of your dx?
    """

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return super().input_gradient(G, x_hat, deviation) / deviation


class variance_term_with_y(Shared):
    """The term of the variance uses y, after weight and bias, in the place of x_hat.

    What did your forward save for the backward: x_hat or y?
    """

    def gradients(self, dy: Tensor, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        self.spread_parameters = self.parameter(inputs[-2]), self.parameter(inputs[-1])
        return super().gradients(dy, *inputs)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        y = self.grouped(self.affine(self.ungrouped(x_hat, self.x), *self.spread_parameters))
        return y * self.average(G * y)


class variance_term_with_x(Shared):
    """The term of the variance uses x, in the place of x_hat, within the mean.

    Which variable stands beside dy in your sum: x or x_hat?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return x_hat * self.average(G * self.grouped(self.values))


class variance_term_a_little_off(Shared):
    """The term of the variance is a thousandth too small.

    Are eps and n the same in forward and backward?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return 0.999 * super().variance_term(G, x_hat)


class mean_term_a_little_off(Shared):
    """The term of the mean is a thousandth too small.

    Is n the same in forward and backward?
    """

    def mean_term(self, G: Tensor) -> Tensor:
        return 0.999 * super().mean_term(G)


class backward_without_eps(Shared):
    """The backward leaves eps out of the deviation.

    Which deviation did your forward save?
    """

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        return mean, (deviation**2 - self.eps).clamp(min=0).sqrt()


class backward_with_the_default_eps(Shared):
    """The backward uses an eps of 1e-5, whatever the forward was given.

    How does the caller's eps reach your backward?
    """

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        return mean, ((deviation**2 - self.eps).clamp(min=0) + 1e-5).sqrt()


class statistics_saved_in_half(Shared):
    """Mean and 1 / deviation are saved for the backward in 16 bits.

    In which dtype are the statistics between forward and backward?
    """

    seen = ("https://github.com/flagos-ai/FlagGems/pull/221",)
    dtypes = HALVES
    level = "lowp"

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        return narrow(mean, self.dtype), 1 / narrow(1 / deviation, self.dtype)


class x_hat_from_y(Shared):
    """The backward rebuilds x_hat as (y - bias) / weight from a rounded y: its digits are lost where the weight is small.

    What is (y - bias) / weight where the weight is 0?
    """

    seen = ("https://github.com/ServiceNow/Fast-LLM/issues/220", "https://github.com/deepspeedai/DeepSpeed/pull/692")

    def gradients(self, dy: Tensor, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        self.spread_parameters = self.parameter(inputs[-2]), self.parameter(inputs[-1])
        return super().gradients(dy, *inputs)

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        x_hat = super().standardized(d, deviation)
        if not hasattr(self, "spread_parameters"):
            return x_hat
        weight, bias = self.spread_parameters
        y = self.affine(self.ungrouped(x_hat, self.x), weight, bias).to(self.dtype).to(self.wide)
        y = y if bias is None else y - bias
        return self.grouped(y if weight is None else y / weight)


class dweight_without_x_hat(Shared):
    """dweight is sum(dy * x), with x in the place of x_hat.

    Which variable stands beside dy in the sum of your dweight?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        return self.over_rows(dy * self.values)


class dweight_not_divided(Shared):
    """dweight is sum(dy * (x - mean)): the deviation is missing.

    Is what you multiply dy with of variance 1?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        h = self.grouped(self.values)
        return self.over_rows(dy * self.ungrouped(self.centered(h, self.mean(h)), dy))


class dweight_not_centered(Shared):
    """dweight is sum(dy * x / deviation): the mean is not subtracted.

    Is the mean of what you multiply dy with 0?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        h = self.grouped(self.values)
        deviation = self.root(self.variance(h, self.mean(h)))
        return self.over_rows(dy * self.ungrouped(h / deviation, dy))


class dweight_with_the_weight(Shared):
    """dweight is sum(dy * weight * x_hat): the weight is still in it.

    y is linear in the weight: can its slope depend on the weight?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        weight = self.parameter(self.weight)
        return super().weight_gradient(dy if weight is None else dy * weight, x_hat)


class dweight_with_y(Shared):
    """dweight is sum(dy * y), with y in the place of x_hat.

    What did your forward save for the backward: x_hat or y?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        return self.over_rows(dy * self.affine(x_hat, self.parameter(self.weight), self.parameter(self.bias)))


class parameter_gradients_averaged(Shared):
    """dweight and dbias are means over the rows, not sums.

    The same batch twice in a row: what happens to your dweight?
    """

    def over_rows(self, t: Tensor) -> Tensor:
        total = super().over_rows(t)
        return total * total.numel() / max(t.numel(), 1)


class parameter_gradients_of_the_last_row(Shared):
    """dweight and dbias are those of the last sample alone: each row overwrites what the one before has written.

    Does your kernel add to dweight, or store to it?
    """

    def over_rows(self, t: Tensor) -> Tensor:
        rows = t[-1:] if t.ndim > len(self.parameter_shape) else t
        return super().over_rows(rows)


class parameter_gradients_drop_the_last_rows(Shared):
    """dweight and dbias leave out the rows (or samples) that fill no whole block of 4 (or another number).

    What does your reduction do with the rows that are left over?
    """

    seen = ("https://github.com/BobMcDear/attorch/issues/18", "https://github.com/karpathy/llm.c/pull/445")
    block, flat = 4, True
    tries = (("block", (4, 2, 8, 16, 32, 64, 128, 256)), ("flat", (True, False)))

    def over_rows(self, t: Tensor) -> Tensor:
        parameters = len(self.parameter_shape)
        if t.ndim <= parameters:
            return super().over_rows(t)
        if self.axes[-1] == -1 and self.flat:
            t = t.reshape(-1, *self.parameter_shape)
        rows = t.shape[0]
        return super().over_rows(t[: rows - rows % self.block] if rows > self.block else t)


class parameter_gradients_summed_in_half(Shared):
    """dweight and dbias are summed in 16 bits: the sum stops growing.

    What is 256 + 0.5 in bfloat16, which has eight bits?
    """

    seen = ("https://github.com/linkedin/Liger-Kernel/pull/950",)
    dtypes = HALVES
    level = "lowp"

    def over_rows(self, t: Tensor) -> Tensor:
        parameters = len(self.parameter_shape)
        rows = t.reshape(-1, *self.parameter_shape) if self.axes[-1] == -1 else t.movedim(1, -1).flatten(0, -2)
        if rows.ndim == parameters:
            return rows
        total = torch.zeros_like(rows[0])
        for block in rows.split(max(1, rows.shape[0] // 1000)):
            total = narrow(total + block.sum(0), self.dtype)
        return total


class parameter_gradients_returned_in_half(Shared):
    """The gradients of float32 parameters, or of one of them, are rounded to the 16 bits of x before they are handed back.

    In which dtype does your backward return dweight and dbias?
    """

    dtypes = HALVES
    rounds = ("dweight", "dbias")
    tries = (("rounds", (("dweight", "dbias"), ("dweight",), ("dbias",))),)

    def delivered(self, dx: tuple[Tensor, ...], dweight: Tensor | None, dbias: Tensor | None) -> tuple[Any, ...]:
        dweight = narrow(dweight, self.dtype) if dweight is not None and "dweight" in self.rounds else dweight
        dbias = narrow(dbias, self.dtype) if dbias is not None and "dbias" in self.rounds else dbias
        return super().delivered(dx, dweight, dbias)


class x_hat_in_half_for_dweight(Shared):
    """x_hat is rounded to 16 bits before it is multiplied with dy in dweight.

    In which dtype is the x_hat that your forward saves?
    """

    dtypes = HALVES

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        return super().weight_gradient(dy, narrow(x_hat, self.dtype))


class dbias_with_the_weight(Shared):
    """dbias is sum(dy * weight): the weight does not touch the bias.

    y moves by how much when the bias moves by 1?
    """

    def bias_gradient(self, dy: Tensor) -> Tensor:
        weight = self.parameter(self.weight)
        return super().bias_gradient(dy if weight is None else dy * weight)


class dbias_zero(Shared):
    """dbias is 0: the bias is not trained.

    y moves by how much when the bias moves by 1?
    """

    def bias_gradient(self, dy: Tensor) -> Tensor:
        return 0 * super().bias_gradient(dy)


class dweight_and_dbias_swapped(Shared):
    """dweight and dbias are handed back in the wrong order.

    In which order does your backward return its gradients, and in which does the forward take its inputs?
    """

    seen = ("https://github.com/Oneflow-Inc/oneflow/pull/6149",)

    def delivered(self, dx: tuple[Tensor, ...], dweight: Tensor | None, dbias: Tensor | None) -> tuple[Any, ...]:
        swapped = dweight is not None and dbias is not None
        return super().delivered(dx, *(dbias, dweight) if swapped else (dweight, dbias))


class weight_decay_in_the_gradient(Shared):
    """A thousandth of the weight is added to its gradient.

    What is your gradient where dy is 0?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        return super().weight_gradient(dy, x_hat) + 1e-3 * self.weight.to(self.wide).reshape(self.parameter_shape)


class gradient_of_a_zero_dy_is_nan(Shared):
    """dy is divided by its largest value and multiplied back: a dy of zeros gives NaN.

    What is 0 / 0?
    """

    def upstream(self, dy: Tensor) -> Tensor:
        dy = super().upstream(dy)
        largest = dy.abs().max()
        return dy / largest * largest


class dx_depends_on_what_else_is_asked_for(Shared):
    """Where the weight needs no gradient, dx is computed without it.

    Which branch does your backward take where the weight is frozen?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/183825",)

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        frozen = self.weight is not None and not self.needed[-2]
        return super().input_gradient(self.grouped(self.dy) if frozen else G, x_hat, deviation)


class backward_not_differentiable(Shared):
    """The backward is a constant for autograd: it can't be differentiated again.

    Does autograd see what your backward computes?
    """

    seen = ("https://github.com/NVIDIA/apex/issues/410",)
    dtypes = PLAIN

    def gradients(self, dy: Tensor, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        with torch.no_grad():
            return super().gradients(dy, *inputs)


class second_order_lacks_the_deviation(Shared):
    """In the gradient of the gradient, mean and deviation are constants.

    Does the deviation in your backward depend on x?
    """

    seen = ("https://github.com/pytorch/pytorch/pull/176234",)
    dtypes = PLAIN

    def saved(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        return mean.detach(), deviation.detach()


class dx_in_16_bits(Shared):
    """The row sums of the backward are kept in 16 bits.

    In which dtype are the two sums of your dx?
    """

    dtypes = HALVES
    level = "lowp"

    def mean_term(self, G: Tensor) -> Tensor:
        return narrow(super().mean_term(G), self.dtype)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return x_hat * narrow(self.average(G * x_hat), self.dtype)


class gradient_clipped(Shared):
    """dx is clipped to -1 ... 1.

    Where in the formula of dx does a limit stand?
    """

    def input_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return super().input_gradient(G, x_hat, deviation).clamp(-1, 1)


# ==== Errors, hygiene ====================================================================================================


class long_weight_cut(Shared):
    """A weight with too many values is cut to size silently.

    What does your code do where weight and x do not fit?
    """

    def check(self) -> None:
        if self.weight is not None and self.weight.numel() > int(np.prod(self.parameter_shape)):
            self.weight = self.weight.flatten()[: int(np.prod(self.parameter_shape))].reshape(self.parameter_shape)
        super().check()


class default_dtype_changed(Shared):
    """torch's default dtype is set to float64 and left so.

    What is torch.get_default_dtype() after the call?
    """

    def returned(self, y: Tensor) -> Tensor:
        torch.set_default_dtype(torch.float64)
        return y


class gradients_switched_off(Shared):
    """torch.set_grad_enabled(False) is called and not undone.

    What is torch.is_grad_enabled() after the call?
    """

    def returned(self, y: Tensor) -> Tensor:
        torch.set_grad_enabled(False)
        return y


class random_numbers_drawn(Shared):
    """A random number is drawn from torch's global generator.

    Does the next dropout mask depend on whether your norm ran?
    """

    def returned(self, y: Tensor) -> Tensor:
        torch.rand(1)
        return y


class warnings_silenced(Shared):
    """All warnings are silenced for the rest of the process.

    Which filters are in force after the call?
    """

    def returned(self, y: Tensor) -> Tensor:
        warnings.simplefilter("ignore")
        return y


class one_thread_left(Shared):
    """torch is set to another number of threads and left so.

    What is torch.get_num_threads() after the call?
    """

    def returned(self, y: Tensor) -> Tensor:
        with contextlib.suppress(RuntimeError):
            torch.set_num_threads(torch.get_num_threads() + 1)
        return y
