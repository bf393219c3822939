"""The laws that any Gaussian mixture fitted by EM obeys. A law is a function; its name says what it demands.

No law knows a right answer. Each holds a class against its own parameters, against itself on changed data, or against
a formula. A law that is obeyed returns, a broken one raises Broken. checks.py asks them, after types and shapes.
"""

from itertools import pairwise, permutations, product

import numpy as np

from .covariances import estimate_covariances

TWO_PLACES = np.array([[0.0, 0.0, 0.0], [9.0, -7.0, 8.0]])      # where the two groups far apart have their centers
ATTEMPTS = 10                                                   # orders of the rows, and seeds: one bad start is no bug


class Broken(Exception):
    """A law is broken: the fact that shows it, with its size, and the question to ask oneself."""

    def __init__(self, fact, question):
        super().__init__(f"{fact} Ask yourself: {question}")
        self.fact = fact


class NotChecked(Exception):
    """The class lacks what a law needs."""


def demand(condition, fact, question):
    if not condition:
        raise Broken(fact, question)


def demand_small(off, allowed, fact, question):
    """Demand that no difference exceeds `allowed`; the place {} in `fact` takes the largest."""
    largest = float(np.max(np.abs(off)))
    demand(largest <= allowed, fact.format(f"{largest:.2g}"), question)        # nan is not small


def _parts(mixture):
    return mixture.weights, mixture.means, mixture.matrices


def _units(matrices):
    """Return the standard deviations of each component (K, D), and their products (K, D, D)."""
    sd = np.sqrt(np.einsum("kii->ki", matrices))
    return sd, sd[:, :, None] * sd[:, None]


def _distance(one, two):
    """Return the largest difference between (weights, means, matrices), in standard deviations of the first."""
    sd, products = _units(one[2])
    return max(np.abs(a - b).max() for a, b in [(one[0], two[0]), (one[1] / sd, two[1] / sd), (one[2] / products, two[2] / products)])


def _room(fit):
    """Return how far one more round may still move a fit that has come to rest.

    Per row, a round gains at least Σ_k π_k KL(new component k, old one) in log-likelihood, and the last one gained less than
    tol. A shift by d standard deviations has KL d²/2, a variance changed by the share e about e²/4: so neither
    exceeds 2 √(tol / π_k). Source: the gap between bound and likelihood, Bishop (2006), section 9.4.
    """
    return 2 * np.sqrt(fit.tol / fit.mixture.weights.min())


# The E-step, and what follows from it

def input_stays_as_it_was(s):
    demand(np.array_equal(s.main.given, s.main.X), "After fit(X) and predict_proba(X), X holds other numbers than before.",
            "which line changes an array in place (X -= ..., X[...] = ...)?")


def responsibilities_are_probabilities(s):
    demand((s.main.resp >= 0).all(), "predict_proba gives negative numbers.", "are these logarithms?")
    demand_small(s.main.resp.sum(axis=1) - 1, 1e-6, "The sum of a row of predict_proba misses 1 by {}.",
                  "which axis is normalised? Each point came from one of the components.")


def responsibilities_obey_Bayes_rule(s):
    demand_small(s.main.resp - s.main.implied[0], 1e-6,
                  "predict_proba is up to {} away from what Bayes' rule makes of weights_, means_ and covariances_.",
                  "is it weight times density, over their sum? Does the density have its determinant, and squares in units of variances?")


def log_density_follows_the_parameters(s):
    given, implied = np.asarray(s.main.method("score_samples")(s.main.X.copy())), s.main.implied[1]
    demand(given.shape == implied.shape, f"score_samples(X) has shape {given.shape}: one number for each point, so {implied.shape} "
            "is expected.", "over which axis are the components added?")
    demand_small(given - implied, 1e-6, "score_samples is up to {} nats away from the log density of weights_, means_ and covariances_.",
                  "is every factor of the density there, the weights among them, and is it a logarithm?")


