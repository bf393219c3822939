"""k-means against its own objective, against brute force and against scikit-learn."""

from itertools import islice, pairwise

import numpy as np
import pytest
import sklearn.cluster

from gmm_from_scratch import ConvergenceWarning, KMeans, NotFittedError
from gmm_from_scratch.data import load_faithful, load_iris, load_penguins
from gmm_from_scratch.kmeans import assign_step, inertia, kmeans_plusplus, kmeans_steps, update_step
from gmm_from_scratch.table import Table

TABLES = {"faithful": load_faithful().X, "iris": load_iris().X, "penguins": load_penguins().X}
each_table = pytest.mark.parametrize("X", TABLES.values(), ids=TABLES)
each_seed = pytest.mark.parametrize("seed", range(4))


def random_rows(X, K, seed):
    return X[np.random.default_rng(seed).choice(len(X), K, replace=False)]


@each_seed
@each_table
def test_inertia_never_rises(X, seed):
    steps = list(islice(kmeans_steps(X, random_rows(X, 5, seed)), 25))
    assert all(after.inertia <= before.inertia * (1 + 1e-12) for before, after in pairwise(steps))      # to rounding
    assert steps[-1].inertia < steps[0].inertia


def test_each_step_has_the_nearest_labels_and_the_inertia_of_its_own_centers():
    X = TABLES["iris"]
    for step in islice(kmeans_steps(X, random_rows(X, 3, 0)), 4):
        distance = ((X[:, None] - step.centers) ** 2).sum(axis=2)
        np.testing.assert_array_equal(step.labels, distance.argmin(axis=1))
        assert step.inertia == pytest.approx(distance.min(axis=1).sum(), rel=1e-12)


def test_a_tie_goes_to_the_first_center():
    assert assign_step([[0.0]], [[1.0], [-1.0], [1.0]]).tolist() == [0]


@each_seed
def test_no_other_centers_serve_the_same_labels_better(seed):
    X = TABLES["iris"]
    centers = random_rows(X, 3, seed)
    labels = assign_step(X, centers)
    best = update_step(X, labels, centers)
    rng = np.random.default_rng(seed)
    for size in (1e-6, 1e-3, 1.0):
        assert inertia(X, labels, best) < inertia(X, labels, best + size * rng.normal(size=best.shape))


@each_seed
@each_table
def test_a_fit_that_settled_is_a_fixed_point_of_both_steps(X, seed):
    model = KMeans(3, tol=0, init=random_rows(X, 3, seed)).fit(X)
    np.testing.assert_array_equal(assign_step(X, model.cluster_centers_), model.labels_)
    np.testing.assert_allclose(update_step(X, model.labels_, model.cluster_centers_), model.cluster_centers_, rtol=1e-14)
    assert model.inertia_ == pytest.approx(inertia(X, model.labels_, model.cluster_centers_), rel=1e-13)


@pytest.mark.parametrize("tol", [0, 1e-4, 1e-2])
@each_seed
@each_table
def test_equals_scikit_learn_from_the_same_start(X, seed, tol):
    shift = 0.1 * X.std(axis=0) * np.random.default_rng(seed).normal(size=(4, X.shape[1]))
    start = random_rows(X, 4, seed) + shift                     # off the grid of rounded measurements: no ties
    ours = KMeans(4, init=start, tol=tol).fit(X)
    theirs = sklearn.cluster.KMeans(4, init=start, n_init=1, tol=tol, algorithm="lloyd", max_iter=300).fit(X)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-10)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    assert ours.labels_.dtype == theirs.labels_.dtype
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-10)
    assert ours.n_iter_ == theirs.n_iter_
    new = X[::3] + 1.0
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-7)
    assert ours.score(new) == pytest.approx(theirs.score(new), rel=1e-10)


def test_plusplus_starts_anywhere_and_goes_on_in_proportion_to_squared_distance():
    X = np.array([[0.0], [1.0], [3.0]])
    squared = (X - X.T) ** 2                                    # from row to column
    probability = squared / squared.sum(axis=1, keepdims=True) / 3
    N, rng = 4000, np.random.default_rng(0)
    drawn = np.zeros((3, 3))
    for _ in range(N):
        first, second = kmeans_plusplus(X, 2, rng)
        drawn[X[:, 0].searchsorted(first[0]), X[:, 0].searchsorted(second[0])] += 1
    # 4.5 standard deviations of a binomial count; choosing by plain distance would be off by 20
    assert (np.abs(drawn - N * probability) <= 4.5 * np.sqrt(N * probability * (1 - probability))).all()


def test_plusplus_measures_to_the_nearest_center_chosen_so_far():
    X = np.array([[0.0], [0.001], [10.0], [10.001], [20.0]])
    found = [sorted(kmeans_plusplus(X, 3, seed).ravel().round()) for seed in range(200)]
    assert found == [[0, 10, 20]] * 200                         # a second point of a pair has probability 1e-8


