"""What five study notes on normalization claim, put to the test on their own code; CLAIMS.md has the list.

Examples by hand are in float64 and compared after rounding to four digits, as they are written there.
"""

import ast
import builtins
import inspect
import itertools
import textwrap

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from notes import batch_norm, deepnorm, formulas, loops, reshapes, simple_model, training
from notes.deepnorm import MlpCalledDeepNorm
from reference import deepnorm as reference

SAMPLE = np.array([2.0, 3.0, 5.0, 1.0, 4.0])
STANDARDIZED = [-0.7071, 0.0, 1.4142, -1.4142, 0.7071]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The networks are so small that threads wait for each other longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def own_random_numbers():
    """Networks are initialized alike in every run, and what comes after this file is not touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rounded(values):
    return np.asarray(values).round(4).tolist()


def trained_batch_norm(x, eps=1e-12, **changes):
    """Note 003's batch norm in training, fresh: weight 1, bias 0, moving mean 0, moving variance 1."""
    fresh = {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_var": 1.0, "momentum": 0.9, "training": True}
    return batch_norm.batch_norm(x, eps=eps, **fresh | changes)


def number_of_parameters(module):
    return sum(p.numel() for p in module.parameters())


# Notes 000 and 002: DeepNorm ------------------------------------------------------------------------------------------


class Constant(nn.Module):
    """A sublayer that gives the same output whatever comes in."""

    def __init__(self, *values):
        super().__init__()
        self.values = tensor(*values)

    def forward(self, x):
        return self.values


def stack(alpha, beta, layers=18, seed=0):
    """`layers` feed-forward blocks of 64 features."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sublayers = [deepnorm.feed_forward(64, 256) for _ in range(layers)]
        return nn.Sequential(*(deepnorm.DeepNorm(s, 64, alpha, beta) for s in sublayers))


def movements(alpha, beta, step):
    """How far the output of 18 blocks moves in one step, for eight random starts: (8,)."""
    data = [random(2, 32, 64, seed=100 + seed).float() for seed in range(8)]
    return np.array([deepnorm.movement(stack(alpha, beta, seed=s), *data[s], step) for s in range(8)])


DEEP = reference.constants(encoder_layers=18)["encoder"]
POST = (1.0, 1.0)


def norm_outputs(model, x):
    """What each norm of the model gives out."""
    found = []
    for norm in model.norm_layers:
        norm.register_forward_hook(lambda _module, _inputs, y: found.append(y))
    model(x)
    return found


def scale(module, factor):
    """Multiplies every weight and bias of the module, in place."""
    for parameter in module.parameters():
        parameter.data.mul_(factor)


def test_deepnorm_is_layer_norm_of_the_scaled_input_plus_the_sublayer():
    """For 8 layers alpha is 2 and beta 0.3536, and the block computes what the reference does."""
    alpha, beta = reference.constants(encoder_layers=8)["encoder"]
    block = deepnorm.DeepNorm(deepnorm.feed_forward(6, 24), 6, alpha, beta).double()
    x = random(4, 6)

    y = block(x)

    assert rounded([alpha, beta]) == [2.0, 0.3536]
    expected = reference.forward(x.numpy(), block.sublayer(x).detach().numpy(), 2.0)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-9)  # float64: some roundings of 1e-16


def test_beta_scales_initial_weights_but_query_and_key():
    """From the same random numbers beta = 1/2 makes exactly half the value and output weights, and the same query and key."""
    attention = deepnorm.Attention(4)

    torch.manual_seed(0)
    deepnorm.initialize(attention, 1.0)
    plain = {name: p.detach().clone() for name, p in attention.named_parameters()}
    torch.manual_seed(0)
    deepnorm.initialize(attention, 0.5)

    assert torch.equal(attention.value.weight, plain["value.weight"] / 2)
    assert torch.equal(attention.out.weight, plain["out.weight"] / 2)
    assert torch.equal(attention.query.weight, plain["query.weight"])
    assert torch.equal(attention.key.weight, plain["key.weight"])


def test_alpha_decides_which_way_the_block_goes():
    """With the same norm in the same place, x = [1, 3] and G(x) = [3, 0] give [-1, 1] for alpha = 2, [1, -1] for Post-LN."""
    x = tensor(1, 3)

    deep = deepnorm.DeepNorm(Constant(3, 0), 2, alpha=2.0, beta=1.0).double()(x)
    post = deepnorm.DeepNorm(Constant(3, 0), 2, alpha=1.0, beta=1.0).double()(x)

    assert rounded(deep.detach()) == [-1.0, 1.0]
    assert rounded(post.detach()) == [1.0, -1.0]


def test_batch_norm_stands_at_every_layer_as_well():
    """In the places of the notes' LayerNorms BatchNorm standardizes every hidden layer too, its columns instead of its rows."""
    model = MlpCalledDeepNorm(100, [64, 32], 10, norm=nn.BatchNorm1d).double()

    outputs = norm_outputs(model, random(32, 100))

    columns = torch.cat([y.var(dim=0, correction=0) for y in outputs])
    rows = torch.cat([y.var(dim=1, correction=0) for y in outputs])
    assert len(columns) == 64 + 32
    torch.testing.assert_close(
        columns, torch.ones_like(columns), rtol=1e-3, atol=0
    )  # eps = 1e-5 beside variances of 0.1
    assert (rows - 1).abs().max() > 0.1


def test_the_mlp_forgets_an_input_that_its_linear_layers_do_not_pass_on():
    """With its Linear layers at 0 the notes' class gives every input its last bias: nothing goes round the layers."""
    model = MlpCalledDeepNorm(6, [5, 4], 3).double()
    scale(model.layers, 0)
    scale(model.output_layer, 0)
    nn.init.ones_(model.output_layer.bias)

    y = model(random(8, 6))

    assert y.tolist() == [[1.0] * 3] * 8


def test_a_deepnorm_block_passes_its_input_round_a_silent_sublayer():
    """With all weights 0 DeepNorm gives LayerNorm(alpha x): the residual is there."""
    block = deepnorm.DeepNorm(deepnorm.feed_forward(6, 24), 6, alpha=2.0, beta=0.0).double()
    x = random(8, 6)

    y = block(x)

    assert torch.equal(y, F.layer_norm(2 * x, (6,)))


def test_deepnorm_bounds_how_far_a_step_moves_the_output():
    """18 blocks, one signed step of 1e-3: the output moves at least four times less than Post-LN's, eight starts of eight.

    Measured 5.5 to 8.1 times; 4 leaves room for other random numbers.
    """
    ratio = movements(*POST, step=1e-3) / movements(*DEEP, step=1e-3)

    assert ratio.min() > 4


def test_deepnorm_bears_a_larger_step():
    """Its output moves less in a step five times as large: 0.53 against 0.81 on average, and for each of eight starts."""
    deep, post = movements(*DEEP, step=5e-3), movements(*POST, step=1e-3)

    assert (deep < post).all()


def test_deepnorm_bounds_large_steps_less():
    """Post-LN moves 5.5 to 8.1 times as far for steps of 1e-3, 3.7 to 5.2 times for 2e-3, 2.0 to 2.6 times for 5e-3."""
    small, middle, large = (movements(*POST, step) / movements(*DEEP, step) for step in (1e-3, 2e-3, 5e-3))

    assert (small > middle).all()
    assert (middle > large).all()
    assert (large > 1).all()


@pytest.mark.parametrize(
    "build",
    [lambda: MlpCalledDeepNorm(6, [5, 4], 3), lambda: deepnorm.DeepNorm(deepnorm.feed_forward(6, 24), 6, 2.0, 0.5)],
    ids=["the notes' class", "DeepNorm"],
)
def test_deepnorm_keeps_no_statistics(build):
    """Neither the notes' class nor DeepNorm has a buffer, and both give the same bits in training and at inference."""
    model, x = build(), random(8, 6).float()

    in_training, at_inference = model.train()(x), model.eval()(x)

    assert list(model.buffers()) == []
    assert torch.equal(in_training, at_inference)


def test_the_class_called_deepnorm_is_linear_layer_norm_relu():
    """It computes, bit for bit, what a plain Sequential of its own layers does."""
    model = MlpCalledDeepNorm(100, [64, 32], 10)
    (first, second), (norm1, norm2) = model.layers, model.norm_layers
    plain = nn.Sequential(first, norm1, nn.ReLU(), second, norm2, nn.ReLU(), model.output_layer)
    x = random(32, 100).float()

    y = model(x)

    assert y.shape == (32, 10)
    assert torch.equal(y, plain(x))


def test_the_code_as_printed_is_a_syntax_error():
    """The class with its newlines lost, as note 000 prints it, does not parse; with them it does."""
    code = textwrap.dedent(inspect.getsource(MlpCalledDeepNorm))

    printed = "".join(line.strip() for line in code.splitlines())

    assert isinstance(ast.parse(code).body[0], ast.ClassDef)
    with pytest.raises(SyntaxError):
        ast.parse(printed)


def test_the_loop_over_hidden_widths_needs_no_index():
    """From the same random numbers plain iteration builds the same layers: enumerate's `i` is used nowhere."""
    x = random(8, 6).float()

    torch.manual_seed(0)
    with_index = MlpCalledDeepNorm(6, [5, 4], 3)
    torch.manual_seed(0)
    blocks = [(nn.Linear(n, m), nn.LayerNorm(m), nn.ReLU()) for n, m in [(6, 5), (5, 4)]]
    without = nn.Sequential(*itertools.chain(*blocks), nn.Linear(4, 3))

    assert torch.equal(with_index(x), without(x))


def test_a_missing_norm_silently_drops_a_linear_layer():
    """With one norm fewer than layers the notes' zip stops a layer early, without a word where the widths agree."""
    model = MlpCalledDeepNorm(6, [5, 5], 3)
    x = random(8, 6).float()

    model.norm_layers.pop(1)
    y = model(x)

    shortened = nn.Sequential(model.layers[0], model.norm_layers[0], nn.ReLU(), model.output_layer)
    assert torch.equal(y, shortened(x))
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        list(zip(model.layers, model.norm_layers, strict=True))


def test_the_class_called_deepnorm_has_more_parameters_for_its_norms():
    """9066 parameters, 192 of them (two for each hidden feature) in the LayerNorms that are said to save them."""
    model = MlpCalledDeepNorm(100, [64, 32], 10)
    without = MlpCalledDeepNorm(100, [64, 32], 10, norm=nn.Identity)

    assert number_of_parameters(model) == 9066
    assert number_of_parameters(model) - number_of_parameters(without) == 192 == 2 * (64 + 32)


def test_the_output_of_the_class_called_deepnorm_is_not_normalized():
    """Its last layer is a bare Linear: no row of the output has mean 0 and variance 1, and doubled weights double them."""
    model = MlpCalledDeepNorm(100, [64, 32], 10).double()
    x = random(32, 100)

    y = model(x)
    scale(model.output_layer, 2)

    assert (y.var(dim=1, correction=0) - 1).abs().min() > 0.1
    assert torch.equal(model(x), 2 * y)


def test_batch_norm_in_deepnorm_makes_rows_depend_on_each_other():
    """With BatchNorm in LayerNorm's place a block gives a row another output in other company, and another at inference."""
    block = deepnorm.DeepNorm(deepnorm.feed_forward(6, 24), 6, 2.0, 0.5).double()
    x = random(8, 6)

    with_layer_norm = block(x)[:4], block(x[:4])
    block.norm = nn.BatchNorm1d(6).double()
    with_batch_norm = block(x)[:4], block(x[:4]), block.eval()(x)[:4]

    torch.testing.assert_close(*with_layer_norm)
    assert (with_batch_norm[0] - with_batch_norm[1]).abs().max() > 0.1
    assert (with_batch_norm[0] - with_batch_norm[2]).abs().max() > 0.1


# Note 000: enumerate and zip ------------------------------------------------------------------------------------------


def test_enumerate_gives_index_and_item():
    """Counted from 0."""
    assert list(enumerate("ab")) == [(0, "a"), (1, "b")]


def test_enumerate_takes_an_iterable_and_a_start():
    """Both by these names."""
    assert list(enumerate(iterable="ab", start=1)) == [(1, "a"), (2, "b")]


def test_start_skips_nothing():
    """It is the first number, not the first item."""
    _, first = next(enumerate("ab", start=1))

    assert first == "a"


def test_enumerate_is_an_iterator_for_one_pass():
    """It looks at no item before it is asked, and a second pass over it is empty."""
    items = iter("ab")
    numbered = enumerate(items)

    assert next(items) == "a"
    assert list(numbered) == [(0, "b")]
    assert list(numbered) == []


def test_both_fruit_loops_print_the_same(capsys):
    """Index 0 to 2, twice."""
    loops.print_fruits()

    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["Index 0: apple", "Index 1: banana", "Index 2: cherry"]
    assert printed[3:] == printed[:3]


def test_zip_has_a_keyword_strict():
    """zip(*iterables, strict=False): with strict=True unequal lengths are an error, once the shorter one ends."""
    pairs = zip([1, 2], [1], strict=True)

    assert next(pairs) == (1, 1)
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter than argument 1"):
        next(pairs)


def test_zip_takes_the_keys_of_a_dict():
    """Not its values, nor its items."""
    assert list(zip({"x": 1, "y": 2}, (3, 4), strict=True)) == [("x", 3), ("y", 4)]


def test_zip_ends_with_the_shortest_and_drops_an_item():
    """It gives tuples of as many items as there are iterables, without a word about the rest, of which it has taken one."""
    numbers = iter([1, 2, 3])

    pairs = list(zip(numbers, [10], strict=False))

    assert list(zip([1, 2, 3], "ab", strict=False)) == [(1, "a"), (2, "b")]
    assert pairs == [(1, 10)]
    assert next(numbers) == 3


def test_both_score_loops_print_the_same(capsys):
    """Three names with their scores, twice."""
    loops.print_scores()

    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["Alice: 85", "Bob: 92", "Charlie: 78"]
    assert printed[3:] == printed[:3]


def test_dict_of_zip_pairs_keys_with_values():
    """As the note prints it; of a key that comes twice the last value stays."""
    assert loops.person() == {"name": "David", "age": 28, "city": "Berlin"}
    assert dict(zip("aab", [1, 2, 3], strict=True)) == {"a": 2, "b": 3}


# Note 001: LayerNorm and BatchNorm ------------------------------------------------------------------------------------


def skewness(x):
    x = np.asarray(x, dtype=np.float64)
    return ((x - x.mean()) ** 3).mean() / x.std() ** 3


def kurtosis(x):
    x = np.asarray(x, dtype=np.float64)
    return ((x - x.mean()) ** 4).mean() / x.std() ** 4


def gradient_ratio(norm, seed):
    """Norm of the first layer's weight gradient over the last one's: 30 times Linear, norm, ReLU of width 128."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linears = [nn.Linear(128, 128, bias=False) for _ in range(30)]
        for linear in linears:
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        x, dy = torch.randn(2, 256, 128)
    y = nn.Sequential(*(module for linear in linears for module in (linear, norm(128), nn.ReLU())))(x)
    (y * dy).sum().backward()
    return (linears[0].weight.grad.norm() / linears[-1].weight.grad.norm()).item()


def test_batch_norm_standardizes_each_feature_over_the_batch():
    """In training, before weight and bias: mean 0 and variance v / (v + eps), not quite 1."""
    x = tensor([1, 10], [3, 30])

    y, _, _ = trained_batch_norm(x)
    shrunk, _, _ = trained_batch_norm(x, eps=1.0)

    assert rounded(y) == [[-1.0, -1.0], [1.0, 1.0]]
    assert rounded(shrunk.var(axis=0, correction=0)) == [0.5, 0.9901]  # 1 / 2 and 100 / 101


def test_batch_norm_lets_its_output_move():
    """What the next layer gets has the mean and deviation that BatchNorm's own parameters learn, here 3 and 2."""
    bn = nn.BatchNorm1d(1).double()

    nn.init.constant_(bn.weight, 2.0)
    nn.init.constant_(bn.bias, 3.0)
    y = bn(random(1000, 1))

    assert rounded([y.mean().item(), y.std(correction=0).item()]) == [3.0, 2.0]


def test_standardized_inputs_are_so_at_the_first_layer_alone():
    """Columns of variance 1 leave the first Linear, as torch initializes it, with variances of less than a half."""
    first = nn.Linear(10, 64).double()
    x = reshapes.standardize_columns(random(1000, 10), eps=0.0)

    hidden = first(x)

    assert rounded(x.var(dim=0, correction=0)) == [1.0] * 10
    assert hidden.var(dim=0).mean() < 0.5  # a third is expected: ten weights of variance 1/30


def test_batch_norm_leaves_a_binary_feature_binary():
    """[0, 0, 0, 1] comes out as two values, far from any bell."""
    y, _, _ = trained_batch_norm(tensor(0, 0, 0, 1)[:, None])

    assert rounded(y[:, 0]) == [-0.5774, -0.5774, -0.5774, 1.7321]


def test_batch_norm_can_turn_the_order_within_a_sample_round():
    """5 < 10 becomes 1 > -1; LayerNorm with weight 1 keeps the order, and with another weight it does not."""
    x = tensor([5, 10], [1, 20])

    y, _, _ = trained_batch_norm(x)

    assert rounded(y) == [[1.0, -1.0], [-1.0, 1.0]]
    assert rounded(F.layer_norm(x, (2,))) == [[-1.0, 1.0], [-1.0, 1.0]]
    assert rounded(F.layer_norm(x, (2,), weight=tensor(-1, 1), bias=tensor(1, 0))) == [[2.0, 1.0], [2.0, 1.0]]


def test_padding_changes_batch_norm_and_not_layer_norm():
    """One feature of two sequences [1, 3] and [5, 7]: with a zero for padding each, 1 becomes -0.6350 instead of -1.3416."""
    short, padded = tensor(1, 3, 5, 7)[:, None], tensor(1, 3, 0, 5, 7, 0)[:, None]
    token, padding = tensor([1, 3]), tensor([0, 0])

    bn_short, bn_padded = trained_batch_norm(short)[0], trained_batch_norm(padded)[0]
    ln_short, ln_padded = F.layer_norm(token, (2,)), F.layer_norm(torch.cat([token, padding]), (2,))

    assert rounded([bn_short[0, 0], bn_padded[0, 0]]) == [-1.3416, -0.635]
    assert torch.equal(ln_padded[:1], ln_short)


def test_layer_norm_standardizes_each_sample_as_far_as_eps_lets_it():
    """The sample [2, 3, 5, 1, 4] gets variance 1, and with eps as large as its own variance, 2, a half."""
    y = F.layer_norm(torch.from_numpy(SAMPLE), (5,), eps=0.0)
    shrunk = F.layer_norm(torch.from_numpy(SAMPLE), (5,), eps=2.0)

    assert rounded(y) == STANDARDIZED
    assert rounded([y.var(correction=0), shrunk.var(correction=0)]) == [1.0, 0.5]


def test_weight_and_bias_undo_batch_norm_but_not_layer_norm():
    """Weight = deviation and bias = mean bring BatchNorm's input back; LayerNorm gives [1, 3] and [2, 6] the same output."""
    back, _, _ = trained_batch_norm(tensor([1], [3]), gamma=1.0, beta=2.0)

    two = F.layer_norm(tensor([1, 3], [2, 6]), (2,), eps=0.0)

    assert rounded(back) == [[1.0], [3.0]]
    assert rounded(two) == [[-1.0, 1.0], [-1.0, 1.0]]


def test_the_gradient_through_layer_norm_scales_like_one_over_the_deviation():
    """Its Jacobian has rank n - 2 and largest singular value 1 / deviation: a loud row's gradient shrinks, a quiet one's grows."""
    singular = torch.linalg.svdvals(
        torch.autograd.functional.jacobian(lambda x: F.layer_norm(x, (5,), eps=0.0), torch.from_numpy(SAMPLE))
    )

    assert rounded(singular) == [0.7071, 0.7071, 0.7071, 0.0, 0.0]


def test_layer_norm_gives_a_sample_the_same_in_any_batch():
    """Alone or among four, in training or at inference."""
    ln = nn.LayerNorm(6).double()
    x = random(4, 6)

    torch.testing.assert_close(ln(x)[2:3], ln(x[2:3]))
    assert torch.equal(ln.train()(x), ln.eval()(x))


def test_the_printed_variance_is_1_25(capsys):
    """The note's example prints n / (n - 1) = 5 / 4: `Tensor.var` divides by n - 1, LayerNorm by n."""
    y, _ = simple_model.single_sample()

    simple_model.report()

    assert "Variance: tensor(1.2500" in capsys.readouterr().out
    assert rounded(y.detach()) == pytest.approx(STANDARDIZED, abs=1e-4)
    assert y.var(correction=0).item() == pytest.approx(2 / (2 + 1e-5), rel=1e-5)  # in float32


def test_normalized_shape_5_is_five_features():
    """One weight of 1 and one bias of 0 for each, and an eps of 1e-5."""
    _, ln = simple_model.single_sample()

    assert {name: p.tolist() for name, p in ln.named_parameters()} == {"weight": [1.0] * 5, "bias": [0.0] * 5}
    assert ln.eps == 1e-5


def test_variance_per_feature_is_not_what_layer_norm_sets():
    """The note's bars (dim=0) lie between 0.594 and 1.312 after LayerNorm; along its own axis every variance is 1."""
    s = simple_model.statistics()

    # Three digits, and within 1e-4 of 1 since eps is 1e-5 beside variances of 0.2 and more.
    assert [s.var_after.min().round(3), s.var_after.max().round(3)] == pytest.approx([0.594, 1.312], abs=1e-6)
    np.testing.assert_allclose(s.biased_var_after_per_sample, 1, rtol=1e-4)
    np.testing.assert_allclose(s.mean_after_per_sample, 0, atol=1e-6)


def test_the_note_s_variances_divide_by_n_minus_1():
    """Per feature they are 100 / 99 times those that divide by n, before and after; LayerNorm's divide by n."""
    s = simple_model.statistics()

    np.testing.assert_allclose(s.var_before / s.biased_var_before, 100 / 99, rtol=1e-5)  # float32
    np.testing.assert_allclose(s.var_after / s.biased_var_after, 100 / 99, rtol=1e-5)
    np.testing.assert_allclose(s.biased_var_before_per_sample, s.x_linear.var(axis=1), rtol=1e-5)
    np.testing.assert_allclose(s.var_single_before / s.biased_var_single_before, 50 / 49, rtol=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_randomly_chosen_sample_is_the_first(seed):
    """Whatever the seed."""
    s = simple_model.statistics(seed)

    np.testing.assert_array_equal(s.single_sample_before, s.x_linear[0])
    np.testing.assert_array_equal(s.single_sample_after, s.x_ln[0])


def test_the_bottom_right_panel_is_one_bar_of_50_over_49():
    """It shows a single number, 1.0204, no distribution; divided by n the variance is 1."""
    s = simple_model.statistics()

    assert simple_model.PANELS[-1][1] == "var_single_after"
    assert s.var_single_after == pytest.approx(50 / 49, rel=1e-4)  # eps beside a variance of 0.37
    assert s.biased_var_single_after == pytest.approx(1, rel=1e-4)


def test_layer_norm_keeps_the_shape_of_a_sample_s_distribution():
    """Skewness and kurtosis are what they were: -0.1897 for the note's sample."""
    s = simple_model.statistics()

    assert rounded([skewness(s.single_sample_before), skewness(s.single_sample_after)]) == [-0.1897, -0.1897]
    assert kurtosis(s.single_sample_after) == pytest.approx(kurtosis(s.single_sample_before), rel=1e-5)  # float32


def test_layer_norm_leaves_an_exponential_sample_skewed():
    """Its long tail stays: the skewness, near the exponential's 2, is the same before and after."""
    x = np.random.default_rng(0).exponential(size=1000)

    y = F.layer_norm(torch.from_numpy(x), (1000,)).numpy()

    assert skewness(x) > 1.5
    assert skewness(y) == pytest.approx(skewness(x))


def test_the_figure_shows_variances_and_no_means():
    """Of the six panels three are histograms of values and three are bars of variances, whatever the comments say."""
    drawn = [quantity for _, quantity in simple_model.PANELS]

    assert drawn[:3] == ["x_linear", "x_ln", "single_sample_before"]
    assert drawn[3:] == ["var_before", "var_after", "var_single_after"]


def test_a_seed_gives_the_same_numbers_again():
    """On one machine with one torch, and another seed gives others."""
    first, again, other = (simple_model.statistics(seed) for seed in (0, 0, 1))

    np.testing.assert_array_equal(first.x_ln, again.x_ln)
    assert (first.x_ln != other.x_ln).any()


def test_a_batch_norm_row_depends_on_the_others_and_a_layer_norm_row_does_not():
    """What to choose by: with another row beside it [1, 30] gets another BatchNorm, and the same LayerNorm."""
    x, other = tensor([1, 30], [3, 10]), tensor([1, 30], [-5, 70])

    bn, bn_other = trained_batch_norm(x)[0], trained_batch_norm(other)[0]

    assert rounded(bn[0]) == [-1.0, 1.0]
    assert rounded(bn_other[0]) == [1.0, -1.0]
    assert torch.equal(F.layer_norm(x, (2,))[0], F.layer_norm(other, (2,))[0])


@pytest.mark.parametrize(
    ("norm", "least", "most"), [(nn.BatchNorm1d, 100, 1000), (nn.LayerNorm, 0.3, 3), (nn.Identity, 0.3, 3)]
)
def test_batch_norm_makes_gradients_of_a_deep_plain_network_explode(norm, least, most):
    """First layer's gradient over the last one's, at initialization: 199 to 228 with BatchNorm, 0.7 to 2 with LayerNorm or none.

    The factor is per layer and so grows with the depth; the limits are far from what four seeds give.
    """
    ratios = [gradient_ratio(norm, seed) for seed in range(4)]

    assert min(ratios) > least
    assert max(ratios) < most


# Note 002: the formulas of LayerNorm and RMSNorm ----------------------------------------------------------------------


def test_the_formula_without_eps_is_nan_on_a_constant_row():
    """0 / 0; LayerNorm gives 0."""
    x = np.full((1, 5), 7.0)

    with np.errstate(invalid="ignore"):
        y = formulas.layer_norm(x, 1.0, 0.0)

    assert np.isnan(y).all()
    assert rounded(F.layer_norm(torch.from_numpy(x), (5,))) == [[0.0] * 5]


def test_the_formula_without_eps_differs_on_a_row_whose_variance_is_like_eps():
    """[-0.001, 0.001] gives ±1 without eps and ±0.3015 with LayerNorm's 1e-5."""
    x = np.array([[-0.001, 0.001]])

    assert rounded(formulas.layer_norm(x, 1.0, 0.0)) == [[-1.0, 1.0]]
    assert rounded(F.layer_norm(torch.from_numpy(x), (2,))) == [[-0.3015, 0.3015]]


def test_layer_norm_has_one_mean_for_each_token():
    """Input (2, 3, 4), that is (batch, sequence, hidden), has 2 * 3 means and deviations, not 2."""
    x = random(2, 3, 4).numpy()

    y = formulas.layer_norm(x, 1.0, 0.0)

    assert x.mean(axis=-1, keepdims=True).shape == (2, 3, 1)
    np.testing.assert_allclose(y.mean(axis=-1), np.zeros((2, 3)), atol=1e-12)
    np.testing.assert_allclose(y.std(axis=-1), np.ones((2, 3)), rtol=1e-12)


def test_std_means_n_in_numpy_and_n_minus_1_in_torch():
    """LayerNorm's is NumPy's: with torch's every value is sqrt(4 / 5) times as large, 0.6325 for 0.7071."""
    x = torch.from_numpy(SAMPLE)

    by_torch = (x - x.mean()) / x.std()

    assert rounded(formulas.layer_norm(SAMPLE, 1.0, 0.0)) == STANDARDIZED
    assert rounded(by_torch) == [-0.6325, 0.0, 1.2649, -1.2649, 0.6325]
    assert rounded(F.layer_norm(x, (5,))) == pytest.approx(STANDARDIZED, abs=1e-4)


def test_a_scales_and_b_shifts_each_feature():
    """[1, 3] becomes [-1, 1], then with a = [2, 3] and b = [10, 20] it is [8, 23]."""
    y = formulas.layer_norm(np.array([[1.0, 3.0]]), a=np.array([2.0, 3.0]), b=np.array([10.0, 20.0]))

    assert y.tolist() == [[8.0, 23.0]]


def test_layer_norm_does_not_set_how_a_feature_varies_over_samples():
    """Two samples [1, 2, 3] give columns of variance 0: a feature's distribution over samples is what the data make it."""
    y = formulas.layer_norm(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]), 1.0, 0.0)

    assert y.var(axis=0).tolist() == [0.0, 0.0, 0.0]
    assert rounded(y.var(axis=1)) == [1.0, 1.0]


