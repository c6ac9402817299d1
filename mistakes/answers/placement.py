"""Wrong answers to exercises/placement.py."""

import numpy as np

from mistakes.answers import wrong
from reference import placement, rmsnorm

# -- PL-1: after the addition ------------------------------------------------------------------------------------------


@wrong("PL-1", placement.post_norm)
def norm_inside_the_branch(x, sublayer, norm):
    """The norm stands on the sublayer's input, as in Pre-LN.

    Which mean has the stream that your block hands on? After Post-LN it is 0.

    y = norm(x + sublayer(x))

    [1, 3] + [1, 9] = [2, 12] has mean 7 and deviation 5: [-1, 1]. Yours is [1, 3] + [-1, 1]² = [2, 4].
    """
    return x + sublayer(norm(x))


@wrong("PL-1", placement.post_norm)
def norm_before_the_addition(x, sublayer, norm):
    """The sublayer's output is normed, and x added afterwards.

    What do you do last, add or norm?

    y = norm(x + sublayer(x))

    [1, 3] + [1, 9] = [2, 12], then the norm: [-1, 1]. Yours is [1, 3] + [-1, 1] = [0, 4].
    """
    return x + norm(sublayer(x))


@wrong("PL-1", placement.post_norm)
def x_alone_normed(x, sublayer, norm):
    """The residual is normed, and the sublayer's output added to it as it is.

    Is the mean of what your block hands on 0? What did you norm, one term or the sum?

    y = norm(x + sublayer(x))

    [1, 3] + [1, 9] = [2, 12], then the norm: [-1, 1]. Yours is [-1, 1] + [1, 9] = [0, 10].
    """
    return norm(x) + sublayer(x)


@wrong("PL-1", placement.post_norm)
def both_terms_normed(x, sublayer, norm):
    """x and the sublayer's output are normed one by one, and then added.

    How many norms has Post-LN for each sublayer?

    y = norm(x + sublayer(x)): one norm, of the sum

    [1, 3] + [1, 9] = [2, 12], then the norm: [-1, 1]. Yours is [-1, 1] + [-1, 1] = [-2, 2].
    """
    return norm(x) + norm(sublayer(x))


@wrong("PL-1", placement.post_norm)
def residual_missing(x, sublayer, norm):
    """The sublayer's output is normed alone, without x.

    What comes out where the sublayer says nothing? It should be the normed x.

    y = norm(x + sublayer(x))

    [-1, 0, 1, 2] + [1, 0, 1, 4] = [0, 0, 2, 6] has mean 2. You took [1, 0, 1, 4], which has mean 1.5.
    """
    return norm(sublayer(x))


# -- PL-2: before the sublayer -----------------------------------------------------------------------------------------


@wrong("PL-2", placement.pre_norm)
def norm_behind_the_sublayer(x, sublayer, norm):
    """The norm stands on the sublayer's output, as in OLMo 2.

    What does your sublayer read, x or a normed x?

    y = x + sublayer(norm(x))

    norm([1, 3]) = [-1, 1], squared [1, 1]: [2, 4]. Yours is [1, 3] + norm([1, 9]) = [0, 4].
    """
    return x + norm(sublayer(x))


@wrong("PL-2", placement.pre_norm)
def norm_after_the_addition(x, sublayer, norm):
    """The sum is normed, as in Post-LN.

    Does any norm stand on the way that x takes through your block? In Pre-LN none does.

    y = x + sublayer(norm(x))

    norm([1, 3]) = [-1, 1], squared [1, 1]: [2, 4]. Yours is norm([1, 3] + [1, 9]) = [-1, 1].
    """
    return norm(x + sublayer(x))


@wrong("PL-2", placement.pre_norm_stack)
def final_norm_missing(x, sublayers, norm):
    """The stream is returned as the last block left it.

    GPT-2 small has 12 blocks with 2 norms each, and 25 norms. Where is the last one?

    y = norm(x) after the last block

    After the square [0.8, 0.2, 1.2, 3.8], with mean 1.5 and variance 1.89: y begins with -0.7 / 1.3748 = -0.5092, not 0.8.
    """
    for sublayer in sublayers:
        x = x + sublayer(norm(x))
    return x


