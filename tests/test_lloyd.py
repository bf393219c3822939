"""Lloyd's rounds on the fast path against the few lines of kmeans.py, and what the estimator promises beyond them."""

import tracemalloc
from itertools import islice, pairwise

import numpy as np
import pytest
import sklearn.cluster
from random_models import blobs

from gmm_from_scratch import KMeans, threads
from gmm_from_scratch.kmeans import kmeans_steps
from gmm_from_scratch.lloyd import Clusters, run_lloyd
from gmm_from_scratch.nearest import Columns
from gmm_from_scratch.table import Table

SIZES = {"2 x 3": (900, 2, 3), "1 x 2": (300, 1, 2), "5 x 7": (2000, 5, 7), "40 x 6": (500, 40, 6), "2 x 300": (2000, 2, 300)}
each_size = pytest.mark.parametrize(("N", "D", "K"), SIZES.values(), ids=SIZES)
each_seed = pytest.mark.parametrize("seed", range(3))
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def textbook(X, start, max_iter=300, weight=None):
    """Return the last step of kmeans_steps, taken until the centers rest, and how many rounds that took."""
    steps = list(islice(kmeans_steps(X, start, weight), 1 + min(max_iter, 100)))
    for n_iter, (before, step) in enumerate(pairwise(steps), 1):
        if (step.centers == before.centers).all():
            return step, n_iter
    return steps[-1], len(steps) - 1


def agree(run, X, start, weight=None, max_iter=300):
    step, n_iter = textbook(X, start, max_iter, weight)
    np.testing.assert_allclose(run.centers, step.centers, rtol=0, atol=1e-12 * float(np.abs(X).max()))
    np.testing.assert_array_equal(run.labels, step.labels)
    assert run.inertia == pytest.approx(step.inertia, rel=1e-12)
    assert run.n_iter == n_iter


@each_seed
@each_size
@pytest.mark.parametrize("max_iter", [1, 3, 300])
def test_the_fast_path_is_the_textbook(N, D, K, seed, max_iter):
    X, start = blobs(N, D, K, seed)
    agree(run_lloyd(Table(X), start, 0, max_iter), X, start, max_iter=max_iter)


def test_the_textbook_in_many_blocks(monkeypatch):
    X, start = blobs(20_000, 3, 6)
    monkeypatch.setattr("gmm_from_scratch.table.BLOCK_BYTES", 10_000)
    assert 20 * Columns(Table(X), 6).share < len(X)
    agree(run_lloyd(Table(X), start, 0, 300), X, start)


@each_seed
def test_weights_in_the_fast_path(seed):
    X, start = blobs(700, 3, 4, seed)
    weight = np.random.default_rng(seed).choice([0.0, 0.3, 1.0, 5.0], size=len(X))
    agree(run_lloyd(Table(X, weight), start, 0, 300), X, start, weight)


def test_a_cluster_whose_weights_have_left_is_empty_although_their_sum_is_rounded():
    for seed in range(60):                                      # 0.1 + 0.2 - 0.3 is not 0
        rng = np.random.default_rng(seed)
        X, start = rng.normal(size=(40, 1)), 2 * rng.normal(size=(9, 1))
        weight = rng.choice([0.1, 0.2, 0.3, 0.7], size=40)
        agree(run_lloyd(Table(X, weight), start, 0, 300), X, start, weight)


def test_late_rounds_leave_most_rows_alone():
    X, start = blobs(5000, 2, 5)
    clusters, looked_at = Clusters(Table(X), start), []
    for _ in range(30):
        looked_at.append((~(clusters.rooms > clusters.spent)).mean())
        clusters.assign()
        clusters.move(clusters.means())
    assert looked_at[0] == 1 and max(looked_at[-5:]) < 0.2


def test_a_weight_is_a_number_of_equal_rows():
    X, start = blobs(500, 2, 4)
    times = np.random.default_rng(0).integers(0, 4, size=len(X))
    for tol in (0, 1e-2):
        weighted = KMeans(4, init=start, tol=tol).fit(X, sample_weight=times)
        repeated = KMeans(4, init=start, tol=tol).fit(np.repeat(X, times, axis=0))
        np.testing.assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-12)
        np.testing.assert_array_equal(np.repeat(weighted.labels_, times), repeated.labels_)
        assert (weighted.n_iter_, weighted.inertia_) == (repeated.n_iter_, pytest.approx(repeated.inertia_))


@pytest.mark.parametrize("n_empty", [1, 3])
def test_empty_clusters_are_filled_as_in_the_textbook(n_empty):
    X, start = blobs(400, 2, 3)
    start = np.vstack([start, np.full((n_empty, 2), 99.0)])
    for max_iter in (1, 2, 300):
        agree(run_lloyd(Table(X), start, 0, max_iter), X, start, max_iter=max_iter)


