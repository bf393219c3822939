"""`make exam KEY=file`: an exam with its rubric, in two versions of equal difficulty, with numbers that only the key's owner can foresee.

Every number in a solution is computed here by `gmm_from_scratch`. Nothing of it is published: the pages go into a folder of the teacher's.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import numpy as np
from key import KeyProblem, draw, read_key

from gmm_from_scratch import em
from gmm_from_scratch.covariances import count_parameters
from gmm_from_scratch.em import Mixture
from gmm_from_scratch.kmeans import assign_step, inertia

LINE = "<p class='line'></p>"


class Question(NamedTuple):
    """A question, its points, and what earns them: [(points, what)]."""

    title: str
    text: str
    rubric: list

    @property
    def points(self):
        """All points of the question."""
        return sum(points for points, _ in self.rubric)


def numbers(values, digits=3):
    """Return numbers as a reader writes them."""
    return ", ".join(f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in np.ravel(values))


def kmeans_round(rng):
    X = np.sort(rng.choice(np.arange(1, 15), size=5, replace=False)).astype(float)[:, None]
    start = np.array([X[0], X[1]])
    labels = assign_step(X, start)
    centers = np.array([X[labels == k].mean(axis=0) for k in range(2)])
    then = assign_step(X, centers)
    return Question("One round of k-means", f"Five houses stand at kilometres {numbers(X)}. Two letterboxes begin at {numbers(start)}. Do one round: "
                    "assign, then update. What is the cost after it, with the houses assigned anew?",
                    [(2, f"labels {numbers(labels + 1)} (first or second letterbox)"), (2, f"letterboxes at {numbers(centers)}"),
                     (2, f"assigned anew {numbers(then + 1)}; cost {numbers(inertia(X, then, centers))}")])


def responsibilities(rng):
    weight, sd = rng.choice([0.2, 0.25, 0.4]), float(rng.choice([1, 2]))
    means = np.array([0.0, rng.integers(3, 6) * sd])
    x = means[1] / 2 + sd * rng.choice([-0.5, 0.5])
    mixture = Mixture([weight, 1 - weight], means[:, None], np.full((2, 1, 1), sd**2))
    resp, log_density = em.e_step([[x]], mixture)
    odds = np.exp(np.diff(np.log(resp[0]))[0])
    return Question("A responsibility", f"Two components on a line: weights {weight:g} and {1 - weight:g}, means {numbers(means)}, both with standard deviation "
                    f"{sd:g}. A point lies at {x:g}. Give its two responsibilities. What else would you ask before you call the point typical of its group?",
                    [(2, "Bayes' rule: weight times density, over their sum"), (2, f"{numbers(resp)}; the odds are {odds:.3g} to 1 for the second"),
                     (2, f"its density: ln p(x) = {log_density[0]:.3f}; a responsibility compares the components and says nothing of how typical the point is")])


def m_step(rng):
    X = np.sort(rng.choice(np.arange(0, 12, 2), size=3, replace=False)).astype(float)[:, None]
    share = rng.permutation([0.25, 0.5, 1.0])
    model = em.m_step(X, np.column_stack([share, 1 - share]), reg_covar=1e-9)
    return Question("An M-step", f"Three points at {numbers(X)} have responsibilities {numbers(share)} for component 1. Compute its weight, mean and variance.",
                    [(1, f"weight {model.weights[0]:.3f}"), (2, f"mean {model.means[0, 0]:.3f}"),
                     (3, f"variance {model.covariances[0, 0, 0]:.3f}, around the new mean, divided by the sum of the responsibilities")])


def parameters(rng):
    K, D = int(rng.integers(3, 6)), int(rng.integers(4, 8))
    full, tied = count_parameters(K, D, "full"), count_parameters(K, D, "tied")
    N = int(rng.integers(3, 6)) * 100
    price = (full - tied) / 2 * np.log(N)
    return Question("Counting, and what it costs", f"K = {K} components in D = {D} columns, N = {N} rows. How many free numbers has a mixture with full covariances, "
                    "and how many with a tied one? How much higher must the log-likelihood of the full one be for BIC to prefer it?",
                    [(2, f"full: {K} − 1 + {K}·{D} + {K}·{D}·{D + 1}/2 = {full}"), (1, f"tied: {tied}"),
                     (3, f"by more than ½ ln N for each further number: ½ · {full - tied} · ln {N} = {price:.1f} nats")])


def bug(rng):
    bugs = [("resp = joint / joint.sum(axis=0)", "rows, not columns, must sum to one: axis=1 with keepdims", "each row of the responsibilities sums to one"),
            ("covariance = (X - old_mean).T @ (r[:, None] * (X - old_mean)) / r.sum()", "the mean of this round belongs there, not that of the round before",
             "each round is an M-step (the likelihood still climbs, so that is no proof)"),
            ("means = resp.T @ X / len(X)", "divided by N where N_k, the component's own count, is needed", "shifted data shift the fit")]
    line, what, law = bugs[rng.integers(len(bugs))]
    return Question("Find the bug by its law", f"A friend's EM contains the line <code>{line}</code>. What is wrong? Which law, that can be tested "
                    "without knowing any right answer, would have found it?", [(3, what), (3, f"for example: {law}")])


def judge(rng):
    said = ["“All runs converged, so the likelihood is at its maximum.”", "“BIC is lowest for four components, so there are four groups.”",
            "“Each point belongs to its group with more than 99 %, so the groups are real.”", "“We cut the smallest eigenvalue off at 1e-6, so no component collapsed.”"]
    why = ["converged says that the last step was short: a plateau, a saddle or a local optimum will do", "components are what the density needs; one bent group needs "
           "several; and a failed search also changes BIC", "a responsibility compares components, and is extreme far away; cut any cloud in two and most points are sure",
           "the floor hides a collapse: its likelihood, and so BIC, depend on the floor"]
    cure = ["other starts and a smaller tolerance, and how many agree", "ICL or merging, and the same procedure on data without groups",
            "the null simulation, stability, the log density", "report the smallest eigenvalue beside the floor, and vary the floor"]
    chosen = rng.choice(4, size=2, replace=False)
    return Question("Judge two sentences", "What does not follow, and what would you compute? " + " ".join(said[i] for i in chosen),
                    [(2, why[i] + ".") if part == 0 else (2, "To compute: " + cure[i] + ".") for i in chosen for part in range(2)])


def border(rng):
    wide, narrow = int(rng.integers(3, 6)), 1
    return Question("The border between wide and compact", f"Two groups of equal weight on a line: A with standard deviation {wide}, B with standard deviation {narrow}, "
                    "their means 4 apart. Sketch both densities. How many borders are there? Who owns the points far beyond B? What would k-means say?",
                    [(2, "two curves, A low and wide, B high and narrow"), (2, "two borders: the difference of the logarithms is a square in x"),
                     (1, "A, on both sides: far away the wider one always wins"), (1, "one border, halfway between its centers; B owns everything beyond")])


def derivation(rng):
    parameter = ["the weights π_k, with a Lagrange multiplier", "the covariance Σ_k (you may differentiate with respect to its inverse)"][rng.integers(2)]
    rubric = ([(2, "Q with the multiplier: Σ_nk r_nk ln π_k + λ (1 − Σ_k π_k)"), (2, "r's sum over n: N_k / π_k = λ"), (2, "summed over k: λ = N, so π_k = N_k / N")]
              if "weights" in parameter else [(2, "the terms: ½ N_k ln|Σ_k⁻¹| − ½ Σ_n r_nk (x_n − μ_k)ᵀ Σ_k⁻¹ (x_n − μ_k)"),
                                              (2, "derivative with respect to Σ_k⁻¹: ½ N_k Σ_k − ½ Σ_n r_nk (x_n − μ_k)(x_n − μ_k)ᵀ"), (2, "zero: Σ_k = weighted scatter / N_k")])
    return Question("Derive", f"Derive the M-step for {parameter}.", rubric)


QUESTIONS = (kmeans_round, responsibilities, m_step, border, derivation, parameters, bug, judge)


def exam(key, version):
    """Return the questions of one version."""
    return [make(draw(key, "exam", version, make.__name__)) for make in QUESTIONS]


def page(questions, version, rubric):
    """Return a page to print: the exam, or the same with what earns the points."""
    from release import PAGE
    total = sum(question.points for question in questions)
    parts = [f"<h1>Gaussian mixtures, version {version}</h1>",
             f"<p>90 minutes, {total} points. A pocket calculator is allowed. Show how you came to each number.</p>" + ("" if rubric else "<p>Name:</p>")]
    for i, question in enumerate(questions):
        parts.append(f"<h2>{i + 1}. {question.title} ({question.points} points)</h2><p>{question.text}</p>")
        parts.append("<ul>" + "".join(f"<li><strong>{points}</strong> · {what}</li>" for points, what in question.rubric) + "</ul>" if rubric else "<br>" * 8)
    return PAGE.format(title="Rubric: for teachers" if rubric else "Exam", body="\n".join(parts))


def main():
    parser = argparse.ArgumentParser(description="Write an exam with its rubric, in versions A and B.")
    parser.add_argument("--key")
    parser.add_argument("--out", type=Path, required=True, help="a folder outside the repository")
    given = parser.parse_args()
    given.out = given.out.expanduser()
    try:
        key = read_key(given.key)
    except KeyProblem as problem:
        raise SystemExit(str(problem)) from None
    if given.out.resolve().is_relative_to(Path(__file__).resolve().parents[1]):
        raise SystemExit(f"{given.out} lies in the repository, where it may be published. Name a folder elsewhere: OUT=folder.")
    given.out.mkdir(parents=True, exist_ok=True)
    for version in "AB":
        for rubric in (False, True):
            name = f"exam-{version}{'-rubric' * rubric}.html"
            (given.out / name).write_text(page(exam(key, version), version, rubric), "utf-8")
    print(f"Versions A and B, each with its rubric, in {given.out}. Print them from the browser.")


if __name__ == "__main__":
    main()
