"""What can go wrong, by name."""


class NotFittedError(ValueError, AttributeError):
    """An estimator was asked for results before `fit` was called."""


class SingularCovarianceError(ValueError):
    """A covariance matrix has no inverse, so its Gaussian has no density.

    In EM this is the collapse of a component onto too few distinct points.
    `component` is the index of the first such component, or None for a single Gaussian.
    """

    def __init__(self, message, component=None):
        super().__init__(message)
        self.component = component


class ConvergenceWarning(UserWarning):
    """An iterative fit stopped before it met its tolerance."""
