"""The laws of laws.py: correct classes obey them, each planted mistake breaks the law that names it, words come in order."""

import ast
import json
import re
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import sklearn.mixture
from scipy.linalg import solve_triangular

from gmm_from_scratch import GaussianMixture
from gmm_from_scratch.checks import GATES, check_mixture
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.laws import LAWS

check = cache(partial(check_mixture, verbose=False))
NAMES = [law.__name__.replace("_", " ") for law in (*GATES, *LAWS)]


class Reference:
    """A mixture as a student may write it, from which the mutants below differ in one place each."""

    def __init__(self, n_components, tol=1e-6, max_iter=500, reg_covar=0.0, random_state=0):
        self.n_components, self.tol, self.max_iter, self.reg_covar, self.random_state = n_components, tol, max_iter, reg_covar, random_state

    def fit(self, X):
        K, rng = self.n_components, np.random.default_rng(self.random_state)
        self.weights_, self.means_ = np.full(K, 1 / K), self.start(X, rng)
        self.covariances_ = np.array([np.cov(X.T, bias=True).reshape(X.shape[1], -1)] * K)
        before = -np.inf
        for _ in range(self.max_iter):
            resp, log_density = self.e_step(X)
            if log_density.mean() - before < self.tol:
                break
            before = log_density.mean()
            self.m_step(X, resp)
        return self

    def start(self, X, rng):
        return X[rng.choice(len(X), self.n_components, replace=False)]

    def log_gaussian(self, X, mean, covariance):
        L = np.linalg.cholesky(covariance)
        u = np.linalg.solve(L, (X - mean).T)
        return -0.5 * (len(mean) * np.log(2 * np.pi) + 2 * np.log(np.diag(L)).sum() + (u**2).sum(axis=0))

    def log_joint(self, X):
        return np.log(self.weights_) + np.stack([self.log_gaussian(X, m, C) for m, C in zip(self.means_, self.covariances_)], axis=1)

    def e_step(self, X):
        joint = self.log_joint(X)
        log_density = np.logaddexp.reduce(joint, axis=1)
        return np.exp(joint - log_density[:, None]), log_density

    def m_step(self, X, resp):
        counts = resp.sum(axis=0)
        self.weights_, self.means_ = counts / len(X), resp.T @ X / counts[:, None]
        self.covariances_ = self.scatter(X, resp, self.means_) / counts[:, None, None] + self.reg_covar * np.eye(X.shape[1])

    def scatter(self, X, resp, means):
        differences = X[:, None] - means
        return np.einsum("nk,nki,nkj->kij", resp, differences, differences)

    def predict_proba(self, X):
        return self.e_step(X)[0]

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def score_samples(self, X):
        return self.e_step(X)[1]

    def score(self, X):
        return self.score_samples(X).mean()

    def sample(self, n):
        rng = np.random.default_rng(self.random_state)
        labels = rng.choice(self.n_components, n, p=self.weights_)
        roots = np.linalg.cholesky(np.broadcast_to(self.covariances_, (self.n_components, *self.covariances_.shape[-2:])))
        return self.means_[labels] + np.einsum("nij,nj->ni", roots[labels], rng.standard_normal((n, self.means_.shape[1]))), labels


class Tied(Reference):
    """One covariance for all, stored once; takes no covariance_type."""

    def log_joint(self, X):
        matrix = self.covariances_ if self.covariances_.ndim == 2 else self.covariances_[0]
        return np.log(self.weights_) + np.stack([self.log_gaussian(X, m, matrix) for m in self.means_], axis=1)

    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.covariances_ = self.average(self.covariances_)

    def average(self, matrices):
        return np.einsum("k,kij->ij", self.weights_, matrices)


# Correct classes

def chapter_class():
    """Return MyMixture as chapter 5 defines it, with the functions that it calls."""
    cells = json.loads((Path(__file__).parents[1] / "chapters/05-gmm-from-scratch.ipynb").read_text(encoding="utf-8"))["cells"]
    wanted = ["assign", "update", "log_sum_exp", "log_gaussian", "e_step", "m_step", "run_em", "MyMixture"]
    space = {"np": np, "solve_triangular": solve_triangular}
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and re.search(rf"^(def|class) ({'|'.join(wanted)})\b", source, re.MULTILINE):
            for node in ast.parse(re.sub(r"(?m)^%.*$", "", source)).body:
                if getattr(node, "name", None) in wanted and node.name not in space:
                    exec(ast.unparse(node), space)
    return space["MyMixture"]


