"""torch's own norms, as torch.nn.functional has them; DeepNorm, which it lacks, as its users write it."""

from torch.nn.functional import batch_norm, group_norm, instance_norm, layer_norm, rms_norm

__all__ = ["batch_norm", "deep_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def deep_norm(x, sublayer_output, alpha, normalized_shape, weight=None, bias=None, eps=1e-5):
    return layer_norm(alpha * x + sublayer_output, normalized_shape, weight, bias, eps)