def test_the_rms_norm_formula_lacks_the_gain():
    """With a gain of [2, 3] RMSNorm gives [1.6971, 3.3941]; the formula gives [0.8485, 1.1314]."""
    x = np.array([[3.0, 4.0]])

    assert rounded(formulas.rms_norm(x, eps=0.0)) == [[0.8485, 1.1314]]
    assert rounded(F.rms_norm(torch.from_numpy(x), (2,), weight=tensor(2, 3), eps=0.0)) == [[1.6971, 3.3941]]


def test_the_rms_norm_formula_has_eps_inside_the_root():
    """As torch has it: [0.001, 0.001] with eps = 1e-6 is 0.7071; with eps outside the root it would be 0.9990."""
    x = np.array([[0.001, 0.001]])

    y = formulas.rms_norm(x, eps=1e-6)
    outside = x / (np.sqrt((x**2).mean(axis=-1, keepdims=True)) + 1e-6)

    assert rounded(y) == rounded(F.rms_norm(torch.from_numpy(x), (2,), eps=1e-6)) == [[0.7071, 0.7071]]
    assert rounded(outside) == [[0.999, 0.999]]


def test_rms_norm_gives_every_token_the_same_length():
    """The square root of the number of features, sqrt(2) here, be the token loud or quiet."""
    y = formulas.rms_norm(np.array([[3.0, 4.0], [-300.0, 1.0]]), eps=0.0)

    assert rounded(np.linalg.norm(y, axis=-1)) == [1.4142, 1.4142]


