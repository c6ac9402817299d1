"""ONNX Runtime's CPU provider: the norms of the ONNX standard, each as a graph of one node."""

import functools
import math

import ml_dtypes
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, NotImplemented as NoKernel

PACKAGE = "onnxruntime"
DEVICES = ("cpu",)
KNOWN_FAILURES = {}

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
def _session(op, opset, dtypes, outputs, attributes):
    """A session whose graph is the one node, for inputs of any shape."""
    names = [f"input{k}" for k in range(len(dtypes))]
    inputs = [helper.make_tensor_value_info(n, ONNX[d], None) for n, d in zip(names, dtypes, strict=True)]
    results = [helper.make_tensor_value_info(f"output{k}", ONNX[dtypes[k and -1]], None) for k in range(outputs)]
    node = helper.make_node(op, names, [r.name for r in results], **dict(attributes))
    graph = helper.make_graph([node], op, inputs, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _value(array):
    """The array's own memory; bfloat16, which ONNX Runtime does not take from NumPy, as its bits."""
    bits = array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, ONNX[array.dtype.name])


def _run(op, opset, inputs, outputs, **attributes):
    """The node's outputs, which have the shapes and dtypes of the arrays `outputs`."""
    try:
        session = _session(op, opset, tuple(a.dtype.name for a in inputs), len(outputs), tuple(attributes.items()))
    except (Fail, NoKernel) as e:  # x and its parameters must be of one dtype; the provider has no kernel for it
        raise NotImplementedError(str(e)) from e
    results = [np.empty_like(a) for a in outputs]
    binding = session.io_binding()
    for k, array in enumerate(inputs):
        binding.bind_ortvalue_input(f"input{k}", _value(array))
    for k, array in enumerate(results):
        binding.bind_ortvalue_output(f"output{k}", _value(array))
    session.run_with_iobinding(binding)
    return results


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    weight = np.ones(normalized_shape, x.dtype) if weight is None else weight
    inputs = [x, weight] if bias is None else [x, weight, bias]
    (y,) = _run("LayerNormalization", 17, inputs, [x], axis=-len(normalized_shape), epsilon=eps)
    return y


def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    weight = np.ones(normalized_shape, x.dtype) if weight is None else weight
    (y,) = _run("RMSNormalization", 23, [x, weight], [x], axis=-len(normalized_shape), epsilon=eps)
    return y


def _per_channel(x, weight, bias):
    """A weight and a bias, which the standard does not let its users leave out."""
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    return weight, np.zeros(x.shape[1], x.dtype) if bias is None else bias


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.9, eps=1e-5):
    given = running_mean is not None
    running = (running_mean, running_var) if given else (np.zeros(x.shape[1], x.dtype), np.ones(x.shape[1], x.dtype))
    inputs, attributes = [x, *_per_channel(x, weight, bias), *running], {"epsilon": eps, "momentum": momentum}
    if not training:
        (y,) = _run("BatchNormalization", 15, inputs, [x], **attributes)
        return y
    y, mean, var = _run("BatchNormalization", 15, inputs, [x, *running], training_mode=1, **attributes)
    return (y, mean, var) if given else y


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    inputs = [x, *_per_channel(x, weight, bias)]
    (y,) = _run("GroupNormalization", 21, inputs, [x], num_groups=num_groups, epsilon=eps)
    return y


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.9, eps=1e-5
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("InstanceNormalization has no running statistics")
    (y,) = _run("InstanceNormalization", 22, [x, *_per_channel(x, weight, bias)], [x], epsilon=eps)
    return y
