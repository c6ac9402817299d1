"""PaddlePaddle: paddle.nn.functional's norms, and incubate's fused RMSNorm, the only one that runs on a CPU."""

import warnings
from functools import wraps

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # without ccache the import warns
    import paddle
    from paddle.incubate.nn.functional import fused_rms_norm
    from paddle.nn import functional

PACKAGE = "paddlepaddle"
DTYPES = ("float64", "float32")  # the CPU has no kernels for others
DEVICES = ("cpu",)  # where the known failures below were measured

# Each reason can be run, after
#     import paddle, paddle.nn.functional as F; full = paddle.full
#     x = paddle.to_tensor([[[1.0], [2.0], [4.0]]], stop_gradient=False); r = x.reshape([1, 3])
FROZEN = (
    "the CPU's layer_norm_grad multiplies dy by the weight only where the weight's own gradient is asked for: "
    "F.layer_norm(r, [3], full([3], 2.0)).backward(paddle.eye(3)[:1]); x.grad is [0.23, -0.34, 0.11], as for a weight "
    "of 1, and should be twice that"
)
ONE_PASS = (
    "the CPU's group_norm takes mean(x²) - mean(x)², and 0 where that is negative: F.group_norm(paddle.to_tensor("
    "[[[1e4, 10001.0, 10002.0, 10003.0]]]), 1) is up to 474 and should be up to 1.3 (PaddlePaddle/Paddle#33176 summed "
    "it more exactly)"
)
NO_WEIGHT = (
    "without a weight the CPU's group_norm_grad leaves mean(dy) in dx: F.group_norm(x, 1).sum().backward(); x.grad is "
    "0.8 and should be 0"
)
FROM_Y = (
    "the CPU's group_norm_grad takes x_hat from (y - bias) / weight, and 0 where the weight is 0: w = full([3], 0.0); "
    "w.stop_gradient = False; F.group_norm(x, 1, 1e-5, w).backward(paddle.eye(3)[:1].unsqueeze(-1)); w.grad[0] is 0 "
    "and should be -1.07"
)
TOGETHER = (
    "weight and bias have gradients together or not at all, without a word: n = paddle.nn.BatchNorm1D(3, "
    "bias_attr=False); n(paddle.eye(3)).square().sum().backward(); n.weight.grad is None (PaddlePaddle/Paddle#32331)"
)
NO_INPUT_GRADIENT = (
    "instance_norm_grad refuses an x that needs no gradient, as that of a first layer: paddle.nn.InstanceNorm1D(3)("
    "paddle.randn([2, 3, 4])).sum().backward() raises ValueError (PaddlePaddle/Paddle#54244 is the same in group_norm)"
)
ONE_VALUE = (
    "one value per channel is returned as it is, without weight and bias, on purpose (PaddlePaddle/Paddle#11445): "
    "F.batch_norm(r, full([3], 0.0), full([3], 1.0), full([3], 2.0), training=True) is r"
)
UNCHECKED = (
    "a weight without a bias is not looked at and is read beyond its end: F.batch_norm(r, full([3], 0.0), "
    "full([3], 1.0), full([2], 1.0)) returns a result"
)
MOMENTUM = (
    "attributes are float32: with the momentum 2/3 as np.float32(2 / 3) both running statistics are exactly right"
)
SECOND_ORDER = (
    "the operator batch_norm_double_grad is there, and raises: y = F.batch_norm(paddle.concat([r, -r]), "
    "full([3], 0.0), full([3], 1.0), full([3], 1.0), training=True); g = paddle.grad([y[0, 0]], [x], "
    "create_graph=True); paddle.grad(g, [x]) raises ValueError: Required tensor shall not be nullptr"
)

KNOWN_FAILURES = {
    f"{clause}[cpu-{dtype}]": reason
    for reason, dtypes, clauses in (
        (FROZEN, "float64 float32", "LN-56"),
        (ONE_PASS, "float64 float32", "GI-15 GI-21 GI-23 GI-57 GI-58"),
        (NO_WEIGHT, "float64 float32", "GI-28 GI-61"),
        (FROM_Y, "float64 float32", "GI-17 GI-53"),
        (TOGETHER, "float64 float32", "BN-37 BN-66 BN-68 GI-94 GI-126"),
        (NO_INPUT_GRADIENT, "float64 float32", "GI-124"),
        (ONE_VALUE, "float64 float32", "BN-6 BN-49"),
        (UNCHECKED, "float64 float32", "BN-69"),
        (MOMENTUM, "float64", "BN-19"),
        (SECOND_ORDER, "float64 float32", "BN-45"),
    )
    for dtype in dtypes.split()
    for clause in clauses.split()
}


def from_numpy(array, dtype, device):
    return paddle.to_tensor(array, dtype=dtype, place=device.replace("cuda", "gpu"))


def to_numpy(tensor):
    return tensor.astype("float64").numpy()


REFUSED = (
    "is not registered",  # no kernel, for this dtype or for the gradient
    "doesn't have any grad op",  # no second order
    "should be between0.0 and 0.001",  # LayerNorm's eps
    "'begin_norm_axis' in Op(LayerNorm) should be greater than zero",  # x of one dimension
)


def _offered(function):
    """The function; what Paddle says it does not support is not offered."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except (RuntimeError, ValueError) as e:
            if not any(reason in str(e) for reason in REFUSED):
                raise
            raise NotImplementedError(str(e)) from e

    return call


@_offered
def vjp(function, inputs, dy):
    again = any(not t.stop_gradient for t in inputs)
    leaves = [t if not t.stop_gradient else t.detach() for t in inputs]
    for leaf in leaves:
        leaf.stop_gradient = False
    y = function(*leaves)
    return y, paddle.grad([y], leaves, [dy], create_graph=again, allow_unused=True)


def _flat(parameter):
    """A parameter as paddle.nn.LayerNorm holds it: in one dimension, whatever the normalized shape."""
    return None if parameter is None else parameter.flatten()


@_offered
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    return functional.layer_norm(x, normalized_shape, _flat(weight), _flat(bias), eps)


@_offered
def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    if weight is None:
        raise NotImplementedError("fused_rms_norm wants a weight")
    return fused_rms_norm(x, _flat(weight), None, eps, x.ndim - len(normalized_shape))[0]


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.9, eps=1e-5):
    if running_mean is None:  # which paddle.nn.BatchNorm2D always has
        running_mean, running_var = paddle.zeros([x.shape[1]], x.dtype), paddle.ones([x.shape[1]], x.dtype)
    return functional.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    return functional.group_norm(x, num_groups, eps, weight, bias)


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.9, eps=1e-5
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("running statistics are accepted and ignored: obsolete, says the documentation")
    return functional.instance_norm(x, None, None, weight, bias, True, momentum, eps)
