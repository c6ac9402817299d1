"""OpenVINO's CPU plugin: each norm a model of its own opset, compiled with the plugin's defaults.

OpenVINO has operations for two norms, GroupNormalization-12 and BatchNormInference-5. The others are what its frontends
make of them: LayerNorm and InstanceNorm are MVN-6 (mean 0, variance 1, eps inside the root), then Multiply and Add;
RMSNorm is LLaMA's x * (1 / Sqrt(ReduceMean(x^2) + eps)) in float32, then Multiply, which the plugin fuses into its own
RMS; DeepNorm is Multiply, Add and the nodes of LayerNorm. Parameters are constants of the model.
"""

import ml_dtypes
import numpy as np
import openvino
import torch
from openvino import Type
from openvino import opset13 as op

PACKAGE = "openvino"
DEVICES = ("cpu",)

# Each reason can be run, after
#     import numpy as np, openvino; from openvino import opset13 as op
#     def run(x, y): return openvino.compile_model(openvino.Model([y], [x]), "CPU")
DECOMPOSED = (
    "MVN over the last of four or more axes is decomposed, and its eps is rounded to the model's 16 bits, the mean and "
    "x - mean of bfloat16 too: x = op.parameter((1, 1, 1, 2), np.float16); y = op.mvn(x, op.constant([-1]), True, 1e-8, "
    "'inside_sqrt'); run(x, y)(np.zeros((1, 1, 1, 2), np.float16))[0] is NaN and should be 0, as for (1, 1, 2)"
)
FOLDED = (
    "weight / sqrt(variance + eps) and the bias less mean times that are computed in the model's 16 bits: x = op.parameter("
    "(1, 1), np.float16); c = [op.constant(np.float16([v])) for v in (1, 0, 100, 3)]; run(x, op.batch_norm_inference(x, *c, "
    "1e-5))(np.float16([[100.5]]))[0] is 0.2847 and should be 0.2887"
)
INFINITY = (
    "float64 is computed in float32, and the conversion makes infinity 3.4e38: x = op.parameter((1, 3), np.float64); y = "
    "op.mvn(x, op.constant([-1]), True, 1e-5, 'inside_sqrt'); run(x, y)(np.array([[1, np.inf, 2]]))[0] is 0 and should be "
    "NaN (https://github.com/openvinotoolkit/openvino/issues/37968)"
)
FIRST_GROUP = (
    "where bfloat16 is the default of INFERENCE_PRECISION_HINT and x has no axes after the channels, the first group of the "
    "first sample is normalized, and all others are returned as they are: x = op.parameter((1, 4), np.float16); y = "
    "op.group_normalization(x, op.constant(np.ones(4, np.float16)), op.constant(np.zeros(4, np.float16)), 2, 1e-5); "
    "run(x, y)(np.float16([[1, 2, 3, 4]]))[0] is [-1, 1, 3, 4] and should be [-1, 1, -1, 1]"
)
KNOWN_FAILURES = {
    "LN-33[float16]": DECOMPOSED,
    **{f"BN-12[{dtype}]": FOLDED for dtype in ("bfloat16", "float16")},
    **{f"{clause}[float64]": INFINITY for clause in ("LN-46", "RM-43", "GI-49", "GI-114")},
}
BY_DEFAULT = openvino.Core().get_property("CPU", "INFERENCE_PRECISION_HINT") == Type.bf16  # a CPU that has bfloat16
if BY_DEFAULT or torch.backends.cpu.get_cpu_capability() == "AVX512":  # else such models are computed in float32
    KNOWN_FAILURES["LN-33[bfloat16]"] = DECOMPOSED
if BY_DEFAULT:
    KNOWN_FAILURES |= {f"{c}[{dtype}]": FIRST_GROUP for c in ("GI-20", "GI-41") for dtype in ("float64", "float16")}

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
TYPES = {"float64": Type.f64, "float32": Type.f32, "bfloat16": Type.bf16, "float16": Type.f16}


def from_numpy(array, dtype, device):
    return np.array(array, NUMPY[dtype])


def to_numpy(array):
    return array.astype(np.float64)


vjp = None  # an inference engine


def _input(array):
    return op.parameter(array.shape, TYPES[array.dtype.name])


