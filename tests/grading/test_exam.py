"""The exam: the key decides the numbers, both versions are worth the same, and it never lands in the repository."""

import subprocess
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
def test_it_is_not_written_where_it_may_be_published(where, tmp_path):
    (tmp_path / "class.key").write_bytes(KEY)
    run = subprocess.run([sys.executable, ROOT / "grading" / "exam.py", "--key", tmp_path / "class.key", "--out", where],
                         capture_output=True, text=True, check=False)
    assert run.returncode and "lies in the repository" in run.stderr and not where.exists()


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
