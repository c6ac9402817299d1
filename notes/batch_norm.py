"""Note 003: batch normalization with moving statistics, on 2-D and 4-D input."""

import torch


def batch_norm(X, gamma, beta, moving_mean, moving_var, eps, momentum, training):
    """`(Y, moving_mean, moving_var)` of X: (n, features) or (n, channels, height, width).

    The note asks `autograd.is_training()`, which is MXNet's and which torch does not have: `training` takes its place.
    What else the note does is kept: momentum weighs the old statistics (torch's weighs the new ones), and the moving
    variance takes in the batch's variance divided by n (torch's takes in the one divided by n - 1).
    """
    if not training:
        X_hat = (X - moving_mean) / torch.sqrt(moving_var + eps)
    else:
        assert len(X.shape) in (2, 4)
        if len(X.shape) == 2:
            mean = X.mean(axis=0)
            var = ((X - mean) ** 2).mean(axis=0)
        else:
            mean = X.mean(axis=(0, 2, 3), keepdims=True)
            var = ((X - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
        X_hat = (X - mean) / torch.sqrt(var + eps)
        moving_mean = momentum * moving_mean + (1.0 - momentum) * mean
        moving_var = momentum * moving_var + (1.0 - momentum) * var
    return gamma * X_hat + beta, moving_mean, moving_var


def batch_norm_by_gradient_mode(X, gamma, beta, moving_mean, moving_var, eps, momentum):
    """The tempting repair, wrong: whether gradients are recorded is not whether the model is training."""
    return batch_norm(X, gamma, beta, moving_mean, moving_var, eps, momentum, training=torch.is_grad_enabled())
