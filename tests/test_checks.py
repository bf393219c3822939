"""The laws of laws_of_density.py and laws_of_fit.py: correct classes obey them, each planted mistake breaks the law that names it, words come in order."""

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

    choose = staticmethod(max)

    def __init__(self, n_components, tol=1e-6, max_iter=500, reg_covar=0.0, random_state=0, n_init=1):
        self.n_components, self.tol, self.max_iter, self.reg_covar = n_components, tol, max_iter, reg_covar
        self.random_state, self.n_init = random_state, n_init

    def fit(self, X):
        rng, fits = np.random.default_rng(self.random_state), []
        for _ in range(self.n_init):
            self.climb(X, rng)
            level = self.e_step(X)[1].mean() if self.n_init > 1 else 0
            fits.append((level, self.weights_, self.means_, self.covariances_))
        _, self.weights_, self.means_, self.covariances_ = self.choose(fits, key=lambda fit: fit[0])
        return self

    def climb(self, X, rng):
        K = self.n_components
        self.weights_, self.means_ = np.full(K, 1 / K), self.start(X, rng)
        self.covariances_ = np.array([np.cov(X.T, bias=True).reshape(X.shape[1], -1)] * K)
        before = -np.inf
        for _ in range(self.max_iter):
            resp, log_density = self.e_step(X)
            if log_density.mean() - before < self.tol:
                break
            before = log_density.mean()
            self.m_step(X, resp)

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


class FixedRounds(Reference):
    """Takes neither tol nor max_iter."""

    def __init__(self, n_components, random_state=0):
        super().__init__(n_components, -np.inf, 100, 0.0, random_state)


class RelativeTolerance(Reference):
    """Stops when a round gains less than the share tol of the log-likelihood."""

    def fit(self, X):
        tol, level = self.tol, abs(Reference(1).fit(X).score(X))
        self.tol = tol * level
        super().fit(X)
        self.tol = tol
        return self


