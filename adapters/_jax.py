"""The bridge of all JAX packages: their arrays, and gradients by jax.vjp."""

import jax
import ml_dtypes
import numpy as np

jax.config.update("jax_enable_x64", True)

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def from_numpy(array, dtype, device):
    return jax.device_put(array.astype(NUMPY[dtype]), jax.devices(device)[0])


def to_numpy(array):
    return np.asarray(array).astype(np.float64)


def vjp(function, inputs, dy):
    y, pullback = jax.vjp(function, *inputs)
    return y, pullback(dy.astype(y.dtype))