def test_rms_norm_keeps_the_mean_that_layer_norm_takes_away():
    """[3, 4] becomes [0.8485, 1.1314] and [-1, 1]."""
    x = np.array([[3.0, 4.0]])

    assert rounded(formulas.rms_norm(x, eps=0.0)) == [[0.8485, 1.1314]]
    assert rounded(formulas.layer_norm(x, 1.0, 0.0)) == [[-1.0, 1.0]]


def test_rms_norm_has_one_root_mean_square_for_each_token():
    """[3, 4] and its double come out the same; one root mean square of the whole input would keep them apart."""
    x = np.array([[3.0, 4.0], [6.0, 8.0]])

    assert rounded(formulas.rms_norm(x, eps=0.0)) == [[0.8485, 1.1314], [0.8485, 1.1314]]
    assert rounded(x / np.sqrt((x**2).mean())) == [[0.5367, 0.7155], [1.0733, 1.4311]]


@pytest.mark.parametrize("norm", [F.rms_norm, F.layer_norm])
def test_neither_norm_sees_how_long_the_sequence_is(norm):
    """The first four tokens of 4,000 have the outputs and the gradients that they have alone."""
    long, dy = random(4000, 8).requires_grad_(), random(4000, 8, seed=1)
    short = long.detach()[:4].clone().requires_grad_()

    (norm(long, (8,), eps=1e-6) * dy).sum().backward()
    (norm(short, (8,), eps=1e-6) * dy[:4]).sum().backward()

    torch.testing.assert_close(norm(long, (8,), eps=1e-6)[:4], norm(short, (8,), eps=1e-6))
    torch.testing.assert_close(long.grad[:4], short.grad)


