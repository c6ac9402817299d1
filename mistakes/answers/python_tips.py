"""Wrong answers to exercises/python_tips.py."""

import itertools

from mistakes.answers import wrong
from reference import python_tips


@wrong("PY-1", python_tips.numbered)
def start_skips_items(items, start=0):
    """start leaves items out.

    Is every item of the input in your output?

    (start, first item), (start + 1, second item), ...

    "ab" with start=1 is (1, "a"), (2, "b"): the counter alone moves. [(1, "b")] has lost the "a".
    """
    return enumerate(itertools.islice(items, start, None), start)


@wrong("PY-1", python_tips.numbered)
def unused_index(items, start=0):
    """The counter does not move: enumerate's index is there and is not used.

    What is the label of your second item? If you need no index, do you need enumerate?

    (start, first item), (start + 1, second item), ...

    "ab" with start=1 is (1, "a"), (2, "b"), not (1, "a"), (1, "b").
    """
    return ((start, item) for _index, item in enumerate(items))


@wrong("PY-1", python_tips.numbered)
def makes_a_list(items, start=0):
    """A list is built at once, of all items, and can be walked over again.

    What does your function do with an input of a million items of which one is wanted?

    an iterator: it takes an item when asked for one, and gives it once

    The second pass over the same object is [], and after the first of "abc" the "b" and the "c" are still to be had.
    """
    return list(enumerate(items, start))


@wrong("PY-1", python_tips.numbered)
def item_before_index(items, start=0):
    """The pairs are (item, index).

    In which order are they unpacked in `for index, item in ...`?

    (index, item)

    The first of "ab" is (0, "a"), not ("a", 0).
    """
    return ((item, index) for index, item in enumerate(items, start))


@wrong("PY-2", python_tips.pairs)
def expects_an_error(first, second):
    """Inputs of unequal length are refused, which zip does only when it is told to be strict.

    What does zip do if you do not ask it for more?

    pairs to the end of the shorter one, without an error

    1, 2, 3 and "ab": (1, "a"), (2, "b"). Nothing warns you.
    """
    rest = iter(first)
    return list(zip(rest, second, strict=True)), list(rest)


@wrong("PY-2", python_tips.pairs)
def swallows_nothing(first, second):
    """The rest is counted from the number of pairs: the item that zip took in vain is still there.

    Which iterator does zip ask first, and when does it see that the second has ended?

    the rest is what the first iterator has left when zip has ended

    1, 2, 3 and 10: zip takes 1 and 10, then 2, then finds no partner for it. What is left is 3, not 2 and 3.
    """
    items = list(first)
    found = list(zip(items, second, strict=False))
    return found, items[len(found) :]


@wrong("PY-2", python_tips.pairs)
def fills_the_shorter_one(first, second):
    """The shorter input is filled up with None, as itertools.zip_longest does.

    How many pairs do three and two items make?

    pairs to the end of the shorter one

    1, 2, 3 and "ab" make two pairs. (3, None) is zip_longest's.
    """
    rest = iter(first)
    return list(itertools.zip_longest(rest, second)), list(rest)


@wrong("PY-3", python_tips.strict_pairs)
def raises_early(first, second):
    """The lengths are compared in the call: the pairs before the end are never given, and iterators have no length.

    When can it be known that one of two generators is shorter?

    ValueError at the first pair that is not complete, not before

    1, 2 and 10: next gives (1, 10); the error comes with the second pair.
    """
    if len(first) != len(second):
        raise ValueError(f"lengths {len(first)} and {len(second)}")
    return zip(first, second, strict=True)


@wrong("PY-3", python_tips.strict_pairs)
def makes_lists_and_compares(first, second):
    """Both inputs are made lists in the call and their lengths compared: the pairs before the end are never given.

    What does your function do with an input that has no end?

    ValueError at the first pair that is not complete, not before

    1, 2 and 10: next gives (1, 10), and only the second pair raises. Of lists of 2 and 1 it is known in the call.
    """
    first, second = list(first), list(second)
    return raises_early(first, second)


