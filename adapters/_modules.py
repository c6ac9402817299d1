"""torch modules as functions of their parameters."""

from functools import cache

from torch.func import functional_call


@cache
def _module(cls, arguments, options):
    return cls(*arguments, **dict(options))


def applied(cls, x, *arguments, options=(), **parameters):
    """An object of `cls`, made with these arguments, called with these parameters in place of its own."""
    module = _module(cls, arguments, tuple(options))
    given = {name: tensor for name, tensor in parameters.items() if tensor is not None}
    if other := given.keys() ^ dict(module.named_parameters()).keys():
        raise NotImplementedError(
            f"{cls.__name__} {'takes no' if other <= given.keys() else 'always has a'} {min(other)}"
        )
    return functional_call(module, given, (x,))


def last(cls, normalized_shape):
    """The size of the one dimension that `cls` normalizes."""
    if len(normalized_shape) != 1:
        raise NotImplementedError(f"{cls.__name__} normalizes the last dimension only")
    return normalized_shape[0]
