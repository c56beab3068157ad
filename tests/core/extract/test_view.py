import numpy as np
import pytest

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.extract.view import FrameView, plate_to_square, square_to_plate
from faceplate.io.frame import Frame, Window


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings(load_config(BUILTIN_CONFIG), "srgb_rec709_scene")


def view_of(pixels: np.ndarray, encodings: Encodings, at: tuple[int, int] = (0, 0),
            aspect: float = 1.0) -> FrameView:  # fmt: skip
    height, width = pixels.shape[:2]
    window = Window(at[0], at[1], at[0] + width, at[1] + height)
    return FrameView(Frame(7, pixels, ("R", "G", "B"), window, window, aspect), encodings)


def spot(height: int, width: int, x: int, y: int) -> np.ndarray:
    ys, xs = np.mgrid[:height, :width]
    light = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 18)
    return np.repeat(light[..., None], 3, axis=-1).astype(np.float32)


def centre_of_light(image: np.ndarray) -> np.ndarray:
    light = np.clip(image.sum(axis=-1) - 0.3, 0, None)
    ys, xs = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(xs * light).sum(), (ys * light).sum()]) / light.sum()


@pytest.mark.parametrize("aspect", [1.0, 2.0, 0.9])
@pytest.mark.parametrize("at", [(0, 0), (-30, 17)])
@pytest.mark.parametrize("long_side", [0, 60])
def test_a_spot_is_found_where_it_is_in_the_plate(
    encodings: Encodings, aspect: float, at: tuple[int, int], long_side: int
) -> None:
    view = view_of(spot(80, 120, 57, 33), encodings, at, aspect)
    plate = np.array([57 + at[0], 33 + at[1]])
    box = (*(view.from_plate(plate) - 25), *(view.from_plate(plate) + 22))
    for patch in (view.whole(long_side), view.part(box, long_side)):
        assert patch is not None
        where = view.to_plate(patch.to_square(centre_of_light(patch.image)))
        assert np.abs(where - plate).max() < 0.15
        back = patch.from_square(patch.to_square(np.array([3.0, 4.0])))
        assert back == pytest.approx([3, 4])


def test_a_part_is_the_same_as_that_of_the_whole(encodings: Encodings) -> None:
    pixels = np.random.default_rng(0).random((60, 80, 3), np.float32)
    view = view_of(pixels, encodings)
    part = view.part((10.0, 20.0, 30.0, 40.0))
    assert part is not None
    assert np.allclose(part.image, view.whole().image[20:41, 10:31])


def test_what_lies_outside_the_frame_is_no_part(encodings: Encodings) -> None:
    view = view_of(np.zeros((60, 80, 3), np.float32), encodings)
    assert view.part((200.0, 10.0, 300.0, 90.0)) is None
    assert view.part((-50.0, -50.0, 500.0, 500.0)).image.shape == (60, 80, 3)


def test_nan_infinity_and_huge_values_stay_where_they_are(encodings: Encodings) -> None:
    pixels = np.full((64, 64, 3), 0.25, np.float32)
    pixels[8, 8], pixels[8, 40], pixels[40, 8] = np.nan, np.inf, 1e30
    for long_side in (0, 16):
        image = view_of(pixels, encodings).whole(long_side).image
        assert np.isfinite(image).all()
        assert (image >= 0).all()
        assert (image <= 1).all()
        last = image[-image.shape[0] // 4 :, -image.shape[1] // 4 :]
        assert np.allclose(last, last[0, 0])


def test_square_pixels_are_plate_pixels_where_pixels_are_square() -> None:
    points = np.array([[3.25, 4.5], [-7.0, 0.0]])
    assert (plate_to_square(points, 1.0) == points).all()
    assert square_to_plate(plate_to_square(points, 2.0), 2.0) == pytest.approx(points)
    # The left edges of the plate's first pixels meet in both.
    assert plate_to_square(np.array([-0.5, 0.0]), 2.0).tolist() == [-0.5, 0]
