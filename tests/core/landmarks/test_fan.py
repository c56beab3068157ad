import numpy as np
import pytest
import torch
from face_alignment.utils import get_preds_fromhm
from tests.support.mini import true_points, truth

from faceplate.errors import Damaged, WeightsMissing
from faceplate.landmarks import Landmarks, load_landmarker
from faceplate.landmarks.averaged import Averaged, places_around
from faceplate.landmarks.fan import Fan2D, heatmap_peaks
from faceplate.models.cards import load_cards
from faceplate.models.store import WeightStore

IMAGE = np.random.default_rng(0).random((120, 160, 3), dtype=np.float32)
BOX = (50.0, 30.0, 110.0, 100.0)


@pytest.fixture(scope="module")
def fan(fan_weights):
    return Fan2D(fan_weights)


@pytest.mark.parametrize("name", ["2dfan4", "3dfan4"])
def test_a_published_state_dict_goes_from_the_store_through_the_real_network(
    fan_weights, tmp_path, name
):
    store = WeightStore(tmp_path)
    content = fan_weights.read_bytes()
    file = tmp_path / load_cards()[name].file
    file.write_bytes(content)
    asked = []

    def path(card):
        asked.append(card)
        return store.root / load_cards()[card].file

    found = load_landmarker(name, path)(IMAGE, BOX)
    assert asked == [name]
    assert found.points68.shape == (68, 2)
    side = 130 * 200 / 195
    centre = np.array([80, 65 - 0.12 * 70])
    assert (np.abs(found.points68 - centre) <= side / 2 + 1).all()
    assert 0 <= found.presence <= 1


def test_the_second_pass_looks_where_the_first_points_are(fan):
    points = true_points("A", "1004")
    place = fan.place(Landmarks(points, 1.0))
    x0, y0 = points.min(axis=0)
    x1, y1 = points.max(axis=0)
    assert place.roll == pytest.approx(truth("A")["1004"]["roll"], abs=3)
    assert x0 < place.centre[0] < x1
    assert y0 < place.centre[1] < y1
    assert 1.5 < place.side_px / (y1 - y0) < 2.6  # a third of it to spare all around


def test_crops_of_the_second_pass_are_averaged(fan):
    points = Averaged(fan, 2)(IMAGE, BOX).points68
    places = places_around(fan.place(fan(IMAGE, BOX)), 2)
    looks = [fan.look(IMAGE, one).points68 for one in places]
    np.testing.assert_allclose(points, np.mean(looks, axis=0))


def test_a_tilted_box_moves_up_as_the_head_is_tilted(fan):
    upright = fan.place(Landmarks(true_points("A", "1001"), 1.0))
    turned = fan.place(Landmarks(true_points("A", "1001")[:, ::-1] * [-1, 1], 1.0))  # clockwise
    x, y = upright.centre
    np.testing.assert_allclose(turned.centre, (-y, x), atol=1e-6)
    assert turned.side_px == pytest.approx(upright.side_px)


@pytest.mark.slow  # the package compiles its reader first
def test_heatmaps_are_read_as_the_package_reads_them():
    maps = np.random.default_rng(1).random((1, 68, 64, 64), dtype=np.float32)
    for index, (x, y) in enumerate(np.random.default_rng(2).integers(1, 63, (68, 2))):
        maps[0, index, y, x] = 2.0
    theirs, _, _ = get_preds_fromhm(maps)
    points, _ = heatmap_peaks(maps[0])
    np.testing.assert_allclose(points, theirs[0] - 0.5, atol=1e-6)  # theirs count from edges


def test_peaks_lean_a_quarter_pixel_to_the_higher_neighbour():
    maps = np.zeros((2, 8, 8), np.float32)
    maps[0, 3, 5], maps[0, 3, 6], maps[0, 2, 5] = 1.0, 0.5, 0.4
    maps[1, 0, 0] = 0.7  # in the corner, with equal neighbours
    maps[1, 0, 1] = maps[1, 1, 0] = 0.1
    points, heights = heatmap_peaks(maps)
    assert points[0].tolist() == [5.25, 2.75]
    assert heights.tolist() == [1.0, pytest.approx(0.7)]
    assert (np.abs(points[1]) <= 0.25).all()


def test_weights_of_another_network_are_damaged(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(Damaged, match="FAN"):
        Fan2D(path)


@pytest.mark.parametrize("name", ["2dfan4", "3dfan4"])
def test_without_weights_nothing_is_downloaded(tmp_path, monkeypatch, name):
    def refuse(*args, **kwargs):
        raise AssertionError("a download was tried")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(WeightsMissing, match=f"faceplate models fetch {name}"):
        load_landmarker(name, WeightStore(tmp_path).path)
