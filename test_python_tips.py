"""Python tips: one fact of specs/python_tips.md per test, each test complete in itself."""

import inspect
import itertools

import numpy as np
import pytest

# enumerate


@pytest.mark.clause("PY-1")
def test_enumerate_prints_what_an_index_loop_prints(capsys):
    """The two loops of the notes: six lines, twice the same three."""
    fruits = ["apple", "banana", "cherry"]

    for i in range(len(fruits)):
        print(f"Index {i}: {fruits[i]}")
    for index, fruit in enumerate(fruits):
        print(f"Index {index}: {fruit}")

    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Index 0: apple", "Index 1: banana", "Index 2: cherry"] * 2


@pytest.mark.clause("PY-1")
def test_enumerate_gives_index_and_item():
    """As tuples, the index from 0 on."""
    assert list(enumerate("ab")) == [(0, "a"), (1, "b")]


@pytest.mark.clause("PY-1")
def test_the_signature_of_enumerate():
    """enumerate(iterable, start=0), as the notes have it."""
    assert str(inspect.signature(enumerate)) == "(iterable, start=0)"


@pytest.mark.clause("PY-1")
def test_start_moves_the_label_and_skips_nothing():
    """Counted from 1, from -3 or from a million, the first item is the first."""
    counted = {start: list(enumerate("ab", start=start)) for start in (1, -3, 1_000_000)}

    assert counted[1] == [(1, "a"), (2, "b")]
    assert counted[-3] == [(-3, "a"), (-2, "b")]
    assert counted[1_000_000] == [(1_000_000, "a"), (1_000_001, "b")]


@pytest.mark.clause("PY-1")
def test_to_skip_items_is_islice_s():
    """From the second item on, counted from 1, the index is the place in the whole."""
    skipped = list(enumerate(itertools.islice("abc", 1, None), start=1))

    assert skipped == [(1, "b"), (2, "c")]


@pytest.mark.clause("PY-1")
def test_enumerate_walks_once():
    """A second pass over the same object finds nothing; the list under it can be walked again."""
    letters = ["a", "b"]
    numbered = enumerate(letters)

    passes = [list(numbered), list(numbered), list(enumerate(letters))]

    assert passes == [[(0, "a"), (1, "b")], [], [(0, "a"), (1, "b")]]


@pytest.mark.clause("PY-1")
def test_enumerate_is_lazy():
    """Of an endless iterator it takes one item when asked for one."""
    endless = itertools.count(10)
    numbered = enumerate(endless)

    first = next(numbered)

    assert first == (0, 10)
    assert next(endless) == 11


@pytest.mark.clause("PY-1")
def test_without_the_index_a_plain_loop_does():
    """The notes number the widths of a net and never use the number: the layers are the same without."""
    hidden_sizes = [64, 32]

    numbered, plain = [100], [100]
    for _i, size in enumerate(hidden_sizes):
        numbered.append(size)
    for size in hidden_sizes:
        plain.append(size)

    assert list(itertools.pairwise(numbered)) == list(itertools.pairwise(plain)) == [(100, 64), (64, 32)]


# zip


@pytest.mark.clause("PY-2")
def test_zip_prints_what_an_index_loop_prints(capsys):
    """The two loops of the notes: six lines, twice the same three."""
    names = ["Alice", "Bob", "Charlie"]
    scores = [85, 92, 78]

    for i in range(len(names)):
        print(f"{names[i]}得分:{scores[i]}")
    for name, score in zip(names, scores, strict=True):
        print(f"{name}得分:{score}")

    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Alice得分:85", "Bob得分:92", "Charlie得分:78"] * 2


@pytest.mark.clause("PY-2")
def test_zip_gives_tuples_of_as_many_as_it_was_given():
    """Of none it gives nothing, of one tuples of one."""
    zipped = [
        list(zip(*inputs, strict=False)) for inputs in ([], ["ab"], ["ab", [1, 2]], ["ab", [1, 2], (True, False)])
    ]

    assert zipped == [[], [("a",), ("b",)], [("a", 1), ("b", 2)], [("a", 1, True), ("b", 2, False)]]


@pytest.mark.clause("PY-2")
def test_zip_stops_silently_at_the_shortest():
    """Three and two make two pairs, in either order."""
    numbers, letters = [1, 2, 3], "ab"

    assert list(zip(numbers, letters, strict=False)) == [(1, "a"), (2, "b")]
    assert list(zip(letters, numbers, strict=False)) == [("a", 1), ("b", 2)]


@pytest.mark.clause("PY-2")
def test_zip_swallows_an_item_of_the_first_iterator():
    """It asks the first before it finds the second at its end."""
    numbers = iter([1, 2, 3])

    pairs = list(zip(numbers, [10], strict=False))

    assert pairs == [(1, 10)]
    assert next(numbers) == 3


@pytest.mark.clause("PY-2")
def test_zip_swallows_nothing_of_the_second_iterator():
    """The shorter one first, and no item is lost."""
    numbers = iter([1, 2, 3])

    pairs = list(zip([10], numbers, strict=False))

    assert pairs == [(10, 1)]
    assert next(numbers) == 2


