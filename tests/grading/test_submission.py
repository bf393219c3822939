"""Whose a file is, what is taken from it and what is not, and what `make grade` says before it begins."""

import json
import os
import sys
from unittest.mock import MagicMock

import grade
import gradebook
import pytest
import submission
from conftest import KEY, ROOT
from simulate import NAME, cell_of, perfect
from source import load


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("student_id,last_name,first_name,folder\nada,Lovelace,Ada,Ada Lovelace\ngrace,\"Hopper, Adm.\",=Grace,hoppergrace\n4711,,,\n", "utf-8")
    return submission.read_roster(path)


@pytest.mark.parametrize(("place", "student", "notes"), [
    ("ada/x.ipynb", "ada", ()), ("ada.ipynb", "ada", ()), ("ada/deep/down/x.ipynb", "ada", ()),
    ("Ada Lovelace_99_assignsubmission_file_/x.ipynb", "ada", ()),                    # Moodle
    ("hoppergrace_12_34_x.ipynb", "grace", ()), ("somebody_LATE_4711_34_x.ipynb", "4711", ("marked late by Canvas",)),      # Canvas
    ("stranger/x.ipynb", "stranger", ("not in the class list",)), ("=cmd|' /x.ipynb", "cmd", ("not in the class list",)),
])
def test_the_name_of_a_folder_or_file_says_whose_it_is(place, student, notes, roster, tmp_path):
    path = tmp_path / "in" / place
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    (handed,) = submission.collect(tmp_path / "in", roster)
    assert (handed.student, handed.notes) == (student, notes)


@pytest.mark.parametrize("text", ["a/b", "..", "[x]", "a*", "", "ada\nADA"])
def test_an_id_that_cannot_name_a_folder_or_stands_there_twice_is_refused(text, tmp_path):
    (tmp_path / "roster.csv").write_text(f"student_id,last_name\n{text},x\n".replace("\nADA,", ",\nADA,"), "utf-8")
    with pytest.raises(submission.RosterProblem, match="cannot name a folder|twice"):
        submission.read_roster(tmp_path / "roster.csv")


def test_two_students_of_the_same_name_are_not_mistaken_for_each_other(tmp_path):
    (tmp_path / "r.csv").write_text("student_id,folder\nada,Ann Lee\nbob,Ann Lee\ncarl,Ann Lee_17\n", "utf-8")
    roster = submission.read_roster(tmp_path / "r.csv")
    for folder in ("Ann Lee_16_assignsubmission_file_", "Ann Lee_17_assignsubmission_file_"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "x.ipynb").write_text("{}")
    one, other = submission.collect(tmp_path / "in", roster)
    assert one.student not in roster and one.notes[0].startswith("may be of ada or bob")
    assert (other.student, other.notes) == ("carl", ())


