"""The laws of what a fitted class says: responsibilities, densities, labels and samples, against its own parameters."""

from contextlib import suppress

import numpy as np

from .demands import NotChecked, demand, demand_small, numbers
from .em import e_step

FAR = "rows a thousand standard deviations away"


def _answer(fit, name, rows, where):
    """Return what a method says of a copy of rows, as numbers of the right shape."""
    N, K = len(rows), fit.n_components
    shapes = {"predict_proba": ((N, K), "rows are points, columns are components"), "score": ((), "one number for all points")}
    return numbers(fit.method(name)(rows.copy()), f"{name} of {where}", *shapes.get(name, ((N,), "one number for each point")))


def _rows(s):
    """Yield the fits and the rows about which a method is asked, and words for them. What fit never saw counts as much."""
    others = (s.main.X[:7] + s.main.X[7:14]) / 2
    yield s.main, s.main.X, "the rows of the fit"
    yield s.main, others, "seven other rows"
    yield s.main, others[:1], "a single row"
    yield s.three, s.three.X, "the rows of a fit with K = 3 and D = 2"


def _implied(fit, rows):
    """Return what the parameters themselves say of rows: responsibilities (N, K) and log densities (N,)."""
    return fit.implied if rows is fit.X else e_step(rows, fit.mixture)


def input_stays_as_it_was(s):
    demand(np.array_equal(s.main.given, s.main.X), "After fit(X) and predict_proba(X), X holds other numbers than before.",
            "which line changes an array in place (X -= ..., X[...] = ...)?")
    for name in ("predict", "score_samples", "score"):
        given = s.main.X.copy()
        with suppress(Exception, SystemExit):                   # what is raised is for the law of that method to report
            s.main.method(name)(given)
        demand(np.array_equal(given, s.main.X), f"After {name}(X), X holds other numbers than before.",
                "which line changes an array in place (X -= ..., X[...] = ...)?")


def responsibilities_are_probabilities(s):
    demand((s.main.resp >= 0).all(), "predict_proba gives negative numbers.", "are these logarithms?")
    demand_small(s.main.resp.sum(axis=1) - 1, 1e-6, "The sum of a row of predict_proba misses 1 by {}.",
                  "which axis is normalised? Each point came from one of the components.")


def responsibilities_obey_Bayes_rule(s):
    for fit, rows, where in _rows(s):
        demand_small(_answer(fit, "predict_proba", rows, where) - _implied(fit, rows)[0], 1e-6,
                      f"predict_proba of {where} is up to {{}} away from what Bayes' rule makes of weights_, means_ and covariances_.",
                      "is it weight times density, over their sum? Has the density its determinant, and squares in units of variances? "
                      "Is it that of just the rows given?")


def log_density_follows_the_parameters(s):
    for fit, rows, where in _rows(s):
        demand_small(_answer(fit, "score_samples", rows, where) - _implied(fit, rows)[1], 1e-6,
                      f"score_samples of {where} is up to {{}} nats away from the log density of weights_, means_ and covariances_.",
                      "is every factor of the density there, the weights among them, and is it a logarithm?")


def density_of_one_feature_integrates_to_one(s):
    s.line.method("score_samples")
    means, sd = s.line.mixture.means, np.sqrt(s.line.mixture.matrices.max())
    grid = np.linspace(means.min() - 12 * sd, means.max() + 12 * sd, 4001)
    area = np.trapezoid(np.exp(_answer(s.line, "score_samples", grid[:, None], "a grid with D = 1")), grid)
    demand_small(area - 1, 1e-6, "With D = 1, the area under exp(score_samples) misses 1 by {}.",
                 "which factor of the density is missing?")


def score_is_the_mean_log_density(s):
    for fit, rows, where in _rows(s):
        demand_small(_answer(fit, "score", rows, where) - _implied(fit, rows)[1].mean(), 1e-6,
                      f"score of {where} is {{}} away from the mean log density of these rows.",
                      "is it a mean or a sum? Of the rows given? Is every factor of the density there?")


def predict_names_the_most_responsible_component(s):
    for fit, rows, where in _rows(s):
        labels, resp = _answer(fit, "predict", rows, where), _implied(fit, rows)[0]
        least, most = np.sort(resp, axis=1)[:, -2:].T
        wrong = (labels != resp.argmax(axis=1)) & (most - least > 1e-6)         # of two equal ones either may be named
        demand_small(np.mean(wrong), 0, f"predict of {where} and Bayes' rule disagree on a share {{}} of the points.",
                      "largest of what? Of the rows given? Is the first component called 0?")


