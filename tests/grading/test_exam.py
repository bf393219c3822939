"""The exam: the key decides the numbers, both versions are worth the same, and it never lands in the repository."""

import sys
from pathlib import Path

import exam
import numpy as np
import pytest
from conftest import KEY, ROOT
from key import HOW_TO, KeyProblem, read_key


def test_the_key_decides_and_the_versions_are_worth_the_same():
    one, again, other = exam.exam(KEY, "A"), exam.exam(KEY, "A"), exam.exam(b"another key of a class", "A")
    assert one == again and one != other and one != exam.exam(KEY, "B")
    for key in (KEY, b"another key of a class", b"a third key of a class"):
        assert [question.points for question in exam.exam(key, "A")] == [question.points for question in exam.exam(key, "B")]


@pytest.mark.parametrize("seed", range(40))
def test_every_draw_gives_a_question_that_can_be_answered(seed):
    for make in exam.QUESTIONS:
        question = make(np.random.default_rng(seed))
        text = question.text + str(question.rubric)
        assert question.points >= 6 and "nan" not in text and "inf" not in text.replace("infinit", "")


def test_the_solution_of_the_first_question_is_that_of_a_pencil():
    class Drawn:
        choice = staticmethod(lambda *args, **kwargs: np.array([1, 2, 6, 7, 9]))
    assert [what for _, what in exam.kmeans_round(Drawn()).rubric] == ["labels 1, 2, 2, 2, 2 (first or second letterbox)", "letterboxes at 1, 6", "assigned anew 1, 1, 2, 2, 2; cost 11"]


@pytest.mark.parametrize("where", [ROOT / "exam", ROOT / "_build" / "exam"])
def test_it_is_not_written_where_it_may_be_published(where, tmp_path, monkeypatch):
    (tmp_path / "class.key").write_bytes(KEY)
    monkeypatch.setattr(sys, "argv", ["exam.py", "--key", str(tmp_path / "class.key"), "--out", str(where)])
    with pytest.raises(SystemExit, match="lies in the repository"):
        exam.main()
    assert not where.exists()


def test_both_versions_and_their_rubrics_are_written(tmp_path, monkeypatch):
    (tmp_path / "class.key").write_bytes(KEY)
    monkeypatch.setattr(sys, "argv", ["exam.py", "--key", str(tmp_path / "class.key"), "--out", str(tmp_path / "exam")])
    exam.main()
    pages = {path.name: path.read_text("utf-8") for path in (tmp_path / "exam").iterdir()}
    assert sorted(pages) == ["exam-A-rubric.html", "exam-A.html", "exam-B-rubric.html", "exam-B.html"]
    for version in "AB":
        what = [what for question in exam.exam(KEY, version) for _, what in question.rubric]
        assert all(part in pages[f"exam-{version}-rubric.html"] and part not in pages[f"exam-{version}.html"] for part in what)


@pytest.mark.parametrize("content", [None, "short", ""])
def test_a_key_that_is_none_is_refused(content, tmp_path):
    path = tmp_path / "class.key"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KeyProblem, match="secrets.token_hex"):
        read_key(path)
    assert "secrets" in HOW_TO


def test_a_key_in_the_repository_is_refused():
    with pytest.raises(KeyProblem, match="may be published"):
        read_key(Path(__file__))
