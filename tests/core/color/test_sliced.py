import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from tests.support.colors import cloud, disc

from faceplate.color.statistics import OPPONENT, measure_color, weighted_average
from faceplate.color.transfer import TransferOptions, transfer

OPTIONS = TransferOptions((5.0,))
PAIRS = [(1, 2), (3, 4), (6, 5)]


def wasserstein(first, second, count=400):
    """The exact 2-Wasserstein distance of as many pixels under the disc: an assignment."""
    inside = np.flatnonzero(disc().ravel())
    random = np.random.default_rng(0)
    a, b = (
        image.reshape(-1, 3)[random.choice(inside, count, replace=False)].astype(np.float64)
        for image in (first, second)
    )
    cost = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    return float(np.sqrt(cost[linear_sum_assignment(cost)].mean()))


def sliced(first, second, directions=200):
    """The sliced distance along directions that no transfer uses."""
    axes = np.random.default_rng(1).normal(size=(directions, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    inside = disc().ravel() > 0
    a, b = (np.sort(image.reshape(-1, 3)[inside] @ axes.T, axis=0) for image in (first, second))
    return float(np.sqrt(((a - b) ** 2).mean()))


@pytest.mark.parametrize("name", ["idt", "sot"])
@pytest.mark.parametrize(("swap", "plate"), PAIRS)
def test_the_wasserstein_distance_falls_to_that_of_two_samples_of_the_plate(name, swap, plate):
    swap, plate = cloud(swap), cloud(plate)
    moved = transfer(name, swap, plate, disc(), OPTIONS)
    floor = wasserstein(plate, plate[::-1])  # two samples of one distribution are not alike either
    assert wasserstein(swap, plate) > 4 * floor
    assert wasserstein(moved, plate) < 1.3 * floor


@pytest.mark.parametrize("name", ["idt", "sot"])
@pytest.mark.parametrize(("swap", "plate"), PAIRS)
def test_the_sliced_distance_falls_to_a_sixteenth_along_directions_never_matched(name, swap, plate):
    swap, plate = cloud(swap), cloud(plate)
    moved = transfer(name, swap, plate, disc(), OPTIONS)
    assert sliced(moved, plate) < 0.06 * sliced(swap, plate)
    # better than what is possible with an affine map
    assert sliced(moved, plate) < 0.5 * sliced(transfer("mkl", swap, plate, disc(), OPTIONS), plate)


@pytest.mark.parametrize(("swap", "plate"), PAIRS)
def test_mix_matches_the_lightness_s_moments_and_the_distribution_of_the_colours(swap, plate):
    swap, plate = cloud(swap), cloud(plate)
    inside = disc() > 0
    before, moved, wanted = (
        image[inside].astype(np.float64) @ OPPONENT.T
        for image in (swap, transfer("mix", swap, plate, disc(), OPTIONS), plate)
    )
    assert moved[:, 0].mean() == pytest.approx(wanted[:, 0].mean(), abs=1e-4)
    assert moved[:, 0].std() == pytest.approx(wanted[:, 0].std(), abs=1e-4)
    # a linear match leaves the shape of the lightness as it was
    scale = wanted[:, 0].std() / before[:, 0].std()
    assert np.allclose(moved[:, 0] - moved[:, 0].mean(),
                       scale * (before[:, 0] - before[:, 0].mean()), atol=1e-4)  # fmt: skip
    for axis in (1, 2):
        apart = np.abs(np.sort(moved[:, axis]) - np.sort(wanted[:, axis])).mean()
        assert apart < 0.06 * np.abs(np.sort(before[:, axis]) - np.sort(wanted[:, axis])).mean()


def test_with_the_statistics_of_a_shot_the_map_is_the_shot_s_and_not_the_frame_s():
    # frames of one shot: the same colours, but another share of the matte shows them
    frames = [(cloud(1) + offset, cloud(2) + offset) for offset in (-0.02, 0.0, 0.02)]
    measured = [
        measure_color(np.float32(swap), np.float32(plate), disc()) for swap, plate in frames
    ]
    shot = weighted_average(measured, [1, 1, 1])
    color = np.full((64, 64, 3), 0.5, np.float32)
    maps = []
    for swap, plate in frames:
        picture = np.float32(swap)
        picture[0, 0] = color[0, 0]  # outside the matte: only the map tells what becomes of it
        maps.append(transfer("sot", picture, np.float32(plate), disc(), OPTIONS, shot)[0, 0])
    assert np.ptp(maps, axis=0).max() < 1e-3
