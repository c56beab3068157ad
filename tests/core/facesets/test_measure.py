from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.support.facesets import SIZE, drawn_face
from tests.support.mini import true_points
from tests.support.paths import MINI
from tests.support.swaps import encodings

from faceplate.facesets.measure import Features, measure, plate_side, view_of
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face
from faceplate.io.image import read_frame


@pytest.fixture(scope="module")
def rendered() -> tuple[Face, np.ndarray]:
    """A rendered face and its view."""
    points = true_points("A", "1004")
    matrix = plate_to_crop(points, FaceType.FULL_FACE, 128)
    rgb = encodings().to_working(read_frame(MINI / "A" / "A.1004.exr").rgb())
    inside = transform(points, matrix).astype(np.float32)
    face = drawn_face(
        image=np.clip(warp_crop(rgb, matrix, 128), 0, 1),
        mask=hull_matte(inside, (128, 128)),
        landmarks=inside,
        plate_landmarks=points.astype(np.float32),
        plate_to_crop=matrix,
    )
    return face, view_of(face, "acescct")


def moved(view: np.ndarray, length: int, degrees: float) -> np.ndarray:
    """Return a picture smeared along a line."""
    kernel = np.zeros((length, length), np.float32)
    along = np.linspace(-0.5, 0.5, 8 * length) * (length - 1)
    turn = np.deg2rad(degrees)
    x, y = along * np.cos(turn), along * np.sin(turn)
    middle = (length - 1) / 2
    np.add.at(kernel, (np.rint(middle + y).astype(int), np.rint(middle + x).astype(int)), 1)
    return cv2.filter2D(view, -1, kernel / kernel.sum())


def test_blur_grows_with_every_step_of_defocus(rendered: tuple[Face, np.ndarray]) -> None:
    face, view = rendered
    views = [view, *(cv2.GaussianBlur(view, (0, 0), sigma) for sigma in (0.7, 1.5, 3, 5))]
    blurs = [measure(face, blurred).blur for blurred in views]
    assert blurs == sorted(blurs)
    assert blurs[1] > 1.2 * blurs[0]


@pytest.mark.parametrize("degrees", [0, 45, 90, 135])
def test_motion_in_any_direction_is_told_from_defocus(
    rendered: tuple[Face, np.ndarray], degrees: float
) -> None:
    face, view = rendered
    still = [view, cv2.GaussianBlur(view, (0, 0), 1.5), cv2.GaussianBlur(view, (0, 0), 3)]
    most = max(measure(face, one).motion_blur for one in still)
    assert measure(face, moved(view, 5, degrees)).motion_blur > most + 0.05
    assert measure(face, moved(view, 9, degrees)).motion_blur > max(most + 0.1, 0.7)


def test_exposure_changes_brightness_and_hardly_the_fingerprint(
    rendered: tuple[Face, np.ndarray],
) -> None:
    face, view = rendered
    plain, darker = measure(face, view), measure(face, view * np.float32(0.5))
    assert darker.brightness == pytest.approx(plain.brightness / 2, abs=0.01)
    assert darker.hue == pytest.approx(plain.hue, abs=1)
    assert bits_apart(plain, darker) <= 4


def test_another_frame_has_another_fingerprint(rendered: tuple[Face, np.ndarray]) -> None:
    face, view = rendered
    turned = np.ascontiguousarray(view[:, ::-1])
    assert bits_apart(measure(face, view), measure(face, turned)) > 8


def bits_apart(one: Features, other: Features) -> int:
    return int(one.fingerprint[0] ^ other.fingerprint[0]).bit_count()


@pytest.mark.parametrize(
    ("colour", "hue"), [((1, 0, 0), 0), ((0.5, 1, 0.5), 120), ((0, 0, 0.2), 240)]
)
def test_hue_is_in_degrees_from_red(colour: tuple[float, float, float], hue: float) -> None:
    view = np.full((SIZE, SIZE, 3), colour, np.float32)
    got = measure(drawn_face(), view).hue
    assert min(abs(got - hue), 360 - abs(got - hue)) < 0.5


def test_black_is_the_share_of_the_crop_that_shows_nothing() -> None:
    view = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    view[: SIZE // 4] = 0
    assert measure(drawn_face(), view).black == 0.25


def test_the_histogram_is_one_of_shares_inside_the_matte() -> None:
    face = drawn_face()
    view = np.zeros((SIZE, SIZE, 3), np.float32)
    view[face.mask > 0.5] = (0.0, 0.5, 1.0)
    shares = measure(face, view).histogram ** 2
    assert shares.sum(axis=1).tolist() == [1, 1, 1]
    assert [int(row.argmax()) for row in shares] == [0, 32, 63]


def test_size_is_that_in_the_plate() -> None:
    assert plate_side(drawn_face()) == pytest.approx(2 * SIZE)
    wide = replace(drawn_face(), plate_to_crop=np.array([[1.0, 0, 0], [0, 0.5, 0]]))
    assert plate_side(wide) == pytest.approx(SIZE * 2**0.5)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_picture_of_one_colour_has_finite_figures(level: float) -> None:
    view = np.full((SIZE, SIZE, 3), level, np.float32)
    found = measure(drawn_face(mask=np.zeros((SIZE, SIZE), np.float32)), view)
    assert all(np.isfinite(value).all() for value in vars(found).values())


def test_points_at_one_place_have_no_expression() -> None:
    face = drawn_face(landmarks=np.full((68, 2), 7, np.float32))
    found = measure(face, view_of(face, "srgb"))
    assert (found.mouth_open, found.eyes_open) == (0, 0)
