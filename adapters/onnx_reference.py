"""The onnx package's own ReferenceEvaluator, in NumPy: the norms of the ONNX standard, each as a graph of one node."""

import functools

import onnx
from onnx.reference import ReferenceEvaluator

from adapters._onnx import EMPTY_BATCH, MOMENTUM, Norms, from_numpy, model, named, to_numpy  # noqa: F401

PACKAGE = "onnx"
DEVICES = ("cpu",)

# The first two reasons can be run, after
#     import ml_dtypes, numpy as np, onnx, onnx.reference
#     def run(op, **x): return onnx.reference.ReferenceEvaluator(onnx.helper.make_node(op, list(x), ["y"])).run(None, x)
STASH = (
    "16-bit input is computed in 16 bits, where the standard's stash_type = 1, the default, asks for float32: "
    "run('RMSNormalization', x=np.float16([[256, 256]]), w=np.float16([1, 1])) is 0 and should be 1; ones = np.ones(2048, "
    "ml_dtypes.bfloat16); run('LayerNormalization', x=ones[None], w=ones) is 2.47 and should be 0 (mended after 1.23 by "
    "https://github.com/onnx/onnx/pull/8439)"
)
HALF = (
    "16-bit input is computed in 16 bits, where BatchNormalization-15 asks for means and variances in float32: one = "
    "np.ones(1, np.float16); run('InstanceNormalization', x=np.float16([[[300, -300]]]), w=one, b=0 * one) is 0 and should "
    "be 1 and -1; one = np.ones(1, ml_dtypes.bfloat16); run('InstanceNormalization', x=one.repeat(1024)[None, None], w=one, "
    "b=0 * one) is 1.5 and should be 0; BatchNormalization in training gives the same"
)
ONE_PASS = (
    "GroupNormalization-21 runs as the standard's function, whose variance is MeanOfSquare - SquareOfMean in float32 "
    "(stash_type = 1): one group of [3000, 3001, 3002] gives 316 for its last value and should give 1.22, 48 times "
    "1000.1 give NaN (https://github.com/onnx/onnx/blob/main/docs/Operators.md#GroupNormalization)"
)

KNOWN_FAILURES = {
    f"{prefix}-{number}[{dtype}]": reason
    for prefix, numbers, dtypes, reason in (
        ("LN", "1 2 3 5 6 7 12 13 15 16 17 18 20 21 22 33 34 35 43 44 47", "bfloat16 float16", STASH),
        ("LN", "38 48", "float16", STASH),
        ("RM", "7 8 11 14 17 18 19 20 44", "bfloat16 float16", STASH),
        ("RM", "1 2 3 6 9 10 21 22 33 34 35", "bfloat16", STASH),
        ("BN", "1 2 3 7 11 12 16 20 21 22 24 25 27 30 31 32 33 35 36 37 48 51 54", "bfloat16 float16", HALF),
        ("BN", "4 14 15 19 57", "bfloat16", HALF),
        ("BN", "29 58", "float16", HALF),
        ("BN", "19", "float64", MOMENTUM),
        ("GI", "64 65 77 78 79 81 82 84 86 87 88 89 90 92 93 94 105 112", "bfloat16 float16", HALF),
        ("GI", "115", "bfloat16", HALF),
        ("GI", "15", "float32 bfloat16 float16", ONE_PASS),
        ("GI", "21", "float64 float32 float16", ONE_PASS),
        ("GI", "23 50", "float64 float32", ONE_PASS),
        ("GI", "42", "float16", ONE_PASS),
        ("GI", "40", "float64 float32 bfloat16 float16", EMPTY_BATCH),
    )
    for number in numbers.split()
    for dtype in dtypes.split()
}

vjp = None  # the standard is one of inference


@functools.cache
def _evaluator(*node):
    onnx.checker.check_model(one := model(*node), full_check=True)
    return ReferenceEvaluator(one)


def _run(node, inputs, outputs):
    try:
        evaluator = _evaluator(*node)
    except onnx.shape_inference.InferenceError as e:  # the standard wants x and its parameters in one dtype
        raise NotImplementedError(str(e)) from e
    return evaluator.run(None, named("input", inputs))


_norms = Norms(_run)
layer_norm, rms_norm, batch_norm = _norms.layer_norm, _norms.rms_norm, _norms.batch_norm
group_norm, instance_norm = _norms.group_norm, _norms.instance_norm