@wrong("PL-2", placement.pre_norm_stack)
def final_norm_after_every_block(x, sublayers, norm):
    """The stream is normed after each block, not only after the last.

    How many norms does a stack of two blocks have? Count yours.

    for every sublayer x = x + sublayer(norm(x)), then once y = norm(x)

    The second block should find [0.8, 0.2, 1.2, 3.8] on the stream; it finds [-0.5092, -0.9456, -0.2182, 1.673].
    """
    for sublayer in sublayers:
        x = norm(x + sublayer(norm(x)))
    return x


# -- PL-3: on the way in and out ---------------------------------------------------------------------------------------


@wrong("PL-3", placement.sandwich_norm)
def second_norm_after_the_addition(x, sublayer, norm):
    """The second norm stands on the sum, not on the branch.

    Where x goes through your block unbranched, does it meet a norm?

    y = x + norm(sublayer(norm(x)))

    The branch is norm([1, 1]) = [0, 0], so y = [1, 3]. Yours is norm([1, 3] + [1, 1]) = [-1, 1].
    """
    return norm(x + sublayer(norm(x)))


@wrong("PL-3", placement.sandwich_norm)
def second_norm_missing(x, sublayer, norm):
    """The sublayer's output is added as it is.

    How large can the branch get? A sandwich bounds it.

    y = x + norm(sublayer(norm(x)))

    The sublayer says [1, 1], and norm makes [0, 0] of it: y = [1, 3], not [2, 4].
    """
    return x + sublayer(norm(x))


@wrong("PL-3", placement.sandwich_norm)
def first_norm_missing(x, sublayer, norm):
    """The sublayer reads x as it is.

    What does your sublayer read? There are two norms around it.

    y = x + norm(sublayer(norm(x)))

    It should read [-1, 1] and say [1, 1], of which norm makes [0, 0]. Yours says [1, 9]: y = [0, 4] instead of [1, 3].
    """
    return x + norm(sublayer(x))


# -- PL-4: on the way out alone ----------------------------------------------------------------------------------------


@wrong("PL-4", placement.output_norm)
def input_normed_too(x, sublayer, norm):
    """The sublayer reads a normed x, as in a sandwich.

    How many norms has a block of OLMo 2 for each sublayer? Its code has no input_layernorm.

    y = x + norm(sublayer(x))

    The sublayer reads [1, 3] and says [1, 9], of which LayerNorm makes [-1, 1]: y = [0, 4]. Yours says [1, 1]: y = [1, 3].
    """
    return x + norm(sublayer(norm(x)))


@wrong("PL-4", placement.output_norm)
def norm_on_the_input_instead(x, sublayer, norm):
    """The norm stands before the sublayer, as in Pre-LN.

    Which tensor do you norm, what the sublayer reads or what it says?

    y = x + norm(sublayer(x))

    The sublayer says [1, 9], of which LayerNorm makes [-1, 1]: y = [0, 4], not [1, 3] + [-1, 1]² = [2, 4].
    """
    return x + sublayer(norm(x))


# -- PL-5: the raw x ---------------------------------------------------------------------------------------------------


@wrong("PL-5", placement.pre_norm)
def normed_residual(x, sublayer, norm):
    """The residual connection carries the normed x.

    What does your block make of x when the sublayer says 0? Keep the stream clean.

    y = x + sublayer(norm(x)), with x itself as the first term

    norm([1, 3]) = [-1, 1], squared [1, 1]: y = [1, 3] + [1, 1] = [2, 4], not [-1, 1] + [1, 1] = [0, 2].
    """
    x = norm(x)
    return x + sublayer(x)


# -- PL-6: growth ------------------------------------------------------------------------------------------------------


@wrong("PL-6", placement.stream_variances)
def variance_of_the_normed_stream(x, sublayers, block, norm):
    """The variance of what the next sublayer reads is measured, not that of the stream.

    Yours is 1 at every depth. Which of the two does the residual connection carry, x or norm(x)?

    after every block x = block(x, sublayer, norm), then x.var()

    [1, -1, 1, -1] + [1, 1, -1, -1] = [2, 0, 0, -2] has variance 8 / 4 = 2; normed it has 1.
    """
    variances = []
    for sublayer in sublayers:
        x = block(x, sublayer, norm)
        variances.append(norm(x).var())
    return np.array(variances)


