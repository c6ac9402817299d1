"""Keras 3: its normalization layers as functions of their weights, on the backend that an adapter names."""

import functools
import os


def norms(backend, compiled):
    """layer_norm, rms_norm, batch_norm and group_norm; `compiled` makes of a layer's call what this backend runs."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    if keras.backend.backend() != backend:
        raise ImportError(
            f"keras is in use on {keras.backend.backend()}, and a process has one: name this one in another run"
        )

    @functools.cache
    def layer(cls, shape, dtype, training, **arguments):
        """A built layer as a function of x and the values of its weights; in training it returns the statistics too."""
        built = cls(dtype=dtype, **arguments)
        built.build(shape)

        def call(x, weights):
            mapping = [(getattr(built, name), value) for name, value in weights.items()]
            with keras.StatelessScope(mapping) as scope:
                if not training:
                    return built(x)
                y = built(x, training=True)
            statistics = built.moving_mean, built.moving_variance
            return (y, *map(scope.get_current_value, statistics)) if "moving_mean" in weights else y

        return compiled(call)

    def applied(cls, shape, x, weights, training=False, **arguments):
        given = {name: value for name, value in weights.items() if value is not None}
        dtype = keras.backend.standardize_dtype(x.dtype)
        if any(keras.backend.standardize_dtype(value.dtype) != dtype for value in given.values()):
            dtype = f"mixed_{dtype}"  # 16-bit x with float32 weights
        return layer(cls, shape, dtype, training, **arguments)(x, given)

    def affine(weight, bias):
        return {"scale": weight is not None, "center": bias is not None}

    def trailing(normalized_shape):
        return {"shape": (None, *normalized_shape), "axis": tuple(range(-len(normalized_shape), 0))}

    def channels(x):
        return {"shape": (None, x.shape[1], *[None] * (x.ndim - 2)), "axis": 1}

    def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-3):
        weights = {"gamma": weight, "beta": bias}
        norm = keras.layers.LayerNormalization
        return applied(norm, x=x, weights=weights, epsilon=eps, **trailing(normalized_shape), **affine(weight, bias))

    def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
        if weight is None:
            raise NotImplementedError("RMSNormalization always has a scale")
        norm = keras.layers.RMSNormalization
        return applied(norm, x=x, weights={"scale": weight}, epsilon=eps, **trailing(normalized_shape))

    def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.99, eps=1e-3):
        weights = {"gamma": weight, "beta": bias, "moving_mean": running_mean, "moving_variance": running_var}
        arguments = {"momentum": momentum, "epsilon": eps, "training": training}
        norm = keras.layers.BatchNormalization
        return applied(norm, x=x, weights=weights, **arguments, **channels(x), **affine(weight, bias))

    def group_norm(x, num_groups, weight=None, bias=None, eps=1e-3):
        weights = {"gamma": weight, "beta": bias}
        arguments = {"groups": num_groups, "epsilon": eps}
        norm = keras.layers.GroupNormalization
        return applied(norm, x=x, weights=weights, **arguments, **channels(x), **affine(weight, bias))

    return layer_norm, rms_norm, batch_norm, group_norm