def test_rms_norm_of_a_centred_token_is_its_layer_norm():
    """Which is why one can stand where the other stood."""
    centred = SAMPLE - SAMPLE.mean()

    assert rounded(formulas.rms_norm(centred, eps=0.0)) == STANDARDIZED
    assert rounded(formulas.layer_norm(SAMPLE, 1.0, 0.0)) == STANDARDIZED


# Note 003: BatchNorm by hand, the reshapes, and other norms -----------------------------------------------------------

IMAGES = torch.arange(16, dtype=torch.float64).reshape(2, 2, 2, 2)


def final_loss(x, y, seed):
    """Loss of three Linear layers with ReLU between, after 200 steps of gradient descent at 0.01."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(200):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("seed", range(4))
def test_standardized_inputs_help_a_deep_network_to_train(seed):
    """Features of scale 1 and 100: gradient descent at 0.01 diverges on them and learns from their standardized form."""
    z = random(200, 2, seed=seed)
    target = z[:, :1] * z[:, 1:] + z[:, :1]
    raw = z * tensor(1, 100)

    diverged = final_loss(raw, target, seed)
    learned = final_loss(reshapes.standardize_columns(raw), target, seed)

    assert not np.isfinite(diverged)
    assert learned < 0.5 * target.var()  # measured 0.03 to 0.11 of it


def test_batch_norm_standardizes_what_comes_between_layers():
    """Between Linear and ReLU every feature of the batch has mean 0 and variance 1, whatever the Linear gives."""
    linear, bn = nn.Linear(6, 5).double(), nn.BatchNorm1d(5).double()

    y = bn(100 * linear(random(32, 6)) + 7)

    assert rounded(y.detach().mean(dim=0)) == pytest.approx([0.0] * 5, abs=1e-12)
    assert rounded(y.detach().var(dim=0, correction=0)) == [1.0] * 5


def test_larger_weights_before_batch_norm_have_smaller_gradients():
    """Twice the weights give the same output and half the gradient: what is smoothed is the way along the weights."""
    x, dy, w = random(8, 3), random(8, 2, seed=1), random(3, 2, seed=2)

    def output_and_gradient(weights):
        weights = weights.clone().requires_grad_()
        y, _, _ = trained_batch_norm(x @ weights)
        (y * dy).sum().backward()
        return y.detach(), weights.grad

    (y, gradient), (y2, gradient2) = output_and_gradient(w), output_and_gradient(2 * w)

    torch.testing.assert_close(y2, y)
    torch.testing.assert_close(gradient2, gradient / 2)


def test_a_bare_reshape_mixes_channels():
    """Channel means are 5.5 and 9.5; the columns of `reshape(-1, 2)` have means 7 and 8."""
    assert reshapes.to_batch_matrix(IMAGES).mean(axis=0).tolist() == [5.5, 9.5]
    assert IMAGES.reshape(-1, 2).mean(axis=0).tolist() == [7.0, 8.0]


def test_the_columns_are_standardized_with_the_variance_divided_by_n():
    """Mean 0 and, by the biased ruler, variance 1."""
    y = reshapes.standardize_columns(reshapes.to_batch_matrix(random(2, 3, 4, 5)), eps=0.0)

    assert rounded(y.mean(axis=0)) == pytest.approx([0.0] * 3, abs=1e-12)
    assert rounded(y.var(axis=0, correction=0)) == [1.0] * 3


def test_gamma_and_beta_recover_each_column_and_are_learned():
    """[[1, 10], [3, 30]] becomes ∓1; gamma = [1, 10] and beta = [2, 20] bring it back, and both have gradients."""
    x = tensor([1, 10], [3, 30])
    gamma, beta = tensor(1, 10).requires_grad_(), tensor(2, 20).requires_grad_()

    y, _, _ = trained_batch_norm(x, gamma=gamma, beta=beta)
    (y * tensor([1, 2], [3, 5])).sum().backward()

    assert rounded(y.detach()) == [[1.0, 10.0], [3.0, 30.0]]
    assert rounded(gamma.grad) == [2.0, 3.0]
    assert beta.grad.tolist() == [4.0, 7.0]


def test_the_matrix_is_turned_back_by_the_inverse_permutation():
    """Reshaped forth and back, images are what they were; reshaped back alone they are not."""
    x = random(2, 3, 4, 5)

    matrix = reshapes.to_batch_matrix(x)

    assert torch.equal(reshapes.from_batch_matrix(matrix, x.shape), x)
    assert not torch.equal(matrix.reshape(x.shape), x)


def test_batch_norm_by_reshape_is_torch_s():
    """Standardized columns of (n w h) x c are BatchNorm in training."""
    x = random(2, 3, 4, 5)

    torch.testing.assert_close(reshapes.batch_norm(x), F.batch_norm(x, None, None, training=True))


def test_torch_has_no_autograd_is_training():
    """The note's call is MXNet's."""
    with pytest.raises(AttributeError, match="is_training"):
        torch.autograd.is_training()


def test_whether_gradients_are_recorded_is_not_whether_the_model_trains():
    """Under `no_grad` a module in training standardizes [1, 3] to [-1, 1]; asking the gradient mode leaves [1, 3]."""
    x = tensor([1], [3])
    bn = nn.BatchNorm1d(1).double()

    with torch.no_grad():
        by_flag = bn.train()(x)
        by_gradient_mode, _, _ = batch_norm.batch_norm_by_gradient_mode(x, 1.0, 0.0, tensor(0), tensor(1), 1e-5, 0.9)

    assert rounded(by_flag) == [[-1.0], [1.0]]
    assert rounded(by_gradient_mode) == [[1.0], [3.0]]


def test_torch_takes_numpy_s_axis_and_keepdims():
    """As the note writes them."""
    assert torch.equal(IMAGES.mean(axis=(0, 2, 3), keepdims=True), IMAGES.mean(dim=(0, 2, 3), keepdim=True))


def test_momentum_weighs_the_old_statistics_in_the_note_and_the_new_ones_in_torch():
    """From 0, a batch of mean 2 at momentum 0.1: 1.8 in the note, 0.2 in torch; the note's 0.9 is torch's 0.1."""
    x = tensor([1], [3])
    bn = nn.BatchNorm1d(1, momentum=0.1).double()

    _, note, note_var = trained_batch_norm(x, momentum=0.1, moving_var=0.0)
    _, note_09, _ = trained_batch_norm(x, momentum=0.9)
    bn(x)

    assert rounded([note.item(), note_09.item(), bn.running_mean.item()]) == [1.8, 0.2, 0.2]
    assert rounded(note_var.item()) == 0.9


def test_the_moving_variance_is_biased_in_the_note_and_unbiased_in_torch():
    """From 1, the batch [1, 3]: 0.9 + 0.1 * 1 = 1.0 in the note, 0.9 + 0.1 * 2 = 1.1 in torch."""
    x = tensor([1], [3])
    bn = nn.BatchNorm1d(1).double()

    _, _, note = trained_batch_norm(x, momentum=0.9)
    bn(x)

    assert rounded([note.item(), bn.running_var.item()]) == [1.0, 1.1]


def test_eps_stands_inside_the_root_of_batch_norm():
    """[1, 3] has variance 1, so an eps of 3 makes it ±1/2, as in torch; outside the root it would be ±1/4 or so."""
    x = tensor([1], [3])

    y, _, _ = trained_batch_norm(x, eps=3.0)

    assert rounded(y) == rounded(F.batch_norm(x, None, None, training=True, eps=3.0)) == [[-0.5], [0.5]]


def test_prediction_uses_the_moving_averages():
    """Mean 3 and variance 4 turn 5 into 1, whatever else is in the batch, and stay as they are."""
    state = {"moving_mean": tensor(3), "moving_var": tensor(4)}

    y, mean, variance = trained_batch_norm(tensor([5], [100]), training=False, **state)

    assert rounded(y) == [[1.0], [48.5]]
    assert (mean.item(), variance.item()) == (3.0, 4.0)


@pytest.mark.parametrize("shape", [(8, 3), (2, 3, 4, 5)], ids=["2-D", "4-D"])
def test_the_note_s_axes_are_torch_s(shape):
    """Axis 0 of (n, features), axes 0, 2 and 3 of (n, channels, height, width)."""
    x = random(*shape)

    y, _, _ = trained_batch_norm(x, eps=1e-5)

    torch.testing.assert_close(y, F.batch_norm(x, None, None, training=True))


def test_a_step_beyond_training_has_no_batch_norm_statistics():
    """Kept for steps 0 and 1, there are none for step 2; LayerNorm has nothing to keep, and [-1, 1] at each step."""
    steps = tensor([1, 3], [10, 30], [100, 300])

    kept = {t: trained_batch_norm(steps[t][:, None])[1:] for t in (0, 1)}

    assert 2 not in kept
    assert rounded(kept[1][0]) != rounded(kept[0][0])
    assert rounded(F.layer_norm(steps, (2,))) == [[-1.0, 1.0]] * 3


def test_layer_norm_at_a_step_looks_at_that_step_alone():
    """Neither later nor earlier steps change a step's output."""
    x = random(6, 4)
    changed = x.clone()
    changed[[0, 1, 3, 4, 5]] += random(5, 4, seed=1)

    assert torch.equal(F.layer_norm(x, (4,))[2], F.layer_norm(changed, (4,))[2])


