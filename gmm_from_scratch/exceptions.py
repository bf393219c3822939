"""What can go wrong, by name."""

import sys
import warnings


class NotFittedError(ValueError, AttributeError):
    """An estimator was asked for results before `fit` was called.

    >>> from gmm_from_scratch import KMeans
    >>> KMeans().predict([[0.0]])
    Traceback (most recent call last):
    gmm_from_scratch.exceptions.NotFittedError: This KMeans instance is not fitted yet. Call fit(X) first.
    """


def not_fitted(message):
    """Return the NotFittedError to raise: where scikit-learn is loaded, one that code written for it also catches.

    >>> isinstance(not_fitted("fit first"), NotFittedError)
    True
    """
    theirs = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", None)
    return type("NotFittedError", (NotFittedError, theirs), {})(message) if theirs else NotFittedError(message)


class SingularCovarianceError(ValueError):
    """A covariance matrix has no inverse, so its Gaussian has no density.

    In EM this is the collapse of a component onto too few distinct points.
    `component` is the index of the first such component, or None for a single Gaussian.

    >>> from gmm_from_scratch import m_step
    >>> try:
    ...     m_step([[0.0], [1.0], [5.0]], [[1, 0], [1, 0], [0, 1]])         # one point alone has variance 0
    ... except SingularCovarianceError as error:
    ...     print(error.component)
    1
    """

    def __init__(self, message, component=None):
        super().__init__(message)
        self.component = component


class ClusterLostError(RuntimeError):
    """The cluster that fits has gone, or lost data that it cannot make again. The message says how to go on.

    >>> issubclass(ClusterLostError, RuntimeError)
    True
    """


def warn_caller(message, category):
    """Warn in the name of the line outside this package that led here, however many calls ago.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_caller("mind the step", RidgeWarning)
    >>> str(caught[0].message)
    'mind the step'
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in (__package__, "contextlib"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


class RidgeWarning(UserWarning):
    """reg_covar is not small against the variance of a column, so the ridge shapes the fit more than the data do.

    >>> import warnings
    >>> from gmm_from_scratch import GaussianMixture
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = GaussianMixture(1).fit([[0.0], [1e-4]])                 # variance 2.5e-9, reg_covar 1e-6
    >>> caught[0].category.__name__
    'RidgeWarning'
    """


class ConvergenceWarning(UserWarning):
    """An iterative fit stopped before it met its tolerance.

    >>> import warnings
    >>> from gmm_from_scratch import GaussianMixture
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = GaussianMixture(2, max_iter=1, random_state=0).fit([[0.0], [1.0], [3.0], [4.0], [9.0]])
    >>> [warning.category.__name__ for warning in caught], model.converged_
    (['ConvergenceWarning'], False)
    """