def _constant(array):
    """The array as a constant; bfloat16, which OpenVINO does not take from NumPy, by way of float32."""
    wide = array.astype(np.float32) if array.dtype == ml_dtypes.bfloat16 else array
    return op.constant(wide, TYPES[array.dtype.name])


def _run(node, *inputs):
    """What the node makes of the inputs, pairs of a parameter and its array."""
    try:
        compiled = openvino.compile_model(openvino.Model([node], [p for p, _ in inputs]), "CPU")
    except RuntimeError as e:
        if "Unsupported operation" not in str(e):
            raise
        raise NotImplementedError(str(e)) from e
    y = compiled([a for _, a in inputs])[0]
    return y.view(inputs[0][1].dtype)  # bfloat16 comes back as float16 of the same bits


def _given(x, eps, *parameters):
    if eps is None:
        raise NotImplementedError("OpenVINO's operations have no default eps")
    if any(p is not None and p.dtype != x.dtype for p in parameters):
        raise NotImplementedError("the inputs of an operation of OpenVINO have one type")


def _axes(x, normalized_shape):
    if x.shape[-len(normalized_shape) :] != tuple(normalized_shape):
        raise NotImplementedError("OpenVINO is told axes, and no normalized_shape that may not fit")
    return np.arange(-len(normalized_shape), 0)


def _normalized(node, axes, eps, weight, bias):
    """The node about 0 with variance 1 over the axes, times the weight, plus the bias."""
    node = op.mvn(node, op.constant(axes), True, eps, "inside_sqrt")
    node = node if weight is None else op.multiply(node, _constant(weight))
    return node if bias is None else op.add(node, _constant(bias))


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=None):
    _given(x, eps, weight, bias)
    node = _input(x)
    return _run(_normalized(node, _axes(x, normalized_shape), eps, weight, bias), (node, x))


def deep_norm(x, sublayer_output, alpha, normalized_shape, weight=None, bias=None, eps=None):
    _given(x, eps, sublayer_output, weight, bias)
    nodes = _input(x), _input(sublayer_output)
    total = op.add(op.multiply(_constant(np.array(alpha, x.dtype)), nodes[0]), nodes[1])
    y = _normalized(total, _axes(x, normalized_shape), eps, weight, bias)
    return _run(y, (nodes[0], x), (nodes[1], sublayer_output))


def rms_norm(x, normalized_shape, weight=None, eps=None):
    _given(x, eps, weight)
    node, dtype = _input(x), np.float64 if x.dtype == np.float64 else np.float32
    wide = node if x.dtype == dtype else op.convert(node, Type.f32)
    squares = op.power(wide, op.constant(dtype(2)))
    mean = op.reduce_mean(squares, op.constant(_axes(x, normalized_shape)), keep_dims=True)
    y = op.multiply(wide, op.divide(op.constant(dtype(1)), op.sqrt(op.add(mean, op.constant(dtype(eps))))))
    y = y if x.dtype == dtype else op.convert(y, TYPES[x.dtype.name])
    return _run(y if weight is None else op.multiply(y, _constant(weight)), (node, x))


def _per_channel(x, weight, bias):
    """A weight and a bias, which these operations do not let their users leave out."""
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    return _constant(weight), _constant(np.zeros(x.shape[1], x.dtype) if bias is None else bias)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=None, eps=None):
    if training:
        raise NotImplementedError("OpenVINO infers: it has no batch norm in training")
    _given(x, eps, running_mean, running_var, weight, bias)
    node, running = _input(x), (_constant(running_mean), _constant(running_var))
    return _run(op.batch_norm_inference(node, *_per_channel(x, weight, bias), *running, eps), (node, x))


def group_norm(x, num_groups, weight=None, bias=None, eps=None):
    _given(x, eps, weight, bias)
    node = _input(x)
    return _run(op.group_normalization(node, *_per_channel(x, weight, bias), num_groups, eps), (node, x))


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=None, eps=None
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("MVN has no running statistics")
    _given(x, eps, weight, bias)
    node, shape = _input(x), (-1, *(1,) * (x.ndim - 2))
    parameters = (None if p is None else p.reshape(shape) for p in (weight, bias))
    return _run(_normalized(node, np.arange(2, x.ndim), eps, *parameters), (node, x))
