"""Placement: where a Transformer's norms stand and what follows from it, one clause per test."""

from functools import partial
from types import ModuleType

import numpy as np
import pytest
import torch

from experiments import census, depth
from harness import install
from reference import deepnorm, layernorm, placement, rmsnorm

LAYER_NORM, RMS_NORM = partial(layernorm.forward, eps=0.0), partial(rmsnorm.forward, eps=0.0)
RANDOM = np.random.default_rng(20)
X = 3 * RANDOM.standard_normal((6, 10)) + 1
W1, W2, W3 = RANDOM.standard_normal((3, 10, 10))
# float64 keeps 1e-16 of each value; a few dozen operations on values below 100 cost less than this.
EXACT = partial(np.testing.assert_allclose, rtol=0, atol=1e-11)


def attention(t):
    """Stands for a sublayer: no linear map, and no multiple of its input."""
    return np.tanh(t @ W1) @ W2


def mlp(t):
    return np.maximum(t, 0) @ W3


# -- blocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("PL-1")
def test_post_norm_hands_on_a_normed_stream() -> None:
    """Mean 0 and variance 1 in every row, however loud the sublayer is."""
    y = placement.post_norm(X, lambda t: 1000 * attention(t), LAYER_NORM)

    EXACT(y.mean(axis=-1), 0)
    EXACT(y.var(axis=-1), 1)


@pytest.mark.clause("PL-1")
def test_a_silent_sublayer_leaves_the_normed_stream() -> None:
    """The norm of x, since x is part of the sum."""
    EXACT(placement.post_norm(X, np.zeros_like, LAYER_NORM), LAYER_NORM(X))


@pytest.mark.clause("PL-2")
def test_the_sublayer_of_pre_norm_reads_a_normed_x() -> None:
    """What it adds is the same for x and for 5 x + 3, and the sublayers see neither scale nor shift of the stream."""
    added = placement.pre_norm(X, attention, LAYER_NORM) - X
    added_to_another = placement.pre_norm(5 * X + 3, attention, LAYER_NORM) - (5 * X + 3)

    EXACT(added_to_another, added)


@pytest.mark.clause("PL-2")
def test_a_final_norm_ends_the_stack() -> None:
    """Its y is the norm of what the blocks alone make, and without any block the norm of x."""
    stream = placement.pre_norm(placement.pre_norm(X, attention, LAYER_NORM), mlp, LAYER_NORM)

    EXACT(placement.pre_norm_stack(X, [attention, mlp], LAYER_NORM), LAYER_NORM(stream))
    EXACT(placement.pre_norm_stack(X, [], LAYER_NORM), LAYER_NORM(X))


@pytest.mark.clause("PL-3")
def test_the_branch_of_a_sandwich_is_normed() -> None:
    """What is added has mean 0 and variance 1, and depends on neither the scale of x nor the sublayer's."""
    added = placement.sandwich_norm(X, attention, LAYER_NORM) - X
    added_by_a_loud_one = placement.sandwich_norm(7 * X, lambda t: 1000 * attention(t), LAYER_NORM) - 7 * X

    EXACT(added.mean(axis=-1), 0)
    EXACT(added.var(axis=-1), 1)
    EXACT(added_by_a_loud_one, added)


@pytest.mark.clause("PL-4")
def test_the_sublayer_before_an_output_norm_reads_the_stream() -> None:
    """It is handed x itself, and what is added has a root mean square of 1."""
    read = []

    y = placement.output_norm(X, lambda t: read.append(t) or attention(t), RMS_NORM)

    assert (read[0] == X).all()
    EXACT(np.square(y - X).mean(axis=-1), 1)


@pytest.mark.clause("PL-5")
@pytest.mark.parametrize("block", [placement.pre_norm, placement.sandwich_norm, placement.output_norm])
def test_a_silent_sublayer_leaves_the_stream_alone(block) -> None:
    """To the bit, where no norm stands on the stream."""
    y = block(X, np.zeros_like, layernorm.forward)

    assert (y == X).all()