def test_plusplus_never_takes_the_same_row_twice():
    X = np.vstack([np.zeros((50, 1)), [[1.0]], [[2.0]]])
    assert all(sorted(kmeans_plusplus(X, 3, seed).ravel()) == [0, 1, 2] for seed in range(30))


def test_plusplus_needs_as_many_distinct_rows_as_clusters():
    with pytest.raises(ValueError, match="X has only 2 distinct rows"):
        kmeans_plusplus([[0.0], [0.0], [1.0]], 3, 0)


def test_an_empty_cluster_takes_the_point_farthest_from_its_center():
    new = update_step([[0.0], [1.0], [9.0]], [0, 0, 0], [[0.0], [100.0]])
    np.testing.assert_allclose(new, [[10 / 3], [9.0]])


def test_two_empty_clusters_take_different_points():
    new = update_step([[0.0], [1.0], [9.0], [-8.0]], [0, 0, 0, 0], [[0.0], [100.0], [200.0]])
    np.testing.assert_allclose(new, [[0.5], [9.0], [-8.0]])


def test_more_empty_clusters_than_points_to_fill_them_are_refused():
    with pytest.raises(ValueError, match="centers"):
        update_step([[0.0], [1.0]], [0, 0], [[0.0], [1.0], [2.0], [3.0], [4.0]])


@each_seed
def test_a_fit_leaves_no_cluster_empty_and_no_worse(seed):
    X = TABLES["iris"]
    start = np.vstack([random_rows(X, 2, seed), [[50.0] * 4], [[99.0] * 4]])      # nothing is near the last two
    model = KMeans(4, init=start).fit(X)
    assert set(model.labels_) == {0, 1, 2, 3}
    assert model.inertia_ < KMeans(2, init=start[:2]).fit(X).inertia_


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_the_best_of_the_restarts_is_kept(init):
    X = TABLES["penguins"]
    rng = np.random.default_rng(0)
    singles = [KMeans(6, init=init, n_init=1, random_state=rng).fit(X).inertia_ for _ in range(6)]
    assert max(singles) > min(singles)
    assert KMeans(6, init=init, n_init=6, random_state=np.random.default_rng(0)).fit(X).inertia_ == min(singles)


def test_a_fit_cut_short_warns_and_is_still_consistent():
    X = TABLES["penguins"]
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model = KMeans(5, init=random_rows(X, 5, 0), max_iter=1).fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.n_iter_ == 1
    assert model.score(X) == pytest.approx(-model.inertia_, rel=1e-13)


def test_as_many_clusters_as_points_leave_nothing_over():
    X = np.arange(6.0).reshape(6, 1) ** 2
    assert KMeans(6, random_state=0).fit(X).inertia_ == 0


def test_one_cluster_has_the_mean_as_its_center():
    X = TABLES["iris"]
    np.testing.assert_allclose(KMeans(1, random_state=0).fit(X).cluster_centers_, [X.mean(axis=0)])


@pytest.mark.parametrize("method", ["predict", "transform", "score"])
def test_results_before_fit_are_refused(method):
    with pytest.raises(NotFittedError, match="KMeans"):
        getattr(KMeans(2), method)([[0.0]])


def test_fit_predict_is_fit_then_labels():
    X = TABLES["faithful"]
    np.testing.assert_array_equal(KMeans(2, random_state=0).fit_predict(X), KMeans(2, random_state=0).fit(X).labels_)


def test_a_seed_repeats_a_fit_and_the_global_random_state_is_left_alone():
    X = TABLES["penguins"]
    before = np.random.get_state()[1].copy()
    one, two = (KMeans(6, init="random", n_init=1, random_state=3).fit(X) for _ in range(2))
    KMeans(2).fit(X)
    np.testing.assert_array_equal(one.labels_, two.labels_)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_inputs_are_never_changed():
    X = TABLES["iris"].copy()
    start = random_rows(X, 3, 0)
    kept = X.copy(), start.copy()
    model = KMeans(3, init=start).fit(X)
    model.cluster_centers_ += 1
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(start, kept[1])


def drawn_rows(X, n_clusters, random_state):
    """A start as one writes it for scikit-learn."""
    return X[random_state.choice(len(X), n_clusters, replace=False)]


@pytest.mark.parametrize("random_state", [None, 0, 2**70, np.random.default_rng(0), np.random.RandomState(0)])
def test_a_function_as_init_gets_one_random_state_that_moves_on(random_state):
    seen = []

    def init(X, n_clusters, random_state):
        seen.append((random_state, drawn_rows(X, n_clusters, random_state)))
        return seen[-1][1]

    X = TABLES["iris"] + 1e-6 * np.arange(600).reshape(150, 4)                      # no equal rows
    KMeans(3, init=init, random_state=random_state).fit(X)
    assert len(seen) == 10 and len({id(state) for state, _ in seen}) == 1 and type(seen[0][0]) is np.random.RandomState
    assert len({centers.tobytes() for _, centers in seen}) == 10


