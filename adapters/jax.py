"""JAX: flax.nnx's norms with the defaults of its constructors, compiled as their users run them."""

import functools
import math

import jax
import ml_dtypes
import numpy as np
from flax import nnx

jax.config.update("jax_enable_x64", True)

PACKAGE = "flax"
DEVICES = ("cpu",)
KNOWN_FAILURES = {}

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def from_numpy(array, dtype, device):
    return jax.device_put(array.astype(NUMPY[dtype]), jax.devices(device)[0])


def to_numpy(array):
    return np.asarray(array).astype(np.float64)


def vjp(function, inputs, dy):
    y, pullback = jax.vjp(function, *inputs)
    return y, pullback(dy.astype(y.dtype))


def _parameters(weight=None, bias=None):
    """Arguments of a constructor that make these its parameters."""
    given = {"scale": weight, "bias": bias}
    flags = {f"use_{name}": array is not None for name, array in given.items()}
    initializers = {f"{name}_init": lambda *_, array=array: array for name, array in given.items()}
    return {**flags, **initializers, "rngs": nnx.Rngs(0)}


@functools.partial(jax.jit, static_argnames="normalized_shape")
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-6):
    axes = tuple(range(-len(normalized_shape), 0))
    norm = nnx.LayerNorm(
        math.prod(normalized_shape),
        epsilon=eps,
        reduction_axes=axes,
        feature_axes=axes,
        **_parameters(weight, bias),
    )
    return norm(x)


@functools.partial(jax.jit, static_argnames="normalized_shape")
def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    axes = tuple(range(-len(normalized_shape), 0))
    norm = nnx.RMSNorm(
        math.prod(normalized_shape),
        epsilon=eps,
        reduction_axes=axes,
        feature_axes=axes,
        use_scale=weight is not None,
        scale_init=lambda *_: weight,
        rngs=nnx.Rngs(0),
    )
    return norm(x)


@functools.partial(jax.jit, static_argnames="training")
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.99, eps=1e-5):
    norm = nnx.BatchNorm(x.shape[1], axis=1, momentum=momentum, epsilon=eps, **_parameters(weight, bias))
    if running_mean is None:
        return norm(x)
    norm.mean[...] = running_mean.astype(norm.mean.dtype)
    norm.var[...] = running_var.astype(norm.var.dtype)
    y = norm(x, use_running_average=not training)
    return (y, norm.mean[...], norm.var[...]) if training else y


@functools.partial(jax.jit, static_argnames="num_groups")
def group_norm(x, num_groups, weight=None, bias=None, eps=1e-6):
    norm = nnx.GroupNorm(x.shape[1], num_groups, epsilon=eps, **_parameters(weight, bias))
    return jax.numpy.moveaxis(norm(jax.numpy.moveaxis(x, 1, -1)), -1, 1)


@functools.partial(jax.jit, static_argnames="use_input_stats")
def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.99, eps=1e-6
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("nnx.InstanceNorm has no running statistics")
    return nnx.InstanceNorm(x.shape[1], feature_axes=1, epsilon=eps, **_parameters(weight, bias))(x)
