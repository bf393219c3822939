"""The fast EM against the textbook's, digit for digit, and against what blocks, threads and extrapolation must not change."""

import inspect
import threading
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn.exceptions
import sklearn.mixture
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_models import random_mixture

from gmm_from_scratch import Mixture, SingularCovarianceError, blocks, e_step, em, m_step, table, threads
from gmm_from_scratch.blocks import as_point, fit_responsibilities, log_likelihood, most_responsible, responsibilities, run_em, score_samples
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.data import load_faithful, load_iris
from gmm_from_scratch.em import log_joint, sample_mixture
from gmm_from_scratch.forms import NEAR, Point
from gmm_from_scratch.passes import EM, expanded_e_step
from gmm_from_scratch.squarem import from_chart, to_chart

each_family = pytest.mark.parametrize("family", FAMILIES)
repeatable = settings(derandomize=True, deadline=None, max_examples=12)


def sample(N, K, D, family="full", seed=0, spread=3.0):
    return sample_mixture(N, random_mixture(K, D, family, seed, spread), rng=seed)[0]


def start_on(X, K, family, seed=0, shrink=0.5):
    rng = np.random.default_rng(seed)
    pooled = m_step(X, np.full((len(X), K), 1 / K), covariance_type=family)
    return Mixture(rng.dirichlet(np.full(K, 5.0)), X[rng.choice(len(X), K, replace=False)], shrink * pooled.covariances, family)