def density_of_one_feature_integrates_to_one(s):
    log_density, means, sd = s.line.method("score_samples"), s.line.mixture.means, np.sqrt(s.line.mixture.matrices.max())
    grid = np.linspace(means.min() - 12 * sd, means.max() + 12 * sd, 4001)
    area = np.trapezoid(np.exp(log_density(grid[:, None])), grid)
    demand_small(area - 1, 1e-6, "With D = 1, the area under exp(score_samples) misses 1 by {}.",
                 "which factor of the density is missing?")


def score_is_the_mean_log_density(s):
    score = s.main.method("score")(s.main.X.copy())
    demand(np.ndim(score) == 0, f"score(X) has shape {np.shape(score)}; a single number is expected.", "the mean over which axis?")
    own = s.main.model.score_samples(s.main.X.copy()) if hasattr(s.main.model, "score_samples") else s.main.implied[1]
    demand_small(score - np.mean(own), 1e-6, "score(X) is {} away from the mean log density of the rows.",
                  "is it a mean or a sum? Is every factor of the density there?")


def predict_names_the_most_responsible_component(s):
    labels, leaders = np.asarray(s.main.method("predict")(s.main.X.copy())), s.main.resp.argmax(axis=1)
    demand(labels.shape == leaders.shape, f"predict(X) has shape {labels.shape}; {leaders.shape} is expected.", "which axis?")
    demand_small(np.mean(labels != leaders), 0, "predict and predict_proba disagree on a share {} of the points.", "largest of what?")


def far_points_get_numbers(s):
    X, question = s.main.X, "does a density underflow to 0 before its logarithm is taken, or before something is divided by it?"
    far = X.mean(axis=0) + 1000 * X.std(axis=0) * np.vstack([np.eye(3), -np.eye(3)])
    resp = np.asarray(s.main.model.predict_proba(far.copy()))
    demand_small(resp.sum(axis=1) - 1, 1e-6, "A thousand standard deviations away, a row of predict_proba misses 1 by {}.", question)
    if hasattr(s.main.model, "score_samples"):
        there = s.main.model.score_samples(far.copy())
        demand(np.isfinite(there).all() and np.max(there) < s.main.implied[1].min() - 1e4,
                "A thousand standard deviations away, score_samples is not finite, or not very low.", question)


# EM, at rest and round by round

def weights_are_mean_responsibilities(s):
    demand_small(s.main.next_round.weights - s.main.mixture.weights, _room(s.main),
                 "weights_ are up to {} away from the mean responsibilities.",
                  "are the new weights stored, and does the fit stop only when a round changes nothing any more?")


def means_are_weighted_means(s):
    sd, _ = _units(s.main.mixture.matrices)
    demand_small((s.main.next_round.means - s.main.mixture.means) / sd, _room(s.main),
                  "means_ are up to {} standard deviations away from the means of the data, weighted by the responsibilities.",
                  "by what is each sum divided? Are the responsibilities those of Bayes' rule? Does the fit stop too early?")


def covariances_are_weighted_covariances(s):
    _, products = _units(s.main.mixture.matrices)
    demand_small((s.main.next_round.matrices - s.main.mixture.matrices) / products, _room(s.main),
                  f"covariances_ are, relative to their size, up to {{}} away from the weighted covariances of the data ({s.family}).",
                  "is each point weighted, around which mean, divided by what? Is something added? Does the fit stop too early?")


def likelihood_never_falls(s):
    gains = [two.implied[1].mean() - one.implied[1].mean() for one, two in pairwise(s.rounds)]
    demand_small(min(0, *gains), 1e-7, "After one more round the log-likelihood of your parameters is lower by {} nats per row.",
                  "which step does not keep its promise: is the E-step Bayes' rule, is the M-step a maximum?")


def each_round_is_an_M_step(s):
    if not _missed(s):
        raise NotChecked("a larger max_iter does not move the fit")
    demand_small(min(_missed(s)), 2e-5, "After one more round the parameters are at least {} standard deviations away, "
                 "in each round tried, from the weighted averages that the responsibilities ask for.",
                  "which means does the covariance use, those of this round or of the one before? Which responsibilities?")


