"""More than thirty students hand in assignment 2. Each gets the points that are due, whatever the others did."""

import csv
import os
from datetime import UTC, datetime

import grade
import gradebook
import pytest
import session
from bs4 import BeautifulSoup
from conftest import KEY
from hidden import Verdict
from nbformat.v4 import new_code_cell
from nbgrader.utils import determine_grade
from simulate import CASES, FULL, NAME, hand_in

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")        # nbgrader's own
ISOLATED = not session.namespaces_work()
# Without isolation a notebook that looks around sees the machine, and one that forks may fill it.
STUDENTS = [student for student in CASES if ISOLATED or student not in ("looks-for-the-tests", "forks")]
LIMITS = session.Limits(call_seconds=6, cell_seconds=6, all_seconds=120)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row.get("student_id") or row.get("SIS User ID") or row.get("ID number"): row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def out(released, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    hand_in(folder / "in", released, STUDENTS)
    roster = "\n".join(f"{student},Family {i},Given,{student}@example.org" for i, student in enumerate([*STUDENTS, "absent"]))
    (folder / "roster.csv").write_text("student_id,last_name,first_name,email\n" + roster + "\n", "utf-8")
    due = datetime(2026, 12, 1, 23, 59, tzinfo=UTC)
    grade.grade(folder / "in", folder / "out", KEY, roster=folder / "roster.csv", due=due, isolated=ISOLATED, limits=LIMITS)
    return folder / "out"


def test_there_are_more_than_thirty():
    assert len(STUDENTS) >= 30


@pytest.mark.parametrize("student", STUDENTS)
def test_each_gets_the_points_that_are_due(out, student):
    row, case = rows(out / "grades.csv")[student], CASES[student]
    line = rows(out / "report.csv")[student]
    assert (row["assignment"], float(row["max_score"])) == (NAME, 40)
    assert float(row["score"]) == float(line["by_machine"]) == case.points, line["notes"]
    assert case.says in line["notes"]


def test_nobody_is_missing_and_who_handed_in_nothing_has_no_points(out):
    assert set(rows(out / "grades.csv")) == {*STUDENTS, "absent"}
    assert rows(out / "report.csv")["absent"]["notes"] == "not handed in"
    assert float(rows(out / "grades.csv")["absent"]["score"]) == 0


def test_late_work_is_reported(out):
    late = {student: line["late"] for student, line in rows(out / "report.csv").items() if line["late"]}
    assert late == {"late-and-old": "42.0 hours"}
    assert rows(out / "grades.csv")["late-and-old"]["duedate"].startswith("2026-12-01 23:59")


def test_right_work_is_reported_without_complaints(out):
    for i in range(6):
        assert rows(out / "report.csv")[f"perfect{i}"]["notes"] == ""


def test_the_report_says_first_how_safe_it_was(out):
    first = (out / "report.md").read_text("utf-8").splitlines()[0]
    assert ("cut off from the network" in first) == ISOLATED
    assert ("WITHOUT ISOLATION" in first) != ISOLATED


def test_feedback_tells_points_and_reasons_and_no_more(out):
    pages = {path.parts[-3]: path.read_text("utf-8") for path in (out / "feedback").rglob("*.html")}
    assert set(pages) == set(STUDENTS)
    assert "Right shape, wrong values" in pages["no-row-counts"] and "28.0" in pages["perfect0"]
    assert "12 points of written answers have not been marked yet" in pages["perfect0"]
    assert "have not been marked" not in pages["released"]
    assert "<mfrac>" in pages["late-and-old"] and "frac{" not in pages["late-and-old"]
    for page in pages.values():
        assert "HIDDEN TESTS" not in page and "sample_weight" not in page
        harmless(page)
    harmless((out / "to-mark.html").read_text("utf-8"))
    stored = (out / "autograded" / "script" / NAME / f"{NAME}.ipynb").read_text("utf-8")      # what nbgrader's own marking page would show
    assert "gotcha" in stored and not any(sign in stored for sign in ("<script", "<img", "text/html", "application/javascript"))


def harmless(page):
    """Demand that nothing in a page can run, and that it asks no other host."""
    tags = BeautifulSoup(page, "html.parser").find_all(True)
    assert not [tag.name for tag in tags if tag.name in ("script", "iframe", "object", "embed")]
    assert not [name for tag in tags for name in tag.attrs if name.startswith("on")]
    assert not [tag for tag in tags if tag.get("src", "").startswith(("http:", "https:", "//", "javascript:"))]


def test_the_tables_for_canvas_and_moodle_have_their_columns(out):
    canvas, moodle = rows(out / "canvas.csv"), rows(out / "moodle.csv")
    assert canvas[None] == {"Student": "    Points Possible", "ID": "", "SIS User ID": "", "SIS Login ID": "", "Section": "", NAME: "40"}
    assert list(canvas["perfect0"]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", NAME]
    assert canvas["perfect0"] | {"ID": ""} == {"Student": "Family 0, Given", "ID": "", "SIS User ID": "perfect0", "SIS Login ID": "",
                                               "Section": "", NAME: "28.0"}
    assert moodle["perfect0"] == {"ID number": "perfect0", "Email address": "perfect0@example.org", NAME: "28.0"}


def test_marks_of_a_person_are_added_and_stay(out, tmp_path):
    """One student handed in again; the marks are in manual.csv; nobody else's grade changes."""
    table = out / "manual.csv"
    text = table.read_text("utf-8")
    assert f"{NAME},perfect0,written-derivation,5,," in text
    table.write_text(text.replace(f"{NAME},perfect0,written-derivation,5,,", f"{NAME},perfect0,written-derivation,5,3.5,Why a maximum?"), "utf-8")
    before = rows(out / "grades.csv")
    (tmp_path / "perfect0").mkdir()
    os.link(out.parent / "in" / "perfect0" / f"{NAME}.ipynb", tmp_path / "perfect0" / f"{NAME}.ipynb")
    grade.grade(tmp_path, out, KEY, isolated=ISOLATED, limits=LIMITS)
    after = rows(out / "grades.csv")
    assert float(after["perfect0"]["score"]) == FULL + 3.5
    assert {s: row["score"] for s, row in after.items() if s != "perfect0"} == {s: row["score"] for s, row in before.items() if s != "perfect0"}
    assert "Why a maximum?" in (out / "feedback" / "perfect0" / NAME / f"{NAME}.html").read_text("utf-8")
    assert f"{NAME},perfect0,written-derivation,5,3.5,Why a maximum?" in table.read_text("utf-8")


@pytest.mark.parametrize("points", [0, 0.25, 2.5, 3.99, 4])
def test_nbgrader_reads_the_points_that_were_meant(points):
    metadata = {"nbgrader": {"grade": True, "solution": False, "locked": True, "points": 4, "grade_id": "x", "schema_version": 3}}
    cell = new_code_cell("", outputs=gradebook.as_outputs(Verdict(points, "Some tests passed."), 4.0), metadata=metadata)
    assert determine_grade(cell, None) == (points, 4)