@wrong("PL-6", placement.stream_variances)
def every_block_reads_the_first_stream(x, sublayers, block, norm):
    """Every block is given the stream before the first one.

    Whose output does your second block read?

    after every block x = block(x, sublayer, norm), then x.var()

    After the second block [2, 0, 0, -2] + [1, -1, -1, 1] = [3, -1, -1, -1]: mean 0, variance 12 / 4 = 3, not 2.
    """
    return np.array([block(x, sublayer, norm).var() for sublayer in sublayers])


# -- PL-7: Jacobians ---------------------------------------------------------------------------------------------------


@wrong("PL-7", placement.layer_norm_jacobian)
def statistics_taken_for_constants(x, eps=0.0):
    """The mean and the deviation are taken for constants, so that the matrix has full rank.

    What does y do when the same number is added to all of x? Your matrix says that it moves.

    dy/dx = (I - 1 1^T / n - x_hat x_hat^T / n) / sigma

    Of five singular values 1 / sqrt(2) = 0.7071 two become 0: those of the directions 1 and x_hat.
    """
    return np.eye(x.size) / np.sqrt(x.var() + eps)


@wrong("PL-7", placement.layer_norm_jacobian)
def variance_taken_for_a_constant(x, eps=0.0):
    """The mean's dependence on x is there, the deviation's is not.

    What does y do when x - mean is doubled? Your matrix says that it moves.

    dy/dx = (I - 1 1^T / n - x_hat x_hat^T / n) / sigma

    x_hat = [-1, 0, 2, -2, 1] / sqrt(2) has the length sqrt(5): x_hat x_hat^T / 5 takes a second singular value to 0.
    """
    return (np.eye(x.size) - 1 / x.size) / np.sqrt(x.var() + eps)


@wrong("PL-7", placement.rms_norm_jacobian)
def root_mean_square_taken_for_a_constant(x, eps=0.0):
    """The root mean square is taken for a constant, so that the matrix has full rank.

    What does y do when x is doubled? Your matrix says that it moves.

    dy/dx = (I - x_hat x_hat^T / n) / rms(x)

    (4 + 9 + 25 + 1 + 16) / 5 = 11: four singular values are 1 / sqrt(11) = 0.3015, the one along x is 0.
    """
    return np.eye(x.size) / np.sqrt((x * x).mean() + eps)


@wrong("PL-7", placement.rms_norm_jacobian)
def mean_taken_out_of_rms_norm(x, eps=0.0):
    """It is LayerNorm's matrix, which a shift does not move.

    Does RMSNorm subtract a mean?

    dy/dx = (I - x_hat x_hat^T / n) / rms(x)

    Four singular values of 1 / sqrt(11) = 0.3015 and one 0; three of 1 / sqrt(2) = 0.7071 are LayerNorm's.
    """
    return placement.layer_norm_jacobian(x, eps)


# -- PL-8: side by side ------------------------------------------------------------------------------------------------


@wrong("PL-8", placement.parallel_block)
def mlp_reads_what_the_attention_said(x, attention, mlp, norm, mlp_norm=None):
    """The feed-forward network reads the stream after the attention: the sequential block.

    Could your two sublayers be computed at the same time?

    y = x + attention(norm(x)) + mlp(norm(x)), both of the same x

    [1, 3] + [2, -2] + [0, 4] = [3, 5]. Yours goes on from [3, 1], whose norm is [1, -1]: [3, 1] + [4, 0] = [7, 1].
    """
    x = x + attention(norm(x))
    return x + mlp((mlp_norm or norm)(x))


@wrong("PL-8", placement.parallel_block)
def mlp_norm_ignored(x, attention, mlp, norm, mlp_norm=None):
    """Both sublayers read the first norm, also where there is a second one.

    What is the last argument for? GPT-NeoX has two norms in a layer.

    y = x + attention(norm(x)) + mlp(mlp_norm(x))

    With RMSNorm for the second, the last feature is 2 - 2 * 1.3416 + 4 * 1.633 = 5.8487; you have 2 + 2 * 1.3416 = 4.6833.
    """
    return x + attention(norm(x)) + mlp(norm(x))


@wrong("PL-8", placement.parallel_block)
def residual_counted_twice(x, attention, mlp, norm, mlp_norm=None):
    """Both sublayers bring their own residual, so that x is added twice.

    What does your block make of x when both sublayers say 0?

    y = x + attention(norm(x)) + mlp(norm(x)), with x once

    [1, 3] + [2, -2] + [0, 4] = [3, 5], not [2, 6] + [2, -2] + [0, 4] = [4, 8].
    """
    return (x + attention(norm(x))) + (x + mlp((mlp_norm or norm)(x)))


