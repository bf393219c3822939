"""The assignments: solutions get all points, what is given out gets none, and every planted mistake costs points."""

import importlib.util
import json
import re
from pathlib import Path

import grade
import hidden
import numpy as np
import pytest
import session
import submission
from conftest import KEY
from simulate import perfect, released_text
from source import load, names, text_of

ROOT = Path(__file__).resolve().parents[2]
ISOLATED = not session.namespaces_work()
each_assignment = pytest.mark.parametrize("name", names())


def points_of(name, *, machine):
    return sum(cell.points for cell in load(name).cells.values() if (cell.is_test if machine else cell.is_written))


def judged(name, notebook, tmp_path, student="ada"):
    path = tmp_path / f"{name}.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    return grade.judge(path, name, student, KEY, ISOLATED, session.Limits())


@each_assignment
def test_the_solution_gets_all_points(name, tmp_path):
    result = judged(name, perfect(name, "ada"), tmp_path)
    assert {cell: verdict.message for cell, verdict in result.verdicts.items() if verdict.message != "All tests passed."} == {}
    assert sum(verdict.points for verdict in result.verdicts.values()) == points_of(name, machine=True)
    assert result.notes == [] and result.errors == {}


@each_assignment
def test_what_is_given_out_gets_none(name, released, tmp_path):
    notebook = json.loads((released / "release" / f"{name}.ipynb").read_text("utf-8"))
    result = judged(name, notebook, tmp_path)
    assert sum(verdict.points for verdict in result.verdicts.values()) == 0
    assert result.notes == ["gave no id; the class list's was used"]


@each_assignment
def test_points_are_those_that_the_first_cell_promises(name):
    first = text_of(load(name).notebook["cells"][0])
    promised = sum(int(n) for row in re.findall(r"(?m)^\| \d · .*?\| ([\d +]+) \|$", first) for n in row.split("+"))
    assert promised == points_of(name, machine=True) + points_of(name, machine=False) == int(re.search(r"\*\*together\*\* \| \*\*(\d+)\*\*", first)[1])
    minutes = int(re.search(r"Plan (\d+) minutes", first)[1])
    assert 60 <= minutes <= 120
    for cell in load(name).notebook["cells"]:
        rubric = re.findall(r"(\d) points?(?: for each)?:", text_of(cell).split("*Rubric.*")[1]) if "*Rubric.*" in text_of(cell) else []
        claimed = re.findall(r"\((\d+) points\)", text_of(cell).split("*Rubric.*")[0])
        if rubric and "for each law" not in text_of(cell):
            assert sum(map(int, rubric)) == int(claimed[-1]), text_of(cell)[:60]


@each_assignment
def test_sources_carry_no_outputs_and_the_metadata_that_nbgrader_wants(name):
    cells = load(name).notebook["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    metas = [cell["metadata"]["nbgrader"] for cell in cells if "nbgrader" in cell["metadata"]]
    assert all(meta["schema_version"] == 3 for meta in metas)
    assert len({meta["grade_id"] for meta in metas}) == len(metas)
    for cell in load(name).cells.values():
        assert bool(cell.hidden) == cell.is_test


@each_assignment
def test_what_is_given_out_holds_no_solution_and_no_hidden_test(name, released):
    notebook = json.loads((released / "release" / f"{name}.ipynb").read_text("utf-8"))
    text = "\n".join(text_of(cell) for cell in notebook["cells"])
    assert "SOLUTION" not in text and "HIDDEN" not in text
    assert text.count("YOUR CODE HERE") + text.count("YOUR ANSWER HERE") == sum("### BEGIN SOLUTION" in line for cell in load(name).notebook["cells"]
                                                                              for line in cell["source"])


@each_assignment
def test_each_student_has_other_numbers(name):
    """The setup cell of two students draws different data, and of one student always the same."""
    def drawn(student):
        space = {"STUDENT": student, "np": np}
        text = next(text_of(cell) for cell in load(name).notebook["cells"] if submission.grade_id(cell) == "setup")
        exec(text, space)
        return np.concatenate([np.ravel(value) for value in space.values() if isinstance(value, np.ndarray) and value.dtype.kind == "f"])

    one, again, other = drawn("ada"), drawn(" ADA"), drawn("bob")
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or np.mean(one == other) < 0.5


def test_another_key_draws_other_hidden_data():
    cell = load("2-e-step-and-m-step").cells["test-m-step"]
    seen = []
    def spy(X, resp, w):
        seen.append(X)
        raise ValueError
    for key, student in [(KEY, "ada"), (KEY, "ada"), (b"another key, as secret", "ada"), (KEY, "bob")]:
        hidden.judge(cell, {"m_step": spy}.get, key, "2-e-step-and-m-step", student)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert not np.isin(seen[0], seen[2]).any() and not np.isin(seen[0], seen[3]).any()


# Planted mistakes, those of tests/test_checks.py, as answers to assignment 3

def mutants():
    """Return {mutant: its laws} and the class that they are made from, without the tests around them."""
    source = (ROOT / "tests" / "test_checks.py").read_text("utf-8")
    classes = source[source.index("class Reference:"):source.index("# Correct classes")] + source[source.index("# Planted mistakes"):source.index("# For each mistake")]
    table = source[source.index("M_STEP, ROUND ="):source.index("@pytest.mark.parametrize(\"mutant\", CAUGHT")]
    space = {"np": np}
    exec(classes + table, space)
    return space


MUTANTS = mutants()


def law_points(Model, seed=0):
    cell = load("3-gmm-class").cells["test-laws" if not issubclass(Model, MUTANTS["Tied"]) else "test-family"]
    student = "ada" if cell.name == "test-laws" else "bob"                 # bob's family is tied
    name = "MyMixture" if cell.name == "test-laws" else "MyFamily"
    return hidden.judge(cell, {name: Model}.get, KEY, "3-gmm-class", student).points / cell.points


def test_there_are_as_many_mutants_as_ever():
    assert len(MUTANTS["CAUGHT"]) >= 62
    assert law_points(MUTANTS["Reference"]) == law_points(MUTANTS["Tied"]) == 1


@pytest.mark.parametrize("mutant", MUTANTS["CAUGHT"], ids=lambda mutant: mutant.__name__)
def test_each_planted_mistake_costs_points(mutant):
    assert law_points(mutant) < 1


def test_a_mutant_loses_points_through_the_jail_as_well(tmp_path):
    notebook = perfect("3-gmm-class", "ada")
    cell = next(cell for cell in notebook["cells"] if submission.grade_id(cell) == "my-mixture")
    cell["source"] = cell["source"].replace("share[:, np.newaxis]).T @ offsets", "share[:, np.newaxis]).T @ offsets * 1.1")
    verdicts = judged("3-gmm-class", notebook, tmp_path).verdicts
    assert 0 < verdicts["test-laws"].points < 20 and "First: " in verdicts["test-laws"].message
    assert verdicts["test-numbers"].points == 0


def test_a_class_that_keeps_its_answers_for_itself_gets_none():
    assert importlib.util.find_spec("gmm_from_scratch").origin.startswith(str(ROOT))      # ours, not an installed one
    text = released_text(text_of(load("3-gmm-class").notebook["cells"][0]))
    assert "check_mixture" in text
