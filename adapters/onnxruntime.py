"""ONNX Runtime's CPU provider: the norms of the ONNX standard, each as a graph of one node."""

import functools

import ml_dtypes
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

PACKAGE = "onnxruntime"
DEVICES = ("cpu",)

ONE_PASS = (
    "GroupNormalization-21 has no kernel and runs as the standard's function, whose variance is MeanOfSquare - "
    "SquareOfMean in float32 (stash_type = 1): float32 data about 1000 with deviation 1 err by 0.43, and a constant "
    "1000.1 (48 values) gives NaN (https://github.com/microsoft/onnxruntime/issues/24538)"
)
EMPTY_BATCH = (
    "the function of GroupNormalization-21 reshapes to [0, 0, -1], where an empty batch leaves -1 without a meaning; "
    "by design, says https://github.com/microsoft/onnxruntime/issues/9940"
)
MOMENTUM = (
    "attributes are float32: with the momentum 2/3 as np.float32(2 / 3) both running statistics are exactly right"
)
KNOWN_FAILURES = {
    **{f"GI-21[{d}]": ONE_PASS for d in ("float64", "float32", "float16")},
    **{f"GI-50[{d}]": ONE_PASS for d in ("float64", "float32")},
    **{f"GI-15[{d}]": ONE_PASS for d in ("float32", "float16")},
    "GI-42[float16]": ONE_PASS,
    "GI-40": EMPTY_BATCH,
    "BN-19[float64]": MOMENTUM,
}

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
ONNX = {
    "float64": TensorProto.DOUBLE,
    "float32": TensorProto.FLOAT,
    "bfloat16": TensorProto.BFLOAT16,
    "float16": TensorProto.FLOAT16,
}


def from_numpy(array, dtype, device):
    return np.array(array, NUMPY[dtype])


def to_numpy(array):
    return array.astype(np.float64)


vjp = None  # an inference engine


@functools.cache
def _session(op, opset, inputs, outputs, attributes):
    """A session whose graph is the one node, for the named inputs and outputs (their dtypes) of any shape."""
    values = [[helper.make_tensor_value_info(n, ONNX[d], None) for n, d in v] for v in (inputs, outputs)]
    node = helper.make_node(op, [n for n, _ in inputs], [n for n, _ in outputs], **dict(attributes))
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(helper.make_graph([node], op, *values), opset_imports=opsets, ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _value(array):
    """The array's own memory; bfloat16, which ONNX Runtime does not take from NumPy, as its bits."""
    bits = array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, ONNX[array.dtype.name])


def _run(op, opset, inputs, outputs, **attributes):
    """Writes what the node makes of the inputs into the arrays `outputs`."""
    named = [{f"{kind}{k}": a for k, a in enumerate(v)} for kind, v in (("input", inputs), ("output", outputs))]
    dtypes = [tuple((name, a.dtype.name) for name, a in arrays.items()) for arrays in named]
    try:
        session = _session(op, opset, *dtypes, tuple(attributes.items()))
    except (Fail, NoKernel) as e:  # the standard wants x and its parameters in one dtype; the provider has no kernel
        raise NotImplementedError(str(e)) from e
    binding = session.io_binding()
    for name, array in named[0].items():
        binding.bind_ortvalue_input(name, _value(array))
    for name, array in named[1].items():
        binding.bind_ortvalue_output(name, _value(array))
    session.run_with_iobinding(binding)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    weight = np.ones(normalized_shape, x.dtype) if weight is None else weight
    y = np.empty_like(x)
    inputs = [x, weight] if bias is None else [x, weight, bias]
    _run("LayerNormalization", 17, inputs, [y], axis=-len(normalized_shape), epsilon=eps)
    return y


def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    weight = np.ones(normalized_shape, x.dtype) if weight is None else weight
    y = np.empty(x.shape, weight.dtype)  # the standard's rule
    _run("RMSNormalization", 23, [x, weight], [y], axis=-len(normalized_shape), epsilon=eps)
    return y


def _per_channel(x, weight, bias):
    """A weight and a bias, which these operators do not let their users leave out."""
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    return weight, np.zeros(x.shape[1], x.dtype) if bias is None else bias


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.9, eps=1e-5):
    given = running_mean is not None
    running = (running_mean, running_var) if given else (np.zeros(x.shape[1], x.dtype), np.ones(x.shape[1], x.dtype))
    inputs, y = [x, *_per_channel(x, weight, bias), *running], np.empty_like(x)
    if not training:
        _run("BatchNormalization", 15, inputs, [y], epsilon=eps)
        return y
    updated = [np.empty_like(r) for r in running]
    _run("BatchNormalization", 15, inputs, [y, *updated], epsilon=eps, momentum=momentum, training_mode=1)
    return (y, *updated) if given else y


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    y = np.empty_like(x)
    _run("GroupNormalization", 21, [x, *_per_channel(x, weight, bias)], [y], num_groups=num_groups, epsilon=eps)
    return y


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.9, eps=1e-5
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("InstanceNormalization has no running statistics")
    y = np.empty_like(x)
    _run("InstanceNormalization", 22, [x, *_per_channel(x, weight, bias)], [y], epsilon=eps)
    return y
