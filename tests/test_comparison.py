"""The comparison: its numbers, its doubts, its null, and what it says in words."""

import numpy as np
import pytest

from gmm_from_scratch import SingularCovarianceError, compare, comparison
from gmm_from_scratch.comparison import Candidate, Comparison
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.data import load_faithful
from gmm_from_scratch.selection import aic, bic, held_out_log_likelihood, icl, thinness

FAITHFUL = load_faithful().X
LONG = np.random.default_rng(0).normal(size=(100, 2)) @ [[5.0, 4.0], [0.0, 1.0]]           # one slanted Gaussian
QUICK = {"n_init": 3, "n_null": 0, "random_state": 0}


@pytest.fixture(scope="module")
def geyser():
    return compare(FAITHFUL, range(1, 5), ["full", "tied"], n_init=5, n_null=0, random_state=0)


def test_bic_names_two_or_three_components_of_the_geyser_according_to_the_family(geyser):
    assert geyser.named("bic", "full") == ("full", 2)
    assert geyser.named("bic", "tied") == ("tied", 3)
    assert geyser.named("bic") == ("tied", 3)                   # as mclust says
    assert geyser.named("icl") == ("full", 2)
    assert geyser.best("bic").bic < 2314.4
    assert "BIC names tied, k = 3." in geyser.verdict and "ICL names full, k = 2." in geyser.verdict


def test_all_models_are_rated_on_the_same_parts():
    """One full and one tied component are the same model, and so must be what it is worth on rows held out."""
    full, tied = compare(FAITHFUL, 1, ["full", "tied"], n_folds=3, **QUICK).rows
    np.testing.assert_allclose(full.held_out, tied.held_out, rtol=1e-9)
    again, other = (compare(FAITHFUL, 1, "full", n_folds=3, **QUICK | {"random_state": seed}).rows[0].held_out for seed in (0, 1))
    assert again == full.held_out != other


def test_each_row_tells_of_its_own_mixture(geyser):
    assert [(row.covariance_type, row.n_components) for row in geyser.rows] == [(f, k) for f in ("full", "tied") for k in range(1, 5)]
    for row in geyser.rows:
        assert (row.aic, row.bic, row.icl) == tuple(criterion(FAITHFUL, row.mixture) for criterion in (aic, bic, icl))
        assert row.n_parameters == row.mixture.n_parameters
        assert row.log_likelihood == pytest.approx(-row.aic / 2 + row.n_parameters)
        assert row.thinness == pytest.approx(thinness(FAITHFUL, row.mixture), rel=1e-4)
        assert row.mixture.n_components == row.n_components and row.mixture.covariance_type == row.covariance_type
        assert 1 <= row.n_reached <= 5 - row.n_collapsed and (np.isnan(row.agreement) if row.n_reached < 2 else -1 <= row.agreement <= 1)


def test_the_table_can_be_read(geyser):
    lines = repr(geyser).splitlines()
    assert lines[0] == "272 rows, 2 features; 5 starts for each model"
    table = lines[2:11]
    assert len({len(line) for line in table}) == 1 and max(map(len, lines)) <= 104
    assert table[0].split() == ["family", "k", "p", "ln", "L", "AIC", "BIC", "ICL", "reached", "ARI", "thinnest", "lost"]
    assert [line.split()[:2] for line in table[1:]] == [[row.covariance_type, str(row.n_components)] for row in geyser.rows]
    assert "2314.3*" in repr(geyser) and repr(geyser).count("*") == 4          # one in each of three columns, one in the legend
    assert " ".join(repr(geyser).split()).endswith(" ".join(geyser.verdict.split()))
    assert "from one Gaussian" not in repr(geyser)


def test_the_same_seed_gives_the_same_table():
    one, two = (compare(FAITHFUL[::4], [1, 2], n_init=2, n_null=1, n_folds=2, random_state=np.random.default_rng(3)) for _ in range(2))
    assert repr(one) == repr(two)
    assert [row.covariance_type for row in one.rows] == [family for family in FAMILIES for _ in range(2)]


def test_the_held_out_likelihood_is_a_column_when_asked_for():
    found = compare(FAITHFUL, [1, 2], "tied", n_folds=4, **QUICK)
    assert found.criteria == ["aic", "bic", "icl", "held_out"] and "held-out names tied, k = 2" in found.verdict
    one, two = found.rows
    assert two.held_out > one.held_out == pytest.approx(held_out_log_likelihood(FAITHFUL, 1, random_state=5), abs=0.02)
    assert compare(FAITHFUL, 1, "tied", **QUICK).criteria == ["aic", "bic", "icl"]


def test_one_gaussian_is_one_component():
    found = compare(LONG, [1, 2], "full", n_init=2, n_null=2, random_state=0)
    assert found.named("bic") == found.named("icl") == ("full", 1)
    assert found.null["bic"] == found.null["icl"] == [1, 1]
    words = " ".join(repr(found).split())
    assert "On data sets from one Gaussian: AIC names k = " in words and "BIC names k = 1, 1; ICL names k = 1, 1." in words


def test_the_table_fits_beside_the_sidebars_of_a_page():
    found = compare(1000 * LONG, [1, 2], ["full", "spherical"], n_init=2, n_null=3, n_folds=2, random_state=0)
    assert max(map(len, repr(found).splitlines())) <= 84


