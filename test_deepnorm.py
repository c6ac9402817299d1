"""DeepNorm: an implementation held to the clauses of specs/deepnorm.md, one clause per test."""

import numpy as np
import pytest
import torch
from torch import nn

from experiments.depth import update_ratio
from harness import families, probes
from harness.families import holds
from harness.subject import Subject
from reference import deepnorm, layernorm

# Values
test_statistics = holds("DN-11", families.statistics)
test_formula = holds("DN-1", families.formula)
test_divisor = holds("DN-12", families.divisor)
test_affine = holds("DN-14", families.affine)
test_shift = holds("DN-15", families.shift)
test_scale = holds("DN-16", families.scale)
test_far_from_zero = holds("DN-18", families.far_from_zero)
test_long_rows = holds("DN-21", families.long_rows)
test_magnitudes = holds("DN-19", families.magnitudes)
test_to_nearest = holds("DN-22", families.to_nearest)
test_any_input = holds("DN-23", families.any_input)


@pytest.mark.clause("DN-5")
def test_every_alpha(impl: Subject) -> None:
    """From an alpha that turns the residual round to one beside which the sublayer vanishes."""
    case = impl.case(probes.MIXED_ROWS)
    impl.check_each({f"alpha = {a:g}": case.but(alpha=a) for a in (-1.5, 0.0, 1.0, 2.5, 1000.0)}, "y")


@pytest.mark.clause("DN-2")
def test_constants_of_one_stack() -> None:
    """alpha and beta are (2N)^(1/4) and (8N)^(-1/4), the decoder's the encoder's; no layer at all is refused."""
    for layers, alpha, beta in ((8, 2.0, 8**-0.5), (2, 2**0.5, 0.5), (32, 8**0.5, 0.25)):
        assert deepnorm.constants(encoder_layers=layers)["encoder"] == pytest.approx((alpha, beta))
        assert deepnorm.constants(decoder_layers=layers)["decoder"] == pytest.approx((alpha, beta))
    with pytest.raises(ValueError, match="at least one layer"):
        deepnorm.constants()


@pytest.mark.clause("DN-3")
def test_constants_of_both_stacks() -> None:
    """The decoder's depend on its own depth alone: 27 layers have alpha 3."""
    constants = deepnorm.constants(encoder_layers=6, decoder_layers=27)

    assert constants["decoder"] == pytest.approx((3.0, (12 * 27) ** -0.25))
    assert constants["encoder"] == pytest.approx((0.81 * (6**4 * 27) ** (1 / 16), 0.87 * (6**4 * 27) ** (-1 / 16)))


# eps
test_eps_inside = holds("DN-13", families.eps_inside)
test_eps_honoured = holds("DN-24", families.eps_honoured)
test_eps_zero = holds("DN-26", families.eps_zero)
test_eps_default = holds("DN-27", families.eps_default)

# Parameters
test_absent_parameters = holds("DN-28", families.absent_parameters)
test_gain = holds("DN-50", families.gain)

# Independence
test_isolation = holds("DN-17", families.isolation)
test_alone = holds("DN-6", families.alone)
test_batch_bits = holds("DN-25", families.batch_bits)
test_no_state = holds("DN-29", families.no_state)
test_repeated_bits = holds("DN-30", families.repeated_bits)
test_own_buffer = holds("DN-31", families.own_buffer)

# Layout
test_input_layouts = holds("DN-32", families.input_layouts)
test_expanded_input = holds("DN-33", families.expanded_input)
test_parameter_layouts = holds("DN-34", families.parameter_layouts)
test_gradient_layouts = holds("DN-35", families.gradient_layouts)
test_inputs_untouched = holds("DN-37", families.inputs_untouched)
test_no_view = holds("DN-38", families.no_view)

# Shapes
test_dimensions = holds("DN-39", families.dimensions)
test_several_normalized = holds("DN-40", families.several_normalized)
test_tails = holds("DN-41", families.tails)
test_empty_batch = holds("DN-42", families.empty_batch)
test_single_value = holds("DN-43", families.single_value)

# dtypes
test_output_dtype = holds("DN-45", families.output_dtype)
test_mixed_values = holds("DN-46", families.mixed_values)
test_mixed_dtype = holds("DN-47", families.mixed_dtype)
test_precision = holds("DN-48", families.precision)
test_rounding = holds("DN-49", families.rounding)

# Special values
test_nan = holds("DN-51", families.nan)
test_infinity = holds("DN-52", families.infinity)
test_constant = holds("DN-53", families.constant)
test_constant_exactly = holds("DN-44", families.constant_exactly)
test_tiny = holds("DN-54", families.tiny)
test_overflow = holds("DN-55", families.overflow)

# Gradients
test_input_gradient = holds("DN-20", families.input_gradient)
test_weight_gradient = holds("DN-56", families.weight_gradient)
test_bias_gradient = holds("DN-57", families.bias_gradient)
test_gradient_sums = holds("DN-58", families.gradient_sums)
test_cancelling_gradient = holds("DN-59", families.cancelling_gradient)
test_saved_statistics = holds("DN-60", families.saved_statistics)
test_extreme_gradients = holds("DN-61", families.extreme_gradients)
test_only_asked = holds("DN-62", families.only_asked)
test_zero_gradient = holds("DN-63", families.zero_gradient)
test_gradient_of_gradient = holds("DN-36", families.gradient_of_gradient)
test_any_gradient = holds("DN-64", families.any_gradient)

# Errors
test_refuses_weight = holds("DN-65", families.refuses_weight)
test_refuses_shape = holds("DN-66", families.refuses_shape)

