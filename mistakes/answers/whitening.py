"""Wrong answers to exercises/whitening.py."""

import numpy as np

from mistakes.answers import wrong
from reference import whitening


@wrong("WH-1", whitening.zca_matrix)
def calls_standardizing_whitening(sigma):
    """Every feature is divided by its own standard deviation, and nothing else: that is BatchNorm.

    What stands beside the diagonal of the covariance of your result?

    W = U diag(1 / sqrt(eigenvalues)) Uᵀ, with the eigenvectors U of sigma

    [[2.5, 2], [2, 2.5]] divided by sqrt(2.5) on both sides is [[1, 0.8], [0.8, 1]]: the 0.8 should be 0.
    """
    return np.diag(1 / np.sqrt(np.diag(sigma)))


@wrong("WH-1", whitening.covariance)
def divides_by_n_minus_1(x, eps=0.0):
    """The covariance divides by n - 1.

    All your values are n / (n - 1) times too large. What does np.cov divide by unless told otherwise?

    sigma = (x - mean)ᵀ (x - mean) / n

    Products 2, 2, 2, 2: 8 / 4 = 2, not 8 / 3 = 2.6667. Squares 4, 1, 4, 1: 10 / 4 = 2.5, not 3.3333.
    """
    return np.cov(x, rowvar=False) + eps * np.eye(x.shape[1])


@wrong("WH-1", whitening.covariance)
def correlates_the_samples(x, eps=0.0):
    """The covariance of the samples with each other is taken, not that of the features.

    How many rows has your matrix: as many as there are samples, or features?

    sigma = (x - mean)ᵀ (x - mean) / n, (features, features), with the mean down each column

    Four samples of two features have a 2 x 2 covariance; yours is 4 x 4.
    """
    return np.cov(x, bias=True) + eps * np.eye(len(x))


@wrong("WH-1", whitening.covariance)
def forgets_the_mean(x, eps=0.0):
    """The products are averaged without taking the means away first.

    What happens to your covariance when 10 is added to all of a feature's values?

    sigma = (x - mean)ᵀ (x - mean) / n

    12, 11, 8, 9 has mean 10 and variance (4 + 1 + 4 + 1) / 4 = 2.5; its mean square is 102.5.
    """
    return x.T @ x / len(x) + eps * np.eye(x.shape[1])


@wrong("WH-1", whitening.standardize)
def standardizes_the_samples(x, eps=0.0):
    """Every row gets mean 0 and variance 1, which is LayerNorm.

    A sample is a row. Along which axis do the values of one feature stand?

    (x - x.mean(axis=0)) / sqrt(x.var(axis=0) + eps)

    The first column, 2, 1, -2, -1, has mean 0 and variance 2.5: 2 / 1.5811 = 1.2649. The first row, 2, 1, would give 1, -1.
    """
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + eps)


@wrong("WH-2", whitening.zca_matrix)
def divides_by_eigenvalues(sigma):
    """The eigenvectors are scaled by 1 / eigenvalue: that is the inverse of the covariance, not its inverse root.

    An eigenvalue is a variance. By what is a value divided that should get variance 1?

    W = U diag(eigenvalues ** -0.5) Uᵀ

    4.5 and 0.5 become 1 / 2.1213 = 0.4714 and 1 / 0.7071 = 1.4142, half their sum 0.9428; with 0.2222 and 2 it is 1.1111.
    """
    eigenvalues, U = np.linalg.eigh(sigma)
    return U / eigenvalues @ U.T


@wrong("WH-2", whitening.zca_matrix)
def multiplies_by_the_root(sigma):
    """The root of the covariance is taken, not the inverse root: correlations are put in, not taken out.

    Does your matrix make the direction of the largest variance longer or shorter?

    W = U diag(1 / sqrt(eigenvalues)) Uᵀ

    4.5 along (1, 1) should become 1 / 2.1213 = 0.4714; half of 0.4714 + 1.4142 is 0.9428, half of 2.1213 + 0.7071 is 1.4142.
    """
    eigenvalues, U = np.linalg.eigh(sigma)
    return U * np.sqrt(eigenvalues) @ U.T