MyMixture = chapter_class()


class NoParameters:
    """Takes K alone, stops by itself at 1e-3 per row, adds a small ridge, has nothing optional, returns nothing from fit."""

    def __init__(self, n_components):
        self.inner = Reference(n_components, tol=1e-3, reg_covar=1e-6)

    def fit(self, X):
        self.inner.fit(X)
        self.weights_, self.means_, self.covariances_ = self.inner.weights_, self.inner.means_, self.inner.covariances_

    def predict_proba(self, X):
        return self.inner.predict_proba(X)


class WithInverses(Reference):
    def log_gaussian(self, X, mean, covariance):
        d = X - mean
        return -0.5 * (len(mean) * np.log(2 * np.pi) + np.log(np.linalg.det(covariance)) + ((d @ np.linalg.inv(covariance)) * d).sum(axis=1))


class FromKMeans(Reference):
    """Its k-means stops after max_iter rounds too, so that the start changes with max_iter."""

    def start(self, X, rng):
        centers = super().start(X, rng)
        for _ in range(self.max_iter):
            labels = ((X[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
            centers = np.array([X[labels == k].mean(axis=0) for k in range(len(centers))])
        return centers


class FromGlobalGenerator(Reference):
    def start(self, X, rng):
        return X[np.random.permutation(len(X))[: self.n_components]]


CORRECT = {
    "ours": GaussianMixture,
    "chapter": MyMixture,
    "reference": Reference,
    "inverses": WithInverses,
    "no parameters": NoParameters,
    "k-means limited too": FromKMeans,
    "global generator": FromGlobalGenerator,
    "ours, random responsibilities": partial(GaussianMixture, init_params="random"),
    "ours, random points": partial(GaussianMixture, init_params="random_from_data"),
}
# A class that ignores the random_state it takes, or takes none, is told so by name; nothing else may be held against it.
EXCUSED = {"global generator": {"same seed same fit"}}


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_class_is_never_accused(name):
    for seed in range(20 if name in ("ours", "chapter") else 2):
        report = check(CORRECT[name], random_state=seed)
        assert set(report.broken) <= EXCUSED.get(name, set()), f"seed {seed}: {report}"


@pytest.mark.parametrize("family", FAMILIES)
def test_ours_obeys_every_law_in_every_family(family):
    report = check(GaussianMixture, covariance_type=family)
    assert report
    assert report.broken == ()
    assert report.not_checked == (("rotated data rotate the fit",) if family == "diag" else ())
    assert [result.law for result in report.results] == NAMES


@pytest.mark.parametrize("family", FAMILIES)
def test_scikit_learns_breaks_what_is_known_of_it(family):
    # lower_bound_ is computed before the last M-step; the families other than full subtract squared means
    known = ["lower bound belongs to the parameters"] + ["a far origin costs no digits"] * (family != "full")
    assert list(check(sklearn.mixture.GaussianMixture, covariance_type=family).broken) == known


def test_a_class_that_knows_one_family_only_is_held_to_it():
    assert check(Tied, covariance_type="tied").broken == ()
    assert check(Tied).broken == ("results have the right shapes",)


def test_rounds_are_not_compared_where_the_start_is_not_the_same():
    for Model, reason in [(FromKMeans, "the start seems to change with max_iter"), (FromGlobalGenerator, "two fits do not start at the same")]:
        for result in check(Model).results:
            if result.law in ("likelihood never falls", "each round is an M step"):
                assert result.outcome == "not checked" and result.message.startswith(reason)


def test_what_is_missing_is_not_checked_and_never_passed():
    reasons = {result.law: result.message for result in check(NoParameters).results if result.outcome == "not checked"}
    assert reasons == {
        "log density follows the parameters": "no score_samples",
        "density of one feature integrates to one": "no score_samples",
        "score is the mean log density": "no score",
        "predict names the most responsible component": "no predict",
        "likelihood never falls": "no parameter max_iter",
        "each round is an M step": "no parameter max_iter",
        "lower bound belongs to the parameters": "no lower_bound_",
        "same seed same fit": "no parameter random_state",
        "samples have the moments of the mixture": "no sample",
    }
    assert check(MyMixture).not_checked == ("log density follows the parameters", "density of one feature integrates to one",
                                            "lower bound belongs to the parameters", "same seed same fit")


# Planted mistakes: each differs from the reference in one place

class OldMeanInTheVariance(Reference):
    def m_step(self, X, resp):
        old = self.means_
        super().m_step(X, resp)
        self.covariances_ = self.scatter(X, resp, old) / resp.sum(axis=0)[:, None, None] + self.reg_covar * np.eye(X.shape[1])


class WeightsForgottenInTheEStep(Reference):
    def log_joint(self, X):
        return super().log_joint(X) - np.log(self.weights_)


class WeightsNeverStored(Reference):
    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.weights_ = np.full(self.n_components, 1 / self.n_components)


class WrongAxisNormalised(Reference):
    def e_step(self, X):
        joint = self.log_joint(X)
        return np.exp(joint - np.logaddexp.reduce(joint, axis=0)), np.logaddexp.reduce(joint, axis=1)


class WrongAxisNormalisedAtTheEnd(Reference):
    def predict_proba(self, X):
        joint = self.log_joint(X)
        return np.exp(joint - np.logaddexp.reduce(joint, axis=0))


class NoLogSumExp(Reference):
    def e_step(self, X):
        joint = np.exp(self.log_joint(X))
        return joint / joint.sum(axis=1, keepdims=True), np.log(joint.sum(axis=1))


class VarianceAsStandardDeviation(Reference):
    def log_gaussian(self, X, mean, covariance):
        return super().log_gaussian(X, mean, covariance @ covariance)


class UnweightedCovariance(Reference):
    def scatter(self, X, resp, means):
        return super().scatter(X, np.broadcast_to(resp.sum(axis=0) / len(X), resp.shape), means)


class SharedCovariance(Reference):
    def scatter(self, X, resp, means):
        scatter = super().scatter(X, resp, means)
        return resp.sum(axis=0)[:, None, None] * scatter.sum(axis=0) / len(X)


class DiagonalCovariance(Reference):
    def scatter(self, X, resp, means):
        return super().scatter(X, resp, means) * np.eye(X.shape[1])


class MeansDividedByN(Reference):
    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.means_ = resp.T @ X / len(X)


class CovariancesDividedByNMinusOne(Reference):
    def scatter(self, X, resp, means):
        counts = resp.sum(axis=0)[:, None, None]
        return super().scatter(X, resp, means) * counts / (counts - 1)


class MeanOfSquaresMinusSquaredMean(Reference):
    def scatter(self, X, resp, means):
        return np.einsum("nk,ni,nj->kij", resp, X, X) - resp.sum(axis=0)[:, None, None] * means[:, :, None] * means[:, None]


class Missing2Pi(Reference):
    def log_gaussian(self, X, mean, covariance):
        return super().log_gaussian(X, mean, covariance) + 0.5 * len(mean) * np.log(2 * np.pi)


class LogDetWithoutFactor(Reference):
    def log_gaussian(self, X, mean, covariance):
        return super().log_gaussian(X, mean, covariance) + 0.5 * np.log(np.diag(np.linalg.cholesky(covariance))).sum()


class HardResponsibilitiesInTheFit(Reference):
    def m_step(self, X, resp):
        super().m_step(X, np.eye(self.n_components)[resp.argmax(axis=1)])


class HardResponsibilities(Reference):
    def predict_proba(self, X):
        return np.eye(self.n_components)[super().predict_proba(X).argmax(axis=1)]


class LabelsAsProbabilities(Reference):
    def predict_proba(self, X):
        return super().predict_proba(X).argmax(axis=1)

    predict = predict_proba


class ResponsibilitiesSquared(Reference):
    def m_step(self, X, resp):
        super().m_step(X, resp**2 / (resp**2).sum(axis=1, keepdims=True))


class SquaredAndNotNormalised(Reference):
    def predict_proba(self, X):
        return super().predict_proba(X) ** 2


class LogResponsibilities(Reference):
    def predict_proba(self, X):
        return self.log_joint(X)


class StandardisesInPlace(Reference):
    def fit(self, X):
        X -= X.mean(axis=0)
        X /= X.std(axis=0)
        return super().fit(X)


class StopsAfterOneRound(Reference):
    def fit(self, X):
        self.max_iter = 1
        return super().fit(X)


class TransposedMeans(Reference):
    def fit(self, X):
        super().fit(X)
        self.means_ = self.means_.T.copy()
        return self

    def e_step(self, X):
        if self.means_.shape[1] != X.shape[1]:
            self.means_ = self.means_.T
            result = super().e_step(X)
            self.means_ = self.means_.T
            return result
        return super().e_step(X)


class ListsOfNumbers(Reference):
    def fit(self, X):
        super().fit(X)
        self.weights_ = self.weights_.tolist()
        return self


class ScoreIsTheSum(Reference):
    def score(self, X):
        return self.score_samples(X).sum()


class DensityInsteadOfItsLogarithm(Reference):
    def score_samples(self, X):
        return np.exp(super().score_samples(X))


class PredictsTheLeast(Reference):
    def predict(self, X):
        return self.predict_proba(X).argmin(axis=1)


class HiddenRidge(Reference):
    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.covariances_ = self.covariances_ + 1e-2 * np.eye(X.shape[1])


class RidgeOnEveryEntry(Reference):
    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.covariances_ = self.covariances_ + self.reg_covar * (1 - np.eye(X.shape[1]))


class AbsoluteFloor(Reference):
    """Variances never fall below 0.1, whatever the units."""

    def m_step(self, X, resp):
        super().m_step(X, resp)
        lift = np.maximum(0.1 - np.einsum("kii->ki", self.covariances_), 0)
        self.covariances_ = self.covariances_ + lift[:, :, None] * np.eye(X.shape[1])


class StartsAtTheOrigin(Reference):
    def start(self, X, rng):
        return rng.normal(size=(self.n_components, X.shape[1]))


class StartsAtOnePlace(Reference):
    def start(self, X, rng):
        return np.repeat(X[:1], self.n_components, axis=0)


class LooksAtTheFirstHalf(Reference):
    def m_step(self, X, resp):
        half = len(X) // 2 if len(X) == 120 else len(X)
        super().m_step(X[:half], resp[:half])


class IgnoresTheSeed(Reference):
    draws = 0

    def start(self, X, rng):
        IgnoresTheSeed.draws += 1
        return super().start(X, np.random.default_rng(IgnoresTheSeed.draws))


class SamplesWithoutWeights(Reference):
    def sample(self, n):
        weights, self.weights_ = self.weights_, np.full(self.n_components, 1 / self.n_components)
        drawn = super().sample(n)
        self.weights_ = weights
        return drawn


class SamplesWithTheCovarianceAsRoot(Reference):
    def sample(self, n):
        matrices = self.covariances_
        self.covariances_ = matrices @ matrices
        drawn = super().sample(n)[0]
        self.covariances_ = matrices
        return drawn


class SqueezesOneFeature(Reference):
    def fit(self, X):
        super().fit(X)
        self.covariances_ = self.covariances_.squeeze()
        return self


class RaisesOnFit(Reference):
    def fit(self, X):
        raise RuntimeError("no idea")


class ReturnsNothing(Reference):
    def predict_proba(self, X):
        return None


class NegativeVariance(Reference):
    def fit(self, X):
        super().fit(X)
        self.kept, self.covariances_ = self.covariances_, -self.covariances_
        return self

    def predict_proba(self, X):
        return np.full((len(X), self.n_components), 1 / self.n_components)


class UnweightedTiedAverage(Tied):
    def average(self, matrices):
        return matrices.mean(axis=0)


# For each mistake the first law that it breaks, and further laws that see it too.
M_STEP, ROUND = "covariances are weighted covariances", "each round is an M step"
BAYES, DENSITY = "responsibilities obey Bayes rule", "log density follows the parameters"
AREA, SAMPLE = "density of one feature integrates to one", "one component is the sample mean and covariance"
FAR, TWICE = "a far origin costs no digits", "rows given twice change nothing"
CAUGHT = {
    RaisesOnFit: ["it can be made and fitted"],
    ListsOfNumbers: ["results have the right types"],
    ReturnsNothing: ["results have the right types"],
    LabelsAsProbabilities: ["results have the right types"],
    TransposedMeans: ["results have the right shapes"],
    WrongAxisNormalised: ["weights are positive and sum to one"],
    NegativeVariance: ["covariances are symmetric and positive definite"],
    StandardisesInPlace: ["input stays as it was", BAYES],
    WrongAxisNormalisedAtTheEnd: ["responsibilities are probabilities", BAYES],
    SquaredAndNotNormalised: ["responsibilities are probabilities", BAYES],
    LogResponsibilities: ["responsibilities are probabilities", BAYES],
    HardResponsibilities: [BAYES],
    WeightsForgottenInTheEStep: [BAYES, DENSITY, AREA],
    VarianceAsStandardDeviation: [BAYES, DENSITY, AREA, M_STEP],
    LogDetWithoutFactor: [BAYES, DENSITY, AREA, M_STEP],
    Missing2Pi: [DENSITY, AREA],
    DensityInsteadOfItsLogarithm: [DENSITY, AREA, "far points get numbers"],
    ScoreIsTheSum: ["score is the mean log density"],
    PredictsTheLeast: ["predict names the most responsible component"],
    NoLogSumExp: ["far points get numbers"],
    WeightsNeverStored: ["weights are mean responsibilities", ROUND],
    StopsAfterOneRound: ["weights are mean responsibilities", M_STEP],
    HardResponsibilitiesInTheFit: ["weights are mean responsibilities", M_STEP, ROUND],
    ResponsibilitiesSquared: ["weights are mean responsibilities", M_STEP, ROUND],
    MeansDividedByN: ["weights are mean responsibilities", "means are weighted means", "shifted data shift the fit", ROUND],
    UnweightedCovariance: ["weights are mean responsibilities", M_STEP, ROUND],
    HiddenRidge: ["weights are mean responsibilities", M_STEP, SAMPLE, "scaled data scale the fit"],
    SharedCovariance: [M_STEP, ROUND],
    DiagonalCovariance: [M_STEP, SAMPLE, "rotated data rotate the fit"],
    CovariancesDividedByNMinusOne: [M_STEP, SAMPLE, TWICE],
    UnweightedTiedAverage: [M_STEP, ROUND],
    OldMeanInTheVariance: [ROUND],
    RidgeOnEveryEntry: [SAMPLE],
    SqueezesOneFeature: [AREA, "one feature works"],
    MeanOfSquaresMinusSquaredMean: [FAR],
    StartsAtTheOrigin: [FAR],
    AbsoluteFloor: ["scaled data scale the fit"],
    LooksAtTheFirstHalf: ["order of rows does not matter", TWICE],
    StartsAtOnePlace: ["two groups far apart are found"],
    IgnoresTheSeed: ["same seed same fit"],
    SamplesWithoutWeights: ["samples have the moments of the mixture"],
    SamplesWithTheCovarianceAsRoot: ["samples have the moments of the mixture"],
}


@pytest.mark.parametrize("mutant", CAUGHT, ids=lambda mutant: mutant.__name__)
def test_each_planted_mistake_breaks_the_laws_that_name_it(mutant):
    report = check(mutant, covariance_type="tied" if issubclass(mutant, Tied) else "full")
    first, *also = CAUGHT[mutant]
    assert not report
    assert report.broken[0] == first, report
    assert set(also) <= set(report.broken), report


def test_the_laws_that_no_mutant_above_needs_can_be_broken():
    class LowerBoundOfTheWrongRound(Reference):
        def fit(self, X):
            super().fit(X)
            self.lower_bound_ = self.score(X) - 0.01
            return self

    class GoesDown(Reference):
        rounds = 0

        def m_step(self, X, resp):
            super().m_step(X, resp)
            self.rounds += 1
            if self.rounds % 2 == 0:
                self.covariances_ = 4 * self.covariances_

    class NotANumber(Reference):
        def fit(self, X):
            super().fit(X)
            self.means_ = self.means_ * np.nan
            return self

    assert check(LowerBoundOfTheWrongRound).broken == ("lower bound belongs to the parameters",)
    assert "likelihood never falls" in check(GoesDown).broken
    assert check(NotANumber).broken == ("results are finite",)


# Words

def first_message(Model):
    return next(result.message for result in check(Model).results if result.outcome == "broken")


def test_type_comes_before_shape_and_shape_before_value():
    class Value(Reference):
        def fit(self, X):
            super().fit(X)
            self.weights_ = self.weights_ * 2
            return self

    class Infinite(Value):
        def fit(self, X):
            super().fit(X)
            self.covariances_ = self.covariances_ / 0.0
            return self

        def predict_proba(self, X):
            return np.full((len(X), self.n_components), np.inf)

    class Shape(Infinite):
        def fit(self, X):
            super().fit(X)
            self.means_ = self.means_.T
            return self

    class Type(Shape):
        def fit(self, X):
            super().fit(X)
            self.weights_ = self.weights_.tolist()
            return self

    class Missing(Type):
        def fit(self, X):
            super().fit(X)
            del self.covariances_
            return self

    assert [check(Model).broken for Model in (Missing, Type, Shape, Infinite, Value)] == [
        ("it can be made and fitted",), ("results have the right types",), ("results have the right shapes",),
        ("results are finite",), ("weights are positive and sum to one",)]
    assert first_message(Missing) == "After fit(X) the object has no covariances_. Ask yourself: is it stored or defined, as self.covariances_?"
    assert first_message(Type).startswith("weights_ is of type list; a NumPy array is needed.")
    assert first_message(Shape).startswith("means_ has shape (3, 2): rows are components, columns are features, so with N = 200 points, "
                                           "D = 3 features and K = 2 components (2, 3) is expected.")
    assert first_message(Infinite).startswith("covariances_ holds 18 entries that are nan or infinite.")
    assert first_message(Value).startswith("The sum of weights_ misses 1 by 1.")
    after = [result.message for result in check(Shape).results if result.outcome == "not checked"]
    assert set(after) == {"first repair: results have the right shapes"}
    assert len(after) == len(NAMES) - 3


def test_an_exception_is_reported_with_its_text_as_the_failure_of_the_law_that_was_asked():
    class Quits(Reference):
        def score(self, X):
            raise SystemExit("enough")

    assert first_message(RaisesOnFit) == "It raised RuntimeError: no idea"
    report = check(Quits)
    assert report.broken == ("score is the mean log density",)
    assert first_message(Quits) == "It raised SystemExit: enough"


def test_every_message_ends_in_a_question_and_shows_no_array():
    for mutant in [ScoreIsTheSum, WeightsNeverStored, OldMeanInTheVariance, CovariancesDividedByNMinusOne, MeansDividedByN]:
        for result in check(mutant).results:
            if result.outcome == "broken":
                assert re.search(r"Ask yourself: .*\?$", result.message), result
                assert "[" not in result.message
                assert all(len(number) <= 7 for number in re.findall(r"\d+\.\d+", result.message))      # two digits, not the answer


def test_the_report_is_printed_unless_asked_not_to(capsys):
    report = check_mixture(ScoreIsTheSum)
    printed = capsys.readouterr().out
    assert printed == f"{report}\n"
    assert printed.startswith("ScoreIsTheSum: 29 of 31 laws hold; broken: 1; not checked: 1\nBROKEN: score is the mean log density\n    score(X) is ")
    assert "Not checked: no lower_bound_ (lower bound belongs to the parameters)" in printed
    assert repr(report) == "<Report on ScoreIsTheSum: 29 of 31 laws hold; broken: 1; not checked: 1>"
    assert "Begin with the first" not in printed and "Begin with the first" in str(check(WeightsNeverStored))
    check_mixture(ScoreIsTheSum, verbose=False)
    assert capsys.readouterr().out == ""


def test_the_report_is_the_same_each_time_and_the_callers_generator_is_left_alone():
    class Failing(FromGlobalGenerator, HiddenRidge):
        pass

    np.random.seed(3)
    one = check_mixture(Failing, verbose=False)
    drawn = np.random.random()
    assert check_mixture(Failing, verbose=False).results == one.results
    np.random.seed(3)
    assert np.random.random() == drawn


@pytest.mark.parametrize(("wrong", "error", "named"), [
    ({"Model": GaussianMixture(2)}, TypeError, "Model"),
    ({"Model": GaussianMixture, "covariance_type": "round"}, ValueError, "covariance_type"),
    ({"Model": GaussianMixture, "random_state": None}, TypeError, "random_state"),
    ({"Model": GaussianMixture, "random_state": -1}, ValueError, "random_state"),
])
def test_wrong_use_is_named(wrong, error, named):
    with pytest.raises(error, match=named):
        check(**wrong)
