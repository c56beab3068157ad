import numpy as np
import pytest
from tests.support.mini import true_points, truth, view

from faceplate.errors import BadSettings
from faceplate.geometry.pose import HEAD_POINTS
from faceplate.landmarks import Landmarks
from faceplate.landmarks.byyaw import ByYaw

VIEW = np.zeros((200, 200, 3), np.float32)
BOX = (50.0, 50.0, 150.0, 150.0)


class Known:
    """Gives the points that it is told to, moved to the right."""

    def __init__(self, card, moved=0.0, mesh=None):
        self.cards = (card,)
        self.points, self.asked = np.zeros((68, 2)), 0
        self._moved, self._mesh = moved, mesh

    def __call__(self, view, box, roll_hint=None):
        self.asked += 1
        return Landmarks(self.points + np.array([self._moved, 0]), 1 - self._moved / 10, self._mesh)


def head(yaw):
    """Return 68 points of a head that is turned, seen from far away."""
    angle = np.radians(yaw)
    points = np.zeros((68, 2))
    for index, (x, y, z) in HEAD_POINTS.items():
        points[index] = x * np.cos(angle) - z * np.sin(angle), y
    return 100 + 6 * points


def share_at(yaw, switch_yaw=45.0):
    facing, turned = Known("flat"), Known("deep", moved=1.0)
    facing.points = turned.points = head(yaw)
    found = ByYaw(facing, turned, switch_yaw)(VIEW, BOX)
    return float((found.points68 - head(yaw))[:, 0].mean()), turned.asked


def test_up_to_the_band_the_second_landmarker_is_not_even_asked():
    assert share_at(0) == (0, 0)
    assert share_at(-38) == (0, 0)


@pytest.mark.parametrize("yaw", [55, -55, 80])
def test_beyond_the_band_the_points_are_the_second_landmarkers(yaw):
    assert share_at(yaw)[0] == pytest.approx(1)


def test_at_the_switch_both_have_their_half():
    assert share_at(45)[0] == pytest.approx(0.5, abs=0.1)
    assert share_at(-30, switch_yaw=30)[0] == pytest.approx(0.5, abs=0.1)


def test_a_head_that_turns_slowly_never_jumps():
    shares = [share_at(yaw)[0] for yaw in np.arange(35, 60, 0.5)]
    steps = np.diff(shares)
    assert (steps >= 0).all()
    assert steps.max() < 0.1  # half a degree; a hard switch would be 1


def test_presence_is_mixed_and_a_mesh_is_kept():
    facing, turned = Known("flat", mesh=np.zeros((468, 3))), Known("deep", moved=1.0)
    facing.points = turned.points = head(45)
    found = ByYaw(facing, turned)(VIEW, BOX)
    assert 0.9 < found.presence < 1
    assert found.mesh.shape == (468, 3)


def test_points_that_no_head_shows_stay_with_the_first():
    facing, turned = Known("flat"), Known("deep")
    assert (ByYaw(facing, turned)(VIEW, BOX).points68 == 0).all()
    assert turned.asked == 0


def test_the_cards_are_those_of_both():
    assert ByYaw(Known("flat"), Known("deep")).cards == ("flat", "deep")


@pytest.mark.parametrize("switch_yaw", [0, 4.9, 85.1, 90, -45])
def test_a_switch_that_has_no_room_for_its_band_is_refused(switch_yaw):
    with pytest.raises(BadSettings, match="switch_yaw must be 5 to 85"):
        ByYaw(Known("flat"), Known("deep"), switch_yaw)


def test_the_yaw_of_rendered_heads_decides(weights):
    for number, turned in (("1010", True), ("1001", False)):
        assert (abs(truth("A")[number]["yaw"]) > 50) is turned or not turned
        facing, deep = Known("flat"), Known("deep", moved=1.0)
        facing.points = deep.points = true_points("A", number)
        ByYaw(facing, deep, 40.0)(view("A", number), BOX)
        assert bool(deep.asked) is turned
