import numpy as np
import pytest

from faceplate.geometry.points import invert, transform
from faceplate.landmarks import LANDMARKERS, roll_of
from faceplate.landmarks.crop import view_to_square


@pytest.mark.parametrize(
    ("right_eye", "roll"), [((10, 0), 0), ((10, -10), 45), ((10, 10), -45), ((-10, 0.0), -180)]
)
def test_roll_is_above_zero_counter_clockwise(right_eye, roll):
    assert abs(roll_of((0, 0), right_eye)) == pytest.approx(abs(roll))
    if abs(roll) < 180:
        assert roll_of((0, 0), right_eye) == pytest.approx(roll)


def test_a_square_crop_levels_the_eyes_and_centres_the_face():
    left, right = np.array([100.0, 80.0]), np.array([140.0, 60.0])
    matrix = view_to_square((120, 90), 90, roll_of(left, right), 192)
    in_crop = transform([left, right, (120, 90)], matrix)
    assert in_crop[0, 1] == pytest.approx(in_crop[1, 1])
    assert in_crop[0, 0] < in_crop[1, 0]
    np.testing.assert_allclose(in_crop[2], 95.5)
    corners = transform([[-0.5, -0.5], [191.5, -0.5]], invert(matrix))
    assert np.hypot(*(corners[1] - corners[0])) == pytest.approx(90)


def test_the_registry_holds_facemesh_and_fan():
    assert LANDMARKERS.load("facemesh").cards == ("facemesh-468", "iris")
    assert LANDMARKERS.load("2dfan4").cards == ("2dfan4",)
    assert LANDMARKERS.load("3dfan4").cards == ("3dfan4",)
