import numpy as np
import pytest
from tests.support.mini import true_points, view

from faceplate.errors import BadSettings
from faceplate.landmarks import CloseLandmarker, Landmarks, Place, load_landmarker
from faceplate.landmarks.averaged import MOST_LOOKS, Averaged, places_around

PLACE = Place((100.0, 80.0), 60.0, 0.0)
BOX = (70.0, 50.0, 130.0, 110.0)
VIEW = np.zeros((160, 200, 3), np.float32)


class Wandering:
    """Sees the face where the crop is, so that the mean is known."""

    cards = ("made-up",)

    def __init__(self, presence=1.0, iris=True):
        self.asked = []
        self.presence, self.iris = presence, iris

    def __call__(self, view, box, roll_hint=None):
        return self.look(view, PLACE)

    def place(self, found):
        return PLACE

    def look(self, view, place):
        self.asked.append(place)
        points = np.tile(place.centre, (68, 1))
        iris = np.tile(place.centre, (2, 5, 1)) if self.iris else None
        return Landmarks(points, self.presence, np.zeros((468, 3)), iris)


class Aimless:
    """Looks where it likes."""

    cards = ("made-up",)

    def __call__(self, view, box, roll_hint=None):
        return Landmarks(np.zeros((68, 2)), 1.0)


def test_five_looks_are_the_centre_and_the_four_diagonals():
    places = places_around(PLACE, 5)
    moved = np.array([place.centre for place in places]) - PLACE.centre
    np.testing.assert_allclose(moved, [[0, 0], [3, 3], [-3, 3], [-3, -3], [3, -3]], atol=1e-9)
    assert {(place.side_px, place.roll) for place in places} == {(60.0, 0.0)}


def test_a_tilted_head_is_looked_at_along_its_own_diagonals():
    moved = np.subtract(places_around(Place((0, 0), 60.0, 45.0), 5)[1].centre, 0)
    np.testing.assert_allclose(moved, [3 * np.sqrt(2), 0], atol=1e-9)


def test_the_points_are_the_mean_of_the_looks():
    landmarker = Wandering()
    found = Averaged(landmarker, 9)(VIEW, BOX)
    assert len(landmarker.asked) == 1 + 9
    np.testing.assert_allclose(found.points68, np.tile(PLACE.centre, (68, 1)))
    np.testing.assert_allclose(found.iris, np.tile(PLACE.centre, (2, 5, 1)))
    assert found.presence == 1
    assert found.mesh.shape == (468, 3)


def test_what_a_landmarker_does_not_look_for_stays_away():
    assert Averaged(Wandering(iris=False), 5)(VIEW, BOX).iris is None


def test_where_no_face_is_there_is_no_second_look():
    landmarker = Wandering(presence=0.001)
    assert Averaged(landmarker, 5)(VIEW, BOX).presence == 0.001
    assert len(landmarker.asked) == 1


@pytest.mark.parametrize("looks", [-1, 0, 1, MOST_LOOKS + 1])
def test_a_useless_number_of_looks_is_refused(looks):
    with pytest.raises(BadSettings, match=rf"2\.\.33, got {looks}"):
        Averaged(Wandering(), looks)


def test_a_landmarker_that_cannot_be_told_where_to_look_is_refused():
    with pytest.raises(BadSettings, match="Aimless cannot be told where to look"):
        Averaged(Aimless(), 5)


def test_averages_can_be_averaged_by_a_wrapper_of_theirs():
    assert isinstance(Averaged(Wandering(), 5), CloseLandmarker)


def moved_faces(landmarker):
    """Return the points of one face in pictures that are moved by parts of a pixel."""
    image = view("A", "1004")
    points = true_points("A", "1004")
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    found = []
    for number in range(6):
        box = (x0 + 1.7 * number, y0 - 1.3 * number, x1 + 1.7 * number, y1 - 1.3 * number)
        found.append(landmarker(image, box, 3.0 * number).points68)
    return np.array(found)


def test_the_mean_of_five_looks_trembles_less_and_is_always_the_same(weights):
    plain = load_landmarker("facemesh", weights, threads=1)
    averaged = Averaged(plain, 5)
    one, five = moved_faces(plain), moved_faces(averaged)
    assert five.std(axis=0).mean() < 0.8 * one.std(axis=0).mean()
    np.testing.assert_array_equal(moved_faces(averaged), five)
