"""What can go wrong, by name."""

import sys


class NotFittedError(ValueError, AttributeError):
    """An estimator was asked for results before `fit` was called."""


def not_fitted(message):
    """Return the NotFittedError to raise: where scikit-learn is loaded, one that code written for it also catches."""
    theirs = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", None)
    return type("NotFittedError", (NotFittedError, theirs), {})(message) if theirs else NotFittedError(message)


class SingularCovarianceError(ValueError):
    """A covariance matrix has no inverse, so its Gaussian has no density.

    In EM this is the collapse of a component onto too few distinct points.
    `component` is the index of the first such component, or None for a single Gaussian.
    """

    def __init__(self, message, component=None):
        super().__init__(message)
        self.component = component


class RidgeWarning(UserWarning):
    """reg_covar is not small against the variance of a column, so the ridge shapes the fit more than the data do."""


class ConvergenceWarning(UserWarning):
    """An iterative fit stopped before it met its tolerance."""