@pytest.mark.clause("PL-8")
def test_parallel_sublayers_may_change_places() -> None:
    """Attention and feed-forward network in each other's place give the same y; one after the other they do not."""
    one_after_the_other = placement.pre_norm(placement.pre_norm(X, attention, LAYER_NORM), mlp, LAYER_NORM)

    y = placement.parallel_block(X, attention, mlp, LAYER_NORM)

    EXACT(placement.parallel_block(X, mlp, attention, LAYER_NORM), y)
    assert abs(one_after_the_other - y).max() > 1


@pytest.mark.clause("PL-8")
def test_a_second_norm_is_the_mlp_s_alone() -> None:
    """With norms of two kinds each sublayer reads its own."""
    y = placement.parallel_block(X, attention, mlp, LAYER_NORM, RMS_NORM)

    EXACT(y, X + attention(LAYER_NORM(X)) + mlp(RMS_NORM(X)))


# -- depth -------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("PL-6")
@pytest.mark.parametrize(
    ("blocks", "kind", "variance"), [(4, "pre", 5), (16, "pre", 17), (16, "sandwich", 17), (16, "post", 1)]
)
def test_the_variance_of_a_random_stream(blocks: int, kind: str, variance: float) -> None:
    """1 + blocks, or 1: a block of 64 rows of 1,024 is off by sqrt(2 / 65,536) = 0.6 % by chance, never by 5 %."""
    measured = depth.stream_variance(blocks, kind)

    assert measured == pytest.approx(variance, rel=0.05)


@pytest.mark.clause("PL-6")
def test_the_reference_s_stream_grows_alike() -> None:
    """By the variance of every branch: 1, for branches that are orthogonal rows of a Hadamard matrix."""
    pairs = np.array([[1.0, 1.0], [1.0, -1.0]])
    _, x, *rows = np.kron(pairs, np.kron(pairs, np.kron(pairs, pairs)))  # the first row has no variance
    branches = [lambda t, row=row: row for row in rows]

    EXACT(placement.stream_variances(x, branches, placement.pre_norm, LAYER_NORM), np.arange(2, 16))
    EXACT(placement.stream_variances(x, branches, placement.post_norm, LAYER_NORM), 1)


@pytest.mark.clause("PL-7")
def test_layer_norm_s_jacobian_is_a_projection_over_sigma() -> None:
    """For random rows: two singular values are 0 and all others 1 / sigma; 1 and x_hat are what it takes away."""
    x = X[0]

    jacobian = placement.layer_norm_jacobian(x)

    EXACT(np.linalg.svd(jacobian, compute_uv=False), [*[1 / x.std()] * 8, 0, 0])
    EXACT(jacobian @ np.ones(10), 0)
    EXACT(jacobian @ LAYER_NORM(x), 0)


@pytest.mark.clause("PL-7")
def test_rms_norm_s_jacobian_is_a_projection_over_the_root_mean_square() -> None:
    """For random rows: one singular value is 0, that of x, and all others 1 / rms."""
    x = X[1]

    jacobian = placement.rms_norm_jacobian(x)

    EXACT(np.linalg.svd(jacobian, compute_uv=False), [*[1 / np.sqrt(np.square(x).mean())] * 9, 0])
    EXACT(jacobian @ x, 0)


@pytest.mark.clause("PL-7")
def test_the_jacobians_are_torch_s() -> None:
    """With an eps of the size of the variance, where no direction is taken away altogether but that of a shift."""
    x = torch.from_numpy(X[2])

    by_layer_norm = torch.autograd.functional.jacobian(lambda t: torch.nn.functional.layer_norm(t, (10,), eps=5.0), x)
    by_rms_norm = torch.autograd.functional.jacobian(lambda t: torch.nn.functional.rms_norm(t, (10,), eps=5.0), x)

    EXACT(placement.layer_norm_jacobian(X[2], eps=5.0), by_layer_norm)
    EXACT(placement.rms_norm_jacobian(X[2], eps=5.0), by_rms_norm)