def _missed(s):
    """Return, for each round that moved the fit, how far it ended from the M-step of its own E-step."""
    return [_distance(_parts(one.next_round), _parts(two.mixture)) for one, two in pairwise(s.rounds)
            if _distance(_parts(one.mixture), _parts(two.mixture)) > 0.006]


def lower_bound_belongs_to_the_parameters(s):
    fit = s.fit(s.close.X, max_iter=2)                          # early, where a round makes a difference
    if not hasattr(fit.model, "lower_bound_"):
        raise NotChecked("no lower_bound_")
    demand_small(fit.model.lower_bound_ - fit.implied[1].mean(), 1e-6,
                  "lower_bound_ is {} nats per row away from the log-likelihood of weights_, means_ and covariances_.",
                  "was it computed before the last M-step? Is it per row?")


# Special cases, changed data, chance

def one_component_is_the_sample_mean_and_covariance(s):
    for ridge in [0.0, 0.25] if "reg_covar" in s.accepted else [0.0]:
        fit = s.fit(s.close.X, 1, reg_covar=ridge)
        mean, sd = fit.X.mean(axis=0), fit.X.std(axis=0)
        wanted = estimate_covariances(fit.X, np.ones((len(fit.X), 1)), mean[None], covariance_type=s.family, reg_covar=ridge)
        demand_small((fit.mixture.means - mean) / sd, 1e-5, "With K = 1, means_ is {} standard deviations away from the sample mean.",
                      "what are the responsibilities if there is only one component?")
        demand_small((fit.mixture.covariances - wanted) / sd.min() ** 2, 1e-4, "With K = 1" + f" and reg_covar = {ridge}" * (ridge > 0)
                      + ", covariances_ is {} away from the sample covariance, in units of the smallest variance.",
                      "by what is the sum divided where the likelihood is highest? Is anything but reg_covar added to the diagonal?")


def one_feature_works(s):
    demand_small(s.line.resp - s.line.implied[0], 1e-6, "With D = 1, predict_proba is up to {} away from Bayes' rule.",
                  "do arrays keep their axes of length 1?")


def shifted_data_shift_the_fit(s):
    _moves_along(s, np.eye(3), [50, -20, 30], "does any step depend on where the origin is?")


def a_far_origin_costs_no_digits(s):
    _moves_along(s, np.eye(3), [1e7, -2e7, 1e7],
                 "is a large number subtracted from one nearly equal, as in mean of squares minus squared mean?")


def scaled_data_scale_the_fit(s):
    _moves_along(s, np.diag([100, 100, 100] if s.family == "spherical" else [100, 0.1, 3]), [0, 0, 0],
                 "does any step hold a number that has a unit: a floor, a ridge, a starting variance?")


def rotated_data_rotate_the_fit(s):
    if s.family == "diag":
        raise NotChecked("diagonal covariances do not turn with the data")
    _moves_along(s, np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3, [0, 0, 0], "does any step treat the features one by one?")


def order_of_rows_does_not_matter(s):
    _moves_along(s, np.eye(3), [0, 0, 0], "does any step depend on the place of a row?", rows=np.arange(120)[::-1])


def rows_given_twice_change_nothing(s):
    _moves_along(s, np.eye(3), [0, 0, 0], "which sum over the points is not divided by their number?", rows=np.tile(np.arange(120), 2))


