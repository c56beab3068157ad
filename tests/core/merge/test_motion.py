import cv2
import numpy as np
import pytest
from tests.support.swaps import face_of, mini_frame, mini_landmarks

from faceplate.io.tracked import PersonTrack
from faceplate.merge.motion import motion_blur, velocity_of, velocity_of_person

ON = np.array([2, 6])


def points():
    return mini_landmarks(1001)


def shift(dx, dy):
    return np.array([[0, 0, dx], [0, 0, dy]], np.float64)


def dot(size=61):
    image = np.zeros((size, size, 3), np.float32)
    image[size // 2, size // 2] = 1
    return image


def spread(image):
    """Standard deviations of what is in an image, across and down."""
    weights = image.sum(axis=2)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = weights.sum()
    found = []
    for places in (columns, rows):
        mean = (weights * places).sum() / total
        found.append(float(np.sqrt((weights * (places - mean) ** 2).sum() / total)))
    return found


def test_the_motion_is_the_mean_of_the_ways_there_and_on():
    velocity = velocity_of(points() - [4, 0], points(), points() + ON)
    assert np.allclose(velocity, shift(3, 3), atol=1e-4)


def test_at_an_end_of_the_track_the_one_way_counts_and_alone_a_face_rests():
    assert np.allclose(velocity_of(None, points(), points() + ON), shift(2, 6), atol=1e-4)
    assert np.allclose(velocity_of(points() + ON, points(), None), shift(-2, -6), atol=1e-4)
    assert not velocity_of(None, points(), None).any()


def test_a_face_that_nears_moves_away_from_its_middle():
    middle = points().mean(axis=0)
    velocity = velocity_of(None, points(), (points() - middle) * 1.1 + middle)
    assert velocity[:, :2] == pytest.approx(np.eye(2) * 0.1, abs=1e-4)
    assert velocity[:, :2] @ middle + velocity[:, 2] == pytest.approx([0, 0], abs=1e-3)


def test_the_motion_of_wide_pixels_is_that_of_their_square_twin():
    turn = cv2.getRotationMatrix2D((190, 100), 5, 1.02)
    after = points() @ turn[:, :2].T + turn[:, 2]
    square = velocity_of(None, points(), after)
    narrow = np.array([0.5, 1.0])
    wide = velocity_of(None, points() * narrow, after * narrow, pixel_aspect=2)
    place = np.array([210.0, 90.0])
    moved = square[:, :2] @ place + square[:, 2]
    assert wide[:, :2] @ (place * narrow) + wide[:, 2] == pytest.approx(moved * narrow, abs=1e-3)


def test_each_person_has_a_motion_of_their_own():
    def track(person, step):
        return PersonTrack(
            person,
            tuple(face_of((points() + n * np.array(step)).astype(np.float32), n, person)
                  for n in range(1, 4)),
        )  # fmt: skip

    one, other = track(1, (5, 0)), track(2, (0, -3))
    assert np.allclose(velocity_of_person(one, 2), shift(5, 0), atol=1e-3)
    assert np.allclose(velocity_of_person(other, 2), shift(0, -3), atol=1e-3)
    assert np.allclose(velocity_of_person(other, 3), shift(0, -3), atol=1e-3)
    assert not velocity_of_person(one, 9).any()


@pytest.mark.parametrize(("way", "power"), [((12, 0), 100), ((0, 20), 50), ((40, 0), 30)])
def test_a_dot_becomes_a_line_as_long_as_the_way_in_the_open_shutter(way, power):
    blurred = motion_blur(dot(), shift(*way), power)
    across, down = spread(blurred)
    length = max(way) * power / 100
    along, beside = (across, down) if way[0] else (down, across)
    assert along == pytest.approx(length / np.sqrt(12), rel=0.05)
    assert beside < 0.01
    assert blurred.sum() == pytest.approx(3, rel=1e-4)


def test_a_slanted_way_blurs_along_itself():
    across, down = spread(motion_blur(dot(), shift(12, 12), 100))
    assert across == pytest.approx(down, rel=0.05)
    assert across == pytest.approx(12 / np.sqrt(12), rel=0.08)


def test_a_turning_face_is_sharp_in_its_middle_and_blurred_far_out():
    image = np.zeros((121, 121, 3), np.float32)
    image[60, 60] = image[10, 60] = 1
    turn = cv2.getRotationMatrix2D((60, 60), 10, 1) - np.eye(2, 3)
    blurred = motion_blur(image, turn, 100)
    assert blurred[60, 60, 0] > 0.9
    assert blurred[10, 60, 0] < 0.4
    across, down = spread(blurred[:30])
    assert across > 4 * down


def test_the_origin_says_where_the_motion_is_looked_up():
    turn = cv2.getRotationMatrix2D((60, 60), 10, 1) - np.eye(2, 3)
    frame = mini_frame("B", 1001).rgb()[40:161, 100:221]
    whole = motion_blur(frame, turn, 80)
    part = motion_blur(np.ascontiguousarray(frame[30:90, 20:80]), turn, 80, origin=(20, 30))
    assert np.allclose(whole[45:75, 35:65], part[15:45, 15:45], atol=0.02)


@pytest.mark.parametrize("velocity", [np.zeros((2, 3)), shift(8, 0)])
def test_no_motion_or_no_power_changes_nothing(velocity):
    image = dot()
    assert motion_blur(image, velocity, 0 if velocity.any() else 100) is image


def test_light_beyond_1_stays_as_much():
    assert motion_blur(dot() * 50, shift(10, 0), 100).sum() == pytest.approx(150, rel=1e-4)