class StartsAlongTheLongestAxis(Reference):
    """Leaves nothing to chance."""

    def start(self, X, rng):
        along = np.argsort(X @ np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][0])
        return X[along[(2 * np.arange(self.n_components) + 1) * len(X) // (2 * self.n_components)]]


class SortsComponents(Reference):
    """In each round."""

    def m_step(self, X, resp):
        super().m_step(X, resp)
        order = np.argsort(self.weights_)
        self.weights_, self.means_, self.covariances_ = self.weights_[order], self.means_[order], self.covariances_[order]


class SinglePrecision(Reference):
    def predict_proba(self, X):
        return super().predict_proba(X).astype(np.float32)


class ListsAndPointsOnly(Reference):
    """Gives lists, labels that are floats with whole values, and samples without labels."""

    def predict(self, X):
        return super().predict(X).astype(float).tolist()

    def score_samples(self, X):
        return super().score_samples(X).tolist()

    def score(self, X):
        return float(np.mean(self.score_samples(X)))

    def sample(self, n):
        return super().sample(n)[0]


class AsksForARidge(Reference):
    def __init__(self, n_components, tol=1e-6, max_iter=500, reg_covar=1e-6, random_state=0):
        if reg_covar <= 0:
            raise ValueError("reg_covar must be positive")
        super().__init__(n_components, tol, max_iter, reg_covar, random_state)


class GoesOnDrawing(Reference):
    """One generator for the life of the object: a second fit starts elsewhere than the first."""

    def __init__(self, n_components, tol=1e-6, max_iter=500, reg_covar=0.0, random_state=0):
        super().__init__(n_components, tol, max_iter, reg_covar, random_state)
        self.rng = np.random.default_rng(random_state)

    def start(self, X, rng):
        return super().start(X, self.rng)


class RefusesIntegers(Reference):
    def fit(self, X):
        if X.dtype.kind != "f":
            raise TypeError("X must hold floats")
        return super().fit(X)


CORRECT = {
    "ours": GaussianMixture,
    "chapter": MyMixture,
    "reference": Reference,
    "inverses": WithInverses,
    "no parameters": NoParameters,
    "k-means limited too": FromKMeans,
    "global generator": FromGlobalGenerator,
    "fixed rounds": FixedRounds,
    "relative tolerance": RelativeTolerance,
    "nothing left to chance": StartsAlongTheLongestAxis,
    "sorted components": SortsComponents,
    "single precision": SinglePrecision,
    "lists, points only": ListsAndPointsOnly,
    "asks for a ridge": AsksForARidge,
    "goes on drawing": GoesOnDrawing,
    "refuses integers": RefusesIntegers,
    "ours, accelerated": partial(GaussianMixture, accelerate=True),
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


@pytest.mark.parametrize("init_params", ["k-means++", "random_from_data"])
def test_a_class_that_needs_a_ridge_to_begin_gets_a_tiny_one(init_params):
    report = check(partial(sklearn.mixture.GaussianMixture, init_params=init_params))
    assert (report.broken, report.not_checked) == (("lower bound belongs to the parameters",), ())


def test_what_a_second_fit_or_integers_cannot_be_asked_is_not_checked():
    assert ("a second fit starts anew", "not checked", "a second fit goes on drawing where the first one stopped") in check(GoesOnDrawing).results
    assert ("a second fit starts anew", "not checked", "two fits of the same data differ") in check(FromGlobalGenerator).results
    assert ("integers are taken as numbers", "not checked", "integers are refused") in check(RefusesIntegers).results


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
        "of several starts the best is kept": "no parameter n_init",
        "same seed same fit": "no parameter random_state",
        "a second fit starts anew": "no parameter random_state",
        "samples follow the mixture": "no sample",
    }
    assert check(MyMixture).not_checked == ("log density follows the parameters", "density of one feature integrates to one",
                                            "lower bound belongs to the parameters", "of several starts the best is kept",
                                            "same seed same fit", "a second fit starts anew")


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


class StoredResponsibilities(Reference):
    """Answers for the rows of the fit, whatever rows it is given."""

    def fit(self, X):
        super().fit(X)
        self.resp = self.e_step(X)[0]
        return self

    def predict_proba(self, X):
        return self.resp.copy()


class StoredLabels(Reference):
    def fit(self, X):
        super().fit(X)
        self.labels = super().predict(X)
        return self

    def predict(self, X):
        return self.labels


class StoredScore(Reference):
    def fit(self, X):
        super().fit(X)
        self.kept = super().score(X)
        return self

    def score(self, X):
        return self.kept


class CentresByTheBatch(Reference):
    def fit(self, X):
        super().fit(X)
        self.center = X.mean(axis=0)
        return self

    def predict_proba(self, X):
        return super().predict_proba(X - X.mean(axis=0) + self.center)


class SmallNumberAgainstZero(Reference):
    """No log-sum-exp: far points get 1/2 and 1/2."""

    def predict_proba(self, X):
        densities = np.exp(self.log_joint(X)) + 1e-300
        return densities / densities.sum(axis=1, keepdims=True)


class ScoresInPlace(Reference):
    def score_samples(self, X):
        result = super().score_samples(X)
        X -= X.mean(axis=0)
        return result


class FirstAndLastComponentOnly(Reference):
    """Right for K = 1 and 2."""

    def e_step(self, X):
        joint = self.log_joint(X)
        log_density = np.logaddexp(joint[:, 0], joint[:, -1]) if self.n_components > 1 else joint[:, 0]
        return np.exp(joint - log_density[:, None]), log_density


class Missing2PiForEvenD(Reference):
    def log_gaussian(self, X, mean, covariance):
        return super().log_gaussian(X, mean, covariance) + len(mean) // 2 * np.log(2 * np.pi) * (len(mean) % 2 == 0)


class WrongSignInTheInverse(Reference):
    """By hand for D = 2."""

    def log_gaussian(self, X, mean, covariance):
        if len(mean) != 2:
            return super().log_gaussian(X, mean, covariance)
        (a, b), (c, d) = covariance
        det, u = a * d - b * c, X - mean
        return -np.log(2 * np.pi) - 0.5 * (np.log(det) + (u @ np.array([[d, b], [c, a]]) / det * u).sum(axis=1))


class RidgeInsideTheLoop(Reference):
    """Added to all covariances for each component: K times."""

    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.covariances_ = self.covariances_ + (self.n_components - 1) * self.reg_covar * np.eye(X.shape[1])


class RidgeTimesWeight(Reference):
    def m_step(self, X, resp):
        super().m_step(X, resp)
        self.covariances_ = self.covariances_ + (self.weights_[:, None, None] - 1) * self.reg_covar * np.eye(X.shape[1])


class IntegerMeans(Reference):
    """Means in an array made like X: integers, if X holds integers."""

    def m_step(self, X, resp):
        super().m_step(X, resp)
        means = np.zeros_like(X[:self.n_components])
        means[:] = self.means_
        self.means_ = means.astype(float)


class KeepsTheWorst(Reference):
    choose = staticmethod(min)


class GoesOnFromTheLastFit(Reference):
    def start(self, X, rng):
        return self.means_ if hasattr(self, "means_") else super().start(X, rng)


class SeedsTheGlobalGenerator(Reference):
    def start(self, X, rng):
        np.random.seed(self.random_state)
        return X[np.random.permutation(len(X))[:self.n_components]]


class SamplesByTheTransposedRoot(Reference):
    """z L in place of z Lᵀ."""

    def sample(self, n):
        rng = np.random.default_rng(self.random_state)
        labels = rng.choice(self.n_components, n, p=self.weights_)
        roots = np.linalg.cholesky(self.covariances_)
        return self.means_[labels] + np.einsum("nji,nj->ni", roots[labels], rng.standard_normal((n, self.means_.shape[1]))), labels


class SamplesByTheTransposedRootWithoutLabels(SamplesByTheTransposedRoot):
    def sample(self, n):
        return super().sample(n)[0]


class ShufflesThePointsAlone(Reference):
    def sample(self, n):
        X, labels = super().sample(n)
        return np.random.default_rng(0).permutation(X), labels


class SamplesTooFewLabels(Reference):
    def sample(self, n):
        X, labels = super().sample(n)
        return X, labels[:n // 2]


class SamplesOneGaussian(Reference):
    """With the mean and the covariance of the mixture."""

    def sample(self, n):
        weights, means = self.weights_, self.means_
        center = weights @ means
        spread = np.einsum("k,kij->ij", weights, self.covariances_) + (weights * (means - center).T) @ (means - center)
        return np.random.default_rng(self.random_state).multivariate_normal(center, spread, n)


# For each mistake the first law that it breaks, and further laws that see it too.
M_STEP, ROUND = "covariances are weighted covariances", "each round is an M step"
BAYES, DENSITY = "responsibilities obey Bayes rule", "log density follows the parameters"
AREA, SAMPLE = "density of one feature integrates to one", "one component is the sample mean and covariance"
ORIGIN, TWICE = "a far origin costs no digits", "rows given twice change nothing"
INPUT, FAR, SAMPLES = "input stays as it was", "far points get numbers", "samples follow the mixture"
SCORE, LABELS = "score is the mean log density", "predict names the most responsible component"
CAUGHT = {
    RaisesOnFit: ["it can be made and fitted"],
    ListsOfNumbers: ["results have the right types"],
    ReturnsNothing: ["results have the right types"],
    LabelsAsProbabilities: ["results have the right types"],
    TransposedMeans: ["results have the right shapes"],
    WrongAxisNormalised: ["weights are positive and sum to one"],
    NegativeVariance: ["covariances are symmetric and positive definite"],
    StandardisesInPlace: [INPUT],
    ScoresInPlace: [INPUT],
    WrongAxisNormalisedAtTheEnd: ["responsibilities are probabilities", BAYES],
    SquaredAndNotNormalised: ["responsibilities are probabilities", BAYES],
    LogResponsibilities: ["responsibilities are probabilities", BAYES],
    HardResponsibilities: [BAYES],
    WeightsForgottenInTheEStep: [BAYES, DENSITY, AREA],
    VarianceAsStandardDeviation: [BAYES, DENSITY, AREA, M_STEP],
    LogDetWithoutFactor: [BAYES, DENSITY, AREA, M_STEP],
    Missing2Pi: [DENSITY, AREA],
    DensityInsteadOfItsLogarithm: [DENSITY, AREA, FAR],
    StoredResponsibilities: [BAYES, FAR],
    CentresByTheBatch: [BAYES],
    FirstAndLastComponentOnly: [BAYES, DENSITY, SCORE],
    WrongSignInTheInverse: [BAYES, DENSITY],
    Missing2PiForEvenD: [DENSITY],
    ScoreIsTheSum: [SCORE],
    StoredScore: [SCORE],
    PredictsTheLeast: [LABELS],
    StoredLabels: [LABELS],
    NoLogSumExp: [FAR],
    SmallNumberAgainstZero: [FAR],
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
    RidgeOnEveryEntry: [ROUND, SAMPLE],
    RidgeInsideTheLoop: [ROUND],
    RidgeTimesWeight: [ROUND],
    SqueezesOneFeature: [AREA, "one feature works"],
    IntegerMeans: ["integers are taken as numbers"],
    MeanOfSquaresMinusSquaredMean: [ORIGIN],
    StartsAtTheOrigin: [ORIGIN],
    AbsoluteFloor: ["scaled data scale the fit"],
    LooksAtTheFirstHalf: ["order of rows does not matter", TWICE],
    StartsAtOnePlace: ["two groups far apart are found"],
    KeepsTheWorst: ["of several starts the best is kept"],
    IgnoresTheSeed: ["same seed same fit"],
    GoesOnFromTheLastFit: ["a second fit starts anew"],
    SeedsTheGlobalGenerator: ["fit does not seed the global generator"],
    SamplesWithoutWeights: [SAMPLES],
    SamplesWithTheCovarianceAsRoot: [SAMPLES],
    SamplesByTheTransposedRoot: [SAMPLES],
    SamplesByTheTransposedRootWithoutLabels: [SAMPLES],
    ShufflesThePointsAlone: [SAMPLES],
    SamplesTooFewLabels: [SAMPLES],
    SamplesOneGaussian: [SAMPLES],
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


def answers(method, answer):
    """Return a class of which one method gives something else, made from the right answer."""
    return type("Answers", (Reference,), {method: lambda self, given: answer(getattr(Reference, method)(self, given))})


class BoundIs(Reference):
    def fit(self, X):
        super().fit(X)
        self.lower_bound_ = self.bound(self.score(X))
        return self


REAL, DRAWN = "real numbers are needed", "What sample gives is"


@pytest.mark.parametrize(("Model", "law", "words"), [
    (answers("predict_proba", lambda resp: resp if len(resp) > 1 else None), "responsibilities obey Bayes rule", f"predict_proba of a single row is None; {REAL}"),
    (answers("predict_proba", np.squeeze), "responsibilities obey Bayes rule", "predict_proba of a single row has shape (2,): rows are points"),
    (answers("predict", lambda labels: None), LABELS, f"predict of the rows of the fit is None; {REAL}"),
    (answers("predict", lambda labels: labels + 1), LABELS, "predict of the rows of the fit and Bayes' rule disagree on a share 1 "),
    (answers("score_samples", lambda each: [[1], [1, 2]]), DENSITY, f"score_samples of the rows of the fit is of type list; {REAL}"),
    (answers("score", lambda score: None), SCORE, f"score of the rows of the fit is None; {REAL}"),
    (answers("score", lambda score: "high"), SCORE, f"score of the rows of the fit is of type str; {REAL}"),
    (answers("score", lambda score: [score]), SCORE, "score of the rows of the fit has shape (1,): one number for all points, so () is"),
    (answers("sample", lambda drawn: None), SAMPLES, f"{DRAWN} None; {REAL}"),
    (answers("sample", list), SAMPLES, "sample(2000) gives a list of 2 things; an array of points is expected, or a tuple (points, labels)."),
    (answers("sample", lambda drawn: (*drawn, None)), SAMPLES, "sample(2000) gives a tuple of 3 things; an array"),
    (answers("sample", lambda drawn: (drawn[0].T, drawn[1])), SAMPLES, "The first part of what sample gives has shape (3, 2000): of sample(2000) the rows"),
    (answers("sample", lambda drawn: drawn[0] * np.nan), SAMPLES, "sample(2000) gives points that are nan or infinite."),
    (answers("sample", lambda drawn: (drawn[0], drawn[1] * 1.0)), SAMPLES, "The labels of sample(2000) are of type float64; whole numbers"),
    (answers("sample", lambda drawn: (drawn[0], drawn[1] + 1)), SAMPLES, "The labels of sample(2000) go from 1 to 2; with K = 2 they are 0 to 1."),
    (type("Nothing", (BoundIs,), {"bound": lambda self, score: None}), "lower bound belongs to the parameters", f"lower_bound_ is None; {REAL}"),
    (type("History", (BoundIs,), {"bound": lambda self, score: [score]}), "lower bound belongs to the parameters", "lower_bound_ has shape (1,): one number"),
])
def test_a_wrong_type_is_said_in_words_and_is_no_exception(Model, law, words):
    message = next(result.message for result in check_mixture(Model, verbose=False).results if result.law == law)
    assert message.startswith(words)
    assert re.search(r"Ask yourself: .*\?$", message)


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
            if result.outcome == "broken" and not result.message.startswith("It raised"):
                assert re.search(r"Ask yourself: .*\?$", result.message), result
                assert "[" not in result.message
                assert all(len(number) <= 7 for number in re.findall(r"\d+\.\d+", result.message))      # two digits, not the answer


def test_the_report_is_printed_unless_asked_not_to(capsys):
    report = check_mixture(ScoreIsTheSum)
    printed = capsys.readouterr().out
    assert printed == f"{report}\n"
    assert printed.startswith("ScoreIsTheSum: 33 of 35 laws hold; broken: 1; not checked: 1\nBROKEN: score is the mean log density\n    score of the rows of the fit is ")
    assert "Not checked: no lower_bound_ (lower bound belongs to the parameters)" in printed
    assert repr(report) == "<Report on ScoreIsTheSum: 33 of 35 laws hold; broken: 1; not checked: 1>"
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