# -- attention ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("PL-9")
def test_normed_logits_are_bounded() -> None:
    """By sqrt(d) for queries and keys of any size, and equal to it for a query that is its key."""
    q, k = 1e6 * RANDOM.standard_normal((2, 50, 16))

    logits = placement.attention_logits(q, np.concatenate([q, k]), RMS_NORM)

    assert abs(logits).max() <= 4 + 1e-11
    EXACT(np.diag(logits), 4)
    assert abs(placement.attention_logits(q, k)).max() > 1e12


@pytest.mark.clause("PL-9")
def test_a_logit_does_not_depend_on_the_others() -> None:
    """A key more leaves those of the other keys as they are: queries and keys are normed, not the logits."""
    q, k = RANDOM.standard_normal((2, 5, 16))

    EXACT(placement.attention_logits(q, k, RMS_NORM)[:, :4], placement.attention_logits(q, k[:4], RMS_NORM))


@pytest.mark.clause("PL-10")
def test_norm_and_rotation_commute_without_a_weight() -> None:
    """For random angles; and with a weight that is the same for both features of each plane."""
    q, angle = RANDOM.standard_normal((7, 8)), RANDOM.uniform(0, 6, 4)
    weight = np.tile(RANDOM.uniform(1, 2, 4), 2)
    rotated = placement.rotate(q, angle)

    EXACT(placement.normed_and_rotated(q, angle), rmsnorm.forward(rotated))
    EXACT(placement.normed_and_rotated(q, angle, weight), rmsnorm.forward(rotated, weight))


@pytest.mark.clause("PL-10")
def test_norm_and_rotation_do_not_commute_with_a_weight() -> None:
    """With a weight of its own for each feature the order shows in every row."""
    q, angle = RANDOM.standard_normal((7, 8)), RANDOM.uniform(1, 2, 4)
    weight = np.arange(1.0, 9.0)
    rotated = placement.rotate(q, angle)

    difference = placement.normed_and_rotated(q, angle, weight) - rmsnorm.forward(rotated, weight)

    assert abs(difference).max(axis=-1).min() > 0.1


@pytest.mark.clause("PL-10")
def test_a_rotation_keeps_lengths_and_adds_up() -> None:
    """It turns by the sum of two angles, which is what makes a logit depend on the distance of two positions alone."""
    q, angle = RANDOM.standard_normal((7, 8)), RANDOM.uniform(0, 6, 4)
    turned = placement.rotate(q, angle)

    EXACT(np.square(turned).sum(axis=-1), np.square(q).sum(axis=-1))
    EXACT(placement.rotate(turned, 2 * angle), placement.rotate(q, 3 * angle))


@pytest.mark.clause("PL-10")
def test_heads_are_normed_alone_or_together() -> None:
    """Per head a louder head gives the same y; across heads it takes from the others' share."""
    q = RANDOM.standard_normal((7, 4, 8))
    louder = q * np.array([1.0, 1.0, 1.0, 10.0])[:, None]

    EXACT(placement.per_head_norm(louder, eps=0.0), placement.per_head_norm(q, eps=0.0))
    EXACT(np.square(placement.across_heads_norm(louder, eps=0.0)).mean(axis=(-2, -1)), 1)
    assert (abs(placement.across_heads_norm(louder)[:, 0]) < 0.5 * abs(placement.across_heads_norm(q)[:, 0])).all()


@pytest.mark.clause("PL-10")
def test_weights_of_heads() -> None:
    """Per head one of d values for all, across heads one of heads * d values."""
    q, weight = RANDOM.standard_normal((7, 4, 8)), np.arange(1.0, 33.0)

    EXACT(placement.per_head_norm(q, weight[:8]), placement.per_head_norm(q) * weight[:8])
    EXACT(placement.across_heads_norm(q, weight), placement.across_heads_norm(q) * weight.reshape(4, 8))


# -- census ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def transformers() -> ModuleType:
    return pytest.importorskip("transformers", reason=f"transformers is not installed ({install('transformers')})")