def _moves_along(s, A, b, question, rows=slice(None)):
    """Demand that a fit to x -> A x + b, from the start moved likewise, is a moved fit to x, up to the order of components."""
    expected, found, trouble = [], [], None
    for seed, X, _ in _attempts(s):
        try:
            if seed not in s.attempts:
                s.attempts[seed] = s.fit(X, means_init=TWO_PLACES, random_state=seed, max_iter=200).mixture
            one = s.attempts[seed]
            two = s.fit(X[rows] @ A.T + b, means_init=TWO_PLACES @ A.T + b, random_state=seed, max_iter=200)
        except Exception as error:                              # one bad start: reported only if none goes well
            trouble = Broken(error.fact, question) if isinstance(error, Broken) else error
            continue
        expected.append((one.weights, one.means @ A.T + b, A @ one.matrices @ A.T))
        found += [[part[list(order)] for part in _parts(two.mixture)] for order in permutations(range(2))]
        off = min(_distance(*pair) for pair in product(expected, found))
        if off <= _room(two):
            return
    if trouble:
        raise trouble
    demand_small(off, 0, "The fit to the changed data is {} standard deviations away from where it should be.", question)


def two_groups_far_apart_are_found(s):
    wrong = []
    for seed, X, labels in _attempts(s):
        share = np.mean(s.fit(X, random_state=seed).resp.argmax(axis=1) != labels)
        wrong.append(min(share, 1 - share))                     # which component is called 0 does not matter
        if wrong[-1] < 0.03:
            return
    demand_small(min(wrong), 0, "In two groups many standard deviations apart, a share {} of the points is put with the other group.",
                 "do the components start at different places, and does the fit go on until nothing moves?")


def _attempts(s):
    """Yield a seed, the points of the groups far apart in another order, and their labels, a few times."""
    for seed in range(s.seed, s.seed + ATTEMPTS):
        order = np.random.default_rng(seed).permutation(len(s.apart.X))
        yield seed, s.apart.X[order], s.apart.labels[order]


def same_seed_same_fit(s):
    if "random_state" not in s.accepted:
        raise NotChecked("no parameter random_state")
    one, two = (s.fit(s.close.X, max_iter=1).mixture for _ in range(2))
    demand_small(_distance(_parts(one), _parts(two)), 1e-9, "With the same random_state two fits are {} standard deviations apart.",
                  "does every random draw come from random_state?")


def samples_have_the_moments_of_the_mixture(s):
    drawn, (weights, means, matrices) = s.main.method("sample")(2000), _parts(s.main.mixture)
    X, labels = drawn if isinstance(drawn, tuple) else (drawn, None)
    demand(np.shape(X) == (2000, 3), f"sample(2000) gives points of shape {np.shape(X)}; (2000, 3) is expected.", "what are its rows?")
    center = weights @ means
    spread = np.einsum("k,kij->ij", weights, matrices) + (weights * (means - center).T) @ (means - center)
    shares = np.eye(2)[labels] if labels is not None else weights + np.zeros((2000, 1))
    for name, seen, wanted in [("mean", X, center), ("shares of the components", shares, weights),
                               ("covariance", (X - center)[:, :, None] * (X - center)[:, None], spread)]:
        errors = (seen.mean(axis=0) - wanted) / np.maximum(seen.std(axis=0) / np.sqrt(2000), 1e-9)
        demand_small(errors, 5, f"The {name} of 2000 sampled points: {{}} standard errors away from the mixture.",
                      "is a component drawn by its weight, and then a point from its covariance, not from its square or root?")


LAWS = (input_stays_as_it_was, responsibilities_are_probabilities, responsibilities_obey_Bayes_rule,
        log_density_follows_the_parameters, density_of_one_feature_integrates_to_one, score_is_the_mean_log_density,
        predict_names_the_most_responsible_component, far_points_get_numbers, weights_are_mean_responsibilities,
        means_are_weighted_means, covariances_are_weighted_covariances, likelihood_never_falls, each_round_is_an_M_step,
        lower_bound_belongs_to_the_parameters, one_component_is_the_sample_mean_and_covariance, one_feature_works,
        shifted_data_shift_the_fit, a_far_origin_costs_no_digits, scaled_data_scale_the_fit, rotated_data_rotate_the_fit,
        order_of_rows_does_not_matter, rows_given_twice_change_nothing, two_groups_far_apart_are_found, same_seed_same_fit,
        samples_have_the_moments_of_the_mixture)
