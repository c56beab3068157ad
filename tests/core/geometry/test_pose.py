import json

import numpy as np
import pytest
from tests.support.paths import MINI

from faceplate.errors import BadShape
from faceplate.geometry.pose import estimate_pose


def poses(shot):
    truth = json.loads((MINI / f"truth_{shot}.json").read_text())
    for number, frame in truth["frames"].items():
        points = np.array(frame["landmarks68_px"]) - 0.5
        yield number, points, np.array([frame["yaw"], frame["pitch"], frame["roll"]])


@pytest.mark.parametrize("shot", ["A", "B"])
def test_pose_of_the_true_points_is_right_to_3_degrees_within_45_degrees_of_yaw(shot):
    size = (384, 216)
    for number, points, wanted in poses(shot):
        if abs(wanted[0]) <= 45 and number != "1011":  # 1011 of B lies outside of the frame
            np.testing.assert_allclose(
                estimate_pose(points, size), wanted, atol=3.0, err_msg=number
            )


def test_the_signs_are_those_of_the_convention():
    found = {n: estimate_pose(points, (384, 216)) for n, points, _ in poses("A")}
    assert found["1010"][0] > 40  # the nose to the right of the image
    assert found["1013"][1] > 8  # the nose goes down
    assert found["1018"][2] < -8  # clockwise: the head tilts to the image's right


def test_wide_pixels_do_not_change_the_pose():
    _, points, _ = next(poses("A"))
    plain = estimate_pose(points, (384, 216))
    wide = estimate_pose((points + 0.5) / [2, 1] - 0.5, (192, 216), pixel_aspect=2.0)
    np.testing.assert_allclose(wide, plain, atol=0.3)


def test_the_true_focal_length_may_be_given():
    _, points, wanted = list(poses("B"))[10]  # half outside the frame: the focal length matters
    near = np.abs(np.subtract(estimate_pose(points, (384, 216), focal_px=844.8), wanted))
    assert near.max() < 3


@pytest.mark.parametrize("points", [np.zeros((68, 2)), np.full((68, 2), np.nan), np.ones((51, 2))])
def test_points_without_a_face_are_refused(points):
    with pytest.raises(BadShape):
        estimate_pose(points, (384, 216))


def test_the_corners_of_the_eyes_count_for_more_than_the_jaw_before_the_ears():
    _, points, wanted = next(poses("A"))

    def off(index):
        moved = points.copy()
        moved[list(index)] += [0, 2]
        return np.abs(np.subtract(estimate_pose(moved, (384, 216)), wanted)).max()

    plain = np.abs(np.subtract(estimate_pose(points, (384, 216)), wanted)).max()
    assert plain < off([16]) < off([45])
