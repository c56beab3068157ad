import cv2
import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.swaps import mini_frame

from faceplate.io.image import read_frame
from faceplate.merge.defocus import defocus, match_defocus

PLACE = np.s_[20:200, 90:300]


def face(actor, number, zoom=1):
    crop = np.ascontiguousarray(mini_frame(actor, number).rgb()[PLACE])
    return crop if zoom == 1 else cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=2)


def matte(number, zoom=1):
    visible = read_frame(MINI / "B_masks" / "visible" / f"visible.{number}.png").pixels[..., 0]
    inner = cv2.erode(np.ascontiguousarray(visible[PLACE]), np.ones((9, 9)))
    return inner if zoom == 1 else cv2.resize(inner, None, fx=zoom, fy=zoom)


@pytest.mark.parametrize("diameter", [1.3, 4.0, 9.5])
def test_a_dot_becomes_a_disc_of_this_diameter(diameter):
    image = np.zeros((41, 41, 3), np.float32)
    image[20, 20] = 100
    blurred = defocus(image, diameter)
    assert blurred.sum() == pytest.approx(300, rel=1e-4)
    area = (blurred[..., 0] / blurred.max()).sum()
    assert area == pytest.approx(max(np.pi * diameter**2 / 4, 1), rel=0.15)
    rows, columns = np.nonzero(blurred[..., 0] > 1e-6)
    assert np.hypot(rows - 20, columns - 20).max() <= diameter / 2 + 0.75


def test_no_diameter_changes_nothing():
    image = face("B", 1001)
    assert defocus(image, 0) is image


@pytest.mark.parametrize("number", [1001, 1006])
@pytest.mark.parametrize("diameter", [6.0, 12.0])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_the_face_of_another_is_brought_to_the_plate_s_defocus(number, diameter, noise):
    """The plate is B out of focus and noisy, the face is S in focus."""
    random = np.random.default_rng(1).standard_normal(face("B", number, 2).shape)
    plate = (defocus(face("B", number, 2), diameter) + noise * random).astype(np.float32)
    found = match_defocus(face("S", number, 2), plate, matte(number, 2))
    assert found == pytest.approx(diameter, rel=0.25)


@pytest.mark.parametrize("number", [1001, 1003, 1006])
def test_a_sharp_plate_asks_for_next_to_none(number):
    assert match_defocus(face("S", number), face("B", number), matte(number)) < 1.3


def test_a_face_softer_than_the_plate_stays_as_it_is():
    soft = defocus(face("S", 1001), 5)
    assert match_defocus(soft, face("B", 1001), matte(1001)) == 0


def test_the_exposure_does_not_count():
    plate = defocus(face("B", 1003), 5)
    once = match_defocus(face("S", 1003), plate, matte(1003))
    assert match_defocus(face("S", 1003), plate * 4, matte(1003)) == pytest.approx(once, abs=1e-3)


def test_too_little_of_a_face_is_not_measured():
    small = np.zeros((180, 210), np.float32)
    small[50:60, 50:60] = 1
    assert match_defocus(face("S", 1001), defocus(face("B", 1001), 9), small) == 0
    assert match_defocus(face("S", 1001), face("B", 1001), np.zeros_like(small)) == 0