@wrong("WH-2", whitening.zca_matrix)
def takes_the_root_of_every_entry(sigma):
    """1 / sqrt is applied to the entries of the matrix, not to its eigenvalues.

    Multiply your matrix by itself, as a matrix, and then by sigma. Is that the identity?

    W W sigma = I; W = U diag(1 / sqrt(eigenvalues)) Uᵀ

    1 / sqrt(2.5) = 0.6325 stands where (0.4714 + 1.4142) / 2 = 0.9428 should be, 0.7071 for -0.4714.
    """
    return 1 / np.sqrt(sigma)


@wrong("WH-2", whitening.zca_matrix)
def forgets_to_rotate_back(sigma):
    """The data are rotated onto the eigenvectors, scaled and left there: that is PCA whitening.

    Your data are white. Is your matrix symmetric?

    W = U diag(1 / sqrt(eigenvalues)) Uᵀ, with Uᵀ at the end

    The columns (1, 1) / 3 and (1, -1), whatever their signs, are PCA's; turned back by Uᵀ they give 0.9428 and -0.4714.
    """
    return whitening.pca_matrix(sigma)


@wrong("WH-2", whitening.covariance)
def forgets_eps(x, eps=0.0):
    """eps is not added.

    What is 1 / sqrt of an eigenvalue of 0?

    sigma = (x - mean)ᵀ (x - mean) / n + eps I

    The variances 1, 0, 0 become 1.25, 0.25, 0.25, whose inverse roots are 0.8944, 2, 2.
    """
    return np.cov(x, rowvar=False, bias=True)


@wrong("WH-2", whitening.covariance)
def eps_on_every_entry(x, eps=0.0):
    """eps is added to every entry of the covariance, beside the diagonal too.

    Which entries of your matrix are variances? What does NumPy do in matrix + number?

    sigma = (x - mean)ᵀ (x - mean) / n + eps I: np.eye has the diagonal alone

    The variances 1, 0, 0 become 1.25, 0.25, 0.25, and what stands beside them stays 0. With 0.25 there too the last two rows
    are equal, and one eigenvalue is still 0.
    """
    return whitening.covariance(x) + eps


@wrong("WH-3", whitening.is_whitening)
def asserts_pca_values(matrix, sigma):
    """The matrix is compared with the one that PCA gave here, today: another sign is called wrong.

    Is a rotation of white data white?

    matrixᵀ sigma matrix = I, within 1e-6

    ZCA's matrix: [[2, -1], [-1, 2]] [[2.5, 2], [2, 2.5]] [[2, -1], [-1, 2]] * 2 / 9 = [[1, 0], [0, 1]]. It whitens too.
    """
    return bool(np.allclose(matrix, whitening.pca_matrix(sigma), atol=1e-6))


@wrong("WH-3", whitening.is_whitening)
def checks_the_variances_alone(matrix, sigma):
    """The diagonal is compared with 1, what stands beside it is not looked at.

    Which of the numbers in matrixᵀ sigma matrix tell about correlations?

    matrixᵀ sigma matrix = I, within 1e-6, in every entry

    Divided by sqrt(2.5) on both sides, [[2.5, 2], [2, 2.5]] is [[1, 0.8], [0.8, 1]]: standardized, not white.
    """
    return bool((abs(np.diag(matrix.T @ sigma @ matrix) - 1) < 1e-6).all())


