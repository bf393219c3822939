"""Standard errors against what theory says they are, where it says so."""

import numpy as np
import pytest

from gmm_from_scratch import ConvergenceWarning, GaussianMixture, Mixture, NotFittedError, SingularCovarianceError, bootstrap
from gmm_from_scratch.bootstrap import _reorder, standard_errors
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.data import load_faithful
from gmm_from_scratch.em import EMRun, sample_mixture
from random_models import random_mixture

KINDS = ("nonparametric", "parametric")
FAITHFUL = load_faithful().X
FAR = np.concatenate([np.random.default_rng(0).normal(size=30), np.random.default_rng(1).normal(20, 2, size=50)])[:, None]
MODEL = GaussianMixture(2, means_init=[[0.0], [20.0]], reg_covar=0).fit(FAR)
each_kind = pytest.mark.parametrize("kind", KINDS)

# Of B replicates, the estimate of a standard error is off by one part in √(2 B), times more for long tails.
B = 400
FOUR_SIGMA = 4 / np.sqrt(2 * B)


@each_kind
def test_one_gaussian_has_the_standard_errors_of_the_textbook(kind):
    X = np.random.default_rng(0).normal(size=(200, 2)) @ [[2.0, 1.0], [0.0, 3.0]] + 5
    found = standard_errors(GaussianMixture(1, reg_covar=0).fit(X), X, kind=kind, n_bootstrap=B, random_state=0)
    z, S = X - X.mean(axis=0), np.cov(X.T, bias=True)
    products = np.einsum("ni,nj->nij", z, z)
    # of a mean: sd / √N; of a variance: v √(2 / N) for a Gaussian, else by the fourth moments; of a covariance likewise
    spread = products.var(axis=0) if kind == "nonparametric" else S**2 + np.outer(S.diagonal(), S.diagonal())
    np.testing.assert_allclose(found.errors.means[0], X.std(axis=0) / np.sqrt(200), rtol=FOUR_SIGMA)
    np.testing.assert_allclose(found.errors.covariances[0], np.sqrt(spread / 200), rtol=FOUR_SIGMA)
    np.testing.assert_allclose(S.diagonal() * np.sqrt(2 / 200), found.errors.covariances[0].diagonal(), rtol=0.25)  # Gaussian data
    assert found.errors.weights == 0 and found.n_collapsed == 0


@each_kind
def test_far_groups_have_the_standard_errors_of_separate_samples(kind):
    found = standard_errors(MODEL, FAR, kind=kind, n_bootstrap=B, random_state=0)
    counts, sd = np.array([30, 50]), np.sqrt(MODEL.covariances_.ravel())
    np.testing.assert_allclose(found.errors.weights, np.sqrt(counts * counts[::-1] / 80**3), rtol=FOUR_SIGMA)
    np.testing.assert_allclose(found.errors.means.ravel(), sd / np.sqrt(counts), rtol=FOUR_SIGMA + 0.05)   # the counts vary too


@each_kind
def test_the_ends_of_the_intervals_are_quantiles_of_the_replicates(kind):
    found = standard_errors(MODEL, FAR, kind=kind, n_bootstrap=49, level=0.8, random_state=0)
    for error, lower, upper, values in zip(found.errors, found.lower, found.upper, found.replicates):
        assert len(values) == 49 and error.shape == lower.shape == upper.shape == values.shape[1:]
        np.testing.assert_allclose(error, values.std(axis=0, ddof=1))
        np.testing.assert_allclose([lower, upper], np.quantile(values, [0.1, 0.9], axis=0))
    narrow = standard_errors(MODEL, FAR, kind=kind, n_bootstrap=49, level=0.5, random_state=0)
    assert all((inner > outer).all() for inner, outer in zip(narrow.lower, found.lower))


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth, level, n_bootstrap, hits = Mixture([0.4, 0.6], [[0.0], [10.0]], [[[1.0]], [[4.0]]]), 0.9, 39, []
    for seed in range(40):
        X, _ = sample_mixture(80, truth, seed)
        model = GaussianMixture(2, means_init=truth.means, reg_covar=0).fit(X)
        found = standard_errors(model, X, kind=KINDS[seed % 2], n_bootstrap=n_bootstrap, level=level, random_state=seed)
        for value, low, high in [(truth.weights[0], found.lower.weights[0], found.upper.weights[0]),
                                 *zip(truth.means.ravel(), found.lower.means.ravel(), found.upper.means.ravel())]:
            hits.append(low <= value <= high)
    # so few replicates leave the far ends out: of B ordered ones and the truth, (B - 1) level / (B + 1) lie between
    expected = (n_bootstrap - 1) * level / (n_bootstrap + 1)
    assert abs(np.mean(hits) - expected) < 3 * np.sqrt(expected * (1 - expected) / len(hits))