def test_instance_norm_is_a_matrix_of_wh_times_cn():
    """A column for each channel of each image: (w h) x (c n), and the result is torch's."""
    x = random(2, 6, 5, 4)  # n, c, h, w

    y = reshapes.instance_norm(x)

    assert reshapes.to_instance_matrix(x).shape == (20, 12)
    torch.testing.assert_close(y, F.instance_norm(x))


def test_group_norm_is_a_matrix_of_swh_times_gn():
    """A column for each group of each image: (s w h) x (g n), and the result is torch's; "swg x gn" loses elements."""
    n, c, h, w, s, g = 2, 6, 5, 4, 3, 2
    x = random(n, c, h, w)

    y = reshapes.group_norm(x, groups=g)

    assert reshapes.to_group_matrix(x, groups=g).shape == (s * w * h, g * n) == (60, 4)
    torch.testing.assert_close(y, F.group_norm(x, g))
    assert (s * w * h) * (g * n) == n * c * w * h == 240
    assert (s * w * g) * (g * n) == 96


def test_a_network_can_give_gamma_and_beta():
    """A style's mean and deviation, made into bias and weight, are those of the output, channel by channel."""
    content, style = random(1, 3, 8, 8), 5 * random(1, 3, 8, 8, seed=1) + 2
    to_statistics = nn.Linear(6, 6).double()  # any network; this one passes them on
    nn.init.eye_(to_statistics.weight)
    nn.init.zeros_(to_statistics.bias)

    described = torch.cat([style.std(dim=(0, 2, 3), correction=0), style.mean(dim=(0, 2, 3))])
    gamma, beta = to_statistics(described).reshape(2, 1, 3, 1, 1)
    y = gamma * reshapes.instance_norm(content, eps=0.0) + beta

    torch.testing.assert_close(y.mean(dim=(2, 3)), style.mean(dim=(2, 3)))
    torch.testing.assert_close(y.std(dim=(2, 3)), style.std(dim=(2, 3)))


