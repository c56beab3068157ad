import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.paths import MINI

from faceplate.errors import BadShape
from faceplate.geometry.points import transform
from faceplate.geometry.umeyama import umeyama

POINTS = np.array([[0.0, 0.0], [3.0, 1.0], [2.0, 5.0], [-1.0, 4.0]])


def similarity(scale, angle, dx, dy):
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, dx], [sin, cos, dy]])


@given(st.floats(0.01, 100), st.floats(-3.1, 3.1), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_umeyama_recovers_a_known_similarity(scale, angle, dx, dy):
    wanted = similarity(scale, angle, dx, dy)
    got = umeyama(POINTS, transform(POINTS, wanted))
    np.testing.assert_allclose(got, wanted, atol=1e-8)


def test_a_mirrored_face_is_never_answered_with_a_mirror():
    got = umeyama(POINTS, POINTS * [-1, 1])
    assert np.linalg.det(got[:, :2]) > 0


def test_points_in_a_line_are_fitted_without_a_mirror():
    line = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]])
    wanted = similarity(2, 0.5, 3, 4)
    np.testing.assert_allclose(umeyama(line, transform(line, wanted)), wanted, atol=1e-9)


def test_no_other_similarity_fits_better():
    rng = np.random.default_rng(3)
    target = transform(POINTS, similarity(1.5, 0.4, 7, -2)) + rng.normal(0, 0.3, POINTS.shape)
    best = umeyama(POINTS, target)

    def error(matrix):
        return ((transform(POINTS, matrix) - target) ** 2).sum()

    for _ in range(200):
        nudge = np.array([[1, -1, 0], [1, 1, 0]]) * rng.normal(0, 1e-3, 2)[[0, 1]][:, None]
        scale, turn, dx, dy = rng.normal(0, 1e-3, 4)
        nudge = np.array([[scale, -turn, dx], [turn, scale, dy]])
        assert error(best + nudge) >= error(best)


@pytest.mark.parametrize("shot", ["A", "B", "S"])
def test_it_agrees_with_the_renderers_own_similarity(shot):
    truth = json.loads((MINI / f"truth_{shot}.json").read_text())
    canonical = np.array(truth["canonical_landmarks_17_67"])
    for frame in truth["frames"].values():
        got = umeyama(canonical, np.array(frame["landmarks68_px"])[17:])
        # the truth file is rounded to 5 digits
        np.testing.assert_allclose(got, frame["similarity_canon_to_px"], atol=5e-4)


@pytest.mark.parametrize(
    "source", [np.zeros((4, 2)), np.full((4, 2), np.nan), np.zeros((4, 3)), np.zeros((0, 2))]
)
def test_useless_points_are_refused(source):
    with pytest.raises(BadShape):
        umeyama(source, POINTS[: len(source)])
