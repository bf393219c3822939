"""Online EM: its step against the formula written out, against rounds of EM, and on a stream of blocks."""

import numpy as np
import pytest

from gmm_from_scratch import GaussianMixture, Mixture
from gmm_from_scratch.covariances import FAMILIES, estimate_covariances
from gmm_from_scratch.em import e_step, m_step, sample_mixture
from gmm_from_scratch.online import online_step
from gmm_from_scratch.table import Table

TRUTH = Mixture([0.3, 0.7], [[0.0, 0.0], [3.0, 3.0]], [np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
X, Y = (sample_mixture(400, TRUTH, rng=seed)[0] for seed in (0, 1))
STREAM = sample_mixture(40_000, TRUTH, rng=2)[0].reshape(40, 1000, 2)
each_family = pytest.mark.parametrize("family", FAMILIES)


def begun(family="full", **options):
    return GaussianMixture(2, covariance_type=family, random_state=0, **options).fit(X)


def agree(ours, theirs, **tolerance):
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), **tolerance)


@each_family
def test_a_whole_step_is_a_round_of_em(family):
    mixture = begun(family, reg_covar=0.01).mixture_
    agree(online_step(Table(Y), mixture, 1.0, 0.01), m_step(Y, e_step(Y, mixture)[0], covariance_type=family, reg_covar=0.01), rtol=1e-12)


@each_family
def test_a_step_averages_what_old_and_new_rows_say(family):
    # A mixture that an M-step has made of X knows the averages of X. Those of Y join them, as if Y came so often as the step says.
    resp, weight = e_step(X, TRUTH)[0], np.random.default_rng(0).integers(0, 3, len(Y))
    mixture = m_step(X, resp, covariance_type=family, reg_covar=0.1)
    rows, both = np.vstack([X, Y]), np.vstack([resp, e_step(Y, mixture)[0]])
    often = np.concatenate([np.full(len(X), 0.75 / len(X)), 0.25 * weight / weight.sum()])
    agree(online_step(Table(Y, weight), mixture, 0.25, 0.1),
          m_step(rows, both, covariance_type=family, reg_covar=0.1, sample_weight=often), rtol=1e-11)


@each_family
def test_digits_survive_an_offset(family):
    shifted = begun(family, reg_covar=0).mixture_
    far = Mixture(shifted.weights, shifted.means + 1e6, shifted.covariances, family)
    near, moved = online_step(Table(Y), shifted, 0.5), online_step(Table(Y + 1e6), far, 0.5)
    np.testing.assert_allclose(moved.covariances, near.covariances, rtol=1e-8)
    np.testing.assert_allclose(moved.means - 1e6, near.means, atol=1e-8)


@each_family
def test_a_component_without_rows_keeps_its_place_and_loses_weight(family):
    covariances = estimate_covariances(X, np.full((400, 2), 0.5), np.zeros((2, 2)), covariance_type=family)
    mixture = Mixture([0.5, 0.5], [[0.0, 0.0], [1e4, 1e4]], covariances, family)
    new = online_step(Table(X), mixture, 0.25)
    assert new.weights == pytest.approx([0.625, 0.375]) and new.means[1].tolist() == [1e4, 1e4]
    if family != "tied":
        np.testing.assert_allclose(new.covariances[1], mixture.covariances[1], rtol=1e-14)


def test_one_pass_over_a_stream_comes_near_the_best_fit():
    online = GaussianMixture(2, random_state=0)
    for block in STREAM:
        assert online.partial_fit(block) is online
    rows = STREAM.reshape(-1, 2)
    best, first = GaussianMixture(2, random_state=0, tol=1e-8).fit(rows), GaussianMixture(2, random_state=0).fit(STREAM[0])
    assert online.n_blocks_ == 40 and best.score(rows) - online.score(rows) < 0.1 * (best.score(rows) - first.score(rows))


def test_with_forgetting_one_the_steps_are_one_over_t():
    model = begun()
    expected = model.mixture_
    for t, block in enumerate(STREAM[:3], 2):
        expected = online_step(Table(block), expected, 1 / t, 1e-6)
        model.partial_fit(block, forgetting=1)
        agree(model.mixture_, expected, rtol=1e-13)


def test_a_bound_that_is_no_longer_true_is_not_kept():
    model = begun()
    assert model.n_blocks_ == 1 and hasattr(model, "lower_bound_")
    model.partial_fit(Y)
    assert not hasattr(model, "lower_bound_") and not hasattr(model, "lower_bounds_") and not model.converged_ and model.n_iter_ == 2
    assert model.fit(X).n_blocks_ == 1 and len(model.lower_bounds_) == model.n_iter_ + 1


def test_a_model_made_from_parameters_learns_on():
    model = GaussianMixture.from_parameters(TRUTH.weights, TRUTH.means, TRUTH.covariances).partial_fit(Y)
    agree(model.mixture_, online_step(Table(Y), TRUTH, 2**-0.6, 1e-6), rtol=1e-13)


@pytest.mark.parametrize(("given", "options", "error", "words"), [
    (Y[:, :1], {}, ValueError, "1 features, but GaussianMixture is expecting 2"),
    (np.full((3, 2), np.nan), {}, ValueError, "X holds 6 entries that are NaN"),
    (Y, {"forgetting": 0.4}, ValueError, "forgetting is 0.4; expected a finite number, at least 0.5"),
    (Y, {"forgetting": 2}, ValueError, "forgetting is 2"),
    (Y, {"forgetting": "much"}, TypeError, "forgetting is 'much'; expected a number"),
    (Y, {"sample_weight": [1.0]}, ValueError, "sample_weight has shape"),
])
def test_what_cannot_be_learnt_changes_nothing(given, options, error, words):
    model = begun()
    before = vars(model).copy()
    with pytest.raises(error, match=words):
        model.partial_fit(given, **options)
    assert vars(model) == before