# Note 004: an MLP trained on random labels ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def histories():
    """Fifty runs of the note's script, with LayerNorm and without."""
    return {norm: [training.train(seed, norm) for seed in range(50)] for norm in (True, False)}


def signs(rows=100):
    """`(x, y)` with something to learn: is the sum of the first two features positive?"""
    x = torch.randn(rows, 10)
    return x, (x[:, 0] + x[:, 1] > 0).long()


def accuracy_on_fresh_data(model, data, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1000 + seed)
        return training.accuracy(model, *data(2000))


def test_layer_norm_is_torch_s_function_not_python_s():
    """Python has no `layer_norm`; torch.nn.functional has."""
    assert not hasattr(builtins, "layer_norm")
    assert callable(F.layer_norm)


def test_layer_norm_reads_one_layer_and_sets_no_other():
    """Its output does not change when the layer before it is 100 times as loud, and its own weight decides how loud it is."""
    model = training.MLP(10, 20, 2).double()
    x = random(100, 10)

    before = model.norm1(model.fc1(x))
    scale(model.fc1, 100)
    after = model.norm1(model.fc1(x))
    nn.init.constant_(model.norm1.weight, 7.0)

    torch.testing.assert_close(after, before, rtol=0, atol=1e-2)  # eps = 1e-5 beside variances of 0.03 and more
    torch.testing.assert_close(model.norm1(model.fc1(x)), 7 * after)


