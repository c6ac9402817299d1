"""diffusers: the RMSNorm and the FP32LayerNorm of its transformers; its other norms are torch's own."""

from diffusers.models.normalization import FP32LayerNorm, MochiRMSNorm, RMSNorm

from adapters._modules import applied, last


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    affine = weight is not None or bias is not None
    options = {"eps": eps, "elementwise_affine": affine, "bias": bias is not None}
    return applied(FP32LayerNorm, x, tuple(normalized_shape), options=options.items(), weight=weight, bias=bias)


def rms_norm(x, normalized_shape, weight=None, eps=None, cls=RMSNorm):
    if eps is None:
        raise NotImplementedError(f"{cls.__name__} has no default eps")
    options = {"eps": eps, "elementwise_affine": weight is not None}
    return applied(cls, x, last(cls, normalized_shape), options=options.items(), weight=weight)


def mochi_rms_norm(x, normalized_shape, weight=None, eps=None):
    return rms_norm(x, normalized_shape, weight, eps, MochiRMSNorm)
