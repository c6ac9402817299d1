"""Wrong answers to exercises/deepnorm.py."""

import numpy as np

from mistakes.answers import wrong
from reference import deepnorm, layernorm


@wrong("DN-1", deepnorm.forward)
def alpha_on_the_sublayer(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """alpha multiplies the sublayer's output, not the residual x.

    Which of the two roads is scaled up: the one past the sublayer, or the one through it?

    y = LayerNorm(alpha * x + sublayer_output)

    [2, 3, 5, 1, 4] and [1, -1, 0, 2, -2], alpha 2: 2 x + f = [5, 5, 10, 4, 6], mean 6, deviation 2.0976, first value
    -0.4767. x + 2 f = [4, 1, 5, 5, 0] gives 0.4767.
    """
    return layernorm.forward(x + alpha * sublayer_output, weight, bias, eps)


@wrong("DN-1", deepnorm.forward)
def alpha_missing(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """alpha is not used: LayerNorm(x + sublayer_output) is Post-LN.

    Does your y change with alpha?

    y = LayerNorm(alpha * x + sublayer_output)

    [2, 3, 5, 1, 4] and [1, -1, 0, 2, -2], alpha 2: 2 x + f = [5, 5, 10, 4, 6], first value (5 - 6) / 2.0976 = -0.4767.
    x + f = [3, 2, 5, 3, 2] has mean 3, and its first value becomes 0.
    """
    return layernorm.forward(x + sublayer_output, weight, bias, eps)


@wrong("DN-1", deepnorm.forward)
def residual_missing(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """x is not added: only the sublayer's output is normalized.

    Where is x in your sum?

    y = LayerNorm(alpha * x + sublayer_output)

    [2, 3, 5, 1, 4] and [1, -1, 0, 2, -2], alpha 2: 2 x + f = [5, 5, 10, 4, 6], first value (5 - 6) / 2.0976 = -0.4767.
    f alone has mean 0 and deviation 1.4142: 1 / 1.4142 = 0.7071.
    """
    return layernorm.forward(0.0 * x + sublayer_output, weight, bias, eps)


@wrong("DN-1", deepnorm.forward)
def alpha_after_the_norm(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """alpha multiplies x_hat, after the norm.

    What is the variance of your y?

    y = LayerNorm(alpha * x + sublayer_output): alpha is inside

    [2, 3, 5, 1, 4] and [1, -1, 0, 2, -2], alpha 2: 2 x + f = [5, 5, 10, 4, 6], first value (5 - 6) / 2.0976 = -0.4767.
    2 LayerNorm([3, 2, 5, 3, 2]) starts with 2 * 0 = 0 and has variance 4.
    """
    return alpha * layernorm.standardize(x + sublayer_output, eps)[0] * weight + bias


@wrong("DN-1", deepnorm.forward)
def eps_not_passed_on(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """eps is not handed to the LayerNorm inside, which takes its default of 1e-5.

    Does your y change with eps?

    y = LayerNorm(alpha * x + sublayer_output, weight, bias, eps)

    [5, 6] has the variance 0.25; with eps 0.75 it is divided by 1: -0.5 * 2 + 10 = 9. With eps 1e-5 it would be 8.0000.
    """
    return deepnorm.forward(x, sublayer_output, alpha, weight, bias)


@wrong("DN-1", deepnorm.forward)
def eps_forgotten(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The sum is divided by sqrt(variance), without eps.

    Where is eps in your formula?

    x_hat = (z - mean) / sqrt(variance + eps), z = alpha * x + sublayer_output

    [5, 6] has the variance 0.25; with eps 0.75 it is divided by 1: -0.5 * 2 + 10 = 9. Divided by sqrt(0.25) it is
    -1 * 2 + 10 = 8.
    """
    return deepnorm.forward(x, sublayer_output, alpha, weight, bias, 0.0)


@wrong("DN-1", deepnorm.forward)
def weight_forgotten(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The weight is not used.

    How does your function tell a weight of 2 from one of 3?

    y = x_hat * weight + bias

    [5, 6] with eps 0.75: x_hat = [-0.5, 0.5], y = [-0.5 * 2 + 10, 0.5 * 3 + 20] = [9, 21.5], not [9.5, 20.5].
    """
    return deepnorm.forward(x, sublayer_output, alpha, 1.0, bias, eps)


@wrong("DN-1", deepnorm.forward)
def bias_forgotten(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The bias is not added.

    What is your y where x_hat is 0?

    y = x_hat * weight + bias

    [5, 6] with eps 0.75: x_hat = [-0.5, 0.5], y = [-0.5 * 2 + 10, 0.5 * 3 + 20] = [9, 21.5], not [-1, 1.5].
    """
    return deepnorm.forward(x, sublayer_output, alpha, weight, 0.0, eps)


@wrong("DN-1", deepnorm.forward)
def weight_and_bias_forgotten(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """Neither the weight nor the bias is used.

    Do you hand all of your arguments to the LayerNorm inside?

    y = LayerNorm(alpha * x + sublayer_output, weight, bias, eps)

    [5, 6] with eps 0.75: x_hat = [-0.5, 0.5], y = [-0.5 * 2 + 10, 0.5 * 3 + 20] = [9, 21.5], not x_hat itself.
    """
    return deepnorm.forward(x, sublayer_output, alpha, eps=eps)


@wrong("DN-1", deepnorm.forward)
def unbiased_variance(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The variance divides by n - 1.

    Which divisor has .var() in your framework unless told otherwise?

    variance = sum((z - mean)²) / n, z = alpha * x + sublayer_output

    [5, 5, 10, 4, 6]: squares 1 + 1 + 16 + 4 + 0 = 22, 22 / 5 = 4.4, first value -1 / 2.0976 = -0.4767. 22 / 4 = 5.5 gives
    -0.4264.
    """
    z = alpha * x + sublayer_output
    deviation = np.sqrt(z.var(axis=-1, ddof=1, keepdims=True) + eps)
    return (z - z.mean(axis=-1, keepdims=True)) / deviation * weight + bias


def _stack_alone(layers, constants):
    """`constants` in the place of those of a stack alone, with both stacks the reference's."""

    def of(encoder_layers=0, decoder_layers=0):
        if encoder_layers and decoder_layers:
            return deepnorm.constants(encoder_layers, decoder_layers)
        side = "encoder" if encoder_layers else "decoder"
        return {side: constants(encoder_layers or decoder_layers)}

    return of(*layers)


@wrong("DN-2", deepnorm.constants)
def sublayers_counted_as_layers(encoder_layers=0, decoder_layers=0):
    """N counts the sublayers, of which a Transformer layer has two.

    How many layers has a stack of 8 Transformer layers in your code?

    alpha = (2 N)^(1/4), beta = (8 N)^(-1/4), N Transformer layers

    N = 8: alpha = 16^(1/4) = 2. With 16 sublayers for N it is 32^(1/4) = 2.3784.
    """
    return _stack_alone((encoder_layers, decoder_layers), lambda n: ((4 * n) ** (1 / 4), (16 * n) ** (-1 / 4)))


@wrong("DN-2", deepnorm.constants)
def two_and_eight_swapped(encoder_layers=0, decoder_layers=0):
    """alpha has the 8 and beta the 2.

    Which of the two factors stands in alpha?

    alpha = (2 N)^(1/4), beta = (8 N)^(-1/4)

    N = 8: alpha = 16^(1/4) = 2 and beta = 64^(-1/4) = 0.3536. Swapped they are 64^(1/4) = 2.8284 and 16^(-1/4) = 0.5.
    """
    return _stack_alone((encoder_layers, decoder_layers), lambda n: ((8 * n) ** (1 / 4), (2 * n) ** (-1 / 4)))


@wrong("DN-2", deepnorm.constants)
def beta_above_one(encoder_layers=0, decoder_layers=0):
    """beta's exponent has no minus.

    Should deeper stacks start with smaller weights or with larger ones?

    alpha = (2 N)^(1/4) > 1 > beta = (8 N)^(-1/4)

    N = 8: beta = 64^(-1/4) = 1 / 2.8284 = 0.3536, not 2.8284.
    """
    return _stack_alone((encoder_layers, decoder_layers), lambda n: ((2 * n) ** (1 / 4), (8 * n) ** (1 / 4)))


@wrong("DN-3", deepnorm.constants)
def each_stack_as_if_alone(encoder_layers=0, decoder_layers=0):
    """An encoder-decoder gets the constants of an encoder alone and of a decoder alone.

    How many sublayers has a decoder layer that looks at an encoder?

    decoder: alpha = (3 M)^(1/4), beta = (12 M)^(-1/4); encoder: 0.81 (N^4 M)^(1/16), 0.87 (N^4 M)^(-1/16)

    M = 6: alpha = 18^(1/4) = 2.0598. A decoder alone has 12^(1/4) = 1.8612.
    """
    return deepnorm.constants(encoder_layers, 0) | deepnorm.constants(0, decoder_layers)


@wrong("DN-3", deepnorm.constants)
def depths_swapped(encoder_layers=0, decoder_layers=0):
    """N and M change places: the encoder's depth is taken for the decoder's.

    Which constants change when the decoder gets more layers?

    decoder: alpha = (3 M)^(1/4), with M decoder layers; encoder: 0.81 (N^4 M)^(1/16), with N encoder layers

    N = 6, M = 27: the decoder's alpha is 81^(1/4) = 3. With M = 6 it would be 18^(1/4) = 2.0598.
    """
    return deepnorm.constants(decoder_layers, encoder_layers)


@wrong("DN-3", deepnorm.constants)
def encoder_without_the_decoder_s_depth(encoder_layers=0, decoder_layers=0):
    """The encoder's constants know nothing of the decoder: N^5 stands for N^4 M.

    Does the encoder's alpha change when the decoder gets more layers?

    encoder: alpha = 0.81 (N^4 M)^(1/16), beta = 0.87 (N^4 M)^(-1/16)

    N = 6, M = 27: N^4 M = 1296 * 27 = 34,992, and 0.81 * 34,992^(1/16) = 1.5577. With 6 for M it is 1.4179.
    """
    encoder = deepnorm.constants(encoder_layers, encoder_layers)["encoder"]
    return {"encoder": encoder, "decoder": deepnorm.constants(encoder_layers, decoder_layers)["decoder"]}


@wrong("DN-4", deepnorm.initial_std)
def query_and_key_scaled(projection, inputs, outputs, beta):
    """beta scales query and key too.

    Which projections does the softmax shield?

    gain = beta for value, output and feed-forward, 1 for query and key

    4 features to 4: sqrt(2 / 8) = 0.5. "q_proj" and "k_proj" stay at 0.5; with beta = 0.5 they would have 0.25.
    """
    return deepnorm.initial_std("fc1", inputs, outputs, beta)


@wrong("DN-4", deepnorm.initial_std)
def only_the_last_projection_scaled(projection, inputs, outputs, beta):
    """Only the projections that write into the stream are scaled, out_proj and fc2, as in GPT-2.

    Does the output grow with the value's weights too?

    gain = beta for value, output and both of the feed-forward network, 1 for query and key

    4 features to 4: sqrt(2 / 8) = 0.5, with beta = 0.5 it is 0.25. "v_proj" has 0.25 too.
    """
    gain = beta if projection in ("out_proj", "fc2") else 1.0
    return deepnorm.initial_std("q_proj", inputs, outputs, beta) * gain


@wrong("DN-4", deepnorm.initial_std)
def inputs_alone_counted(projection, inputs, outputs, beta):
    """The standard deviation is gain / sqrt(inputs), without the outputs.

    Xavier's initialization balances the forward and the backward. Which sizes does it need?

    std = gain * sqrt(2 / (inputs + outputs))

    "fc1" from 4 to 14 features: 0.5 * sqrt(2 / 18) = 0.1667. From the inputs alone it is 0.5 * sqrt(1 / 4) = 0.25.
    """
    return deepnorm.initial_std(projection, inputs, inputs, beta)


@wrong("DN-4", deepnorm.forward)
def beta_in_every_forward(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The sublayer's output is multiplied by beta in every forward, though beta belongs to the initial weights.

    Is beta in your graph, or in your weights?

    y = LayerNorm(alpha * x + sublayer_output)

    x = [1, 3], f = [3, 0], alpha = 1.4142: the sum is [4.4142, 4.2426], y = [1, -1]. With f halved (two layers have
    beta = 0.5) it is [2.9142, 4.2426], y = [-1, 1].
    """
    beta = 1 / (2**0.5 * abs(alpha))  # (8 N)^(-1/4) where alpha is (2 N)^(1/4)
    return deepnorm.forward(x, beta * sublayer_output, alpha, weight, bias, eps)


@wrong("DN-5", deepnorm.forward)
def divided_by_alpha(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The residual is divided by alpha.

    What remains of x in your y when alpha is 1000?

    y = LayerNorm(alpha * x + sublayer_output)

    [2, 3, 5, 1, 4] and [1, -1, 0, 2, -2], alpha 1000: [2001, 2999, 5000, 1002, 3998] is nearly 1000 x, and y within 0.001 of
    LayerNorm(x). Divided by 1000, x vanishes beside f.
    """
    return layernorm.forward((x / alpha if alpha else 0.0 * x) + sublayer_output, weight, bias, eps)


@wrong("DN-5", deepnorm.forward)
def absolute_alpha(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """alpha's absolute value is used.

    What does a negative alpha do to x?

    y = LayerNorm(alpha * x + sublayer_output)

    [2, 3, 5, 1, 4] and [1, -1, 0, 2, -2], alpha -1: [-1, -4, -5, 1, -6], mean -3, deviation 2.6077: the first value is
    2 / 2.6077 = 0.7670. With alpha 1, [3, 2, 5, 3, 2], it is 0.
    """
    return deepnorm.forward(x, sublayer_output, abs(alpha), weight, bias, eps)


@wrong("DN-5", deepnorm.forward)
def zero_taken_for_absent(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """An alpha of 0 is taken for 1, as `alpha or 1` does.

    Is 0 a number in your code, or a missing argument?

    y = LayerNorm(alpha * x + sublayer_output)

    alpha 0: LayerNorm([1, -1, 0, 2, -2]), mean 0, deviation 1.4142, the first value 0.7071. With alpha 1 it is 0.
    """
    return deepnorm.forward(x, sublayer_output, alpha or 1.0, weight, bias, eps)


@wrong("DN-5", deepnorm.backward)
def alpha_forgotten_in_dx(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """dx is the gradient of the sum: the alpha that multiplies x in the forward is missing in the backward.

    If x changes by 1, by how much does alpha * x + sublayer_output change?

    dsublayer_output = dsum, dx = alpha * dsum

    The sum [2, 3, 5, 1, 4] gets 2 * 0.4950 = 0.9899 for its first value; so does the sublayer's output, and x gets
    2 * 0.9899 = 1.9799.
    """
    _, dsum, dweight, dbias = deepnorm.backward(dy, x, sublayer_output, alpha, weight, eps)
    return dsum, dsum, dweight, dbias


@wrong("DN-5", deepnorm.backward)
def alpha_on_both_gradients(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """The sublayer's output gets alpha times the gradient of the sum, as x does.

    If the sublayer's output changes by 1, by how much does alpha * x + sublayer_output change?

    dsublayer_output = dsum, dx = alpha * dsum

    The sum [2, 3, 5, 1, 4] gets 2 * 0.4950 = 0.9899 for its first value. The sublayer's output gets that, not
    2 * 0.9899 = 1.9799, which is x's.
    """
    dx, _, dweight, dbias = deepnorm.backward(dy, x, sublayer_output, alpha, weight, eps)
    return dx, dx, dweight, dbias


@wrong("DN-5", deepnorm.backward)
def gradients_swapped(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """The sublayer's output gets x's gradient, and x that of the sublayer's output.

    Which of the two does alpha multiply in the forward?

    dsublayer_output = dsum, dx = alpha * dsum

    The sum [2, 3, 5, 1, 4] gets 2 * 0.4950 = 0.9899 for its first value: x gets 1.9799, the sublayer's output 0.9899.
    """
    dx, dsum, dweight, dbias = deepnorm.backward(dy, x, sublayer_output, alpha, weight, eps)
    return dsum, dx, dweight, dbias


@wrong("DN-5", deepnorm.backward)
def alpha_forgotten_in_the_sum(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """The backward takes its statistics from x + sublayer_output, without alpha.

    Of which row did the forward take the mean and the deviation?

    z = alpha * x + sublayer_output, dsum = LayerNorm's dx at z

    2 [1, 2, 2, 1, 1] + [0, -1, 1, -1, 2] = [2, 3, 5, 1, 4] has variance 2. Without alpha [1, 1, 3, 0, 3] has variance 1.44,
    and the first value of dsum would be 1.25, not 0.9899.
    """
    dsum, dweight, dbias = layernorm.backward(dy, x + sublayer_output, weight, eps)
    return alpha * dsum, dsum, dweight, dbias


@wrong("DN-5", deepnorm.backward)
def weight_missing_in_dx(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """dy is not multiplied by the weight.

    y = x_hat * weight + bias: what is the gradient of x_hat?

    dsum = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    G = [2, 0, 0, 0, 0]: the first value of dsum is 2 * 0.4950 = 0.9899. With G = dy it is 0.4950.
    """
    dx, dsum, _, _ = deepnorm.backward(dy, x, sublayer_output, alpha, 1.0, eps)
    return dx, dsum, *deepnorm.backward(dy, x, sublayer_output, alpha, weight, eps)[2:]


@wrong("DN-5", deepnorm.backward)
def weight_after_the_means(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """The weight multiplies at the end, after the means over the row were taken of dy alone.

    Through which features' weights does dy[0] reach dx[1]?

    dsum = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    G = [2, 0, 0, 0, 0]: the second value of dsum is 2 * -0.1414 = -0.2828. Multiplied at the end it is
    3 * -0.1414 = -0.4243.
    """
    dx, dsum, dweight, dbias = deepnorm.backward(dy, x, sublayer_output, alpha, 1.0, eps)
    return dx * weight, dsum * weight, dweight, dbias


@wrong("DN-5", deepnorm.backward)
def parameters_of_each_row(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """dweight and dbias are those of each row, not summed over the rows.

    What is the shape of the weight, and what that of your dweight?

    dweight = sum(dy * x_hat), dbias = sum(dy), over all rows

    x_hat = [-1, 1] and [1, -1], dy = [1, 2] and [10, 20]: dweight = [-1 + 10, 2 - 20] = [9, -18], dbias = [11, 22].
    """
    dx, dsum, _, _ = deepnorm.backward(dy, x, sublayer_output, alpha, weight, eps)
    return dx, dsum, dy * layernorm.standardize(alpha * x + sublayer_output, eps)[0], dy


@wrong("DN-6", deepnorm.forward)
def running_average_kept(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """A moving average of the mean and the variance normalizes, as BatchNorm's does in evaluation.

    What kind of norm is inside DeepNorm, and what does it keep?

    y = LayerNorm(alpha * x + sublayer_output), with the mean and the variance of each row itself

    The row [5, 5, 10, 4, 6] has mean 6 and variance 4.4: -1 / 2.0976 = -0.4767, in any call. Moving averages that start at
    0 and 1 have come to a mean of 0.7 and a variance of 2.4 after the first call.
    """
    total = alpha * x + sublayer_output
    memory = running_average_kept.memory
    memory["mean"] = 0.9 * memory.get("mean", 0.0) + 0.1 * total.mean()
    memory["variance"] = 0.9 * memory.get("variance", 1.0) + 0.1 * total.var(axis=-1).mean()
    return (total - memory["mean"]) / np.sqrt(memory["variance"] + eps) * weight + bias


running_average_kept.memory = {}


@wrong("DN-6", deepnorm.forward)
def statistics_over_the_batch(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """Mean and variance are taken over the rows, as BatchNorm has it.

    Call it on one row alone: is y still the same?

    y = LayerNorm(alpha * x + sublayer_output), each row by itself

    Row one, [5, 5, 10, 4, 6], has mean 6 and deviation 2.0976: -0.4767. Down the first column, [5, 0], the 5 becomes 1.
    """
    total = alpha * x + sublayer_output
    rows = total.reshape(-1, total.shape[-1])
    deviation = np.sqrt(rows.var(axis=0) + max(eps, 1e-12))  # a row alone has variance 0
    return (total - rows.mean(axis=0)) / deviation * weight + bias


@wrong("DN-7", deepnorm.forward)
def name_trusted(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """The layer of the notes' class: what comes out of the Linear is normalized, x is not added.

    Set the sublayer to zero: what should a residual block return?

    y = LayerNorm(alpha * x + sublayer_output)

    f = 0, alpha = 2, x = [2, 3, 5, 1, 4]: LayerNorm([4, 6, 10, 2, 8]) = [-0.7071, 0, 1.4142, -1.4142, 0.7071]. Without
    the residual y is 0 for every x.
    """
    return layernorm.forward(0.0 * x + sublayer_output, weight, bias, eps)


@wrong("DN-7", deepnorm.mlp_parameters)
def layernorms_taken_for_free(inputs, hidden, outputs):
    """The LayerNorms are counted as if they had no parameters.

    What does torch.nn.LayerNorm(64).state_dict() hold?

    2 * width for each LayerNorm: a weight and a bias of the width

    100-64-32-10: the Linears have 6464 + 2080 + 330 = 8874, the LayerNorms 128 + 64 = 192, together 9066.
    """
    return deepnorm.mlp_parameters(inputs, hidden, outputs)[0] - 2 * sum(hidden), 0


@wrong("DN-7", deepnorm.mlp_parameters)
def layernorms_left_out_of_the_total(inputs, hidden, outputs):
    """The LayerNorms' parameters are counted, but not among all parameters.

    Does the optimizer train the LayerNorms' parameters too?

    all = those of the Linears + 2 * width for each LayerNorm

    100-64-32-10: the Linears have 6464 + 2080 + 330 = 8874, the LayerNorms 128 + 64 = 192, together 9066, not 8874.
    """
    every, of_layernorms = deepnorm.mlp_parameters(inputs, hidden, outputs)
    return every - of_layernorms, of_layernorms


@wrong("DN-7", deepnorm.mlp_parameters)
def layernorms_without_a_bias(inputs, hidden, outputs):
    """A LayerNorm is counted with a weight and no bias.

    How many tensors has torch.nn.LayerNorm(64)?

    2 * width for each LayerNorm: a weight and a bias of the width

    100-64-32-10: 2 * 64 + 2 * 32 = 192, not 64 + 32 = 96; together 9066, not 8970.
    """
    every, of_layernorms = deepnorm.mlp_parameters(inputs, hidden, outputs)
    return every - of_layernorms // 2, of_layernorms // 2


@wrong("DN-7", deepnorm.mlp_parameters)
def linears_without_a_bias(inputs, hidden, outputs):
    """A Linear is counted with a weight and no bias.

    How many tensors has torch.nn.Linear(3, 4)?

    before * after + after for each Linear

    3-4-2: 3 * 4 + 4 = 16, 4 * 2 + 2 = 10, and 8 of the LayerNorm: 34. Without the biases 12 + 8 + 8 = 28.
    """
    every, of_layernorms = deepnorm.mlp_parameters(inputs, hidden, outputs)
    return every - sum(hidden) - outputs, of_layernorms


@wrong("DN-7", deepnorm.mlp_parameters)
def weights_alone_counted(inputs, hidden, outputs):
    """The biases are left out, those of the Linears and those of the LayerNorms.

    How many vectors of parameters has a LayerNorm?

    before * after + after for each Linear, 2 * width for each LayerNorm

    3-4-2: the Linears have 3 * 4 + 4 = 16 and 4 * 2 + 2 = 10, the LayerNorm 8, together 34. Without the biases it is
    12 + 8 + 4 = 24.
    """
    every, of_layernorms = deepnorm.mlp_parameters(inputs, hidden, outputs)
    return every - sum(hidden) - outputs - of_layernorms // 2, of_layernorms // 2


@wrong("DN-7", deepnorm.mlp_parameters)
def last_layer_normalized_too(inputs, hidden, outputs):
    """A LayerNorm is counted behind the last Linear as well.

    What stands behind the last Linear in the notes' class?

    a LayerNorm for each hidden width, none for the outputs

    3-2 without hidden layers: 3 * 2 + 2 = 8 parameters, none of them in a LayerNorm; with one behind the output it would
    be 12.
    """
    every, of_layernorms = deepnorm.mlp_parameters(inputs, hidden, outputs)
    return every + 2 * outputs, of_layernorms + 2 * outputs


@wrong("DN-8", deepnorm.movement)
def gradient_for_the_movement(x, sublayer_output, step, alpha, eps=1e-5):
    """The size of the gradient is measured, not how far the output moves.

    Does your number change with alpha?

    max|forward(x, f + step) - forward(x, f)|

    x = [2, 3, 5, 1, 4], f = 0: x gets 2 times the gradient of 2 x, whose deviation is 2 times as large: 0.0990 for any
    alpha. The movement is 0.1019, 0.0502 and 0.0099 for alpha 1, 2 and 10.
    """
    return np.abs(deepnorm.backward(step, x, sublayer_output, alpha, eps=eps)[0]).max()


@wrong("DN-8", deepnorm.movement)
def sum_measured_before_the_norm(x, sublayer_output, step, alpha, eps=1e-5):
    """The movement is measured before the norm.

    By what does LayerNorm divide the step?

    max|forward(x, f + step) - forward(x, f)|

    alpha * x + f moves by 0.2 for any alpha. Behind the norm, which divides by the deviation alpha * 1.4142, it is about
    0.2 * 0.7 / (1.4142 alpha): 0.099 for alpha 1 (exactly 0.1019, since the step is not small), 0.0099 for alpha 10.
    """
    before, after = (alpha * x + f for f in (sublayer_output, sublayer_output + step))
    return np.abs(after - before).max()


@wrong("DN-8", deepnorm.movement)
def step_multiplied_by_alpha(x, sublayer_output, step, alpha, eps=1e-5):
    """The step is taken in x, where alpha multiplies it.

    Which of the two inputs does an update of the sublayer's weights move?

    max|forward(x, f + step) - forward(x, f)|

    A step of 0.2 in x moves alpha * x by 0.2 alpha, and y by 0.1019 for any alpha; a step of 0.2 in the sublayer's output
    moves y by 0.0099 where alpha is 10.
    """
    return deepnorm.movement(x, sublayer_output, alpha * step, alpha, eps)


@wrong("DN-8", deepnorm.backward)
def skip_path_not_scaled(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """dx lacks alpha: it shrinks with alpha as the gradient of the sublayer's output does.

    If x changes by 1, by how much does alpha * x + sublayer_output change?

    dsublayer_output = dsum, dx = alpha * dsum

    alpha 10: LayerNorm divides by 10 * 1.4142, so that dsum begins with 0.2 * 0.7 / 14.142 = 0.0099; x gets 10 times as
    much, 0.099.
    """
    return alpha_forgotten_in_dx(dy, x, sublayer_output, alpha, weight, eps)


@wrong("DN-8", deepnorm.backward)
def sublayer_scaled_too(dy, x, sublayer_output, alpha, weight=1.0, eps=1e-5):
    """The gradient of the sublayer's output has an alpha: it does not get smaller where alpha gets larger.

    If the sublayer's output changes by 1, by how much does alpha * x + sublayer_output change?

    dsublayer_output = dsum, dx = alpha * dsum

    alpha 10: LayerNorm divides by 10 * 1.4142, so that dsum begins with 0.2 * 0.7 / 14.142 = 0.0099. The sublayer's output
    gets that, and x alone 0.099.
    """
    return alpha_on_both_gradients(dy, x, sublayer_output, alpha, weight, eps)


@wrong("DN-9", deepnorm.alpha_in)
def alpha_of_the_paper_for_all(model, layers):
    """Every model gets the paper's alpha.

    What stands after the ** in ChatGLM-6B's model file?

    GLM: alpha = (2 N)^(1/2); DeepNet and MiniMax: (2 N)^(1/4)

    N = 70: 140^(1/4) = 3.4398 in the paper, 140^(1/2) = 11.8322 in GLM-130B, whose residual would be 3.4 times too weak.
    """
    return deepnorm.alpha_in("DeepNet", layers)


@wrong("DN-9", deepnorm.alpha_in)
def alpha_of_glm_for_all(model, layers):
    """Every model gets GLM's alpha.

    Is the root in the paper's Fig. 2 a square root?

    DeepNet and MiniMax: alpha = (2 N)^(1/4); GLM: (2 N)^(1/2)

    N = 70: 140^(1/2) = 11.8322 is GLM-130B's, 140^(1/4) = 3.4398 the paper's.
    """
    return deepnorm.alpha_in("GLM", layers)


@wrong("DN-10", deepnorm.forward)
def norm_on_the_branch_alone(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """alpha * x + LayerNorm(sublayer_output): the norm stands on the branch, and nothing normalizes the sum.

    Is the output of your block normalized?

    y = LayerNorm(alpha * x + sublayer_output)

    x = [1, 3], f = [3, 0], alpha = 2: [2, 6] + [3, 0] = [5, 6], y = [-1, 1]. With LayerNorm(f) = [1, -1] alone,
    [2, 6] + [1, -1] = [3, 5], and in the next sublayer [7, 9].
    """
    return alpha * x + layernorm.forward(sublayer_output, weight, bias, eps)


@wrong("DN-10", deepnorm.forward)
def sum_not_normalized(x, sublayer_output, alpha, weight=1.0, bias=0.0, eps=1e-5):
    """alpha * x + sublayer_output is returned as it is, as in a Pre-LN block.

    How large is your y after ten sublayers?

    y = LayerNorm(alpha * x + sublayer_output)

    x = [1, 3], f = [3, 0], alpha = 2: [2, 6] + [3, 0] = [5, 6], mean 5.5, deviation 0.5, y = [-1, 1]. Unnormalized it
    goes on to [13, 12] and [29, 24].
    """
    return alpha * x + sublayer_output
