"""Keras 3 on torch: its normalization layers, with the defaults of their constructors."""

import functools

from adapters import _keras

PACKAGE = "keras"

# Each reason can be run, after
#     import os; os.environ["KERAS_BACKEND"] = "torch"; import keras, torch; from keras.layers import *
# float64 is computed in float32, which is a choice: keras.backend.result_type("float64", "float32") is "float32".
ONE_PASS = (
    "on torch, BatchNormalization and GroupNormalization take the variance as mean(x²) - mean(x)² in float32: "
    "BatchNormalization()(torch.tensor([[10000.0], [10002.0]]), training=True) is [[-31.6], [31.6]] and should be [[-1], "
    "[1]]; with the constant 1673.25 three times it is NaN and should be 0; with torch.var_mean all of these clauses hold "
    "(mended for TensorFlow and JAX in https://github.com/keras-team/keras/pull/18795)"
)
ROUNDED_SCALE = (
    "under mixed_float16 and mixed_bfloat16 the float32 scale is rounded to 16 bits before it multiplies, because "
    "RMSNormalization alone leaves autocast on: norm = RMSNormalization(dtype='mixed_bfloat16'); norm.build((None, 4)); "
    "norm.scale.assign([1.003] * 4); norm(torch.arange(1.0, 5)[None].bfloat16()) is that of a scale of 1; the other "
    "layers were mended in https://github.com/keras-team/keras-core/pull/815 and https://github.com/keras-team/keras/pull/22589"
)
KNOWN_FAILURES = {
    f"{clause}[cpu-{dtype}]": reason
    for reason, dtypes, clauses in (
        (ONE_PASS, "float64 float32 bfloat16 float16", "BN-30 BN-65 GI-21 GI-58"),
        (ONE_PASS, "float32 bfloat16 float16", "BN-24 GI-15"),
        (ONE_PASS, "float64 float32 float16", "BN-16 BN-32 BN-57 BN-64 GI-50"),
        (ONE_PASS, "float64 float32 bfloat16 float16", "BN-68"),
        (ONE_PASS, "float64 float32", "GI-57 GI-61"),
        (ONE_PASS, "float32", "BN-41 GI-23 GI-32"),
        (ROUNDED_SCALE, "bfloat16 float16", "RM-39"),
    )
    for dtype in dtypes.split()
    for clause in clauses.split()
}


def _where_x_is(call):
    """Keras computes on a device of its own choice, the GPU where there is one, unless it is told."""
    import keras

    @functools.wraps(call)
    def called(x, weights):
        with keras.device(x.device.type):
            return call(x, weights)

    return called


layer_norm, rms_norm, batch_norm, group_norm = _keras.norms("torch", _where_x_is)
