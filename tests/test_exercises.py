"""Feedback on answers: each stage speaks in its turn, and the right answer is never told."""

import numpy as np
import pytest

from gmm_from_scratch.exercises import feedback, first_look, student_rng

EXPECTED = np.array([[0.25, 0.75], [0.123456789, 0.5]])


@pytest.mark.parametrize(("answer", "expected", "said"), [
    (None, EXPECTED, "Nothing returned yet."),
    (EXPECTED.tolist(), EXPECTED, "This is a list. Wrap it in np.array(...)."),
    (EXPECTED.astype(int), EXPECTED, "Real numbers are wanted; these are of type int64."),
    (np.array([[1.0, 0.0]]), np.array([[1, 0]]), "Whole numbers are wanted; these are of type float64."),
    (np.array([1, 0]), np.array([True, False]), "Truth values are wanted; these are of type int64."),
    ("two", 2, "Whole numbers are wanted; this is of type <U3."),
    (2, "full", "A text is wanted; this is of type int."),
    (EXPECTED.T[:1], EXPECTED, "The shape (1, 2) should be (2, 2)."),
    (np.ones(1), 1.0, "The shape (1,) should be ()."),
    (np.full((2, 2), np.nan), EXPECTED, "Some values are nan or infinite. Look for a division by zero."),
    (np.inf, 1.0, "This is nan or infinite. Look for a division by zero."),
    (EXPECTED + np.array([[0, 0], [0.01, 0.02]]), EXPECTED, "Right shape, wrong values; the worst is at (1, 1)."),
    (np.array([1, 2, 4]), np.array([1, 2, 3]), "Right shape, wrong values; the worst is at (2,)."),
    (3.1, 3.0, "Not this value."),
    (3, 4, "Not this value."),
    ("tied", "full", "Not this one."),
])
def test_the_first_thing_that_is_wrong_is_said(answer, expected, said):
    assert feedback(answer, expected) == said


@pytest.mark.parametrize(("answer", "expected"), [
    (EXPECTED * (1 + 1e-8), EXPECTED), (3, 3.0), (np.float64(3), 3.0), (np.int32(4), 4), (" Full", "full"), (True, True),
    (np.array([True, False]), np.array([True, False])), (np.array([1, 2], np.int32), np.array([1, 2])), (1e-12, 0.0)])
def test_right_answers_are_correct(answer, expected):
    assert feedback(answer, expected) == "Correct."


def test_the_expected_values_are_never_told():
    for answer in (None, EXPECTED.tolist(), EXPECTED + 1, EXPECTED[:1], EXPECTED.astype(int)):
        assert "0.1234" not in feedback(answer, EXPECTED)


@pytest.mark.parametrize(("answer", "shape", "kind", "said"), [
    (None, (2,), "real", "Nothing returned yet."), (..., (), "real", "Nothing returned yet."),
    ([1.0, 2.0], (2,), "real", "This is a list. Wrap it in np.array(...)."), (np.ones(2), (3,), "real", "The shape (2,) should be (3,)."),
    (np.ones(2), (2,), "whole", "Whole numbers are wanted; these are of type float64."), (3, (), "real", "Right type and shape."),
    (np.array([1.0, np.nan]), (2,), "real", "Some values are nan or infinite. Look for a division by zero.")])
def test_a_first_look_sees_the_form_and_no_more(answer, shape, kind, said):
    assert first_look(answer, shape, kind) == said


def test_each_student_and_each_assignment_draws_other_numbers_and_always_the_same():
    drawn = {name: student_rng(*name).random(5).tolist() for name in [("ada", 1), ("ada", 2), ("bob", 1)]}
    assert len({tuple(numbers) for numbers in drawn.values()}) == 3
    assert student_rng(" ADA ", 1).random(5).tolist() == drawn["ada", 1]
    for empty in ("", "  ", None):
        with pytest.raises(ValueError, match="class list"):
            student_rng(empty, 1)