@pytest.mark.parametrize("sizes", [3, [2, 3]])
def test_one_component_is_always_tried_on_one_gaussian(sizes):
    X = np.random.default_rng(0).normal(size=(90, 2)) + np.repeat([[0, 0], [20, 0], [0, 20]], 30, axis=0)
    found = compare(X, sizes, "full", random_state=0)
    assert found.null["bic"] == [1, 1, 1] and found.named("bic") == ("full", 3)
    assert "one Gaussian" not in found.verdict


def test_a_set_from_one_gaussian_on_which_all_models_collapse_names_none(monkeypatch):
    collapsing, found_sets = comparison._candidate, []

    def candidate(X, family, k, *more):
        if X is not FAITHFUL and not any(X is other for other in found_sets):
            found_sets.append(X)
        lost = X is not FAITHFUL and X is found_sets[0]             # the first of the simulated sets
        return Candidate(family, k, 1) if lost else collapsing(X, family, k, *more)

    monkeypatch.setattr(comparison, "check_data", lambda X: X)
    monkeypatch.setattr(comparison, "_candidate", candidate)
    found = compare(FAITHFUL, [2], "tied", n_init=2, n_null=2, random_state=0)
    assert len(found_sets) == 2 and [len(named) for named in found.null.values()] == [1, 1, 1]


def test_what_one_gaussian_gives_as_well_is_said():
    found = compare(LONG, [1, 2, 3], "spherical", n_init=2, n_null=2, random_state=0)
    assert found.best("bic").n_components > 1 and min(found.null["bic"]) > 1       # round components tile a long one
    assert "for one Gaussian it names more than one component too (2 of 2 times)" in found.verdict


def test_where_runs_of_equal_likelihood_disagree_no_k_is_named():
    rng = np.random.default_rng(0)
    corners = np.vstack([rng.normal(size=(25, 2)) * 0.5 + corner for corner in ([2, 2], [2, -2], [-2, 2], [-2, -2])])
    corners = np.vstack([corners, corners[:, ::-1]])            # left and right, or above and below: exactly as good
    found = compare(corners, 2, "tied", n_init=12, n_null=0, random_state=0)
    assert found.rows[0].n_reached >= 2 and found.rows[0].agreement < 0.1
    assert found.named("bic") is None
    assert "BIC is best for tied, k = 2, but no k should be named: runs of equal likelihood group the points differently" in found.verdict


def a_comparison(*rows, null=()):
    return Comparison(rows, {"bic": list(null)}, 6, 1.0, 100, 2)


ONE = Candidate("full", 1, 5, -500.0, 1010.0, 1023.0, 1023.0, n_reached=6, agreement=1.0, thinness=1.0, converged=True, mixture="any")
TWO = ONE._replace(n_components=2, n_parameters=11, log_likelihood=-400.0, aic=822.0, bic=851.0, icl=860.0)


@pytest.mark.parametrize(("change", "said"), [
    ({}, "BIC names full, k = 2, the largest k tried."),
    ({"n_reached": 1, "agreement": np.nan}, "no k should be named: only 1 of 6 starts came within 1 of its ln L"),
    ({"agreement": 0.5}, r"no k should be named: runs of equal likelihood group the points differently \(ARI 0.50\)"),
    ({"converged": False}, "no k should be named: its best run was cut short by max_iter"),
    ({"agreement": 0.5, "converged": False}, r"differently \(ARI 0.50\); its best run was cut short")])
def test_each_doubt_is_said_in_words(change, said):
    found = a_comparison(ONE, TWO._replace(**change))
    assert pytest.approx(851) == found.best("bic").bic
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(found.verdict)
    assert found.named("bic") == (None if change else ("full", 2))
    assert ("? " in repr(found).split("AIC, BIC")[0]) == bool(change)


def test_a_model_whose_starts_all_collapse_keeps_its_row_and_is_never_best():
    lost = Candidate("diag", 3, 14, n_collapsed=6)
    found = a_comparison(lost, ONE, TWO)
    assert found.best("bic") is TWO and found.doubts(lost) == ["all 6 starts collapsed"] and "nan" in repr(found)
    X = np.vstack([LONG, [[90.0, 90.0]] * 3])                   # three points on one spot
    rows = compare(X, [1, 2], "full", **QUICK).rows
    assert rows[0].mixture is not None and rows[1].mixture is None and rows[1].n_collapsed == 3
    with pytest.raises(SingularCovarianceError, match="all 3 starts collapsed"):
        compare(X, 2, "full", **QUICK)


def test_unknown_criteria_families_and_options_are_refused(geyser):
    with pytest.raises(ValueError, match="criterion is 'hqc'; choose one of 'aic', 'bic', 'icl'"):
        geyser.best("hqc")
    with pytest.raises(ValueError, match="covariance_type is 'diag'; choose one of"):
        geyser.named("bic", "diag")
    for unknown in ({"tol": 1e-3}, {"covariance_type": "full"}):
        with pytest.raises(TypeError, match=f"no parameter '{next(iter(unknown))}'"):
            compare(LONG, 1, "tied", **unknown, **QUICK)
