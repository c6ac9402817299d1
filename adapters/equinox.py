"""Equinox's norms with the defaults of their modules, under jax.vmap and compiled as their users run them."""

import functools

import equinox
import jax

from adapters._jax import from_numpy, to_numpy, vjp  # noqa: F401

PACKAGE = "equinox"
DEVICES = ("cpu",)  # where the known failures below were measured

IN_16_BITS = (
    "BatchNorm, unlike Equinox's other norms, does not cast x to float32: statistics, y and gradients are rounded to x's "
    "dtype at every step; float16 x of [[-300], [-100], [100], [300]] gives zeros, x.astype('float32') gives -1.34, -0.45, "
    "0.45, 1.34 (the cast of the other norms: https://github.com/patrick-kidger/equinox/pull/876)"
)
HALF_SUMMED = (
    "GroupNorm broadcasts its parameters over the positions before it casts them to float32, so that 16-bit gradients of "
    "weight and bias are rounded at each position and summed from there: with the dy [[[256, -256]], [[1, 0]]] that of a "
    "bfloat16 bias is 0 and should be 1, as it is for a float32 bias"
)
HALVES = ("bfloat16", "float16")

KNOWN_FAILURES = {
    f"{prefix}-{number}[{dtype}]": reason
    for prefix, numbers, dtypes, reason in (
        ("BN", (1, 2, 3, 7, 11, 12, 16, 18, 20, 21, 22, 24, 25, 26, 27, 30, 31, 32, 33), HALVES, IN_16_BITS),
        ("BN", (35, 36, 37, 48, 51, 54, 60, 61, 62, 63, 64, 65, 68), HALVES, IN_16_BITS),
        ("BN", (19, 57), ("bfloat16",), IN_16_BITS),
        ("BN", (58, 66), ("float16",), IN_16_BITS),
        ("GI", (20, 28, 39, 53, 54, 55, 58, 61), HALVES, HALF_SUMMED),
        ("GI", (57,), ("bfloat16",), HALF_SUMMED),
    )
    for number in numbers
    for dtype in dtypes
}


def _with(norm, weight=None, bias=None):
    """The module with these parameters in the place of its own."""
    given = {name: array for name, array in (("weight", weight), ("bias", bias)) if array is not None}
    return equinox.tree_at(lambda norm: [getattr(norm, name) for name in given], norm, list(given.values()))


def _mapped(norm, x, normalized_shape):
    """The module, which takes one row, over all leading dimensions."""
    for _ in range(x.ndim - len(normalized_shape)):
        norm = jax.vmap(norm)
    return norm(x)


@functools.partial(jax.jit, static_argnames=("normalized_shape", "eps"))
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    norm = equinox.nn.LayerNorm(normalized_shape, eps, use_weight=weight is not None, use_bias=bias is not None)
    return _mapped(_with(norm, weight, bias), x, normalized_shape)


@functools.partial(jax.jit, static_argnames=("normalized_shape", "eps"))
def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    norm = equinox.nn.RMSNorm(normalized_shape, eps, use_weight=weight is not None, use_bias=False)
    return _mapped(_with(norm, weight), x, normalized_shape)


# mode="batch", as the documentation advises: the default, "ema", normalizes by the running statistics in training too.
@functools.partial(jax.jit, static_argnames=("training", "momentum", "eps"))
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.99, eps=1e-5):
    norm, state = equinox.nn.make_with_state(equinox.nn.BatchNorm)(
        x.shape[1],
        axis_name="batch",
        eps=eps,
        channelwise_affine=weight is not None or bias is not None,
        momentum=momentum,
        inference=not training,
        dtype=x.dtype if running_mean is None else running_mean.dtype,
        mode="batch",
    )
    if running_mean is not None:
        state = state.set(norm.batch_state_index, (running_mean, running_var))
    mapped = jax.vmap(_with(norm, weight, bias), axis_name="batch", in_axes=(0, None), out_axes=(0, None))
    y, state = mapped(x, state)
    return (y, *state.get(norm.batch_state_index)) if training and running_mean is not None else y


@functools.partial(jax.jit, static_argnames=("num_groups", "eps"))
def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    norm = equinox.nn.GroupNorm(num_groups, x.shape[1], eps, channelwise_affine=weight is not None or bias is not None)
    return jax.vmap(_with(norm, weight, bias))(x)