# Hygiene
test_hygiene = holds("DN-67", families.hygiene)


# What to know
@pytest.mark.clause("DN-4")
def test_initial_gains() -> None:
    """torch's Xavier initialization with a gain of beta, or of 1 for query and key, has these standard deviations."""
    beta = deepnorm.constants(encoder_layers=12)["encoder"][1]
    gains = {"q_proj": 1.0, "k_proj": 1.0, "v_proj": beta, "out_proj": beta, "fc1": beta, "fc2": beta}
    random = torch.Generator().manual_seed(4)

    drawn = [
        nn.init.xavier_normal_(torch.empty(300, 500), gain, generator=random).std().item() for gain in gains.values()
    ]

    # The deviation of 150,000 values is known to 1 / sqrt(300,000) = 0.2 %: five times that.
    assert [deepnorm.initial_std(name, 500, 300, beta) for name in gains] == pytest.approx(drawn, rel=0.01)


def _called_deepnorm(inputs: int, hidden: list[int], outputs: int) -> nn.Sequential:
    """The MLP of the notes."""
    widths = [inputs, *hidden]
    layers = [(nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU()) for a, b in zip(widths, hidden, strict=False)]
    return nn.Sequential(*(module for layer in layers for module in layer), nn.Linear(widths[-1], outputs))


@pytest.mark.clause("DN-7")
def test_parameters_of_the_mlp() -> None:
    """torch counts as many in the MLP, and as many in its LayerNorms."""
    mlp = _called_deepnorm(7, [5, 11, 3], 2)

    of_layernorms = sum(p.numel() for m in mlp if isinstance(m, nn.LayerNorm) for p in m.parameters())

    assert deepnorm.mlp_parameters(7, [5, 11, 3], 2) == (sum(p.numel() for p in mlp.parameters()), of_layernorms)


@pytest.mark.clause("DN-7")
def test_sublayer_of_zeros() -> None:
    """With its Linears at zero the MLP forgets x; DeepNorm with a sublayer of zeros keeps it, but for mean and scale."""
    random = np.random.default_rng(7)
    mlp, x = _called_deepnorm(6, [5, 4], 3), random.normal(size=(8, 6))
    for linear in (m for m in mlp if isinstance(m, nn.Linear)):
        nn.init.zeros_(linear.weight)

    outputs = mlp(torch.tensor(x, dtype=torch.float32))
    y = deepnorm.forward(x, np.zeros_like(x), alpha=3.0, eps=0.0)

    assert (outputs == outputs[0]).all()
    assert y == pytest.approx(layernorm.forward(x, eps=0.0), abs=1e-13)  # ten roundings in float64


@pytest.mark.clause("DN-8")
def test_update_bound() -> None:
    """One step moves the output of a deep stack less than Post-LN's, by a factor that grows with the depth."""
    shallow, deep = ([update_ratio(layers, seed=seed) for seed in range(3)] for layers in (6, 18))

    # Over eight seeds 6 layers give 5.1 to 6.2, 18 layers 8.2 to 10.3.
    assert min(shallow) > 4
    assert min(deep) > max(shallow)


@pytest.mark.clause("DN-8")
def test_movement_falls_with_alpha() -> None:
    """A small step in the sublayer's output moves y by 1 / alpha, while the gradient of x stays."""
    random = np.random.default_rng(8)
    x, step, f = random.normal(size=(4, 7)), 1e-6 * random.normal(size=(4, 7)), np.zeros((4, 7))

    moved = np.array([deepnorm.movement(x, f, step, alpha, eps=0.0) for alpha in (1.0, 3.0, 30.0)])
    gradients = np.array([deepnorm.backward(step, x, f, alpha, eps=0.0)[0] for alpha in (1.0, 3.0, 30.0)])

    # The second order of a step of 1e-6 is 1e-6 of it; y's rounding, 1e-16, is 1e-9 of the smallest movement.
    assert moved * [1.0, 3.0, 30.0] == pytest.approx(moved[0], rel=1e-4)
    assert gradients[1:] == pytest.approx(gradients[[0, 0]], rel=1e-9, abs=0)


@pytest.mark.clause("DN-9")
def test_alphas_in_use() -> None:
    """MiniMax's is the paper's, GLM's the square of it, at any depth."""
    depths = np.arange(1, 200)

    paper = np.array([deepnorm.constants(decoder_layers=int(n))["decoder"][0] for n in depths])

    assert deepnorm.alpha_in("DeepNet", depths) == pytest.approx(paper)
    assert deepnorm.alpha_in("MiniMax", depths) == pytest.approx(paper)
    assert deepnorm.alpha_in("GLM", depths) == pytest.approx(paper**2)


@pytest.mark.clause("DN-10")
def test_post_norm_alone() -> None:
    """After 16 sublayers of alpha 2 the Post-LN stream has variance 1, the Pre-LN one has grown by 2^16."""
    random = np.random.default_rng(10)
    weights = random.normal(scale=0.1, size=(16, 8, 8))
    x = layernorm.forward(random.normal(size=(5, 8)))

    post = pre = x
    for weight in weights:
        post = deepnorm.forward(post, post @ weight, alpha=2.0)
        pre = 2.0 * pre + layernorm.forward(pre) @ weight

    assert post.std(axis=-1) == pytest.approx(1, abs=1e-4)
    # The branches, of deviation 0.1 * sqrt(8), add at most 0.28 * (1 + 1/2 + ...) = 0.57 to the start's 1.
    assert 2**15 < pre.std() < 2**17
