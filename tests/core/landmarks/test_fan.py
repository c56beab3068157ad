import numpy as np
import pytest
import torch
from face_alignment.models import FAN

from faceplate.errors import Damaged, WeightsMissing
from faceplate.landmarks import load_landmarker
from faceplate.landmarks.fan import Fan2D, heatmap_peaks
from faceplate.models.store import WeightStore


@pytest.fixture(scope="module")
def synthetic_weights(tmp_path_factory):
    """A correctly shaped state dict with random values."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("fan") / "2dfan4.pth"
    torch.save(FAN(4).state_dict(), path)
    return path


def test_a_synthetic_state_dict_goes_through_the_real_loading_network_and_reading(
    synthetic_weights,
):
    image = np.random.default_rng(0).random((120, 160, 3), dtype=np.float32)
    found = Fan2D(synthetic_weights)(image, (50, 30, 110, 100))
    assert found.points68.shape == (68, 2)
    side = 130 * 200 / 195
    centre = np.array([80, 65 - 0.12 * 70])
    assert (np.abs(found.points68 - centre) <= side / 2 + 1).all()
    assert 0 <= found.presence <= 1


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
