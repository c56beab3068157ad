from dataclasses import replace

import numpy as np
import pytest
from tests.support.swaps import face_of, frontal_landmarks

from faceplate.errors import BadSettings, NotReady
from faceplate.merge.recipe import Recipe
from faceplate.merge.trackmattes import chosen_mattes, matte_text, measured_mattes, read_matte

MODEL = "ab" * 32
OWN = (np.full((8, 8), 0.2, np.float32), np.full((8, 8), 0.3, np.float32))
SMOOTH = (np.full((8, 8), 0.6, np.float32), np.full((8, 8), 0.8, np.float32))


def face(**mattes):
    return replace(face_of(frontal_landmarks((100, 100), 80)), swap_mattes=mattes)


def test_a_matte_comes_back_from_its_text_to_8_bits():
    matte = np.random.default_rng(0).random((17, 17)).astype(np.float32)
    assert np.abs(read_matte(matte_text(matte)) - matte).max() <= 0.5 / 255 + 1e-6


def test_the_mattes_of_a_model_come_from_the_face_of_a_track():
    texts = {"likeness": matte_text(SMOOTH[0]), "performer": matte_text(SMOOTH[1])}
    likeness, performer = measured_mattes(face(**{MODEL: texts}), MODEL)
    assert (likeness.mean(), performer.mean()) == pytest.approx((0.6, 0.8), abs=2e-3)
    assert measured_mattes(face(**{MODEL: texts}), "cd" * 32) is None


@pytest.mark.parametrize(
    "texts",
    [{"likeness": "AAAA"}, {"likeness": "no base64!", "performer": "x"},
     {"likeness": "AAAA", "performer": "AAAA"}, {"likeness": "", "performer": ""}],
)  # fmt: skip
def test_mattes_spoilt_by_hand_are_told(texts):
    with pytest.raises(BadSettings, match="measure again"):
        measured_mattes(face(**{MODEL: texts}), MODEL)


@pytest.mark.parametrize(
    ("source", "measured", "expected"),
    [("frame", SMOOTH, OWN), ("auto", SMOOTH, SMOOTH), ("auto", None, OWN),
     ("track", SMOOTH, SMOOTH)],
)  # fmt: skip
def test_the_recipe_says_whose_mattes_are_used(source, measured, expected):
    assert chosen_mattes(OWN, measured, Recipe(learned_from=source)) is expected


def test_mattes_that_are_wanted_and_absent_or_of_another_size_are_told():
    with pytest.raises(NotReady, match="matte-smoothing"):
        chosen_mattes(OWN, None, Recipe(learned_from="track"))
    large = (np.zeros((16, 16), np.float32),) * 2
    with pytest.raises(BadSettings, match="measure again"):
        chosen_mattes(OWN, large, Recipe())