@wrong("WH-3", whitening.is_whitening)
def transposes_the_other_matrix(matrix, sigma):
    """matrix @ sigma @ matrixᵀ is compared with the identity: that is for data with samples in columns.

    y = x matrix has the covariance yᵀ y / n. Where does the transpose land?

    (x matrix)ᵀ (x matrix) / n = matrixᵀ sigma matrix

    PCA's (1, -1) and (1, 1) / 3: 2.5 - 2 - 2 + 2.5 = 1 and (2.5 + 2 + 2 + 2.5) / 9 = 1; with rows, (1, 1/3) gives 4.1111.
    """
    return bool((abs(matrix @ sigma @ matrix.T - np.eye(len(sigma))) < 1e-6).all())


@wrong("WH-3", whitening.pca_matrix)
def scales_the_rows(sigma):
    """The rows of U are divided by the roots of the eigenvalues, not its columns, which are the eigenvectors.

    Which index of U numbers the eigenvectors, and along which does NumPy divide a matrix by a vector?

    W = U diag(1 / sqrt(eigenvalues)): column i by sqrt(eigenvalues[i])

    Of diag(4, 1) the smallest eigenvalue, 1, has the column (0, 1), which stays, and 4 has (1, 0), which becomes (0.5, 0).
    """
    eigenvalues, U = np.linalg.eigh(sigma)
    return U / np.sqrt(eigenvalues)[:, None]


@wrong("WH-3", whitening.pca_matrix)
def rotates_alone(sigma):
    """The data are rotated onto the eigenvectors and not scaled: uncorrelated, but of unequal variance.

    What are the variances along the eigenvectors?

    W = U diag(1 / sqrt(eigenvalues))

    Along (1, 1) the variance is 4.5: divided by sqrt(4.5) it is 1. And diag(4, 1) needs a 0.5.
    """
    return np.linalg.eigh(sigma)[1]


@wrong("WH-4", whitening.newton_matrix)
def no_trace_normalization(sigma, steps=5):
    """Newton's steps are taken on the covariance itself: from large eigenvalues they diverge.

    What happens to p in (3 p - p³ s) / 2 when s is 450?

    S = sigma / trace(sigma), in the end P / sqrt(trace(sigma))

    s = 4.5: p = (3 - 4.5) / 2 = -0.75, of the wrong sign. s = 4.5 / 5 = 0.9: p = (3 - 0.9) / 2 = 1.05.
    """
    P = np.eye(len(sigma))
    for _ in range(steps):
        P = (3 * P - P @ P @ P @ sigma) / 2
    return P


@wrong("WH-4", whitening.newton_matrix)
def forgets_the_trace_at_the_end(sigma, steps=5):
    """P is the inverse root of sigma / trace, and is returned as if it were that of sigma.

    The covariance of your result is the identity times a number. Which?

    W = P / sqrt(trace(sigma))

    After one step 1.05 and 1.45, half their sum 1.25; divided by sqrt(5) it is 0.559.
    """
    return whitening.newton_matrix(sigma / np.trace(sigma), steps)


@wrong("WH-4", whitening.newton_matrix)
def cubes_every_entry(sigma, steps=5):
    """P³ is taken entry by entry, as NumPy's P ** 3 is, and not as the product of three matrices.

    The first step is right and the second is not. What is a power of a matrix?

    P³ = P @ P @ P

    After one step P is [[1.25, -0.2], [-0.2, 1.25]]. P @ P @ P has 2.1031 on its diagonal, P ** 3 has 1.9531.
    """
    trace = np.trace(sigma)
    P = np.eye(len(sigma))
    for _ in range(steps):
        P = (3 * P - P**3 @ sigma / trace) / 2
    return P / np.sqrt(trace)


@wrong("WH-4", whitening.newton_matrix)
def one_step_too_few(sigma, steps=5):
    """The identity is counted as the first step.

    What does your function return for one step?

    P begins as the identity and is then replaced `steps` times

    One step: eigenvalues (3 - 0.9) / 2 = 1.05 and (3 - 0.1) / 2 = 1.45. Still 1 and 1: no step was taken.
    """
    return whitening.newton_matrix(sigma, steps - 1)
