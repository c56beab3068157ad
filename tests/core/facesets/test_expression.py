import numpy as np
import pytest
from tests.support.training import landmarks_of

from faceplate.facesets.expression import EXPRESSIONS, classify, expression_of


def changed(points: slice, by: tuple[float, float]) -> np.ndarray:
    landmarks = landmarks_of(100).astype(np.float64)
    landmarks[points] += by
    return landmarks


def test_a_dropped_lower_lip_opens_the_mouth_and_nothing_else() -> None:
    still, spoken = expression_of(landmarks_of(100)), expression_of(changed(slice(65, 68), (0, 9)))
    assert spoken.mouth_open > still.mouth_open + 0.1
    assert spoken.eyes_open == pytest.approx(still.eyes_open)


def test_figures_do_not_depend_on_place_size_or_roll() -> None:
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    here, there = landmarks_of(100), landmarks_of(100) @ turn.T * 3 + 40
    for name in ("mouth_open", "mouth_wide", "eyes_open", "brows_up"):
        one, other = getattr(expression_of(here), name), getattr(expression_of(there), name)
        assert one == pytest.approx(other, abs=1e-5)


def test_expressions_are_told_apart_against_the_persons_own_mouth() -> None:
    mouth_open = np.array([0.01, 0.2, 0.01, 0.01, 0.2])
    mouth_wide = np.array([0.4, 0.4, 0.5, 0.4, 0.4])
    eyes_open = np.array([0.07, 0.07, 0.07, 0.01, 0.01])
    found = [EXPRESSIONS[at] for at in classify(mouth_open, mouth_wide, eyes_open)]
    assert found == ["neutral", "mouth open", "mouth wide", "eyes shut", "eyes shut"]


def test_lids_are_shut_that_are_far_below_the_persons_own() -> None:
    mouth = np.full(5, 0.4)
    wide_eyed, narrow_eyed = [0.07, 0.07, 0.07, 0.038, 0.05], [0.04, 0.04, 0.04, 0.031, 0.035]
    shut = EXPRESSIONS.index("eyes shut")
    found = [
        classify(0 * mouth, mouth, np.array(eyes)) == shut for eyes in (wide_eyed, narrow_eyed)
    ]
    assert [one.tolist() for one in found] == [[False] * 3 + [True, False], [False] * 5]


def test_nobody_has_no_expression() -> None:
    nothing = np.zeros(0)
    assert len(classify(nothing, nothing, nothing)) == 0