@pytest.mark.clause("PY-2")
def test_a_missing_norm_drops_a_layer():
    """The forward loop of the notes with one norm too few: the last layer is not computed, and nothing says so."""
    layers = [np.array([[2.0]]), np.array([[3.0]])]
    norms = [lambda x: x]

    x = np.array([[1.0]])
    for layer, norm in zip(layers, norms, strict=False):
        x = norm(x @ layer)

    assert x.tolist() == [[2.0]]


@pytest.mark.clause("PY-2")
def test_zip_longest_fills_what_is_missing():
    """The other answer to unequal lengths, with a value of one's own."""
    filled = list(itertools.zip_longest([1, 2, 3], "ab", fillvalue="-"))

    assert filled == [(1, "a"), (2, "b"), (3, "-")]


@pytest.mark.clause("PY-2")
def test_zip_is_lazy_and_walks_once():
    """Of two endless iterators it takes a pair when asked for one; a second pass finds nothing."""
    endless = zip(itertools.count(), itertools.count(10), strict=False)
    numbers = zip([1, 2], [3, 4], strict=True)

    first, passes = next(endless), [list(numbers), list(numbers)]

    assert first == (0, 10)
    assert passes == [[(1, 3), (2, 4)], []]


@pytest.mark.clause("PY-3")
def test_strict_raises_where_the_second_is_shorter():
    """With both arguments named."""
    strict = zip([1, 2], [1], strict=True)

    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter than argument 1"):
        list(strict)


@pytest.mark.clause("PY-3")
def test_strict_raises_where_the_second_is_longer():
    """It asks the second once more when the first has ended."""
    strict = zip([1], [1, 2], strict=True)

    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is longer than argument 1"):
        list(strict)


@pytest.mark.clause("PY-3")
def test_strict_does_not_raise_before_it_is_walked():
    """Building it is no error, the pairs before the end come out, then it raises."""
    strict = zip([1, 2], [10], strict=True)

    first = next(strict)

    assert first == (1, 10)
    with pytest.raises(ValueError, match="shorter"):
        next(strict)


@pytest.mark.clause("PY-3")
def test_strict_does_not_give_items_back():
    """What was taken before the error is gone, as without it."""
    numbers = iter([1, 2, 3])

    with pytest.raises(ValueError, match="shorter"):
        list(zip(numbers, [10], strict=True))

    assert next(numbers) == 3


@pytest.mark.clause("PY-3")
def test_zip_is_not_strict_unless_told():
    """The signature is zip(*iterables, strict=False): and no other name is taken."""
    assert list(zip([1, 2], [1])) == list(zip([1, 2], [1], strict=False))  # noqa: B905  (what is shown)
    with pytest.raises(TypeError):
        zip([1], [1], strict=False, longest=True)


# dict


@pytest.mark.clause("PY-4")
def test_a_dict_from_keys_and_values(capsys):
    """The print of the notes."""
    keys = ["name", "age", "city"]
    values = ["David", 28, "Berlin"]

    person = dict(zip(keys, values, strict=True))
    print(person)

    assert capsys.readouterr().out == "{'name': 'David', 'age': 28, 'city': 'Berlin'}\n"


@pytest.mark.clause("PY-4")
def test_of_equal_keys_the_last_value_counts_in_the_first_place():
    """The order is that in which the keys came first."""
    found = dict(zip("aba", [1, 2, 3], strict=True))

    assert found == {"a": 3, "b": 2}
    assert list(found) == ["a", "b"]


@pytest.mark.clause("PY-4")
def test_zip_over_a_dict_walks_its_keys():
    """Its items are had by asking for them."""
    sizes = {"x": 1, "y": 2}

    assert list(zip(sizes, strict=True)) == [("x",), ("y",)]
    assert list(zip(sizes.items(), strict=True)) == [(("x", 1),), (("y", 2),)]
    assert dict(zip(sizes, sizes.values(), strict=True)) == sizes


@pytest.mark.clause("PY-4")
def test_zip_with_a_star_takes_apart_what_zip_joined():
    """But for the type: lists come back as tuples; and of no pairs nothing comes back, not two empty columns."""
    numbers, letters = [1, 2, 3], ["a", "b", "c"]

    columns = list(zip(*zip(numbers, letters, strict=True), strict=True))

    assert columns == [(1, 2, 3), ("a", "b", "c")]
    assert list(zip(*zip([], [], strict=True), strict=True)) == []


@pytest.mark.clause("PY-4")
def test_zip_with_a_star_transposes():
    """The rows of a matrix become its columns, as NumPy has it."""
    matrix = np.arange(6).reshape(2, 3)

    assert np.array(list(zip(*matrix, strict=True))).tolist() == matrix.T.tolist()


# nn.ModuleList


@pytest.mark.clause("PY-5")
def test_layers_in_a_plain_list_are_not_trained():
    """Linear and LayerNorm have 4 tensors in nn.ModuleList, 0 in a list; checkpoint and dtype pass the list by too."""
    from torch import float32, float64, nn

    class Net(nn.Module):
        def __init__(self, container):
            super().__init__()
            self.layers = container([nn.Linear(2, 2), nn.LayerNorm(2)])

    plain, registered = Net(list).double(), Net(nn.ModuleList).double()

    assert [len(list(net.parameters())) for net in (plain, registered)] == [0, 4]
    assert [len(net.state_dict()) for net in (plain, registered)] == [0, 4]
    assert [net.layers[0].weight.dtype for net in (plain, registered)] == [float32, float64]
