"""Python tips: the exercises of specs/python_tips.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain PY-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def numbered(items, start=0):
    """An iterator of (index, item), the index counting up from start; it takes an item only when it is asked for one.

    items: any iterable.  start: the first item's index.
    """
    raise NotImplementedError


def pairs(first, second):
    """What `zip` makes of two iterables, and what it leaves in the first, as (list of pairs, list of the rest).

    first, second: any iterables.  No error where one is longer.
    """
    raise NotImplementedError


def strict_pairs(first, second):
    """An iterator of the pairs that raises ValueError once one of the two iterables ends before the other.

    first, second: any iterables, without a length too.
    """
    raise NotImplementedError


def table(keys, values):
    """A dict of every key with its value; of equal keys the last one's value counts.

    keys, values: iterables of one length.
    """
    raise NotImplementedError


def unzip(rows):
    """The columns of a list of tuples, as a list of tuples: what `zip` has joined, taken apart.

    rows: an iterable of tuples of one length.
    """
    raise NotImplementedError


def stack(sizes):
    """A torch module of layers relu(LayerNorm(Linear(x))), one for every two neighbours of `sizes`, in nn.ModuleList.

    sizes: numbers of features, the first the input's, the last the output's.  All parameters are seen by parameters().
    """
    raise NotImplementedError