def test_layer_norm_can_also_take_away_what_there_is_to_learn():
    """Without a bias before it, the model gives x and 3 x the same output: how loud a sample is can't be learned."""
    model = training.MLP(10, 20, 2).double()
    nn.init.zeros_(model.fc1.bias)
    model.norm1.eps = 0.0
    x = random(100, 10)

    torch.testing.assert_close(model(3 * x), model(x))


@pytest.mark.parametrize(("norm", "learns"), [(True, True), (False, False)], ids=["with LayerNorm", "without"])
def test_layer_norm_steadies_training_on_badly_scaled_inputs(norm, learns):
    """Inputs of scale 1000: with LayerNorm the loss falls in ten epochs, without it explodes beyond 1000, ten seeds of ten."""

    def loud_signs():
        x, y = signs()
        return 1000 * x, y

    losses = np.array([training.train(seed, norm, data=loud_signs).losses for seed in range(10)])

    assert ((losses[:, -1] < losses[:, 0]).all(), (losses.max(axis=1) < 1000).all()) == (learns, learns)


def test_the_mlp_gives_two_outputs_for_each_sample():
    """100 samples of 10 features give (100, 2)."""
    x, _ = training.random_data()

    assert training.MLP(10, 20, 2)(x).shape == (100, 2)


def test_the_module_is_the_function_with_its_own_parameters():
    """nn.LayerNorm(20)(x) is F.layer_norm(x, (20,), weight, bias, 1e-5), bit for bit."""
    ln = nn.LayerNorm(20)
    x = random(100, 20).float()

    assert torch.equal(ln(x), F.layer_norm(x, (20,), ln.weight, ln.bias, 1e-5))


