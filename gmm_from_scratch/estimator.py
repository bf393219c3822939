"""What our two estimators share: parameters by name, the features they were fitted to, and scikit-learn's protocol."""

import inspect
import sys

import numpy as np

from .exceptions import not_fitted
from .validation import check_data


class Estimator:
    """Base of KMeans and GaussianMixture. A subclass names in `kind` what it is and in `fitted` an attribute that fit sets."""

    kind = fitted = None

    @classmethod
    def _names(cls):
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep=True):
        """Return the constructor's parameters by name. `deep` is there for scikit-learn and changes nothing."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params):
        """Set parameters by name and return self; nothing is set if one of the names is unknown."""
        unknown = sorted(params.keys() - set(self._names()))
        if unknown:
            raise ValueError(f"Invalid parameter {unknown[0]!r} for estimator {self!r}. Valid parameters are: {self._names()!r}.")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self):
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [f"{name}={value!r}" for name, value in self.get_params().items()
                   if not (value is defaults[name].default or np.ndim(value) == 0 and value == defaults[name].default)]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _check_fit_data(self, X, check=check_data):
        """Return X, checked, and remember its width and, for a table with text headers, its column names."""
        names = _column_names(X)
        X = check(X)
        self.n_features_in_ = X.shape[1]
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return X

    def _check_new_data(self, X, check=check_data):
        """Return X, checked, if the estimator is fitted and X has the features it was fitted to, in the same order."""
        if not hasattr(self, self.fitted):
            raise not_fitted(f"This {type(self).__name__} instance is not fitted yet. Call fit(X) first.")
        names, fitted_names = _column_names(X), getattr(self, "feature_names_in_", None)
        if names is not None and fitted_names is not None and list(names) != list(fitted_names):
            raise ValueError("The feature names should match those that were passed during fit. "
                             f"Fitted to {list(fitted_names)}, given {list(names)}: same columns, same order.")
        X = check(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} features "
                             "as input. Give the same columns, in the same order, as in fit.")
        return X

    def __sklearn_is_fitted__(self):
        return hasattr(self, self.fitted)

    def __sklearn_tags__(self):
        """Tell scikit-learn, which alone calls this, what kind of estimator it has."""
        utils = sys.modules["sklearn.utils"]
        transformer = utils.TransformerTags(preserves_dtype=["float64", "float32"]) if hasattr(self, "transform") else None
        return utils.Tags(estimator_type=self.kind, target_tags=utils.TargetTags(required=False), transformer_tags=transformer)


def _column_names(X):
    """Return the column names of a data frame, if all of them are texts, else None."""
    names = getattr(X, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return np.asarray(names, dtype=object)
