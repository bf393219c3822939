"""Gaussian mixture models and k-means, written to be read."""

from .bootstrap import standard_errors
from .comparison import compare
from .em import Mixture, e_step, em_steps, m_step, run_em
from .exceptions import ClusterLostError, ConvergenceWarning, NotFittedError, RidgeWarning, SingularCovarianceError
from .kmeans import KMeans
from .mixture import GaussianMixture
from .storage import load, save

__version__ = "0.1.0"
__all__ = ["ClusterLostError", "ConvergenceWarning", "GaussianMixture", "KMeans", "Mixture", "NotFittedError", "RidgeWarning",
           "SingularCovarianceError", "compare", "e_step", "em_steps", "load", "m_step", "run_em", "save", "standard_errors"]
