"""Haiku: its norms with the defaults of their constructors, transformed and compiled as their users run them."""

import functools

import haiku as hk
import jax

from adapters._jax import from_numpy, to_numpy, vjp  # noqa: F401

PACKAGE = "dm-haiku"
DEVICES = ("cpu",)  # where the known failures below were measured

# Each reason can be run, after
#     import haiku as hk, jax.numpy as jnp
#     run = lambda f, x: (t := hk.transform_with_state(f)).apply(*t.init(None, x), None, x)[0].ravel()
ONE_PASS = (
    "BatchNorm takes the variance as mean(x²) - mean(x)², with no option to change it: run(lambda x: hk.BatchNorm(True, "
    "True, 0.9)(x, True), jnp.array([[10000.0], [10002.0]])) is [-316.2, 316.2] and should be [-1, 1]; with jnp.var in its "
    "place this clause holds"
)
IN_16_BITS = (
    "all is computed in x's 16 bits: mean and variance are rounded to them before they are used, and gradients are summed "
    "in them: run(lambda x: hk.LayerNorm(-1, True, True)(x), jnp.array([[101.0, 102.0, 102.0]], 'bfloat16')) is [-1.06, "
    "1.06, 1.06] and should be [-1.41, 0.71, 0.71], and jnp.array([[-300.0, 300.0]], 'float16') gives zeros; in float32 "
    "this clause holds (https://github.com/google-deepmind/dm-haiku/issues/396 advises to cast around the module)"
)
BOTH = f"{ONE_PASS.rpartition(';')[0]}; and {IN_16_BITS.rpartition('; in float32')[0]}"
LAYER_NORM = "1 2 3 5 6 7 12 13 14 15 16 17 18 20 21 22 33 34 35 40 43 44 50 51 52 53 54 55 58"
BATCH_NORM = "1 2 3 7 11 12 18 19 20 21 22 25 26 27 31 32 33 35 36 37 48 51 54 60 61 62 63 68"
GROUP_NORM = "1 2 3 5 11 12 13 15 16 17 18 20 21 22 23 24 26 27 28 39 44 47 53 54 55 56 57 58 61"
INSTANCE_NORM = "64 65 77 78 79 81 82 83 84 86 87 88 89 90 92 93 94 105 109 112 118 119 120 121 122 123 126"
HALVES = "bfloat16 float16"
KNOWN_FAILURES = {
    f"{prefix}-{number}[{dtype}]": reason
    for prefix, reason, dtypes, numbers in (
        ("BN", ONE_PASS, "float64 float32", "16 24 30 64 65"),
        ("BN", ONE_PASS, "float64", "32 68"),
        ("BN", ONE_PASS, "float32", "57"),
        ("BN", BOTH, HALVES, "16 24 30 64 65"),
        ("BN", BOTH, "float16", "57"),
        ("BN", IN_16_BITS, HALVES, BATCH_NORM),
        ("BN", IN_16_BITS, "float16", "58"),
        ("LN", IN_16_BITS, HALVES, LAYER_NORM),
        ("LN", IN_16_BITS, "float16", "48"),
        ("RM", IN_16_BITS, HALVES, "18 48 50"),
        ("RM", IN_16_BITS, "float16", "7 8 11 14 17 19 20 33 44 45 47 51 54"),
        ("GI", IN_16_BITS, HALVES, f"{GROUP_NORM} {INSTANCE_NORM}"),
        ("GI", IN_16_BITS, "float16", "51"),
    )
    for dtype in dtypes.split()
    for number in numbers.split()
}


def _applied(norm, x, *call, dimensions, state=None, **parameters):
    """y and the new state of the module that `norm` makes, with these parameters.

    Haiku keeps a parameter with dimensions of size 1 before and after its own: `dimensions` says how many.
    """
    before, after = ((1,) * count for count in dimensions)
    given = {
        name: array.reshape(before + array.shape + after) for name, array in parameters.items() if array is not None
    }
    create = {f"create_{name}": name in given for name in parameters}
    function = hk.transform_with_state(lambda x: norm(**create, name="norm")(x, *call))
    return function.apply({"norm": given}, state or {}, None, x)


def _trailing(x, normalized_shape):
    """The axes, which is how Haiku is told what to normalize."""
    count = len(normalized_shape)
    if x.shape[-count:] != tuple(normalized_shape):
        raise NotImplementedError("Haiku's norms are told axes, not a shape")
    axes = tuple(range(-count, 0))
    return {"axis": axes, "param_axis": axes}, (0 if count == 1 else x.ndim - count, 0)


@functools.partial(jax.jit, static_argnames="normalized_shape")
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    axes, dimensions = _trailing(x, normalized_shape)
    norm = functools.partial(hk.LayerNorm, **axes, eps=eps)
    return _applied(norm, x, dimensions=dimensions, scale=weight, offset=bias)[0]


@functools.partial(jax.jit, static_argnames="normalized_shape")
def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    axes, dimensions = _trailing(x, normalized_shape)
    return _applied(functools.partial(hk.RMSNorm, **axes, eps=eps), x, dimensions=dimensions, scale=weight)[0]


# decay_rate has no default. Each average is debiased by 1 - decay_rate ** counter, which is 1 after this many steps.
STEPS = 2**20


@functools.partial(jax.jit, static_argnames="training")
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.9, eps=1e-5):
    state, shape = {}, (1, -1) + (1,) * (x.ndim - 2)
    if running_mean is not None:
        for name, array in (("mean", running_mean), ("var", running_var)):
            average = array.reshape(shape)
            state[f"norm/~/{name}_ema"] = {"hidden": average, "average": average, "counter": jax.numpy.int32(STEPS)}
    norm = functools.partial(hk.BatchNorm, decay_rate=momentum, eps=eps, data_format="channels_first")
    y, state = _applied(norm, x, training, dimensions=(1, x.ndim - 2), state=state, scale=weight, offset=bias)
    if running_mean is None or not training:
        return y
    return y, *(state[f"norm/~/{name}_ema"]["average"].ravel() for name in ("mean", "var"))


@functools.partial(jax.jit, static_argnames="num_groups")
def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    norm = functools.partial(hk.GroupNorm, num_groups, eps=eps, data_format="channels_first")
    return _applied(norm, x, dimensions=(0, x.ndim - 2), scale=weight, offset=bias)[0]


@functools.partial(jax.jit, static_argnames="use_input_stats")
def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.9, eps=1e-5
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("hk.InstanceNorm has no running statistics")
    norm = functools.partial(hk.InstanceNorm, eps=eps, data_format="channels_first")
    return _applied(norm, x, dimensions=(1, x.ndim - 2), scale=weight, offset=bias)[0]