@pytest.mark.parametrize(("scale", "offset"), [(1, 1e8), (1e-6, 0), (1e6, 0), (1e-30, 0), (1e30, 0), (1e-6, 10), (1e60, 1e60)])
def test_neither_units_nor_a_far_origin_change_the_partition(scale, offset):
    X, start = blobs(1000, 3, 5)
    plain = KMeans(5, init=start, tol=0).fit(X)
    moved = KMeans(5, init=scale * start + offset, tol=0).fit(scale * X + offset)
    np.testing.assert_array_equal(plain.labels_, moved.labels_)
    np.testing.assert_allclose((moved.cluster_centers_ - offset) / scale, plain.cluster_centers_, atol=1e-7)
    assert moved.inertia_ / scale**2 == pytest.approx(plain.inertia_, rel=1e-6)


def test_float32_far_from_zero_is_centred_in_its_own_type():
    X, start = blobs(3000, 2, 4)
    X = (X + 5000).astype(np.float32)
    start = X[:4]
    ours, exact = KMeans(4, init=start, tol=0).fit(X), KMeans(4, init=start, tol=0).fit(X.astype(float))
    np.testing.assert_allclose(ours.cluster_centers_, exact.cluster_centers_, rtol=1e-7)
    assert (ours.labels_ == exact.labels_).mean() > 0.999       # the centers themselves are rounded to float32
    assert ours.inertia_ == pytest.approx(exact.inertia_, rel=1e-6)


def test_one_far_row_does_not_spoil_the_sums_when_it_has_gone():
    X, start = blobs(2000, 2, 3)
    X[7] = 1e13
    agree(run_lloyd(Table(X), start, 0, 300), X, start)


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "big-endian", "whole numbers", "half", "read-only"])
def test_any_layout_and_type_of_data(layout):
    X, start = blobs(900, 3, 4)
    X, start = (10 * X).round(), (10 * start).round()
    X = {"fortran": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=0)[::2], "reversed": X[::-1, ::-1], "big-endian": X.astype(">f8"),
         "whole numbers": X.astype(np.int64), "half": X.astype(np.float16), "read-only": X.copy()}[layout]
    X.flags.writeable = layout != "read-only"
    agree(run_lloyd(Table(X), start, 0, 300), X, start)


@each_size
@each_seed
def test_the_result_is_scikit_learns_from_the_same_start(N, D, K, seed):
    X, start = blobs(N, D, K, seed)
    ours = KMeans(K, init=start, tol=0).fit(X)
    theirs = sklearn.cluster.KMeans(K, init=start, n_init=1, tol=0).fit(X)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    assert (ours.n_iter_, ours.inertia_) == (theirs.n_iter_, pytest.approx(theirs.inertia_, rel=1e-10))


@each_dtype
def test_types_of_the_results_are_scikit_learns(dtype):
    X, start = blobs(300, 2, 3)
    ours, theirs = (Class(3, init=start, n_init=1).fit(X.astype(dtype)) for Class in (KMeans, sklearn.cluster.KMeans))
    for name in ("cluster_centers_", "labels_"):
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype
    assert ours.predict(X.astype(dtype)).dtype == theirs.predict(X.astype(dtype)).dtype
    for new in ("float64", "float32", "int64"):
        assert ours.transform(X.astype(new)).dtype == theirs.transform(X.astype(new)).dtype
    np.testing.assert_array_equal(ours.predict(X.astype(dtype)), ours.labels_)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    X, _ = blobs(60_000, 3, 8)
    fits = []
    for n_threads in (1, 2, 5):
        monkeypatch.setattr("gmm_from_scratch.kmeans.workers", lambda n=n_threads: pool_of(n))
        fits.append(KMeans(8, random_state=3, n_init=2, max_iter=20, tol=0.01).fit(X))
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.cluster_centers_, fits[0].cluster_centers_)
        np.testing.assert_array_equal(fit.labels_, fits[0].labels_)
        assert fit.inertia_ == fits[0].inertia_


class pool_of:
    """Stands in for threads.workers, with a number of threads of our choice."""

    def __init__(self, n_threads):
        self.pool = threads._pool(n_threads)

    def __enter__(self):
        return self.pool.map

    def __exit__(self, *error):
        self.pool.shutdown()


@pytest.mark.skipif(threads.blas_controls() is None, reason="no OpenBLAS beside NumPy")
def test_the_blas_threads_are_given_back_also_after_an_error():
    get, put = threads.blas_controls()
    before = get()
    try:
        put(2)
        X, start = blobs(40_000, 2, 3)
        KMeans(3, init=start).fit(X).predict(X)
        assert get() == 2
        X[-1] = np.nan
        for call in (KMeans(3).fit, KMeans(3, init=start).fit(X[:-1]).predict, KMeans(3, n_init=0).fit):
            with pytest.raises(ValueError):
                call(X)
            assert get() == 2
    finally:
        put(before)


@each_dtype
def test_memory_beyond_the_data_does_not_hold_a_table(dtype, monkeypatch):
    monkeypatch.setattr(threads, "MOST_THREADS", 2)                 # each has its own block
    X, _ = blobs(1_000_000, 2, 8)
    X = X.astype(dtype)
    model = KMeans(8, random_state=0, n_init=1, max_iter=3, tol=0.1)
    threads.blas_controls()
    tracemalloc.start()
    try:
        model.fit(X)
        fitted = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        labels = model.predict(X)
        predicted = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()
    assert fitted < (16 << 20) + labels.nbytes
    assert predicted < (12 << 20) + labels.nbytes
