"""Whose a file is, what is taken from it and what is not, and what `make grade` says before it begins."""

import json
import sys

import grade
import pytest
import submission
from conftest import KEY, ROOT
from simulate import NAME, perfect
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
