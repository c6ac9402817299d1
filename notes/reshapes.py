"""Note 003: the norms of images as one recipe: reshape to a matrix, standardize its columns, reshape back.

X is (n, c, h, w): images, channels, height, width. The norms differ only in the matrix that they make of it:

    BatchNorm       (n w h) x c
    InstanceNorm    (w h) x (c n)
    GroupNorm       (s w h) x (g n)     with c = s g: g groups of s channels each

The note writes "swg x gn" for GroupNorm, a slip: that matrix has s w g * g n elements, and X has n c w h = s w h * g n.
"""


def standardize_columns(matrix, eps=1e-5):
    """Every column with mean 0 and variance 1, the variance divided by the number of rows."""
    mean = matrix.mean(axis=0)
    var = ((matrix - mean) ** 2).mean(axis=0)
    return (matrix - mean) / (var + eps) ** 0.5


def to_batch_matrix(X):
    """(n, c, h, w) as (n w h) x c. The channels move to the end first: a bare reshape would mix them."""
    return X.permute(0, 3, 2, 1).reshape(-1, X.shape[1])


def from_batch_matrix(matrix, shape):
    """The inverse of `to_batch_matrix`: the permutation is undone, too."""
    n, c, h, w = shape
    return matrix.reshape(n, w, h, c).permute(0, 3, 2, 1)


def to_instance_matrix(X):
    """(n, c, h, w) as (w h) x (c n): a column is one channel of one image."""
    n, c, h, w = X.shape
    return X.permute(3, 2, 1, 0).reshape(w * h, c * n)


def from_instance_matrix(matrix, shape):
    """The inverse of `to_instance_matrix`."""
    n, c, h, w = shape
    return matrix.reshape(w, h, c, n).permute(3, 2, 1, 0)


def to_group_matrix(X, groups):
    """(n, c, h, w) as (s w h) x (g n): a column is one group of one image; a group is s channels side by side."""
    n, c, h, w = X.shape
    s = c // groups
    return X.reshape(n, groups, s, h, w).permute(2, 4, 3, 1, 0).reshape(s * w * h, groups * n)


def from_group_matrix(matrix, shape, groups):
    """The inverse of `to_group_matrix`."""
    n, c, h, w = shape
    return matrix.reshape(c // groups, w, h, groups, n).permute(4, 3, 0, 2, 1).reshape(shape)


def batch_norm(X, eps=1e-5):
    """BatchNorm in training, without weight and bias."""
    return from_batch_matrix(standardize_columns(to_batch_matrix(X), eps), X.shape)


def instance_norm(X, eps=1e-5):
    """InstanceNorm without weight and bias."""
    return from_instance_matrix(standardize_columns(to_instance_matrix(X), eps), X.shape)


def group_norm(X, groups, eps=1e-5):
    """GroupNorm without weight and bias."""
    return from_group_matrix(standardize_columns(to_group_matrix(X, groups), eps), X.shape, groups)
