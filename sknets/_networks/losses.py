"""Losses: each is a mean over the rows of a batch.

A loss maps outputs, targets and the weights of rows (or None) to a scalar. The weighted
sum is divided by the number of rows, not by the sum of the weights. So a row of weight
1 counts as much as a row without weights.
"""

import torch
from torch import nn


class Loss(nn.Module):
    """Base class of losses, which define the loss of a row and its derivative."""

    def row_losses(self, outputs, y):
        """Return the loss of each row, of shape (n_rows,)."""
        raise NotImplementedError

    def row_gradients(self, outputs, y):
        """Return the derivatives of the row losses with respect to the outputs."""
        raise NotImplementedError

    def mean(self, outputs, y):
        """Return the mean of the row losses."""
        return self.row_losses(outputs, y).mean()

    def forward(self, outputs, y, weight=None):
        if weight is None:
            return self.mean(outputs, y)
        return torch.dot(self.row_losses(outputs, y), weight) / len(weight)

    def loss_and_gradient(self, outputs, y, weight=None):
        """Return the loss, and its gradient with respect to the outputs."""
        loss = self(outputs, y, weight)
        return loss, mean_gradient(self.row_gradients(outputs, y), weight)


def mean_gradient(gradients, weight):
    """Convert the gradients of row losses to that of their weighted mean, in place."""
    gradients.mul_(1 / len(gradients))
    return gradients if weight is None else gradients.mul_(weight.unsqueeze(1))


# -- classification ------------------------------------------------------------------


class CrossEntropy(Loss):
    """Cross-entropy of the softmax of logits. y holds the codes of the classes."""

    @staticmethod
    def decision(logits):
        """Return the logits, or for two classes the log-odds of the second class."""
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    @staticmethod
    def probabilities(logits):
        """Return the probabilities of the classes."""
        return logits.softmax(1)

    @staticmethod
    def log_probabilities(logits):
        """Return the logarithms of the probabilities of the classes."""
        return logits.log_softmax(1)

    @staticmethod
    def codes(logits):
        """Return the codes of the most probable classes."""
        return logits.argmax(1)

    def row_losses(self, outputs, y):
        return nn.functional.cross_entropy(outputs, y, reduction="none")

    def mean(self, outputs, y):
        return nn.functional.cross_entropy(outputs, y)

    def loss_and_gradient(self, outputs, y, weight=None):
        log_probabilities = outputs.log_softmax(1)
        losses = nn.functional.nll_loss(
            log_probabilities, y, reduction="mean" if weight is None else "none"
        )
        loss = losses if weight is None else torch.dot(losses, weight) / len(weight)
        gradients = log_probabilities.exp_()
        gradients.scatter_(1, y.unsqueeze(1), -1.0, reduce="add")
        return loss, mean_gradient(gradients, weight)


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy, summed over the labels. y is a multilabel indicator."""

    @staticmethod
    def decision(logits):
        """Return the log-odds of the labels."""
        return logits

    @staticmethod
    def probabilities(logits):
        """Return the probabilities of the labels."""
        return logits.sigmoid()

    @staticmethod
    def log_probabilities(logits):
        """Return the logarithms of the probabilities of the labels."""
        return nn.functional.logsigmoid(logits)

    @staticmethod
    def codes(logits):
        """Return 1 for each label of a probability above one half, else 0."""
        return (logits > 0).long()

    def row_losses(self, outputs, y):
        return nn.functional.binary_cross_entropy_with_logits(
            outputs, y.to(outputs.dtype), reduction="none"
        ).sum(1)

    def row_gradients(self, outputs, y):
        return outputs.sigmoid().sub_(y)


# -- regression ----------------------------------------------------------------------


class RealLoss(Loss):
    """An error averaged over the outputs."""

    @staticmethod
    def error(difference):
        """Return the error of each entry."""
        raise NotImplementedError

    @staticmethod
    def error_gradient(difference):
        """Return the derivative of the errors."""
        raise NotImplementedError

    def row_losses(self, outputs, y):
        return self.error(outputs - y).mean(dim=1)

    def row_gradients(self, outputs, y):
        return self.error_gradient(outputs - y).mul_(1 / outputs.shape[1])


class SquaredError(RealLoss):
    """Half of the squared error."""

    @staticmethod
    def error(difference):
        return difference.square() / 2

    @staticmethod
    def error_gradient(difference):
        return difference


class AbsoluteError(RealLoss):
    """The absolute error."""

    @staticmethod
    def error(difference):
        return difference.abs()

    @staticmethod
    def error_gradient(difference):
        return difference.sign()


class Huber(RealLoss):
    """Half of the squared error up to a difference of 1, linear beyond.

    References
    ----------
    P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical
    Statistics 35, 1964.
    """

    @staticmethod
    def error(difference):
        within = difference.abs().clamp(max=1)
        return within * (difference.abs() - within / 2)

    @staticmethod
    def error_gradient(difference):
        return difference.clamp(-1, 1)


REAL_LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
}


# -- reconstruction ------------------------------------------------------------------


class ReconstructionLoss(Loss):
    """Base class of losses that sum an error over the features."""

    @staticmethod
    def error(outputs, y, reduction):
        """Return the error of each entry (reduction "none") or the total ("sum")."""
        raise NotImplementedError

    def row_losses(self, outputs, y):
        return self.error(outputs, y, "none").sum(dim=1)

    def mean(self, outputs, y):
        return self.error(outputs, y, "sum") / len(y)


class HalfSquaredError(ReconstructionLoss):
    """Half of the squared error."""

    @staticmethod
    def error(outputs, y, reduction):
        return nn.functional.mse_loss(outputs, y, reduction=reduction) / 2

    def row_gradients(self, outputs, y):
        return outputs - y


class BernoulliCrossEntropy(ReconstructionLoss):
    """Cross-entropy between y, in [0, 1], and the logistic function of logits."""

    @staticmethod
    def error(outputs, y, reduction):
        return nn.functional.binary_cross_entropy_with_logits(
            outputs, y, reduction=reduction
        )

    def row_gradients(self, outputs, y):
        return outputs.sigmoid() - y


RECONSTRUCTION_LOSSES = {
    "squared_error": HalfSquaredError,
    "cross_entropy": BernoulliCrossEntropy,
}