@pytest.mark.clause("PL-11")
@pytest.mark.parametrize(
    ("parts", "norms"),
    [
        pytest.param({"GPT-2": 12}, 25, id="GPT-2 small"),
        pytest.param({"BERT": 12}, 25, id="BERT-base"),
        pytest.param({"LLaMA": 32}, 65, id="Llama-2-7B"),
        pytest.param({"GPT-J": 28}, 29, id="GPT-J-6B"),
        pytest.param({"Qwen3": 36}, 145, id="Qwen3-8B"),
        pytest.param({"Gemma 2": 26}, 105, id="Gemma-2-2B"),
        pytest.param({"Gemma 3": 34}, 205, id="Gemma-3-4B"),
        pytest.param({"OLMo 2": 32}, 129, id="OLMo-2-7B"),
        pytest.param({"T5 encoder": 12, "T5 decoder": 12}, 62, id="T5-base"),
    ],
)
def test_counts_of_published_models(transformers: ModuleType, parts: dict[str, int], norms: int) -> None:
    """Their layers, times the norms that a layer of a tiny model of the same architecture has, and those outside."""
    seen = [(layers, census.observe(name)) for name, layers in parts.items()]

    counts = [placement.norm_count(n, s.block_norms, s.attention_norms, s.outside_norms) for n, s in seen]

    assert sum(counts) == norms


@pytest.mark.clause("PL-11")
def test_a_layer_more_has_the_norms_of_a_layer_more() -> None:
    """Those outside stand there once, even in a model without layers."""
    assert placement.norm_count(9, 4, 2, 3) - placement.norm_count(8, 4, 2, 3) == 6
    assert placement.norm_count(0, 4, 2, 3) == 3


@pytest.mark.clause("PL-12")
@pytest.mark.parametrize("name", placement.CENSUS)
def test_census(transformers: ModuleType, name: str) -> None:
    """Every entry is what a tiny model of that architecture does; its eps is measured, to four digits."""
    expected = placement.census(name)

    observed = census.observe(name)

    assert observed == expected._replace(eps=pytest.approx(expected.eps, rel=1e-3))


def in_turn(block):
    """A layer of two blocks of the reference, one after the other."""
    return lambda x, attention, mlp, norm, mlp_norm: block(block(x, attention, norm), mlp, mlp_norm)


@pytest.mark.clause("PL-12")
@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("post", in_turn(placement.post_norm)),
        ("pre", in_turn(placement.pre_norm)),
        ("sandwich", in_turn(placement.sandwich_norm)),
        ("output", in_turn(placement.output_norm)),
        ("parallel", placement.parallel_block),
    ],
)
def test_the_census_goes_by_what_reaches_what(transformers: ModuleType, monkeypatch, kind: str, layer) -> None:
    """A LLaMA whose layers put their modules together as the reference does is seen as what it then is."""

    def forward(self, x, **others):
        attention = lambda t: self.self_attn(hidden_states=t, **others)[0]  # noqa: E731
        return layer(x, attention, self.mlp, self.input_layernorm, self.post_attention_layernorm)

    monkeypatch.setattr(transformers.models.llama.modeling_llama.LlamaDecoderLayer, "forward", forward)

    norms = census.trace(census.build("LLaMA"))

    assert census.placement(norms, [call for call in norms if call.startswith("layers.0.")]) == kind


@pytest.mark.clause("PL-12")
def test_the_census_knows_no_other_architecture() -> None:
    """GPT-Norm is none, nor the name of a norm; all that are in it are looked at."""
    assert {entry.norm for entry in placement.CENSUS.values()} == {"LayerNorm", "RMSNorm"}
    assert set(placement.CENSUS) == set(census.MODELS)
    with pytest.raises(KeyError, match="there is no 'GPT-Norm' in the census, but BERT, "):
        placement.census("GPT-Norm")


@pytest.mark.clause("PL-12")
def test_bert_has_two_norms_in_a_layer_and_one_on_the_embeddings(transformers: ModuleType) -> None:
    """Post-LN: each norm of the layers carries the stream on, from the embeddings' norm to the output."""
    norms = census.trace(census.build("BERT"))

    assert [norm.stream for norm in norms.values()] == [
        {"embeddings.word_embeddings": 1.0},
        {"embeddings.LayerNorm": pytest.approx(1)},
        {"encoder.layer.0.attention.output.LayerNorm": pytest.approx(1)},
        {"encoder.layer.0.output.LayerNorm": pytest.approx(1)},
        {"encoder.layer.1.attention.output.LayerNorm": pytest.approx(1)},
        {"encoder.layer.1.output.LayerNorm": pytest.approx(1)},
    ]


