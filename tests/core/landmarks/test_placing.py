import pytest

from faceplate.errors import BadSettings, UnknownComponent, WeightsMissing
from faceplate.landmarks.averaged import Averaged
from faceplate.landmarks.byyaw import ByYaw
from faceplate.landmarks.facemesh import FaceMesh
from faceplate.landmarks.placing import Placing
from faceplate.models.store import WeightStore


def test_the_default_is_facemesh_alone(weights):
    assert isinstance(Placing().load(weights, threads=1), FaceMesh)


def test_more_looks_are_averaged(weights):
    assert isinstance(Placing(looks=5).load(weights, threads=1), Averaged)


def test_a_3d_landmarker_without_its_weights_is_told_before_anything_is_done(weights, tmp_path):
    empty = WeightStore(tmp_path)

    def paths(card):
        return empty.path(card) if card == "3dfan4" else weights(card)

    with pytest.raises(WeightsMissing, match="faceplate models fetch 3dfan4"):
        Placing(landmarker_3d="3dfan4").load(paths, threads=1)


def test_two_landmarkers_are_switched_by_yaw(weights, fan_weights):
    def paths(card):
        return fan_weights if card.endswith("fan4") else weights(card)

    placed = Placing(landmarker="2dfan4", landmarker_3d="facemesh").load(paths, threads=1)
    assert isinstance(placed, ByYaw)
    assert placed.cards == ("2dfan4", "facemesh-468", "iris")


def test_the_same_landmarker_twice_is_refused(weights):
    with pytest.raises(BadSettings, match="leave it out"):
        Placing(landmarker_3d="facemesh").load(weights, threads=1)


@pytest.mark.parametrize("looks", [0, -3])
def test_no_look_at_all_is_refused(weights, looks):
    with pytest.raises(BadSettings, match=r"looks must be 1\.\.33"):
        Placing(looks=looks).load(weights, threads=1)


def test_an_unknown_landmarker_is_named(weights):
    with pytest.raises(UnknownComponent, match="facemash"):
        Placing(landmarker_3d="facemash").load(weights, threads=1)
