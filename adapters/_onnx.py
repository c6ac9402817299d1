"""The norms of the ONNX standard, each as a graph of one node, for every package that runs such graphs."""

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
ONNX = {
    "float64": TensorProto.DOUBLE,
    "float32": TensorProto.FLOAT,
    "bfloat16": TensorProto.BFLOAT16,
    "float16": TensorProto.FLOAT16,
}

# Why the standard itself leads every package that follows it away from a clause.
EMPTY_BATCH = (
    "the function of GroupNormalization-21 reshapes to [0, 0, -1], where an empty batch leaves -1 without a meaning; "
    "by design, says https://github.com/microsoft/onnxruntime/issues/9940"
)
MOMENTUM = (
    "attributes are float32: with the momentum 2/3 as np.float32(2 / 3) both running statistics are exactly right"
)


def from_numpy(array, dtype, device):
    return np.array(array, NUMPY[dtype])


def to_numpy(array):
    return array.astype(np.float64)


def named(kind, arrays):
    """The arrays by the names that they have in a model: input0, input1, ..."""
    return {f"{kind}{k}": a for k, a in enumerate(arrays)}


def model(op, opset, inputs, outputs, attributes):
    """A model whose graph is the one node; of its inputs and outputs the dtypes and the ranks are given."""
    values = {"input": inputs, "output": outputs}
    infos = [
        [helper.make_tensor_value_info(name, ONNX[dtype], [None] * rank) for name, (dtype, rank) in named(*v).items()]
        for v in values.items()
    ]
    node = helper.make_node(op, *([i.name for i in v] for v in infos), **dict(attributes))
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(helper.make_graph([node], op, *infos), opset_imports=opsets, ir_version=10)


class Norms:
    """The contract's functions.

    run(node, inputs, outputs) returns what the node, the arguments of `model`, makes of the inputs. The arrays
    `outputs` have the shapes and dtypes that the standard asks for, and may be written to.
    """

    def __init__(self, run):
        self._run = run

    def _outputs(self, op, opset, inputs, outputs, **attributes):
        types = [tuple((a.dtype.name, a.ndim) for a in arrays) for arrays in (inputs, outputs)]
        return self._run((op, opset, *types, tuple(attributes.items())), inputs, outputs)

    def layer_norm(self, x, normalized_shape, weight=None, bias=None, eps=1e-5):
        weight = np.ones(normalized_shape, x.dtype) if weight is None else weight
        inputs = [x, weight] if bias is None else [x, weight, bias]
        options = {"axis": -len(normalized_shape), "epsilon": eps}
        return self._outputs("LayerNormalization", 17, inputs, [np.empty_like(x)], **options)[0]

    def rms_norm(self, x, normalized_shape, weight=None, eps=1e-5):
        weight = np.ones(normalized_shape, x.dtype) if weight is None else weight
        y = np.empty(x.shape, weight.dtype)  # the standard's rule
        options = {"axis": -len(normalized_shape), "epsilon": eps}
        return self._outputs("RMSNormalization", 23, [x, weight], [y], **options)[0]

    def batch_norm(self, x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.9, eps=1e-5):
        given = running_mean is not None
        running = (running_mean, running_var) if given else _per_channel(x, None, None)[::-1]
        inputs, y = [x, *_per_channel(x, weight, bias), *running], np.empty_like(x)
        if not training:
            return self._outputs("BatchNormalization", 15, inputs, [y], epsilon=eps)[0]
        outputs, options = [y, *map(np.empty_like, running)], {"momentum": momentum, "training_mode": 1}
        results = self._outputs("BatchNormalization", 15, inputs, outputs, epsilon=eps, **options)
        return tuple(results) if given else results[0]

    def group_norm(self, x, num_groups, weight=None, bias=None, eps=1e-5):
        inputs, options = [x, *_per_channel(x, weight, bias)], {"num_groups": num_groups, "epsilon": eps}
        return self._outputs("GroupNormalization", 21, inputs, [np.empty_like(x)], **options)[0]

    def instance_norm(
        self,
        x,
        running_mean=None,
        running_var=None,
        weight=None,
        bias=None,
        use_input_stats=True,
        momentum=0.9,
        eps=1e-5,
    ):
        if running_mean is not None or not use_input_stats:
            raise NotImplementedError("InstanceNormalization has no running statistics")
        inputs = [x, *_per_channel(x, weight, bias)]
        return self._outputs("InstanceNormalization", 22, inputs, [np.empty_like(x)], epsilon=eps)[0]


def _per_channel(x, weight, bias):
    """A weight and a bias, which these operators do not let their users leave out."""
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    return weight, np.zeros(x.shape[1], x.dtype) if bias is None else bias
