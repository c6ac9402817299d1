"""Python tips: enumerate, zip, dict and nn.ModuleList, as the forward loop of a model uses them.

The library reference of Python, "Built-in Functions"; PEP 618, zip's `strict`; the documentation of torch.nn.ModuleList.
"""

import itertools


def numbered(items, start=0):
    """An iterator of (index, item), the index counting up from start; it takes an item only when it is asked for one.

    items: any iterable.  start: the first item's index.
    """
    return enumerate(items, start)


def pairs(first, second):
    """What `zip` makes of two iterables, and what it leaves in the first, as (list of pairs, list of the rest).

    first, second: any iterables.  No error where one is longer.
    """
    rest = iter(first)
    return list(zip(rest, second, strict=False)), list(rest)


def strict_pairs(first, second):
    """An iterator of the pairs that raises ValueError once one of the two iterables ends before the other.

    first, second: any iterables, without a length too.
    """
    return zip(first, second, strict=True)


def table(keys, values):
    """A dict of every key with its value; of equal keys the last one's value counts.

    keys, values: iterables of one length.
    """
    return dict(zip(keys, values, strict=True))


def unzip(rows):
    """The columns of a list of tuples, as a list of tuples: what `zip` has joined, taken apart.

    rows: an iterable of tuples of one length.
    """
    return list(zip(*rows, strict=True))


def stack(sizes):
    """A torch module of layers relu(LayerNorm(Linear(x))), one for every two neighbours of `sizes`, in nn.ModuleList.

    sizes: numbers of features, the first the input's, the last the output's.  All parameters are seen by parameters().
    """
    import torch
    from torch import nn

    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in itertools.pairwise(sizes))
            self.norms = nn.ModuleList(nn.LayerNorm(m) for m in sizes[1:])

        def forward(self, x):
            for layer, norm in zip(self.layers, self.norms, strict=True):
                x = torch.relu(norm(layer(x)))
            return x

    return Stack()