def assert_same_run(one, two, rtol, unit=None):
    """The two runs agree, means and covariances to a share of the unit of the data."""
    unit = np.abs(two.mixture.matrices).max() ** 0.5 if unit is None else unit
    np.testing.assert_allclose(one.log_likelihoods, two.log_likelihoods, rtol=rtol, atol=rtol * len(two.log_likelihoods))
    np.testing.assert_allclose(one.mixture.weights, two.mixture.weights, rtol=rtol)
    np.testing.assert_allclose(one.mixture.means, two.mixture.means, rtol=rtol, atol=rtol * unit)
    np.testing.assert_allclose(one.mixture.covariances, two.mixture.covariances, rtol=rtol, atol=rtol * unit**2)
    assert one.converged == two.converged


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 64 rows: a few hundred rows are then many blocks."""
    monkeypatch.setattr(table, "BLOCK_BYTES", 1)


@pytest.fixture
def blas_threads():
    """A function that sets how many threads the BLAS may use, and so how many we use; put back at the end."""
    if threads.blas_controls() is None:
        pytest.skip("no OpenBLAS beside NumPy")
    get, put = threads.blas_controls()
    before = get()
    yield put
    put(before)


# The same as em.py

@pytest.mark.parametrize(("K", "D"), [(1, 1), (5, 1), (2, 2), (3, 3), (4, 4), (1, 5), (5, 6), (1, 30), (3, 30)])
@each_family
def test_each_step_is_that_of_the_textbook(family, K, D, small_blocks):
    X = sample(300, K, D, family)
    start = start_on(X, K, family, shrink=1.0)
    ours, theirs = (run(X, start, tol=0, max_iter=4, reg_covar=1e-3) for run in (run_em, em.run_em))
    assert_same_run(ours, theirs, rtol=1e-10)
    assert ours.mixture.covariance_type == family and type(ours) is type(theirs)


@pytest.mark.parametrize("N", [1, 2, 63, 64, 65, 128, 129, 64 * 33 + 1])
@each_family
def test_any_number_of_rows_makes_the_right_blocks(family, N, small_blocks):
    X = sample(N, 2, 2, family)
    start = random_mixture(2, 2, family, seed=1)
    ours, theirs = (run(X, start, tol=0, max_iter=2, reg_covar=0.1) for run in (run_em, em.run_em))
    assert_same_run(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(score_samples(X, start), e_step(X, start)[1], rtol=1e-12)
    assert log_likelihood(X, start) == pytest.approx(ours.log_likelihoods[0], rel=1e-12)


@repeatable
@given(seed=st.integers(0, 10**6), K=st.integers(1, 5), D=st.integers(1, 6), N=st.integers(20, 200),
       family=st.sampled_from(list(FAMILIES)), shrink=st.sampled_from([1e-3, 0.1, 1.0, 10.0]))
def test_any_start_leads_where_the_textbook_leads_or_fails_alike(seed, K, D, N, family, shrink):
    X = sample(N, K, D, family, seed)
    start = start_on(X, K, family, seed, shrink)
    try:
        theirs = em.run_em(X, start, tol=0, max_iter=3)
    except SingularCovarianceError as error:
        with pytest.raises(SingularCovarianceError) as caught:
            run_em(X, start, tol=0, max_iter=3)
        assert caught.value.component == error.component
        return
    assume(np.linalg.cond(theirs.mixture.matrices).max() < 1e6)         # nearly collapsed: its digits are lost in any form
    assert_same_run(run_em(X, start, tol=0, max_iter=3), theirs, rtol=1e-8)


@pytest.mark.parametrize(("family", "K"), [("full", 2), ("tied", 3), ("diag", 3), ("spherical", 2)])
def test_it_stops_where_the_textbook_stops(family, K):
    X = load_iris().X
    start = start_on(X, K, family, seed=1)
    for options in ({"tol": 1e-3}, {"tol": 1e-6, "max_iter": 100}, {"max_iter": 3}):
        ours, theirs = (run(X, start, reg_covar=1e-4, **options) for run in (run_em, em.run_em))
        assert_same_run(ours, theirs, rtol=1e-9)
        assert len(ours.log_likelihoods) == len(theirs.log_likelihoods)


def test_no_rounds_give_the_start_back():
    X = load_faithful().X
    start = start_on(X, 2, "full")
    run = run_em(X, start, max_iter=0)
    assert run.mixture is start and not run.converged
    assert run.log_likelihoods == pytest.approx([e_step(X, start)[1].sum()], rel=1e-13)


@each_family
def test_the_likelihood_recorded_belongs_to_the_parameters_returned(family):
    X = load_iris().X
    run = run_em(X, start_on(X, 3, family), tol=0, max_iter=7)
    assert run.log_likelihoods[-1] == pytest.approx(e_step(X, run.mixture)[1].sum(), rel=1e-12)


# Units, origins, narrow components

@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e6])
@each_family
def test_origin_and_unit_do_not_matter(family, offset, scale):
    X = scale * (np.round(sample(400, 3, 3, family), 6) + offset)       # offset and data fit into 53 bits together
    back = X / scale - offset                                           # what these numbers say of the original
    start = start_on(back, 3, family)
    there = Mixture(start.weights, scale * (start.means + offset), scale**2 * start.covariances, family)
    moved = run_em(X, there, tol=0, max_iter=5)
    plain = em.run_em(back, start, tol=0, max_iter=5)
    eps = 1e-10 * max(1, offset)                                        # 1e6 takes six of the sixteen digits of X
    np.testing.assert_allclose(moved.mixture.weights, plain.mixture.weights, rtol=eps)
    np.testing.assert_allclose(moved.mixture.means / scale - offset, plain.mixture.means, rtol=0, atol=eps)
    np.testing.assert_allclose(moved.mixture.covariances / scale**2, plain.mixture.covariances, rtol=eps, atol=eps)
    np.testing.assert_allclose(moved.log_likelihoods + len(X) * 3 * np.log(scale), plain.log_likelihoods, rtol=eps)


@pytest.mark.parametrize("width", [1e-2, 1e-5, 1e-7])
@each_family
def test_a_narrow_component_far_out_keeps_its_digits(family, width):
    rng = np.random.default_rng(0)
    X = np.vstack([[100.0, -50.0] + width * rng.normal(size=(150, 2)), width * rng.normal(size=(100, 2))])
    wider = FAMILIES[family].restrict((2 * width) ** 2 * np.array([np.eye(2)] * 2), np.array([0.5, 0.5]))
    start = Mixture([0.5, 0.5], [[100.0, -50.0], [0.0, 0.0]], wider, family)
    ours, theirs = (run(X, start, tol=0, max_iter=3) for run in (run_em, em.run_em))
    np.testing.assert_allclose(ours.mixture.covariances, theirs.mixture.covariances, rtol=1e-6, atol=1e-6 * width**2)
    np.testing.assert_allclose(ours.log_likelihoods, theirs.log_likelihoods, rtol=1e-8)
    np.testing.assert_allclose(score_samples(X, start), e_step(X, start)[1], rtol=1e-8, atol=1e-6)


@each_family
def test_a_wide_start_finds_a_narrow_component_with_all_its_digits(family):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(200, 2)), [300.0, 0.0] + 1e-4 * rng.normal(size=(200, 2))])
    start = start_on(X[[0, 1, 2, -1, -2, -3]], 2, family, shrink=1.0)
    start = Mixture([0.5, 0.5], [[0.0, 0.0], [300.0, 0.0]], start.covariances, family)
    ours, theirs = (run(X, start, tol=0, max_iter=1) for run in (run_em, em.run_em))
    np.testing.assert_allclose(ours.mixture.covariances, theirs.mixture.covariances, rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("distance", [1e2, 1e3, 1e5])
@each_family
def test_far_points_keep_exact_densities(family, distance):
    mixture = random_mixture(3, 2, family)
    X = np.vstack([sample(200, 3, 2, family), [[distance, 0.0], [0.0, -distance]]])
    resp, log_density = e_step(X, mixture)
    np.testing.assert_allclose(score_samples(X, mixture), log_density, rtol=1e-11)
    np.testing.assert_allclose(responsibilities(X, mixture), resp, rtol=1e-4, atol=1e-10)    # 1e10 nats leave six digits behind the point
    np.testing.assert_array_equal(most_responsible(X, mixture), log_joint(X, mixture).argmax(axis=1))
    ours, theirs = (run(X, mixture, tol=0, max_iter=1) for run in (run_em, em.run_em))
    assert_same_run(ours, theirs, rtol=1e-8, unit=1.0)


# Many features

@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("spread", "share"), [(0.1, (1, 1)), (1.2, (0.3, 0.95)), (10.0, (1 / 6, 0.2))])
def test_half_of_the_features_tell_which_components_are_out(spread, share, dtype):
    random = random_mixture(6, 40, "full", spread=spread)
    mixture = Mixture(random.weights, random.means, np.eye(40) + 0.1 * random.covariances)
    point = Point("full", mixture.weights, mixture.means, mixture.covariances)
    X = sample_mixture(300, mixture, 0)[0]
    phi = np.vstack([np.ones(300), X.T]).astype(dtype)
    exact, near = log_joint(X, mixture).T, point.near_log_joint(np.dtype(dtype))(phi)
    top = exact.max(axis=0)
    counts = exact > top - NEAR + 1                         # 1: the rounding of float32
    digits = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(near[counts], exact[counts], rtol=digits)
    assert (near <= np.where(counts, np.inf, top - NEAR + 2)).all()
    assert share[0] <= counts.mean() <= share[1]


@pytest.mark.parametrize("spread", [0.1, 10.0])
def test_many_features_give_the_textbooks_steps_near_and_far(spread):
    mixture = random_mixture(4, 40, "full", spread=spread)
    X = sample_mixture(1000, mixture, 0)[0]
    start = Mixture(np.full(4, 0.25), mixture.means + 0.1, 1.5 * mixture.covariances)
    ours, theirs = (run(X, start, tol=0, max_iter=3) for run in (run_em, em.run_em))
    assert_same_run(ours, theirs, rtol=1e-9)


# Types and layouts

LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "a part of a larger array": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "read-only": lambda X: np.require(X.copy(), requirements=[]),
    "a list": lambda X: X.tolist(),
    "another byte order": lambda X: X.astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@each_family
def test_the_layout_of_the_data_does_not_matter_and_they_are_not_changed(family, layout, small_blocks):
    X = load_iris().X
    given = layout(X)
    if isinstance(given, np.ndarray):
        given.flags.writeable = False
    start = start_on(X, 3, family)
    assert_same_run(run_em(given, start, max_iter=5), run_em(X, start, max_iter=5), rtol=1e-12)
    np.testing.assert_array_equal(np.asarray(given), X)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "longdouble", "bool"])
def test_other_numbers_are_computed_with_as_float64(dtype):
    X = (load_iris().X * 10).astype(dtype) if dtype != "bool" else load_iris().X > load_iris().X.mean(axis=0)
    start = start_on(X.astype(float), 2, "spherical")
    assert_same_run(run_em(X, start, reg_covar=0.1), em.run_em(X.astype(float), start, reg_covar=0.1), rtol=1e-9)


@pytest.mark.parametrize(("K", "D"), [(3, 1), (3, 2), (4, 6), (3, 30)])
@each_family
def test_float32_gives_what_float32_can(family, K, D):
    X = sample(1000, K, D, family).astype("float32")
    start = random_mixture(K, D, family)
    ours, theirs = (run(X, start, tol=0, max_iter=5) for run in (run_em, em.run_em))
    assert ours.mixture.means.dtype == float
    # 6e-8 is the rounding; a density is exp of a number known to that times 1e3, the farthest reach allowed
    assert_same_run(ours, theirs, rtol=2e-3, unit=1.0)
    np.testing.assert_allclose(ours.log_likelihoods, theirs.log_likelihoods, rtol=1e-5)


@pytest.mark.parametrize("D", [2, 50])
@pytest.mark.parametrize("family", ["full", "tied"])
def test_covariances_are_symmetric_to_the_last_digit(family, D):
    X = np.random.default_rng(0).normal(size=(2000, D)).astype("float32")
    mixture = run_em(X, start_on(X, 3, family, shrink=1.0), max_iter=3, tol=0).mixture
    np.testing.assert_array_equal(mixture.matrices, np.swapaxes(mixture.matrices, 1, 2))


@pytest.mark.parametrize("family", ["full", "tied"])
@pytest.mark.parametrize("ratio", [30, 100, 1000, 10_000])
def test_float32_bears_features_that_are_strongly_correlated(family, ratio):
    rng, group = np.random.default_rng(0), np.arange(1000) % 2
    X = np.column_stack([rng.normal(size=1000) * ratio, rng.normal(size=1000) + 4 * group]).astype("float32")
    X[:, 1] += X[:, 0]
    start = m_step(X, np.eye(2)[group], covariance_type=family)
    ours, theirs = run_em(X, start, tol=1e-6), em.run_em(X, start, tol=1e-6)
    assert len(ours.log_likelihoods) == len(theirs.log_likelihoods) and ours.converged
    assert ours.log_likelihoods[-1] == pytest.approx(log_likelihood(X, ours.mixture), abs=1e-6 * len(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("D", [2, 20, 50, 400])
@each_family
def test_no_responsibility_is_a_subnormal_float_which_would_be_slow(family, D, dtype):
    mixture = random_mixture(8, D, family, spread=4.0)
    X = np.vstack([sample_mixture(300, mixture, 0)[0], mixture.means]).astype(dtype)
    part = table.as_table(X)
    _, _, density, total, _ = expanded_e_step(part, as_point(mixture, part))(slice(0, len(X)))
    resp = density * (1 / total)
    assert resp.dtype == dtype and 0.99 < resp.sum(axis=0).min()
    assert resp.min() >= np.finfo(dtype).tiny


@pytest.mark.parametrize(("offset", "scale"), [(0, 1e-15), (0, 1e15), (1000, 1.0)])
def test_float32_of_any_size_is_safe(offset, scale):
    X = (scale * (offset + sample(500, 2, 2))).astype("float32")
    start = start_on(X.astype(float), 2, "full")
    ours, theirs = (run(X, start, tol=0, max_iter=3) for run in (run_em, em.run_em))
    np.testing.assert_allclose(ours.mixture.weights, theirs.mixture.weights, rtol=1e-3)
    np.testing.assert_allclose(ours.mixture.covariances, theirs.mixture.covariances, rtol=1e-3, atol=1e-3 * scale**2)


# Weights

@each_family
def test_whole_weights_are_repeated_rows(family, small_blocks):
    X = load_iris().X
    times = np.random.default_rng(0).integers(0, 4, size=len(X))
    start = start_on(X, 3, family)
    weighted = run_em(X, start, tol=1e-4, sample_weight=times)
    repeated = run_em(np.repeat(X, times, axis=0), start, tol=1e-4)
    assert_same_run(weighted, repeated, rtol=1e-9)
    assert log_likelihood(X, start, times) == pytest.approx(weighted.log_likelihoods[0], rel=1e-12)


@each_family
def test_the_unit_of_the_weights_does_not_matter(family):
    X = sample(300, 2, 30, family)
    weight = np.random.default_rng(0).gamma(2, size=300)
    start = random_mixture(2, 30, family)
    one, two = (run_em(X, start, tol=1e-5, max_iter=20, reg_covar=1e-2, sample_weight=unit * weight) for unit in (1, 1e-9))
    np.testing.assert_allclose(two.mixture.means, one.mixture.means, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(two.log_likelihoods, 1e-9 * one.log_likelihoods, rtol=1e-10)


@pytest.mark.parametrize(("weight", "error"), [
    ([1.0, 2.0], "sample_weight has shape"), (np.full(150, -1.0), "negative"), (np.zeros(150), "zero everywhere"),
    (np.full(150, np.nan), "sample_weight holds"), (np.ones((150, 1)), "sample_weight has shape"), (["x"] * 150, "sample_weight"),
    (1.0, "sample_weight has shape"), (np.full(150, 1e200), "sample_weight has entries"),
])
def test_bad_weights_are_named(weight, error):
    X = load_iris().X
    with pytest.raises((ValueError, TypeError), match=error):
        run_em(X, start_on(X, 2, "full"), sample_weight=weight)


# Threads

@pytest.mark.parametrize("D", [2, 31])
@each_family
def test_the_number_of_threads_changes_no_bit(family, D, blas_threads, small_blocks):
    X = sample(1000, 3, D, family)
    start = random_mixture(3, D, family)
    runs = []
    for n_threads in (1, 2, 3, 7):
        blas_threads(n_threads)
        runs.append((*run_em(X, start, tol=0, max_iter=4), score_samples(X, start), log_likelihood(X, start)))
        assert threads.blas_controls()[0]() == n_threads
    for mixture, _, trace, scores, total in runs[1:]:
        np.testing.assert_array_equal(mixture.means, runs[0][0].means)
        np.testing.assert_array_equal(mixture.covariances, runs[0][0].covariances)
        np.testing.assert_array_equal(trace, runs[0][2])
        np.testing.assert_array_equal(scores, runs[0][3])
        assert total == runs[0][4]


def test_blocks_are_shared_among_threads_and_one_block_is_not(blas_threads, monkeypatch):
    blas_threads(2)
    X, start, names, met = load_iris().X, start_on(load_iris().X, 2, "diag"), set(), threading.Event()
    look, wait = table.Table.block, False

    def block(*given):
        names.add(threading.current_thread().name)
        if len(names) == 2:
            met.set()
        if wait:
            assert met.wait(10), "no other thread came for a block"
        return look(*given)

    monkeypatch.setattr(table.Table, "block", block)
    run_em(X, start, max_iter=3)
    assert names == {threading.current_thread().name}
    monkeypatch.setattr(table, "BLOCK_BYTES", 1)
    wait = True
    run_em(X, start, max_iter=3)
    assert len(names) == 2 and any("ThreadPool" in name for name in names)
    assert not any("ThreadPool" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("error", [ZeroDivisionError, IndexError])
def test_no_block_is_begun_after_an_error(error, blas_threads):
    blas_threads(2)
    begun = []

    def fail(task):
        begun.append(task)
        raise error(f"task {task}")

    with threads.workers() as mapping, pytest.raises(error, match="task"):
        list(mapping(fail, range(100)))
    assert len(begun) <= 2


def test_no_block_is_begun_after_sums_that_do_not_add(blas_threads):
    blas_threads(2)
    begun = []

    def sums(rows):
        begun.append(rows)
        np.linalg.svd(np.ones((60, 60)))                            # takes a while
        return [np.zeros(2 + rows.start % 2)]                       # two numbers, then three

    with threads.workers() as mapping:
        with pytest.raises(ValueError, match="broadcast") as kept:  # its traceback holds on to all that was going on
            threads.sum_of_blocks(sums, 1000, 1, mapping)
        n_begun = len(begun)
    assert kept and n_begun == len(begun) < 1000


def test_threads_that_cannot_start_are_done_without(blas_threads, monkeypatch):
    blas_threads(4)
    start, started, at_work = threading.Thread.start, [], set()

    def start_one(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    def work(task):
        at_work.add(threading.current_thread())
        return task**2

    monkeypatch.setattr(threading.Thread, "start", start_one)
    with threads.workers() as mapping:
        for n_tasks in (2, 100):
            assert list(mapping(work, range(n_tasks))) == [task**2 for task in range(n_tasks)]
    assert at_work == {threading.current_thread()} and len(started) == 1
    started[0].join()                                               # it has ended, or will


def test_each_task_has_its_result_whoever_does_it(blas_threads):
    blas_threads(3)
    with threads.workers() as mapping:
        for n_tasks in (1, 2, 3, 100):
            assert list(mapping(lambda task: task**2, range(n_tasks))) == [task**2 for task in range(n_tasks)]


def test_scratch_is_kept_by_each_thread_and_let_go_at_the_end(blas_threads):
    blas_threads(2)
    with threads.workers():
        one = threads.scratch("a", (3, 4), float)
        assert np.shares_memory(one, threads.scratch("a", (2, 5), np.float32)) and not np.shares_memory(one, threads.scratch("b", (3, 4), float))
        assert threads.scratch("a", (30, 4), float).shape == (30, 4)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(threads.scratch, "a", (30, 4), float).result()
        mine = threads.scratch("a", (30, 4), float)
        assert not np.shares_memory(mine, other)
    assert not np.shares_memory(mine, threads.scratch("a", (30, 4), float))


@pytest.mark.parametrize("fail", ["on_round", "collapse"])
def test_the_threads_of_the_blas_are_given_back_after_an_error(fail, blas_threads, small_blocks):
    blas_threads(2)
    X = load_iris().X
    start = start_on(X, 2, "full")
    seen = []

    def stop(n_iter, log_likelihood):
        seen.append(threads.blas_controls()[0]())
        raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SingularCovarianceError)):
        if fail == "on_round":
            run_em(X, start, on_round=stop)
        else:
            run_em(np.vstack([X[:70] * 0, X[70:]]), Mixture([0.5, 0.5], [X[0] * 0, X[-1]], [1e-4 * np.eye(4), np.eye(4)]))
    assert threads.blas_controls()[0]() == 2
    assert seen == ([1] if fail == "on_round" else [])


def test_fits_side_by_side_give_the_threads_back(blas_threads, small_blocks):
    blas_threads(2)
    X = load_iris().X
    start = start_on(X, 3, "full")
    alone = run_em(X, start, max_iter=10)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: run_em(X, start, max_iter=10), range(12)))
    for run in runs:
        np.testing.assert_array_equal(run.log_likelihoods, alone.log_likelihoods)
    assert threads.blas_controls()[0]() == 2


def test_it_runs_where_no_thread_can_start_and_where_the_blas_is_unknown(blas_threads, monkeypatch, small_blocks):
    X = load_iris().X
    start = start_on(X, 2, "full")
    blas_threads(2)
    expected = run_em(X, start, max_iter=3)

    def no_threads(*args, **kwargs):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_threads)
        np.testing.assert_array_equal(run_em(X, start, max_iter=3).log_likelihoods, expected.log_likelihoods)
    monkeypatch.setattr(threads, "blas_controls", lambda: None)
    np.testing.assert_allclose(run_em(X, start, max_iter=3).log_likelihoods, expected.log_likelihoods, rtol=1e-13)


# Memory

@pytest.fixture
def one_thread(monkeypatch):
    """Each thread has its own block: the memory that tests measure is that of one, at every run the same."""
    monkeypatch.setattr(threads, "MOST_THREADS", 1)


@pytest.mark.parametrize(("n_threads", "most"), [(1, 8), (2, 15)])
@pytest.mark.parametrize(("D", "K"), [(2, 8), (50, 16)])
@each_family
def test_memory_does_not_grow_with_the_data(family, D, K, n_threads, most, blas_threads):
    blas_threads(n_threads)
    start = random_mixture(K, D, family, spread=0.1)
    rng = np.random.default_rng(0)
    peaks = []
    for N in (1_600_000 // D, 4_800_000 // D):
        X, weight = rng.normal(size=(N, D)), np.ones(N)
        tracemalloc.start()
        try:
            run_em(X, start, max_iter=1, reg_covar=0.1, sample_weight=weight)
            peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        finally:
            tracemalloc.stop()
    assert max(peaks) < most
    assert peaks[1] < peaks[0] + 4                          # MiB; a single N x K array would take 7.8 to 98 more


@pytest.mark.parametrize("use", [score_samples, most_responsible, responsibilities, log_likelihood])
def test_results_need_little_more_than_their_own_room(use, one_thread):
    mixture = random_mixture(3, 10, spread=0.1)
    X = np.random.default_rng(0).normal(size=(300_000, 10)).astype("float32")       # 24 MB if it were copied as float64
    tracemalloc.start()
    try:
        result = use(X, mixture)
        assert tracemalloc.get_traced_memory()[1] < np.asarray(result).nbytes + 8e6
    finally:
        tracemalloc.stop()
    assert np.asarray(result).dtype == {responsibilities: np.float32, most_responsible: int}.get(use, float)
    expected = use(X.astype(float), mixture)
    np.testing.assert_allclose(result, expected, rtol=1e-6 if use is responsibilities else 1e-13, atol=1e-30)


@pytest.mark.parametrize(("D", "K"), [(24, 2), (2, 30), (6, 6)])
def test_a_block_that_is_scored_has_as_many_rows_as_fit_in_the_room_of_one(D, K, one_thread, monkeypatch):
    room = 1 << 20
    monkeypatch.setattr(table, "BLOCK_BYTES", room)
    mixture = random_mixture(K, D, "tied")
    X = sample_mixture(4 * room // (8 * D), mixture, 0)[0]
    log_likelihood(X, mixture)                              # what is made once
    tracemalloc.start()
    log_likelihood(X, mixture)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 < peak / room < 0.9


@pytest.mark.parametrize("weighted", [False, True])
@each_family
def test_responsibilities_from_elsewhere_make_the_textbooks_m_step(family, weighted, small_blocks):
    X = 1e3 + sample(300, 3, 2, family)
    resp = np.random.default_rng(0).dirichlet(np.ones(3), size=300)
    weight = np.random.default_rng(1).integers(0, 3, size=300) if weighted else None
    ours = fit_responsibilities(table.Table(X, weight), lambda part, rows: resp[rows].T, 3, covariance_type=family, reg_covar=0.1)
    theirs = m_step(X, resp, covariance_type=family, reg_covar=0.1, sample_weight=weight)
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-10, atol=1e-10)


def test_an_m_step_from_elsewhere_adds_no_ridge_unless_told_and_none_below_zero():
    X, half = np.array([[0.0], [2.0], [4.0]]), lambda part, rows: np.full((2, rows.stop - rows.start), 0.5)
    mixture = fit_responsibilities(table.Table(X), half, n_components=2)
    np.testing.assert_allclose(mixture.covariances.ravel(), X.var(), rtol=1e-14)
    with pytest.raises(ValueError, match="reg_covar"):
        fit_responsibilities(table.Table(X), half, 2, reg_covar=-0.5)


# Convergence

@repeatable
@given(seed=st.integers(0, 10**6), K=st.integers(1, 4), D=st.integers(1, 3), family=st.sampled_from(list(FAMILIES)),
       accelerate=st.booleans())
def test_the_likelihood_never_falls(seed, K, D, family, accelerate):
    X = sample(100, K, D, "full", seed)
    try:
        run = run_em(X, start_on(X, K, family, seed), tol=0, max_iter=20, accelerate=accelerate)
    except SingularCovarianceError:
        assume(False)
    trace = run.log_likelihoods
    assert (np.diff(trace) >= -1e-11 * 100 * (1 + np.abs(trace).max() / 100)).all()
    assert trace[-1] == pytest.approx(e_step(X, run.mixture)[1].sum(), rel=1e-9)


@pytest.mark.parametrize(("K", "D", "spread"), [(3, 2, 1.2), (8, 2, 2.0), (5, 10, 0.7)])
@each_family
def test_extrapolation_reaches_the_same_optimum_in_fewer_rounds(family, K, D, spread):
    X = sample(3000, K, D, family, seed=3, spread=spread)           # components that overlap: EM is slow
    start = random_mixture(K, D, family, seed=4, spread=spread)
    plain, fast = (run_em(X, start, tol=1e-7, max_iter=3000, accelerate=accelerate) for accelerate in (False, True))
    assert plain.converged and fast.converged
    assert 0 <= fast.log_likelihoods[-1] - plain.log_likelihoods[-1] < 1e-4 * len(X)
    as_high = int(np.argmax(fast.log_likelihoods >= plain.log_likelihoods[-1]))     # it goes on, to a higher point
    assert as_high < 0.6 * len(plain.log_likelihoods) or len(plain.log_likelihoods) < 30


@pytest.mark.parametrize("name", ["faithful", "iris"])
@each_family
def test_extrapolation_never_ends_below_plain_em(family, name):
    X = {"faithful": load_faithful().X, "iris": load_iris().X}[name]
    for seed in range(4):
        start = start_on(X, 2, family, seed)
        for tol in (1e-3, 1e-5, 1e-7):
            plain, fast = (run_em(X, start, tol=tol, max_iter=3000, accelerate=accelerate) for accelerate in (False, True))
            assert fast.log_likelihoods[-1] >= plain.log_likelihoods[-1] - 0.01 * tol * len(X)


def where_em_stays(X, mixture, reg_covar):
    """Return ln p(X) per row of the point to which EM leads from here in the end."""
    run = run_em(X, mixture, tol=1e-13, max_iter=3000, reg_covar=reg_covar)
    return run.log_likelihoods[-1] / len(X)


@pytest.mark.parametrize("reg_covar", [0, 1e-6, 1e-2])
@each_family
def test_extrapolation_ends_where_em_would_stay(family, reg_covar):
    tol, same = 1e-8, 0
    for seed in range(6):
        X = sample(200, 3, 2, seed=seed, spread=1.5)
        start = start_on(X, 3, family, seed)
        try:
            runs = [run_em(X, start, tol=tol, max_iter=20_000, reg_covar=reg_covar, accelerate=accelerate) for accelerate in (False, True)]
        except SingularCovarianceError:
            continue
        assert all(run.converged for run in runs)
        here = [run.log_likelihoods[-1] / len(X) for run in runs]
        there = [where_em_stays(X, run.mixture, reg_covar) for run in runs]
        if abs(there[0] - there[1]) > 1e-5:                 # they went to different optima: nothing is promised
            continue
        same += 1
        plain, fast = np.abs(np.subtract(here, there))      # steps that shrink by 0.99 or more leave up to 100 tol to go
        assert fast < max(100 * tol, 3 * plain)
        if reg_covar < 1e-3:
            assert here[1] > here[0] - 10 * tol
        else:                                               # plain EM may have stopped above where it would stay
            assert here[1] > here[0] - max(here[0] - there[0], 0) - 100 * tol
    assert same >= 4


def test_with_a_ridge_extrapolation_does_not_stop_where_the_likelihood_turns():
    X = load_faithful().X
    start = start_on(X, 3, "tied", seed=0)
    plain, fast = (run_em(X, start, tol=1e-8, max_iter=3000, reg_covar=1e-2, accelerate=accelerate) for accelerate in (False, True))
    there = where_em_stays(X, fast.mixture, 1e-2)
    assert plain.log_likelihoods[-1] / len(X) < there - 0.01            # EM on its way down, then up again, stood still for a moment
    assert abs(fast.log_likelihoods[-1] / len(X) - there) < 1e-6


def test_with_a_ridge_extrapolation_still_saves_passes():
    rounds = np.zeros(2, int)
    for seed in range(4):
        X = sample(200, 3, 2, seed=seed, spread=1.5)
        start = start_on(X, 3, "diag", seed)
        rounds += [len(run_em(X, start, tol=1e-8, max_iter=5000, reg_covar=0.1, accelerate=accelerate).log_likelihoods)
                   for accelerate in (True, False)]
    assert rounds[0] < 0.6 * rounds[1]                                  # 1.3 if judged by the penalised likelihood alone


@pytest.mark.parametrize("reg_covar", [0.1, 1.0])
def test_tied_em_with_a_ridge_climbs_the_penalised_likelihood(reg_covar):
    X = load_iris().X
    start = start_on(X, 3, "tied")
    climber = EM(table.Table(X), "tied", reg_covar)
    visit = climber.visit(Point("tied", start.weights, start.means - climber.table.centre, start.covariances))
    path = []
    for _ in range(50):
        path.append((climber.objective(visit), visit.log_likelihood))
        visit = climber.visit(climber.m_step(visit))
    objective, likelihood = np.diff(path, axis=0).T
    assert objective.min() > -1e-10 and likelihood.min() < -1e-3         # the likelihood alone falls


def test_extrapolation_bears_a_constant_feature():
    X = np.column_stack([load_faithful().X, np.full(272, 7.0)])
    start = start_on(X + 1e-3 * np.random.default_rng(0).normal(size=X.shape), 2, "full")
    run = run_em(X, start, tol=1e-8, reg_covar=1e-2, max_iter=200, accelerate=True)
    assert run.converged
    np.testing.assert_allclose(run.mixture.means, run_em(X, start, tol=1e-8, reg_covar=1e-2, max_iter=500).mixture.means, rtol=1e-2)


@each_family
def test_every_vector_of_the_chart_is_a_mixture_and_back(family):
    spread = np.array([1e-3, 1.0, 1e5])
    mixture = random_mixture(3, 3, family)
    point = Point(family, mixture.weights, mixture.means, mixture.covariances)
    chart = to_chart(point, spread)
    assert len(chart) == mixture.n_parameters + 1
    for vector, rtol in ((chart, 1e-10), (np.random.default_rng(0).normal(size=chart.shape), 1e-8)):
        back = from_chart(vector, point, spread)
        assert abs(back.weights.sum() - 1) < 1e-12 and back.reach() >= 0
        turned = to_chart(back, spread)
        turned[:3] += vector[0] - turned[0]                 # the weights are told up to a factor
        np.testing.assert_allclose(turned, vector, rtol=rtol, atol=rtol)


def test_progress_is_reported_each_round():
    X, seen = load_iris().X, []
    run = run_em(X, start_on(X, 2, "full"), max_iter=5, tol=0, on_round=lambda *given: seen.append(given))
    assert seen == list(enumerate(run.log_likelihoods[1:], start=1))


@each_family
def test_many_columns_score_as_the_textbook_does(family):
    X, mixture = sample(300, 3, 40, family), random_mixture(3, 40, family)
    np.testing.assert_allclose(score_samples(X, mixture), em.e_step(X, mixture)[1], rtol=1e-10)
    np.testing.assert_allclose(responsibilities(X, mixture), em.e_step(X, mixture)[0], rtol=1e-8, atol=1e-12)


# Errors

@pytest.mark.parametrize("family", ["full", "diag", "spherical"])
def test_scores_of_few_features_near_the_data_are_two_products(family, monkeypatch):
    monkeypatch.setattr(blocks, "direct_e_step", None)
    mixture = random_mixture(3, 2, family)
    X = sample_mixture(50, mixture, 0)[0]
    np.testing.assert_allclose(score_samples(X, mixture), e_step(X, mixture)[1], rtol=1e-10)


@each_family
def test_a_component_without_points_is_an_error_that_names_it(family):
    X = load_faithful().X
    start = start_on(X, 3, family)
    means = start.means.copy()
    means[1] = 1e9                                          # so far away that its responsibilities are 0
    with pytest.raises(SingularCovarianceError, match="component 1 is responsible for no point") as caught:
        run_em(X, Mixture(start.weights, means, start.covariances, family))
    assert caught.value.component == 1


@pytest.mark.parametrize("family", ["full", "diag", "spherical"])
def test_a_component_on_one_point_is_an_error_that_names_it(family):
    X = np.vstack([load_faithful().X, [[50.0, 500.0]]])
    covariances = FAMILIES[family].restrict(100 * np.array([np.eye(2)] * 2), np.array([0.5, 0.5]))
    start = Mixture([0.5, 0.5], [[3.5, 70.0], [50.0, 500.0]], covariances, family)
    with pytest.raises(SingularCovarianceError, match="component 1 has collapsed") as caught:
        run_em(X, start)
    assert caught.value.component == 1


@pytest.mark.parametrize(("X", "error"), [
    ([[0.0, np.nan]], "NaN or infinite, the first at index"), (np.array([[1.0, 2.0], [np.inf, 0.0]]), r"index \(1, 0\)"),
    (np.array([[1.0, 2.0], [0.0, 1e101]]), "as large as"), (np.ones((5, 3)), "3 columns"), (np.empty((0, 2)), "no data"), (np.ones(5), "shape"), (np.full((4, 2), 1e150), "as large as"),
    ([["a", "b"]], "real numbers"), (np.ma.masked_array(np.ones((3, 2))), "masked"), (np.ones((3, 2)) * 1j, "Complex data not supported"),
    ([[1.0, 2.0], [3.0]], "ragged"),
])
def test_bad_data_are_named_as_everywhere(X, error):
    mixture = random_mixture(2, 2)
    for use in (run_em, score_samples, log_likelihood):
        with pytest.raises((ValueError, TypeError), match=error):
            use(X, mixture)


@pytest.mark.parametrize("change", [{"tol": -1}, {"tol": "x"}, {"max_iter": -1}, {"max_iter": 1.5}, {"reg_covar": -1}, {"reg_covar": None}])
def test_bad_options_are_named(change):
    with pytest.raises((ValueError, TypeError), match=next(iter(change))):
        run_em(load_faithful().X, random_mixture(2, 2), **change)


def test_what_is_no_mixture_is_named():
    with pytest.raises(TypeError, match="Mixture"):
        run_em(load_faithful().X, "start")


def test_a_distance_beyond_all_numbers_is_an_error():
    with pytest.raises(ValueError, match="so far"):
        run_em([[1e90, 0.0], [0.0, 0.0]], Mixture([1.0], [[0.0, 0.0]], [1e-200 * np.eye(2)]))


# Peers

@pytest.mark.parametrize("rounds", [1, 2, 10])
@each_family
def test_each_step_is_that_of_scikit_learn(family, rounds):
    X = load_iris().X
    start = start_on(X, 3, family)
    precisions = 1 / start.covariances if family in ("diag", "spherical") else np.linalg.inv(start.covariances)
    peer = sklearn.mixture.GaussianMixture(3, covariance_type=family, tol=0, max_iter=rounds, reg_covar=1e-4, weights_init=start.weights,
                                           means_init=start.means, precisions_init=precisions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)      # stopped short on purpose
        peer.fit(X)
    ours = run_em(X, start, tol=0, max_iter=rounds, reg_covar=1e-4).mixture
    np.testing.assert_allclose(ours.weights, peer.weights_, rtol=1e-9)
    np.testing.assert_allclose(ours.means, peer.means_, rtol=1e-9)
    np.testing.assert_allclose(ours.covariances, peer.covariances_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(score_samples(X, ours), peer.score_samples(X), rtol=1e-7)


def test_the_sums_in_blocks_are_the_sums():
    rows = np.arange(1000.0)
    for size in (1, 7, 64, 999, 1000, 5000):
        assert threads.sum_of_blocks(lambda part: [rows[part].sum()], 1000, size)[0] == rows.sum()


def test_weights_beside_a_table_are_refused():
    X = load_iris().X
    with pytest.raises(TypeError, match="sample_weight is given beside a Table"):
        run_em(table.Table(X), start_on(X, 2, "full"), sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("reg_covar", [0.0, 0.3])
@each_family
def test_the_objective_is_the_likelihood_less_the_ridges_share(family, reg_covar):
    X, mixture = sample(200, 2, 3, family), random_mixture(2, 3, family)
    em_here = EM(table.Table(X), family, reg_covar)
    counts = e_step(X, mixture)[0].sum(axis=0)
    penalty = reg_covar / 2 * sum(n * np.trace(np.linalg.inv(matrix)) for n, matrix in zip(counts, mixture.matrices))
    assert em_here.objective(em_here.visit(as_point(mixture, em_here.table))) == pytest.approx(log_likelihood(X, mixture) - penalty, rel=1e-10)


@pytest.mark.parametrize("run", [em.run_em, run_em])
def test_what_a_run_does_unless_told(run):
    X = load_iris().X
    start = start_on(X, 2, "full")
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()
                if parameter.kind is parameter.KEYWORD_ONLY}
    assert defaults.items() >= {"tol": 1e-3, "max_iter": 100, "reg_covar": 0.0, "sample_weight": None, "on_round": None}.items()
    with pytest.raises(ValueError, match="max_iter"):
        run(X, start, max_iter=-1)


@pytest.mark.parametrize("K", [1, 3])
def test_a_run_that_goes_on_with_no_round_left_has_not_converged(K):
    X, kept = load_iris().X, []
    run = run_em(X, start_on(X, K, "full"), tol=0, max_iter=2, keep=kept.append)
    again = run_em(X, kept[-1], tol=0, max_iter=len(kept) - 1)
    assert not run.converged and not again.converged
    np.testing.assert_array_equal(again.log_likelihoods, kept[-1].log_likelihoods)
