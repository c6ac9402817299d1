"""Note 001: a Linear and a LayerNorm, and the statistics of its six-panel figure."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


class SimpleModel(nn.Module):
    """The note's model: a Linear from 100 to 50 features, then LayerNorm."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(100, 50)
        self.ln = nn.LayerNorm(50)

    def forward(self, x):
        x = self.linear(x)
        return self.ln(x)


@dataclass(frozen=True)
class Statistics:
    """What the note computes, under its names, and what it should have: 100 samples (rows) of 50 features.

    The note's variances divide by n - 1, as `Tensor.var` does; those named `biased_...` divide by n, as LayerNorm does.
    Its means and variances before and after are per feature, over the batch (`dim=0`), which LayerNorm never looks at;
    those named `..._per_sample` are along LayerNorm's own axis.
    """

    x_linear: np.ndarray  # (100, 50), before LayerNorm
    x_ln: np.ndarray  # (100, 50), after it
    mean_before: np.ndarray  # (50,), per feature
    mean_after: np.ndarray
    var_before: np.ndarray
    var_after: np.ndarray
    biased_var_before: np.ndarray
    biased_var_after: np.ndarray
    mean_before_per_sample: np.ndarray  # (100,)
    mean_after_per_sample: np.ndarray
    biased_var_before_per_sample: np.ndarray
    biased_var_after_per_sample: np.ndarray
    single_sample_before: np.ndarray  # (50,): the sample at index 0, whatever the seed
    single_sample_after: np.ndarray
    mean_single_before: float
    mean_single_after: float
    var_single_before: float
    var_single_after: float  # 50 / 49
    biased_var_single_before: float
    biased_var_single_after: float  # 1


# The figure, row by row: the note's title of each panel, and what it draws. Histograms, but for the bars of variances.
PANELS = (
    ("Before LN: Data Distribution", "x_linear"),
    ("After LN: Data Distribution", "x_ln"),
    ("Single Sample Before LN", "single_sample_before"),
    ("Before LN: Variance per Feature", "var_before"),
    ("After LN: Variance per Feature", "var_after"),
    ("Single Sample After LN: Variance", "var_single_after"),
)


def statistics(seed=0):
    """The note's script without its drawing: the same seed, model, data and statistics."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SimpleModel()
        x = torch.randn(100, 100, requires_grad=True)
    before = model.linear(x).detach()
    after = model(x).detach()
    sample_index = 0
    one_before, one_after = before[sample_index], after[sample_index]
    return Statistics(
        x_linear=before.numpy(),
        x_ln=after.numpy(),
        mean_before=before.mean(dim=0).numpy(),
        mean_after=after.mean(dim=0).numpy(),
        var_before=before.var(dim=0).numpy(),
        var_after=after.var(dim=0).numpy(),
        biased_var_before=before.var(dim=0, correction=0).numpy(),
        biased_var_after=after.var(dim=0, correction=0).numpy(),
        mean_before_per_sample=before.mean(dim=1).numpy(),
        mean_after_per_sample=after.mean(dim=1).numpy(),
        biased_var_before_per_sample=before.var(dim=1, correction=0).numpy(),
        biased_var_after_per_sample=after.var(dim=1, correction=0).numpy(),
        single_sample_before=one_before.numpy(),
        single_sample_after=one_after.numpy(),
        mean_single_before=one_before.mean().item(),
        mean_single_after=one_after.mean().item(),
        var_single_before=one_before.var().item(),
        var_single_after=one_after.var().item(),
        biased_var_single_before=one_before.var(correction=0).item(),
        biased_var_single_after=one_after.var(correction=0).item(),
    )


def single_sample():
    """The note's first example: `(sample_norm, ln)` for one sample of five features."""
    sample = torch.tensor([2.0, 3.0, 5.0, 1.0, 4.0], requires_grad=True)
    ln = nn.LayerNorm(normalized_shape=[5])
    return ln(sample), ln


def report():
    """What the note's first example prints of the normalized sample: its mean and, by the unbiased ruler, its variance."""
    sample_norm, _ = single_sample()
    print("Mean:", sample_norm.mean())
    print("Variance:", sample_norm.var())