def test_what_is_no_notebook_is_named_and_what_systems_add_is_not_taken_for_work(tmp_path):
    for place in ("ada/HW.IPYNB", "ada/._HW.ipynb", "__MACOSX/ada/._HW.ipynb", "ada/.ipynb_checkpoints/HW.ipynb", "bob/hw.zip", "carl/.DS_Store"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("{}")
    assert [one.path.name for one in submission.collect(tmp_path, {})] == ["HW.IPYNB"]
    assert submission.without_notebook(tmp_path, {}) == [("bob", "no notebook: hw.zip"), ("carl", "no notebook: an empty folder")]


def test_the_time_is_not_taken_from_what_a_student_uploaded(tmp_path):
    for folder, year in (("ada", 2001), ("Ada_17_assignsubmission_file_", 2009)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.ipynb").write_text("{}")
        os.utime(tmp_path / folder / "x.ipynb", (1234567890, 1234567890))
        (tmp_path / folder / "timestamp.txt").write_text("2001-01-01 00:00:00 UTC")
        assert {one.when.year for one in submission.collect(tmp_path, {}) if one.path.parent.name == folder} == {year}


def test_a_text_without_end_is_cut_off():
    """Else one answer could keep the page of feedback busy for hours."""
    notebook = perfect(NAME, "ada")
    cell_of(notebook, "written-expectation")["source"] = "[" * 50_000
    notebook["cells"] += [{"cell_type": "code", "metadata": {}, "source": "#" * 50_000}] * 1000
    clean, _, notes = submission.rebuild(load(NAME), notebook)
    assert len(clean["cells"]) == submission.MAX_CELLS and sum(len(cell["source"]) for cell in clean["cells"]) < submission.MAX_ALL + 20_000
    assert len(cell_of(clean, "written-expectation")["source"]) == 10_000 and "50000 characters; cut off" in notes[1]


def test_a_student_cannot_write_lines_into_the_report(tmp_path):
    lines = [grade._line("eve", NAME, of="40", notes=["ok |\n| ada | 0 |\x1b[2J <script>"])]
    grade._write_report(tmp_path, lines, True, 1, 1)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "\n| ada" not in text and "\x1b" not in text and "<script" not in text and "\\| ada \\| 0" in text


def test_a_notebook_that_nbgrader_cannot_take_stops_nobody(tmp_path, monkeypatch):
    taken = []

    def convert(converter, directory, assignment, student, **steps):
        stored = tmp_path / "submitted" / student / NAME / f"{NAME}.ipynb"
        if student != "." and "poison" in stored.read_text("utf-8"):
            raise RuntimeError
        taken.append(student)

    monkeypatch.setattr(gradebook, "convert", convert)
    monkeypatch.setattr(gradebook, "Gradebook", MagicMock())
    results = {}
    for student, text in [("ada", "poison"), ("bob", "fine")]:
        notebook = submission.rebuild(load(NAME), {"cells": [{"cell_type": "code", "metadata": {}, "source": text}]})[0]
        results[student, NAME] = grade.Judged(notebook, {}, [], {})
        gradebook.hand_over(tmp_path, student, NAME, notebook)
    gradebook.enter_verdicts(MagicMock(), tmp_path, [NAME], results, None)
    assert taken == [".", "ada", "bob"] and "could not show this notebook" in results["ada", NAME].notes[0] and results["bob", NAME].notes == []


def test_names_that_would_spoil_a_table_are_mended(roster):
    assert (roster["grace"].last_name, roster["grace"].first_name) == ("Hopper  Adm.", "Grace")


def test_a_list_without_ids_is_refused(tmp_path):
    (tmp_path / "roster.csv").write_text("name\nAda\n")
    with pytest.raises(ValueError, match="column student_id"):
        submission.read_roster(tmp_path / "roster.csv")


def test_a_link_to_a_file_elsewhere_is_not_followed(tmp_path):
    (tmp_path / "elsewhere.ipynb").write_text("{}")
    (tmp_path / "in" / "eve").mkdir(parents=True)
    (tmp_path / "in" / "eve" / "x.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    assert submission.collect(tmp_path / "in", {}) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [1]}', "[" * 100000, '{"cells": [{"source": 1}], "x": NaN'])
def test_what_is_no_notebook_is_said_so(text, tmp_path):
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(submission.Unreadable, match="no notebook"):
        submission.read_notebook(tmp_path / "x.ipynb")


def test_a_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "x.ipynb", "wb") as file:
        file.truncate(submission.MAX_BYTES + 1)
    with pytest.raises(submission.Unreadable, match="clear the outputs"):
        submission.read_notebook(tmp_path / "x.ipynb")


def test_strange_cells_do_no_harm(tmp_path):
    strange = [{}, {"cell_type": "magic", "source": ["a", 1], "metadata": 3}, {"cell_type": "code", "source": "1", "outputs": [7, {"data": "x"}]},
               {"cell_type": "code", "source": None, "metadata": {"nbgrader": {"grade_id": ["list"]}}}, {"metadata": {"nbgrader": 5}}]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": strange}))
    clean, to_run, notes = submission.rebuild(load(NAME), submission.read_notebook(tmp_path / "x.ipynb"))
    assert len(clean["cells"]) == len(strange) + len(load(NAME).cells) and "cells were deleted" in notes[0]
    assert [text for _, _, text in to_run if text in ("1", "a1")] == ["1"]


def test_locked_cells_come_back_and_answers_stay():
    notebook = perfect(NAME, "ada")
    for cell in notebook["cells"]:
        cell["source"] += "\n# changed"
    clean, to_run, notes = submission.rebuild(load(NAME), notebook)
    texts = {submission.grade_id(cell): cell["source"] for cell in clean["cells"]}
    assert texts["setup"] == load(NAME).cells["setup"].text and texts["m-step"].endswith("# changed")
    assert sum("was changed; restored" in note for note in notes) == sum(cell.is_locked for cell in load(NAME).cells.values())
    assert [is_setup for _, is_setup, _ in to_run].count(True) == 1


@pytest.mark.parametrize(("arguments", "said"), [
    (["nowhere"], "There is no folder nowhere"), (["."], "No class key: say KEY=file"), ([".", "--key", "none"], "There is no file"),
    ([".", "--key", str(ROOT / "README.md")], "where it may be published"), ([".", "--key", "short.key"], "at least 16"),
])
def test_it_says_what_is_missing_before_it_begins(arguments, said, tmp_path, monkeypatch):
    (tmp_path / "short.key").write_text("abc")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADING_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", ["grade.py", *arguments])
    with pytest.raises(SystemExit, match=said):
        grade.main()


def test_without_isolation_it_stops_unless_told_to_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(grade.session, "namespaces_work", lambda: "no namespaces here")
    (tmp_path / "class.key").write_bytes(KEY)
    monkeypatch.setattr(sys, "argv", ["grade.py", str(tmp_path), "--key", str(tmp_path / "class.key")])
    with pytest.raises(SystemExit, match=r"no namespaces here.*WITHOUT_ISOLATION=1"):
        grade.main()


def test_grades_are_not_written_where_they_may_be_published(tmp_path, monkeypatch):
    (tmp_path / "class.key").write_bytes(KEY)
    monkeypatch.setattr(sys, "argv", ["grade.py", str(tmp_path), "--key", str(tmp_path / "class.key"), "--out", str(ROOT / "grades"), "--without-isolation"])
    with pytest.raises(SystemExit, match="where grades may be published"):
        grade.main()