@pytest.mark.parametrize("family", FAMILIES)
@each_kind
def test_a_seed_repeats_it_and_every_family_keeps_its_shapes(kind, family):
    model = GaussianMixture(2, covariance_type=family, tol=1e-6, max_iter=500, random_state=0).fit(FAITHFUL)
    one, two, other = (standard_errors(model, FAITHFUL, kind=kind, n_bootstrap=5, random_state=seed) for seed in (1, 1, 2))
    for name in bootstrap.Parameters._fields:
        assert getattr(one.errors, name).shape == getattr(model, name + "_").shape
        np.testing.assert_array_equal(getattr(one.replicates, name), getattr(two.replicates, name))
        assert (getattr(one.replicates, name) != getattr(other.replicates, name)).any()


def test_refits_are_put_in_the_order_of_the_fit(monkeypatch):
    run_em, calls = bootstrap.run_em, []

    def renaming(*arguments, **options):
        run = run_em(*arguments, **options)
        calls.append(run)
        return run._replace(mixture=_reorder(run.mixture, [1, 0])) if len(calls) % 2 else run

    expected = standard_errors(MODEL, FAR, n_bootstrap=6, random_state=0)
    monkeypatch.setattr(bootstrap, "run_em", renaming)
    found = standard_errors(MODEL, FAR, n_bootstrap=6, random_state=0)
    np.testing.assert_allclose(found.replicates.means, expected.replicates.means)
    np.testing.assert_allclose(found.replicates.covariances, expected.replicates.covariances)
    assert len(calls) == 6


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reordered_mixture_has_each_component_whole(family):
    mixture, order = random_mixture(3, 2, family), [2, 0, 1]
    again = _reorder(mixture, order)
    for part in ("weights", "means", "matrices"):
        np.testing.assert_array_equal(getattr(again, part), getattr(mixture, part)[order])


def test_collapsed_refits_are_dropped_and_counted(monkeypatch):
    ends = iter(["collapse", "thin", "fine", "fine", "thin", "fine"])
    good = MODEL.mixture_
    thin = Mixture(good.weights, good.means, good.covariances * [[[1.0]], [[1e-7]]])

    def scripted(data, start, **options):
        if (end := next(ends)) == "collapse":
            raise SingularCovarianceError("component 0 has collapsed.", 0)
        return EMRun(thin if end == "thin" else good, True, np.zeros(2))

    monkeypatch.setattr(bootstrap, "run_em", scripted)
    found = standard_errors(MODEL, FAR, n_bootstrap=6, random_state=0)
    assert found.n_collapsed == 3 and len(found.replicates.weights) == 3


def test_where_nearly_all_refits_collapse_there_is_no_answer():
    X = np.append(np.linspace(-1, 1, 9), [50, 50.001])[:, None]
    model = GaussianMixture(2, means_init=[[0.0], [50.0]], reg_covar=1e-12).fit(X)
    with pytest.raises(SingularCovarianceError, match="7 of 7 refits collapsed.*fewer components"):
        standard_errors(model, X, n_bootstrap=7, random_state=0)


def test_refits_that_were_cut_short_are_told():
    model = GaussianMixture(3, tol=1e-6, max_iter=2000, random_state=0).fit(FAITHFUL)
    with pytest.warns(ConvergenceWarning, match="5 of 5 refits were cut short by max_iter=1"):
        standard_errors(model, FAITHFUL, n_bootstrap=5, max_iter=1, random_state=0)


def test_the_ridge_of_the_model_is_used_in_the_refits():
    model = GaussianMixture(1, reg_covar=0.04).fit(FAR)
    found = standard_errors(model, FAR, n_bootstrap=20, random_state=0)
    plain = standard_errors(GaussianMixture(1, reg_covar=0).fit(FAR), FAR, n_bootstrap=20, random_state=0)
    np.testing.assert_allclose(found.replicates.covariances, plain.replicates.covariances + 0.04)


def test_the_model_and_the_data_stay_as_they_are_and_a_model_without_a_fit_is_refused():
    X, before = FAR.copy(), {name: np.copy(value) for name, value in vars(MODEL).items() if name.endswith("_")}
    standard_errors(MODEL, X, n_bootstrap=2)
    np.testing.assert_array_equal(X, FAR)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(MODEL, name), value)
    with pytest.raises(NotFittedError, match="model has not been fitted"):
        standard_errors(GaussianMixture(2), FAR)
    with pytest.raises(ValueError, match="X has 2 features"):
        standard_errors(MODEL, FAITHFUL)