def test_the_loss_falls_without_layer_norm_too(histories):
    """In 50 runs of 50 with it and in 50 of 50 without; on average it ends lower without, at 0.705 against 0.719."""
    losses = {norm: np.array([h.losses for h in runs]) for norm, runs in histories.items()}

    assert (losses[True][:, -1] < losses[True][:, 0]).all()
    assert (losses[False][:, -1] < losses[False][:, 0]).all()
    assert [losses[norm][:, -1].mean().round(2) for norm in (True, False)] == [0.72, 0.71]


def test_the_accuracy_rises_in_two_runs_of_three(histories):
    """In 32 of the 50 with LayerNorm, which is less than the note's one run suggests; two runs of leeway for other kernels."""
    rises = sum(h.accuracies[-1] > h.accuracies[0] for h in histories[True])

    assert rises == pytest.approx(32, abs=2)


def test_nothing_is_learned_from_random_labels(histories):
    """On fresh data half of the answers are right, with LayerNorm and without.

    Of 50 runs with 2,000 answers each the mean has a deviation of 0.0016; 0.01 is six of them.
    """
    fresh = {
        norm: np.mean([accuracy_on_fresh_data(h.model, training.random_data, seed) for seed, h in enumerate(runs)])
        for norm, runs in histories.items()
    }

    assert fresh == pytest.approx({True: 0.5, False: 0.5}, abs=0.01)


def test_layer_norm_does_not_generalize_better_as_a_rule():
    """With labels that can be learned both variants get 94 % of fresh data right; which is better depends on the seed."""
    right = {
        norm: np.array([
            accuracy_on_fresh_data(training.train(seed, norm, 100, 0.5, signs).model, signs, seed) for seed in range(10)
        ])
        for norm in (True, False)
    }  # fmt: skip

    difference = right[True] - right[False]

    assert {norm: r.mean() for norm, r in right.items()} == pytest.approx({True: 0.94, False: 0.94}, abs=0.02)
    assert difference.min() < 0 < difference.max()


def test_the_note_s_accuracy_is_that_of_the_training_data():
    """The data that it trains on is all that its script draws: nothing is tested."""
    drawn = []

    def data():
        drawn.append(training.random_data())
        return drawn[-1]

    history = training.train(seed=0, data=data, lr=0.0)

    assert len(drawn) == 1
    assert history.accuracies[-1] == pytest.approx(training.accuracy(history.model, *drawn[0]))


def test_gradients_add_up_without_zero_grad():
    """The second backward doubles them; the note's order (zero_grad, backward, step) prevents it."""
    model = training.MLP(10, 20, 2).double()
    x = random(100, 10)

    model(x).square().sum().backward()
    once = model.fc2.weight.grad.clone()
    model(x).square().sum().backward()

    torch.testing.assert_close(model.fc2.weight.grad, 2 * once)


def test_what_is_written_through_data_escapes_autograd():
    """`.data` reads the values that `detach()` does, but an edit through it gives a wrong gradient where detach's raises."""
    x = tensor(1, 2).requires_grad_()

    silent = (x * 1).exp()  # its gradient is its own output, which is kept for the backward
    silent.data.zero_()
    silent.sum().backward()
    loud = (x * 1).exp()
    loud.detach().zero_()

    assert x.grad.tolist() == [0.0, 0.0]  # e and e² would be right
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loud.sum().backward()


def test_max_s_indices_are_argmax():
    """The second of torch.max's two results is what argmax gives, of `.data` as of `detach()`."""
    outputs = random(100, 2).requires_grad_() * 1

    _, predicted = torch.max(outputs.data, 1)

    assert torch.equal(predicted, outputs.detach().argmax(dim=1))
