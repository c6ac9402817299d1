"""Keras 3 on JAX: its normalization layers, with the defaults of their constructors, compiled."""

import jax

from adapters import _keras
from adapters._jax import from_numpy, to_numpy, vjp  # noqa: F401

PACKAGE = "keras"
DEVICES = ("cpu",)  # where the known failures below were measured

# The reason can be run, after
#     import os; os.environ["KERAS_BACKEND"] = "jax"; import keras; from keras.layers import *
# float64 is computed in float32, which is a choice: keras.backend.result_type("float64", "float32") is "float32".
ROUNDED_SCALE = (
    "under mixed_float16 and mixed_bfloat16 the float32 scale is rounded to 16 bits before it multiplies, because "
    "RMSNormalization alone leaves autocast on: norm = RMSNormalization(dtype='mixed_bfloat16'); norm.build((None, 4)); "
    "norm.scale.assign([1.003] * 4); norm(keras.ops.cast([[1, 2, 3, 4]], 'bfloat16')) is that of a scale of 1; the other "
    "layers were mended in https://github.com/keras-team/keras-core/pull/815 and https://github.com/keras-team/keras/pull/22589"
)
KNOWN_FAILURES = {f"RM-39[{dtype}]": ROUNDED_SCALE for dtype in ("bfloat16", "float16")}

layer_norm, rms_norm, batch_norm, group_norm = _keras.norms("jax", jax.jit)
