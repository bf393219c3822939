"""Agreement, silhouette and matching: against scikit-learn, and by what must not change them."""

from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from gmm_from_scratch import GaussianMixture, metrics
from gmm_from_scratch.data import load_iris
from gmm_from_scratch.metrics import adjusted_rand_index, match_components, match_labels, silhouette

IRIS, SPECIES = load_iris().X, load_iris().labels
PAIRS_OF_LABELS = st.integers(1, 30).flatmap(lambda n: st.tuples(*[st.lists(st.integers(-2, 5), min_size=n, max_size=n)] * 2))
calm = settings(derandomize=True, deadline=None, max_examples=100)


# Adjusted Rand index

@calm
@given(PAIRS_OF_LABELS)
def test_the_index_equals_scikit_learns_and_does_not_see_order_or_names(pair):
    a, b = map(np.array, pair)
    index = adjusted_rand_index(a, b)
    assert index == pytest.approx(sklearn.metrics.adjusted_rand_score(a, b), abs=1e-12)
    assert index == pytest.approx(adjusted_rand_index(b, a), abs=1e-15)
    assert index == adjusted_rand_index(7 - 3 * a, b)
    assert adjusted_rand_index(a, 5 - a) == 1
    assert -1 <= index <= 1


def test_independent_groupings_agree_by_chance_only():
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=(2, 100_000))
    assert abs(adjusted_rand_index(a, b)) < 1e-3
    assert adjusted_rand_index(a, np.arange(100_000)) == pytest.approx(0, abs=1e-12)       # all apart: no table of 4 × 100,000
    assert adjusted_rand_index(np.arange(100_000), np.arange(100_000)) == 1


# Silhouette

@calm
@given(st.integers(0, 2**32 - 1), st.integers(3, 25), st.integers(1, 3), st.integers(2, 6))
def test_the_silhouette_equals_scikit_learns(seed, N, D, K):
    rng = np.random.default_rng(seed)
    X, labels = rng.integers(6, size=(N, D)) / 2, rng.integers(K, size=N)                  # with ties and groups of one
    if 2 <= len(np.unique(labels)) < N:
        assert silhouette(X, labels) == pytest.approx(sklearn.metrics.silhouette_score(X, labels), abs=1e-10)
    else:
        with pytest.raises(ValueError, match="labels has"):
            silhouette(X, labels)


@pytest.mark.parametrize("block", [1, 150, 1000, 10**6])
def test_blocks_of_any_size_give_the_same_silhouette(monkeypatch, block):
    expected = sklearn.metrics.silhouette_score(IRIS, SPECIES)
    monkeypatch.setattr(metrics, "BLOCK", block)
    assert silhouette(IRIS, SPECIES) == pytest.approx(expected, rel=1e-12)


def test_the_silhouette_does_not_see_names_shifts_scales_turns_or_the_order_of_rows():
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))
    order = np.random.default_rng(1).permutation(len(IRIS))
    assert silhouette((IRIS @ turn * 7 + 3)[order], 9 - 2 * SPECIES[order]) == pytest.approx(silhouette(IRIS, SPECIES), rel=1e-10)


def test_the_silhouette_of_one_gaussian_is_far_from_zero():
    X = np.random.default_rng(0).normal(size=(500, 2))
    labels = (X[:, 0] > 0) * 1                                  # a mere cut in two
    assert 0.25 < silhouette(X, labels) < 0.4


# Matching

@pytest.mark.parametrize("names", list(permutations([0, 1, 2])))
def test_renamed_labels_are_matched_back(names):
    np.testing.assert_array_equal(match_labels(np.array(names)[SPECIES], SPECIES), SPECIES)


@calm
@given(PAIRS_OF_LABELS)
def test_matching_keeps_the_grouping_and_agrees_as_far_as_any_renaming(pair):
    a, b = map(np.array, pair)
    matched = match_labels(a, b)
    assert adjusted_rand_index(matched, a) == 1
    names, known = np.unique(a), np.append(np.unique(b), 100 + np.arange(8))
    if len(names) <= 3:
        best = max((np.array(new)[np.searchsorted(names, a)] == b).sum() for new in permutations(known, len(names)))
        assert (matched == b).sum() == best
    assert (match_labels(9 - a, b) == b).sum() == (matched == b).sum()


def test_groups_without_partner_get_new_names():
    matched = match_labels([5, 5, 6, 6, 7, 7], [0, 0, 0, 2, 2, 2])
    assert len(set(matched.tolist())) == 3 and {0, 2} < set(matched.tolist())


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_permuted_components_are_matched_back(order):
    resp = GaussianMixture(3, random_state=0).fit(IRIS).predict_proba(IRIS)
    np.testing.assert_array_equal(resp[:, order][:, match_components(resp[:, order], resp)], resp)


def test_mixtures_of_different_families_are_matched_by_their_points():
    one = GaussianMixture(3, random_state=0).fit(IRIS)
    other = GaussianMixture(3, covariance_type="tied", means_init=10 * one.means_[[2, 0, 1]]).fit(IRIS * 10)
    order = match_components(other.predict_proba(IRIS * 10), one.predict_proba(IRIS))
    assert np.abs(other.means_[order] / 10 - one.means_).max() < 0.5


# Bad input

TABLE = [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.0, 1.0]]


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_a_silhouette_needs_groups_and_neighbours(labels):
    with pytest.raises(ValueError, match="labels has [14] different values for 4 rows"):
        silhouette(TABLE, labels)