@pytest.mark.clause("PL-12")
def test_gpt_2_is_pre_norm_with_a_final_norm(transformers: ModuleType) -> None:
    """Every norm reads the raw stream, that of the embedding and the sublayers; the output is ln_f's y."""
    norms = census.trace(census.build("GPT-2"))

    assert [call for call, norm in norms.items() if norm.stream == {"wte": pytest.approx(1)}] == [
        *("h.0.ln_1", "h.0.ln_2", "h.1.ln_1", "h.1.ln_2", "ln_f")
    ]
    assert norms["output"].stream == {"ln_f": pytest.approx(1)}


@pytest.mark.clause("PL-12")
def test_gpt_1_is_post_norm_with_plain_layer_norm(transformers: ModuleType) -> None:
    """After each sublayer stands torch's LayerNorm, no norm of its own, and none after the last layer's."""
    norms = census.trace(census.build("GPT-1"))

    assert [list(norm.stream) for norm in norms.values()] == [
        *(["tokens_embed"], ["h.0.ln_1"], ["h.0.ln_2"], ["h.1.ln_1"], ["h.1.ln_2"])
    ]
    assert {type(norm.module) for call, norm in norms.items() if call != "output"} == {torch.nn.LayerNorm}


@pytest.mark.clause("PL-12")
def test_xlnet_has_two_norms_of_one_kind_in_a_layer_none_outside_and_no_decoder(transformers: ModuleType) -> None:
    """After the attention and after the feed-forward network stands torch's LayerNorm, over the features of a token."""
    model = census.build("XLNet")

    norms = census.trace(model)

    assert [call for call in norms if call != "output"] == [
        *(
            "layer.0.rel_attn.layer_norm",
            "layer.0.ff.layer_norm",
            "layer.1.rel_attn.layer_norm",
            "layer.1.ff.layer_norm",
        )
    ]
    assert {(type(n.module), n.module.normalized_shape) for c, n in norms.items() if c != "output"} == {
        (torch.nn.LayerNorm, (model.config.d_model,))
    }
    assert not model.config.is_encoder_decoder
    assert not [name for name, _ in model.named_modules() if "decoder" in name or "cross" in name]


@pytest.mark.clause("PL-12")
def test_roberta_norms_as_bert_does(transformers: ModuleType) -> None:
    """In every fact of the census; the default eps of its configuration in transformers is BERT's 1e-12 too."""
    observed = census.observe("RoBERTa")

    assert observed == census.observe("BERT")
    assert observed.eps == pytest.approx(1e-12, rel=1e-3)
    assert transformers.RobertaConfig().layer_norm_eps == 1e-12


@pytest.mark.clause("PL-5")
@pytest.mark.parametrize(("flag", "roles"), [(False, "pre"), (True, "post")])
def test_bloom_s_flag_puts_a_norm_on_the_stream(transformers: ModuleType, flag: bool, roles: str) -> None:
    """With apply_residual_connection_post_layernorm the residual connection carries the norm's y."""
    norms = census.trace(census.build("BLOOM", apply_residual_connection_post_layernorm=flag))

    assert census.role(norms, "h.0.input_layernorm") == roles
    assert census.role(norms, "h.0.post_attention_layernorm") == roles


@pytest.mark.clause("PL-12")
def test_minimax_scales_its_residual_as_deepnorm(transformers: ModuleType) -> None:
    """Post-norm in disguise: what a layer carries is its norm's y, times the alpha of its configuration."""
    alpha, _ = deepnorm.constants(decoder_layers=80)["decoder"]
    factors = {f"{kind}_alpha_factor": alpha for kind in ("full_attn", "mlp")}

    norms = census.trace(census.build("MiniMax", **factors))

    assert norms["layers.0.post_attention_layernorm"].stream == {"layers.0.input_layernorm": pytest.approx(alpha)}
    assert norms["layers.1.input_layernorm"].stream == {"layers.0.post_attention_layernorm": pytest.approx(alpha)}
