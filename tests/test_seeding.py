"""The k-means++ start by blocks against kmeans.kmeans_plusplus: the same random numbers must choose the same rows."""

import numpy as np
import pytest
from random_models import blobs

from gmm_from_scratch.kmeans import assign_step, inertia, kmeans_plusplus
from gmm_from_scratch.seeding import plusplus
from gmm_from_scratch.table import Table

each_seed = pytest.mark.parametrize("seed", range(3))
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


@each_seed
@pytest.mark.parametrize("n_trials", [1, 4])
@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_plusplus_draws_what_the_textbook_draws(seed, n_trials, kept, monkeypatch):
    monkeypatch.setattr("gmm_from_scratch.seeding.KEPT_BYTES", kept)
    X, _ = blobs(1500, 3, 5, seed)
    weight = np.random.default_rng(seed).choice([0.0, 1.0, 3.0], size=len(X))
    for w in (None, weight):
        for offset in (0, 1e6):
            ours = plusplus(Table(X + offset, w), 12, np.random.default_rng(seed), n_trials)
            np.testing.assert_array_equal(ours, kmeans_plusplus(X + offset, 12, seed, w, n_trials))


@each_dtype
def test_plusplus_draws_the_same_from_many_blocks(dtype, monkeypatch):
    X = blobs(5000, 2, 5)[0].astype(dtype)
    monkeypatch.setattr("gmm_from_scratch.table.BLOCK_BYTES", 10_000)
    np.testing.assert_array_equal(plusplus(Table(X), 9, np.random.default_rng(1), 4), kmeans_plusplus(X.astype(float), 9, 1, None, 4))


@each_dtype
def test_plusplus_sees_that_equal_rows_are_equal(dtype):
    X = np.repeat(np.random.default_rng(0).normal(size=(6, 4)) + 7, 50, axis=0).astype(dtype)
    centers = plusplus(Table(X), 6, np.random.default_rng(0), 3)
    assert len(np.unique(centers, axis=0)) == 6
    with pytest.raises(ValueError, match="X has only 6 distinct rows"):
        plusplus(Table(X), 7, np.random.default_rng(0), 3)


def test_more_candidates_give_better_starts():
    X, _ = blobs(2000, 2, 20)
    plain, greedy = ([inertia(X, assign_step(X, c), c) for c in (kmeans_plusplus(X, 20, seed, None, n) for seed in range(12))] for n in (1, 5))
    assert np.mean(greedy) < 0.95 * np.mean(plain)
