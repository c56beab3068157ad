import cv2
import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.extract.measure import face_color, inside, sharpness
from faceplate.extract.view import FrameView
from faceplate.io.frame import Frame, Window


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings(load_config(BUILTIN_CONFIG), "ACEScg")


def view_of(pixels: np.ndarray, encodings: Encodings) -> FrameView:
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    return FrameView(Frame(1, pixels, ("R", "G", "B"), window, window), encodings)


def test_the_colours_of_a_face_are_those_of_its_pixels_in_the_working_encoding(
    encodings: Encodings,
) -> None:
    pixels = np.full((216, 384, 3), 5.0, np.float32)
    points = known_landmarks("A", 1004)
    (x0, y0), (x1, y1) = points.min(axis=0).astype(int) - 20, points.max(axis=0).astype(int) + 9
    pixels[max(y0, 0) : y1, x0:x1] = 0.18, 0.36, 0.09
    got = face_color(view_of(pixels, encodings), points, encodings)
    expected = encodings.to_working(np.float32([[[0.18, 0.36, 0.09]]]))[0, 0]
    assert got is not None
    assert got.mean == pytest.approx(expected.tolist(), abs=2e-3)
    assert max(got.std) < 0.02


def test_a_face_outside_the_frame_has_no_colours(encodings: Encodings) -> None:
    pixels = np.ones((216, 384, 3), np.float32)
    points = known_landmarks("A", 1004) + np.array([2000, 0])
    assert face_color(view_of(pixels, encodings), points, encodings) is None


def test_inside_is_1_where_the_crop_shows_the_frame() -> None:
    shift = np.array([[1.0, 0, 10], [0, 1, 0]])  # the frame's left edge at x = 10
    got = inside(shift, Window(0, 0, 100, 20), 32)
    assert (got[:20, 10:] == 1).all()
    assert got[:20, :10].max() == got[20:].max() == 0


def test_sharpness_falls_with_blur_and_does_not_know_exposure() -> None:
    image = np.random.default_rng(0).random((64, 64, 3), np.float32)
    mask = np.ones((64, 64), np.float32)
    figures = [
        sharpness(np.asarray(cv2.GaussianBlur(image, (0, 0), sigma)), mask)
        for sigma in (0.5, 1.0, 2.0, 4.0)
    ]
    assert figures == sorted(figures, reverse=True)
    assert figures[0] > 10 * figures[2]
    assert sharpness(image, mask) == pytest.approx(sharpness(0.1 * image + 0.3, mask), rel=1e-3)
    assert 15 < sharpness(image, mask) < 25


def test_a_flat_or_hidden_picture_has_no_sharpness() -> None:
    flat = np.full((32, 32, 3), 0.5, np.float32)
    assert sharpness(flat, np.ones((32, 32), np.float32)) == 0
    noise = np.random.default_rng(0).random((32, 32, 3), np.float32)
    assert sharpness(noise, np.zeros((32, 32), np.float32)) == 0