# -- PL-9: the logits --------------------------------------------------------------------------------------------------


@wrong("PL-9", placement.attention_logits)
def logits_normed(q, k, norm=None):
    """The logits are normed, not the queries and keys.

    Which rows do you hand to the norm, of d features or of as many values as there are keys?

    norm(q) norm(k)^T / sqrt(d)

    [30, 40, 0, 0] / 25 = [1.2, 1.6, 0, 0] for q and k: (1.44 + 2.56) / 2 = 2, the largest that there can be for d = 4.
    """
    logits = q @ k.T / np.sqrt(q.shape[-1])
    return logits if norm is None else norm(logits)


@wrong("PL-9", placement.attention_logits)
def keys_not_normed(q, k, norm=None):
    """Only the queries are normed.

    Double k. Do your logits double?

    norm(q) norm(k)^T / sqrt(d)

    [1.2, 1.6, 0, 0] by itself is 4, over sqrt(4) 2. By [30, 40, 0, 0] it is 100, over sqrt(4) 50.
    """
    if norm is not None:
        q = norm(q)
    return q @ k.T / np.sqrt(q.shape[-1])


@wrong("PL-9", placement.attention_logits)
def not_divided_by_the_root_of_d(q, k, norm=None):
    """The products are not divided by sqrt(d).

    How long is a normed row of d features? How large, then, is its product with itself?

    q k^T / sqrt(d)

    30 * 30 + 40 * 40 = 2500, over sqrt(4) 1250.
    """
    if norm is not None:
        q, k = norm(q), norm(k)
    return q @ k.T


# -- PL-10: rotations and heads ----------------------------------------------------------------------------------------


@wrong("PL-10", placement.normed_and_rotated)
def norm_with_a_weight_after_the_rotation(q, angle, weight=1.0, eps=1e-6):
    """The rotation comes first, then the norm with its weight.

    Which feature does your weight scale, one of q or one of the rotated q?

    rotate(norm(q) * weight)

    [3, 4] / sqrt(12.5) = [0.8485, 1.1314], times [1, 2] [0.8485, 2.2627], by a quarter [-2.2627, 0.8485]. Yours turns first:
    [-1.1314, 0.8485] times [1, 2].
    """
    return rmsnorm.forward(placement.rotate(q, angle), weight, eps)


@wrong("PL-10", placement.rotate)
def neighbours_rotated(q, angle):
    """The features 0 and 1, 2 and 3 ... are turned together, as in GPT-J.

    Which feature is the partner of the first of four, the second or the third?

    y[i] = q[i] cos - q[i + d/2] sin, y[i + d/2] = q[i] sin + q[i + d/2] cos

    [1, 2, 3, 4] by a quarter: (1, 3) becomes (-3, 1), (2, 4) becomes (-4, 2), so [-3, -4, 1, 2], not [-2, 1, -4, 3].
    """
    first, second = q[..., 0::2], q[..., 1::2]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([first * cos - second * sin, first * sin + second * cos], axis=-1).reshape(q.shape)


@wrong("PL-10", placement.rotate)
def rotated_the_other_way(q, angle):
    """The sign of the sine is turned round.

    Where does a quarter take the first axis, to the second or to its negative?

    y[i] = q[i] cos - q[i + d/2] sin, y[i + d/2] = q[i] sin + q[i + d/2] cos

    [3, 4] by a quarter is [-4, 3], not [4, -3].
    """
    return placement.rotate(q, -np.asarray(angle))


@wrong("PL-10", placement.across_heads_norm)
def each_head_by_itself(q, weight=1.0, eps=1e-6):
    """Every head is divided by its own root mean square.

    How many root mean squares has a token of two heads in OLMo 2?

    x / sqrt(mean(x²) + eps) over all heads * d values of a token

    (9 + 16 + 36 + 64) / 4 = 31.25: 3 / sqrt(31.25) = 0.5367, not 3 / sqrt(12.5) = 0.8485.
    """
    return rmsnorm.forward(q, np.reshape(weight, q.shape[-2:]) if np.ndim(weight) else weight, eps)


