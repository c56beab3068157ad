import cv2
import numpy as np
import pytest

from faceplate.errors import BadShape
from faceplate.geometry.over import warp_over
from faceplate.geometry.points import invert
from faceplate.geometry.warp import Image, roi_of, warp_back

FRAME = (-7, -5, 153, 115)


def scene(scale: float, degrees: float) -> tuple[Image, Image, np.ndarray]:
    rng = np.random.default_rng(2)
    image = rng.random((120, 160, 4), np.float32)
    face = cv2.GaussianBlur(rng.random((64, 64, 3), np.float32), (0, 0), 1.5)
    there = cv2.getRotationMatrix2D((32, 32), degrees, scale)
    there[:, 2] += [40.3, 20.7]
    return image, face, invert(there)


@pytest.mark.parametrize("scale", [1.0, 1.37, 2.5, 0.6])
@pytest.mark.parametrize("degrees", [0, 31, -170])
def test_it_is_the_warp_and_then_the_composite(scale: float, degrees: float) -> None:
    image, face, matrix = scene(scale, degrees)
    plate = image.copy()
    roi = roi_of(matrix, 64, FRAME)
    x0, y0, x1, y1 = roi
    matte = np.random.default_rng(1).random((y1 - y0, x1 - x0), np.float32)
    matte[matte < 0.3] = 0
    warp_over(image, face, matrix, roi, matte, origin=FRAME[:2])
    place = slice(y0 + 5, y1 + 5), slice(x0 + 7, x1 + 7)
    expected = plate.copy()
    warped = warp_back(face, matrix, roi, border="replicate")
    expected[place][..., :3] += matte[..., None] * (warped - plate[place][..., :3])
    # OpenCV before 5 places its samples to 1/32 of a pixel
    np.testing.assert_allclose(image, expected, atol=0.01)
    same = np.ones(plate.shape[:2], np.bool_)
    same[place] = matte == 0
    np.testing.assert_array_equal(image[same], plate[same])
    np.testing.assert_array_equal(image[..., 3], plate[..., 3])


def test_at_whole_pixels_the_face_itself_is_laid_in() -> None:
    image, face, _ = scene(1, 0)
    matrix = [[1.0, 0, -10], [0, 1, -20]]
    warp_over(image, face, matrix, (10, 20, 74, 84), np.ones((64, 64), np.float32))
    np.testing.assert_allclose(image[20:84, 10:74, :3], face, atol=1e-6)


def test_half_way_the_weights_are_those_of_the_cubic_and_the_border_goes_on() -> None:
    face = np.zeros((8, 8, 3), np.float32)
    face[:, 4] = 1
    image = np.zeros((8, 8, 3), np.float32)
    warp_over(image, face, [[1, 0, 0.5], [0, 1, 0]], (0, 0, 8, 8), np.ones((8, 8), np.float32))
    # Keys 1981 with a = -0.75 at 1/2: a / 8 and 1 / 2 - a / 8
    expected = [0, 0, -0.09375, 0.59375, 0.59375, -0.09375, 0, 0]
    np.testing.assert_allclose(image[4, :, 1], expected, atol=1e-6)
    far = np.ones((8, 8, 3), np.float32)
    warp_over(image, far, [[1, 0, 20], [0, 1, -30]], (0, 0, 8, 8), np.ones((8, 8), np.float32))
    np.testing.assert_allclose(image, 1, atol=1e-6)


def test_what_does_not_fit_is_refused() -> None:
    image, face, matrix = scene(1.5, 0)
    matte = np.ones((10, 10), np.float32)
    with pytest.raises(BadShape, match="ROI"):
        warp_over(image, face, matrix, (155, 0, 165, 10), matte)
    with pytest.raises(BadShape, match="matte"):
        warp_over(image, face, matrix, (0, 0, 10, 11), matte)
    with pytest.raises(BadShape, match="contiguous"):
        warp_over(image[:, ::2], face, matrix, (0, 0, 10, 10), matte)
    with pytest.raises(BadShape, match="SxSx3"):
        warp_over(image, face[..., 0], matrix, (0, 0, 10, 10), matte)
    with pytest.raises(BadShape, match="float32"):
        warp_over(image, face, matrix, (0, 0, 10, 10), matte.astype(np.float64))