def far_points_get_numbers(s):
    far = s.main.X.mean(axis=0) + 1000 * s.main.X.std(axis=0) * np.vstack([np.eye(3), -np.eye(3)])
    resp, log_density = e_step(far, s.main.mixture)
    all_implied = {"predict_proba": resp, "predict": resp.argmax(axis=1), "score_samples": log_density, "score": log_density.mean()}
    if hasattr(s.main.model, "score_samples"):
        del all_implied["score"]                                # then it says nothing more, and breaks with it
    for name, implied in all_implied.items():
        with suppress(NotChecked):
            demand_small((_answer(s.main, name, far, FAR) - implied) / np.maximum(1, np.abs(implied)), 1e-6,
                         f"{name} of {FAR} is, relative to its size, up to {{}} away from what weights_, means_ and covariances_ imply.",
                         "does a density underflow to 0 before its logarithm is taken, or before something is divided by it? "
                         "Is a small number added to hide that?")


def one_feature_works(s):
    demand_small(s.line.resp - s.line.implied[0], 1e-6, "With D = 1, predict_proba is up to {} away from Bayes' rule.",
                  "do arrays keep their axes of length 1?")


# Samples

def samples_follow_the_mixture(s):
    """Two thousand points may raise a suspicion: 1 correct class in 100 comes under it. Then ten times as many decide."""
    for n, allowed in [(2000, 3.5), (20000, 6)]:
        errors = _standard_errors(s.main, *_sample(s.main, n))
        if max(np.abs(error).max() for error in errors.values()) <= allowed:
            return
    for name, error in errors.items():
        demand_small(error, allowed, f"{name} of {n} sampled points, by component, are {{}} standard errors away from the mixture.",
                      "is a component drawn by its weight, then a point from its covariance: the mean plus L z with L Lᵀ the covariance, "
                      "not Lᵀ z or the square? Does each label stay with its point?")


def _sample(fit, n):
    """Return n sampled points, and the share of each component in each: by their labels, or without labels by Bayes' rule."""
    drawn, name, K = fit.method("sample")(n), f"sample({n})", fit.n_components
    if isinstance(drawn, tuple | list) and len(drawn) != n:
        demand(isinstance(drawn, tuple) and len(drawn) == 2, f"{name} gives a {type(drawn).__name__} of {len(drawn)} things; an array of "
                "points is expected, or a tuple (points, labels).", "what stands after return?")
    X, labels = drawn if isinstance(drawn, tuple) else (drawn, None)
    whole = "What sample gives" if drawn is X else "The first part of what sample gives"
    X = numbers(X, whole, (n, fit.X.shape[1]), f"of {name} the rows are points")
    demand(np.isfinite(X).all(), f"{name} gives points that are nan or infinite.", "is a root taken of a negative number?")
    if labels is None:
        return X, e_step(X, fit.mixture)[0]
    labels = numbers(labels, "The second part of what sample gives", (n,), f"of {name} each point has a label")
    demand(labels.dtype.kind in "iu", f"The labels of {name} are of type {labels.dtype}; whole numbers (integers) are needed.",
            "can they stand as an index, as in means_[labels]?")
    demand(labels.min() >= 0 and labels.max() < K, f"The labels of {name} go from {labels.min()} to {labels.max()}; with K = {K} they are "
            f"0 to {K - 1}.", "which row of means_ belongs to the first component?")
    return X, np.eye(K)[labels]


def _standard_errors(fit, X, shares):
    """Return how far shares, means and covariances of the sample are off, in standard errors.

    For labels, and for responsibilities r as well: E r_k = π_k, E r_k (x - μ_k) = 0, E r_k ((x - μ_k)(x - μ_k)ᵀ - Σ_k) = 0.
    """
    weights, means, matrices = fit.mixture.weights, fit.mixture.means, fit.mixture.matrices
    d = X[:, None] - means
    squares = d[..., :, None] * d[..., None, :] - matrices
    off = {"The shares": shares - weights, "The means": shares[..., None] * d, "The covariances": shares[..., None, None] * squares}
    return {name: each.mean(axis=0) * np.sqrt(len(X)) / np.maximum(each.std(axis=0), 1e-9) for name, each in off.items()}
