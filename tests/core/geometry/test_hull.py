import json

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.errors import BadShape
from faceplate.geometry.hull import eyes_matte, hull_matte, mouth_matte, raise_brows

SHAPE = (216, 384)


def faces(shot):
    truth = json.loads((MINI / f"truth_{shot}.json").read_text())["frames"]
    for number, frame in truth.items():
        if not frame["empty"]:
            yield number, np.array(frame["landmarks68_px"]) - 0.5, frame


def rendered(shot, number):
    mask = cv2.imread(str(MINI / f"{shot}_masks/face/face.{number}.png"), cv2.IMREAD_UNCHANGED)
    return mask.astype(np.float32) / 255


@pytest.mark.parametrize("shot", ["A", "B"])
def test_the_hull_lies_in_the_rendered_face_and_covers_it_but_for_the_forehead(shot):
    for number, points, _ in faces(shot):
        hull, face = hull_matte(points, SHAPE), rendered(shot, number)
        both = np.minimum(hull, face).sum()
        assert both / hull.sum() > 0.985, number  # measured: at least 0.991
        union = np.maximum(hull, face).sum()
        assert both / union > 0.65, number  # measured: 0.666 in profile to 0.80 in front


def test_the_matte_follows_a_tenth_of_a_pixel():
    _, points, _ = next(faces("A"))
    column = np.arange(SHAPE[1])
    still, moved = hull_matte(points, SHAPE), hull_matte(points + np.array([0.1, 0]), SHAPE)
    centres = [(matte * column).sum() / matte.sum() for matte in (still, moved)]
    assert centres[1] - centres[0] == pytest.approx(0.1, abs=0.02)


def test_its_edge_carries_coverage_and_its_area_is_that_of_the_polygon():
    points = np.zeros((68, 2))
    points[:] = [[20.3, 20.7], [60.1, 20.7], [60.1, 70.2], [20.3, 70.2]] * 17
    points[27], points[8] = [40, 30], [40, 30]  # no up: the brows stay
    matte = hull_matte(points, (100, 100))
    assert ((matte > 0) & (matte < 1)).any()
    # every piece holds some of the four corners; the right jaw holds them all
    assert matte.sum() == pytest.approx(39.8 * 49.5, rel=0.005)


def test_pixel_centres_are_whole_numbers():
    points = np.tile([[9.5, 9.5], [19.5, 9.5], [19.5, 19.5], [9.5, 19.5]], (17, 1))
    points[27] = points[8] = [15, 15]
    matte = hull_matte(points, (40, 40))
    np.testing.assert_allclose(matte[10:20, 10:20], 1)
    assert matte[:9].max() == matte[:, :9].max() == 0
    assert matte.sum() == pytest.approx(100, rel=0.05)


def test_raised_brows_take_forehead_in_and_zero_leaves_them():
    _, points, _ = next(faces("A"))
    np.testing.assert_array_equal(raise_brows(points, 0.0), points)
    raised = raise_brows(points)
    assert (raised[17:27, 1] < points[17:27, 1] - 1).all()
    np.testing.assert_array_equal(raised[27:], points[27:])
    assert (
        hull_matte(points, SHAPE).sum() > hull_matte(points, SHAPE, eyebrows_expand_mod=0.0).sum()
    )


def test_eyes_and_mouth_are_soft_spots_on_the_eyes_and_the_mouth():
    _, points, _ = next(faces("A"))
    crop_points = (points - points[30]) * 2 + [128, 140]
    eyes, mouth = eyes_matte(crop_points, (256, 256)), mouth_matte(crop_points, (256, 256))
    for matte, index in ((eyes, range(36, 42)), (eyes, range(42, 48)), (mouth, range(60, 68))):
        x, y = crop_points[list(index)].mean(axis=0).round().astype(int)
        assert matte[y, x] > 0.5
        assert matte.max() <= 1
        assert ((matte > 0.05) & (matte < 0.5)).any()
    assert mouth[: int(crop_points[36:48, 1].max())].max() < 0.01


def test_a_face_outside_the_picture_gives_an_empty_matte():
    _, points, _ = next(faces("A"))
    for far in ([5000, 0], [-5000, 0], [0, 5000], [0, -5000]):
        assert hull_matte(points + far, SHAPE).max() == 0


def test_a_face_cut_by_the_frame_is_the_same_inside_it():
    _, points, _ = next(faces("A"))
    whole = hull_matte(points, SHAPE)
    cut = hull_matte(points - [200, 0], (SHAPE[0], 100))
    np.testing.assert_allclose(cut, whole[:, 200:300], atol=0.02)


def test_other_points_than_68_are_refused():
    with pytest.raises(BadShape, match="68x2"):
        hull_matte(np.zeros((5, 2)), SHAPE)