@wrong("PY-3", python_tips.strict_pairs)
def stays_silent(first, second):
    """zip is called without strict=True and stops at the shortest.

    What becomes of the 2 in 1, 2 and 1?

    zip(first, second, strict=True)

    [1, 2] and [1] have to end in ValueError: argument 2 is shorter than argument 1.
    """
    return zip(first, second, strict=False)


@wrong("PY-3", python_tips.strict_pairs)
def sees_a_short_second_alone(first, second):
    """An error is raised when the second input ends early, and none when the first does.

    Which of the two inputs is asked first? Is the other asked once more in the end?

    ValueError where either ends before the other

    [1] and [1, 2]: after (1, 1) the first has ended and the second has not. Argument 2 is longer than argument 1.
    """
    others = iter(second)
    for item in first:
        try:
            yield item, next(others)
        except StopIteration:
            raise ValueError("the second input is shorter") from None


@wrong("PY-3", python_tips.strict_pairs)
def makes_a_list_of_pairs(first, second):
    """A list is made in the call, so that the error comes there.

    Can next be called on what you return?

    an iterator: zip(first, second, strict=True) itself

    1, 2 and 10: next gives (1, 10) first. A list is complete or not there at all.
    """
    return list(zip(first, second, strict=True))


@wrong("PY-4", python_tips.table)
def keeps_the_first_value(keys, values):
    """A key that comes again keeps its first value.

    In which order does dict write its entries?

    the last of equal keys counts

    "aab" and 1, 2, 3: a is 1, then a is 2, then b is 3. {"a": 2, "b": 3}, not {"a": 1, "b": 3}.
    """
    found = {}
    for key, value in zip(keys, values, strict=True):
        found.setdefault(key, value)
    return found


@wrong("PY-4", python_tips.table)
def looks_up_the_place(keys, values):
    """A key's value is looked up by the key's place, keys.index(key), which is the first one, and which a dict does not have.

    Which place does "aab".index("a") give?

    the last of equal keys counts: dict(zip(keys, values))

    "aab" and 1, 2, 3: both "a" are at place 0, with 1, and it should be 2. {"x": 1, "y": 2}.index is an AttributeError.
    """
    return {key: values[keys.index(key)] for key in keys}


@wrong("PY-4", python_tips.table)
def numbers_the_keys(keys, values):
    """The keys are taken by their places, keys[i], which goes well with a list and not with every iterable.

    What is {"x": 1, "y": 2}[0]?

    dict(zip(keys, values)): zip asks the keys for one after the other

    {"x": 1, "y": 2} and 10, 20: {"x": 10, "y": 20}. {"x": 1, "y": 2}[0] is a KeyError.
    """
    return {keys[i]: values[i] for i in range(len(keys))}


@wrong("PY-4", python_tips.table)
def collects_all_values(keys, values):
    """Equal keys collect their values in a list: a dict of many values, which dict is not.

    What type is the value of a key that comes once, and of one that comes twice?

    one value per key, the last

    "aab" and 1, 2, 3 are {"a": 2, "b": 3}, not {"a": [1, 2], "b": 3}.
    """
    keys, values = list(keys), list(values)
    all_values = {key: [v for k, v in zip(keys, values, strict=True) if k == key] for key in keys}
    return {key: found if len(found) > 1 else found[0] for key, found in all_values.items()}


@wrong("PY-4", python_tips.table)
def walks_the_items(keys, values):
    """Of a dict the items are taken as keys.

    What does `for key in {"x": 1, "y": 2}` give?

    a dict is walked over by its keys

    {"x": 1, "y": 2} and 10, 20: {"x": 10, "y": 20}. Its items would be ("x", 1), ("y", 2).
    """
    return python_tips.table(keys.items() if isinstance(keys, dict) else keys, values)


@wrong("PY-4", python_tips.table)
def values_as_keys(keys, values):
    """The values stand where the keys should be.

    What do you look up with: the name of a setting, or its value?

    dict(zip(keys, values)): the first of a pair is the key

    "name" and "David" give {"name": "David"}.
    """
    return python_tips.table(values, keys)