def test_a_seed_repeats_the_starts_of_a_function():
    X = TABLES["penguins"]
    one, two, other = (KMeans(6, init=drawn_rows, n_init=1, max_iter=300, tol=0, random_state=seed).fit(X) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)
    assert one.inertia_ != other.inertia_


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_a_function_as_init_may_write_on_its_data(dtype):
    def init(X, n_clusters, random_state):
        assert X.flags.writeable and X.flags.c_contiguous and X.dtype == ("float32" if dtype == "float32" else "float64")
        centers = X[[0, 60, 140]]
        X -= X.mean(axis=0)
        return centers

    X = (10 * TABLES["iris"]).astype(dtype)
    X.flags.writeable = False
    kept = X.copy()
    model = KMeans(3, init=init, n_init=2).fit(X)
    np.testing.assert_array_equal(X, kept)
    np.testing.assert_array_equal(model.labels_, KMeans(3, init=X[[0, 60, 140]].astype(float)).fit(X).labels_)


def test_random_rows_are_drawn_by_their_weights():
    X, weight = np.array([[0.0], [1.0], [5.0], [6.0], [99.0]]), np.array([8.0, 1.0, 1.0, 0.0, 0.0])
    N, rng = 2000, np.random.default_rng(0)
    model = KMeans(1, init="random", n_init=1)
    first = np.concatenate([next(iter(model._starts(Table(X, weight), 1, rng))) for _ in range(N)])
    counts = np.array([(first == x).sum() for x in X])
    p = weight / weight.sum()
    assert (np.abs(counts - N * p) <= 4.5 * np.sqrt(N * p * (1 - p))).all()         # none of weight 0


@pytest.mark.parametrize("weight", [[1, 1, 0, 0, 0], [True, True, False, False, False], np.array([0.1, 0.2, 0, 0, 0], "float32")])
@pytest.mark.parametrize("init", ["random", "k-means++", drawn_rows, [[0.0], [1.0], [2.0]]])
def test_rows_of_weight_0_are_no_points_to_make_clusters_of(init, weight):
    X = [[0.0], [1.0], [5.0], [6.0], [99.0]]
    with pytest.raises(ValueError, match="n_clusters is 3; expected an integer from 1 to 2"):
        KMeans(3, init=init, random_state=0).fit(X, sample_weight=weight)
    if isinstance(init, str):
        assert sorted(KMeans(2, init=init, random_state=0).fit(X, sample_weight=weight).cluster_centers_.ravel()) == [0, 1]


THREE = np.repeat([[0.0, 0.0], [1.0, 5.0], [4.0, 2.0]], 10, axis=0)


@pytest.mark.parametrize("tol", [0, 1e-4])
@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("X", [THREE, THREE / 3 + 1e6, 1e-3 * np.tile(THREE, (2000, 1)), THREE.astype("float32"), THREE[::10]],
                         ids=["three", "far away", "many", "float32", "once"])
@pytest.mark.parametrize("n_clusters", [4, 5, 9])
def test_more_clusters_than_distinct_rows_come_to_rest_and_say_why(X, n_clusters, init, tol):
    if n_clusters > len(X):
        return
    for seed in range(5):
        with pytest.warns(ConvergenceWarning) as caught:
            model = KMeans(n_clusters, init=init, tol=tol, random_state=seed).fit(X)
        assert [str(each.message).split(";")[0] for each in caught] == [f"only 3 of the n_clusters={n_clusters} clusters have rows"]
        assert model.n_iter_ <= 8 and model.inertia_ <= 1e-20 * len(X) * (X.astype(float) ** 2).sum()
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        assert len(set(map(tuple, np.column_stack([X, model.labels_]).tolist()))) == 3


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1e30])
def test_the_unit_of_the_weights_does_not_say_whether_empty_clusters_are_filled(size):
    X, start = TABLES["iris"], np.vstack([TABLES["iris"][:2], [[50.0] * 4], [[99.0] * 4]])
    plain, weighted = (KMeans(4, init=start).fit(X, sample_weight=weight) for weight in (None, np.full(150, size)))
    np.testing.assert_array_equal(weighted.labels_, plain.labels_)
    assert (weighted.n_iter_, set(plain.labels_)) == (plain.n_iter_, {0, 1, 2, 3})


def test_a_fit_that_fills_empty_clusters_goes_on_as_long_as_it_pays():
    """The second center takes a row that its own center reaches in the same round: only the round after that finds another."""
    X = np.array([[0.0], [1.0], [2.0], [50.0]])
    model = KMeans(3, init=[[0.0], [20.0], [-500.0]]).fit(X)
    assert model.inertia_ == 0.5 and len(set(model.labels_)) == 3
