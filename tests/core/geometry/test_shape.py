import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.errors import BadShape
from faceplate.geometry.shape import TEMPLATE_EYE_DISTANCE, from_shape, to_shape


def test_shape_and_place_give_the_points_back() -> None:
    points = known_landmarks("B", 1003)
    assert from_shape(*to_shape(points)) == pytest.approx(points)


def test_moving_turning_and_growing_a_face_leaves_its_shape() -> None:
    points = known_landmarks("B", 1001)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 3.5
    moved = points @ turn.T + [200, -50]
    (shape, place), (other, where) = to_shape(points), to_shape(moved)
    assert other == pytest.approx(shape)
    assert np.hypot(*where[:2]) == pytest.approx(3.5 * np.hypot(*place[:2]))


def test_the_scale_of_the_place_gives_the_eye_distance() -> None:
    points = known_landmarks("A", 1004)
    eyes = np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0))
    place = to_shape(points)[1]
    assert np.hypot(*place[:2]) * TEMPLATE_EYE_DISTANCE == pytest.approx(eyes, rel=0.1)


def test_points_at_one_place_are_refused() -> None:
    with pytest.raises(BadShape):
        to_shape(np.ones((68, 2)))