@wrong("PY-4", python_tips.unzip)
def forgets_the_star(rows):
    """zip gets one argument, the list of rows, and not every row as an argument of its own.

    How many arguments has zip in your call?

    zip(*rows)

    zip((1, "a"), (2, "b"), (3, "c")) gives (1, 2, 3) and then ("a", "b", "c"). Without the star it gives ((1, "a"),) first.
    """
    return list(zip(rows, strict=True))


@wrong("PY-5", python_tips.stack)
def plain_list(sizes):
    """The layers are kept in lists, in which parameters() does not look.

    What does len(list(model.parameters())) say?

    self.layers = nn.ModuleList(...)

    Linear(3, 2) and LayerNorm(2) have 4 tensors. From a list parameters() gives 0, and there is nothing to train.
    """
    model = python_tips.stack(sizes)
    layers, norms = list(model.layers), list(model.norms)
    del model.layers, model.norms
    model.layers, model.norms = layers, norms
    return model


@wrong("PY-5", python_tips.stack)
def plain_list_of_norms(sizes):
    """The linear layers are in nn.ModuleList, their norms in a list.

    Which of your parameters would the optimizer train?

    self.norms = nn.ModuleList(...)

    Linear(3, 2) has 2 tensors, LayerNorm(2) has 2: 4 in all, not 2.
    """
    model = python_tips.stack(sizes)
    norms = list(model.norms)
    del model.norms
    model.norms = norms
    return model


@wrong("PY-5", python_tips.stack)
def one_layer_many_times(sizes):
    """One linear layer and one norm stand in nn.ModuleList as often as there are layers: all share their numbers.

    What does [layer] * 2 repeat, the making of the layer or the layer?

    nn.ModuleList(nn.Linear(n, m) for every two neighbours n, m)

    2, 2, 2: twice Linear(2, 2) with 6 numbers and LayerNorm(2) with 4 is 20. Shared it is 10.
    """
    from torch import nn

    model = python_tips.stack(sizes)
    model.layers = nn.ModuleList([model.layers[0]] * len(model.layers))
    model.norms = nn.ModuleList([model.norms[0]] * len(model.norms))
    return model


@wrong("PY-5", python_tips.stack)
def no_activation(sizes):
    """Your output does not come out of a relu: it is missing in all layers, or behind the last.

    What is the smallest value in your output?

    x = relu(norm(layer(x)))

    LayerNorm over 2 features gives -1 and 1, relu makes 0 and 1 of them.
    """
    from torch import nn

    model = python_tips.stack(sizes)
    steps = [step for pair in zip(model.layers, model.norms, strict=True) for step in pair]
    return nn.Sequential(*steps)


@wrong("PY-5", python_tips.stack)
def norm_after_relu(sizes):
    """The norm comes after relu, so that half of your values are negative again.

    What is the last thing that happens to x in a layer? Is your output 0 or more?

    x = relu(norm(layer(x))): first the layer, then the norm, then relu

    Of -3, 1 and 2 LayerNorm makes -1.3887, 0.4629, 0.9258, and relu 0, 0.4629, 0.9258. The other way round relu makes 0, 1,
    2, and LayerNorm -1.2247, 0, 1.2247.
    """
    import torch

    model = python_tips.stack(sizes)

    def forward(x):
        for layer, norm in zip(model.layers, model.norms, strict=True):
            x = norm(torch.relu(layer(x)))
        return x

    model.forward = forward
    return model


@wrong("PY-5", python_tips.stack)
def norms_not_called(sizes):
    """The norms are made and counted, and forward does not call them.

    Multiply x by a million: what becomes of your output?

    x = relu(norm(layer(x)))

    50 values behind LayerNorm are at most sqrt(49) = 7, however large x is. Without it they grow with x.
    """
    import torch

    model = python_tips.stack(sizes)

    def forward(x):
        for layer in model.layers:
            x = torch.relu(layer(x))
        return x

    model.forward = forward
    return model