@wrong("PL-10", placement.per_head_norm)
def all_heads_together(q, weight=1.0, eps=1e-6):
    """All heads of a token are divided by one root mean square.

    The second of your heads is twice as long as the first. What should QK-norm make of that in Qwen3?

    x / sqrt(mean(x²) + eps) over the d values of one head

    (9 + 16) / 2 = 12.5: 3 / sqrt(12.5) = 0.8485, not 3 / sqrt(31.25) = 0.5367.
    """
    return placement.across_heads_norm(q, 1.0, eps) * weight


# -- PL-11: counting ---------------------------------------------------------------------------------------------------


@wrong("PL-11", placement.norm_count)
def norms_of_the_attention_forgotten(layers, block_norms, attention_norms=0, outside_norms=0):
    """The norms of queries and keys are not counted.

    Have you looked inside the attention?

    layers * (block_norms + attention_norms) + outside_norms

    Qwen3-8B: 36 * (2 + 2) + 1 = 145, not 36 * 2 + 1 = 73.
    """
    return layers * block_norms + outside_norms


@wrong("PL-11", placement.norm_count)
def norms_outside_forgotten(layers, block_norms, attention_norms=0, outside_norms=0):
    """The final norm and the one on the embeddings are not counted.

    Which norm of GPT-2 stands in none of its layers?

    layers * (block_norms + attention_norms) + outside_norms

    GPT-2 small: 12 * 2 + 1 = 25, not 24.
    """
    return layers * (block_norms + attention_norms)


@wrong("PL-11", placement.norm_count)
def norms_outside_in_every_layer(layers, block_norms, attention_norms=0, outside_norms=0):
    """The norms outside the layers are counted once per layer.

    How often does a model norm its embeddings, or its last stream?

    layers * (block_norms + attention_norms) + outside_norms

    GPT-2 small: 12 * 2 + 1 = 25, not 12 * 3 = 36.
    """
    return layers * (block_norms + attention_norms + outside_norms)


# -- PL-12: the census -------------------------------------------------------------------------------------------------


@wrong("PL-12", placement.census)
def gpt_2_taken_for_post_norm(architecture):
    """GPT-2 is taken for Post-LN, as GPT-1 is.

    What does x go through on its way past the attention? Read openai/gpt-2, src/model.py: x = x + attn(norm(x)).

    Pre-LN: y = x + f(LN(x)), with a final norm

    GPT-2: ("LayerNorm", "pre", 1e-5, True, "weight"), and 12 * 2 + 1 = 25 norms. Post-LN would have 24.
    """
    entry = placement.census(architecture)
    return entry._replace(placement="post") if architecture == "GPT-2" else entry


@wrong("PL-12", placement.census)
def xlnet_with_a_decoder(architecture):
    """XLNet is given a third norm in each layer, that of a decoder's cross-attention.

    How many sublayers has a layer of XLNet? Read zihangdai/xlnet, modeling.py: one LayerNorm in each.

    Post-LN: y = LN(x + f(x)), once for the attention and once for the feed-forward network

    XLNet: 2 norms in a layer, 0 inside the attention, 0 outside, not 3.
    """
    entry = placement.census(architecture)
    return entry._replace(block_norms=3) if architecture == "XLNet" else entry


@wrong("PL-12", placement.census)
def gain_of_gemma_taken_for_the_weight(architecture):
    """Gemma's weight is taken for the gain itself.

    What does a Gemma norm whose weight is 0 compute?

    y = x_hat * (1 + weight) in Gemma 1 to 3

    Gemma 3: ("RMSNorm", "sandwich", 1e-6, False, "1 + weight"); a weight of 0 means a gain of 1.
    """
    entry = placement.census(architecture)
    return entry._replace(gain="weight") if architecture.startswith("Gemma") else entry


@wrong("PL-12", placement.census)
def llama_given_layer_norm(architecture):
    """LLaMA is given LayerNorm, with a bias.

    Does a LLaMA norm subtract a mean? Which parameters does it have?

    RMSNorm: y = x / sqrt(mean(x²) + eps) * weight

    LLaMA: ("RMSNorm", "pre", 1e-6, False, "weight"), no mean and no bias.
    """
    entry = placement.census(architecture)
    return entry._replace(norm="LayerNorm", bias=True) if architecture == "LLaMA" else entry
