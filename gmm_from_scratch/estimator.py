"""What our two estimators share: parameters by name, the features they were fitted to, and scikit-learn's protocol."""

import inspect
import sys
from collections.abc import Iterable

import numpy as np

from .exceptions import not_fitted, warn_caller
from .table import Table
from .validation import check_data

NEXT = "\n- "          # between names that stand one on a line


class Estimator:
    """Base of KMeans and GaussianMixture. A subclass names in `kind` what it is and in `fitted` an attribute that fit sets."""

    kind = fitted = None

    @classmethod
    def _names(cls):
        parameters = inspect.signature(cls.__init__).parameters.values()
        return [each.name for each in parameters if each.name != "self" and each.kind is not each.VAR_KEYWORD]

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

    def _remember(self, names, n_features):
        """Keep what fit has seen: the width of X and, for a table with text headers, its column names."""
        self.n_features_in_ = n_features
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def _check_new_data(self, X, check=check_data):
        """Return X, checked, if the estimator is fitted and X has the features it was fitted to, in the same order."""
        if not hasattr(self, self.fitted):
            raise not_fitted(f"This {type(self).__name__} instance is not fitted yet. Call fit(X) first.")
        names, kind = column_names(X), type(self).__name__
        fitted_names = getattr(self, "feature_names_in_", None)
        if names is None and fitted_names is not None and not isinstance(X, Table):       # which has no names
            warn_caller(f"X does not have valid feature names, but {kind} was fitted with feature names: {_listed(fitted_names)}. "
                        "Give a data frame with these columns.", UserWarning)
        elif names is not None and fitted_names is None:
            warn_caller(f"X has feature names, but {kind} was fitted without feature names, so their order is not checked.", UserWarning)
        elif names is not None and list(names) != list(fitted_names):
            unseen, missing = sorted(set(names) - set(fitted_names)), sorted(set(fitted_names) - set(names))
            raise ValueError("The feature names should match those that were passed during fit.\n"
                             + (f"Feature names unseen at fit time:\n- {_listed(unseen, NEXT)}\n" if unseen else "")
                             + (f"Feature names seen at fit time, yet now missing:\n- {_listed(missing, NEXT)}\n" if missing else "")
                             + ("" if unseen or missing else "Feature names must be in the same order as they were in fit.\n"))
        X = check(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, but {kind} is expecting {self.n_features_in_} features "
                             "as input. Give the same columns, in the same order, as in fit.")
        return X

    def __sklearn_is_fitted__(self):
        return hasattr(self, self.fitted)

    def __sklearn_tags__(self):
        """Tell scikit-learn, which alone calls this, what kind of estimator it has."""
        utils = sys.modules["sklearn.utils"]
        transformer = utils.TransformerTags(preserves_dtype=["float64", "float32"]) if hasattr(self, "transform") else None
        return utils.Tags(estimator_type=self.kind, target_tags=utils.TargetTags(required=False), transformer_tags=transformer)


def column_names(X):
    """Return the column names of a data frame as an array of texts, or None if X has none or they are no texts.

    Raises TypeError if only some of them are texts.

    >>> column_names([[1.0, 2.0]]) is None
    True
    """
    names = getattr(X, "columns", None)
    if not isinstance(names, Iterable):
        return None
    texts = [isinstance(name, str) for name in names]
    if any(texts) and not all(texts):
        raise TypeError("Feature names are only supported if all of them are texts, and X has columns that are named by texts and others. "
                        "Rename them: X.columns = X.columns.astype(str).")
    return np.asarray(names, dtype=object) if any(texts) else None


def _listed(names, between=", "):
    """Return the first names as one text."""
    return between.join([*names[:5], *(["..."] if len(names) > 5 else [])])
