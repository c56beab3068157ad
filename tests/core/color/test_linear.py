import numpy as np
import pytest
import scipy.linalg
from tests.support.colors import cloud, disc

from faceplate.color import linear
from faceplate.color.statistics import OPPONENT, measure_color
from faceplate.color.transfer import TransferOptions, transfer

OPTIONS = TransferOptions((5.0,))


def soft_disc():
    """A matte with every weight between 0 and 1."""
    y, x = np.mgrid[:64, :64] - 31.5
    return np.clip((26 - np.hypot(x, y)) / 12, 0, 1).astype(np.float32)


def weighted(image, matte):
    """Mean and covariance in float64: the definition."""
    pixels = image.reshape(-1, 3).astype(np.float64)
    weights = matte.reshape(-1).astype(np.float64) / matte.sum(dtype=np.float64)
    mean = weights @ pixels
    return mean, (pixels - mean).T @ ((pixels - mean) * weights[:, None])


def applied(matrix, offset, image):
    return image.astype(np.float64) @ matrix.T + offset


@pytest.mark.parametrize("name", ["lct", "mkl"])
@pytest.mark.parametrize("matte", [disc(), soft_disc()])
def test_mean_and_covariance_become_those_of_the_plate(name, matte):
    swap, plate = cloud(1), cloud(2)
    moved = transfer(name, swap, plate, matte, OPTIONS)
    mean, covariance = weighted(moved, matte)
    wanted_mean, wanted_covariance = weighted(plate, matte)
    assert np.abs(mean - wanted_mean).max() < 1e-4
    assert np.abs(covariance - wanted_covariance).max() < 1e-4


def test_mkl_is_the_symmetric_map_of_monge_and_kantorovich():
    # oracle: A = S^-1/2 (S^1/2 P S^1/2)^1/2 S^-1/2 with scipy's Schur-based square root, float64
    swap, plate, matte = cloud(1), cloud(2), soft_disc()
    (swap_mean, S), (plate_mean, P) = weighted(swap, matte), weighted(plate, matte)
    root = scipy.linalg.sqrtm(S)
    whiten = np.linalg.inv(root)
    A = whiten @ scipy.linalg.sqrtm(root @ P @ root) @ whiten
    found = linear.mkl(measure_color(swap, plate, matte, marginals=False))
    assert np.abs(A - A.T).max() < 1e-9
    assert np.abs(found[:, :3] - A).max() < 1e-6
    assert np.abs(found[:, 3] - (plate_mean - A @ swap_mean)).max() < 1e-6


def test_mkl_of_gaussians_that_share_their_axes_is_the_ratio_of_deviations():
    random = np.random.default_rng(0)
    normal = random.normal(size=(64, 64, 3))
    deviations = np.array([0.1, 0.2, 0.05])
    swap = (0.5 + normal * deviations).astype(np.float32)
    plate = (0.4 + normal * deviations[::-1]).astype(np.float32)
    found = linear.mkl(measure_color(swap, plate, np.ones((64, 64), np.float32)))
    # the sample's own correlations are those of the same noise on both sides
    assert np.allclose(np.diag(found[:, :3]), [0.5, 1.0, 2.0], atol=0.06)


def test_lct_whitens_and_colours_as_float64_does():
    swap, plate, matte = cloud(1), cloud(2), soft_disc()
    (swap_mean, S), (plate_mean, P) = weighted(swap, matte), weighted(plate, matte)
    A = scipy.linalg.sqrtm(P) @ np.linalg.inv(scipy.linalg.sqrtm(S))
    expected = applied(A, plate_mean - A @ swap_mean, swap)
    assert np.abs(transfer("lct", swap, plate, matte, OPTIONS) - expected).max() < 1e-4


def test_rct_gives_each_opponent_axis_mean_and_deviation_as_float64_does():
    swap, plate, matte = cloud(1), cloud(2), soft_disc()
    (swap_mean, S), (plate_mean, P) = weighted(swap, matte), weighted(plate, matte)
    ratio = np.sqrt(np.diag(OPPONENT @ P @ OPPONENT.T) / np.diag(OPPONENT @ S @ OPPONENT.T))
    A = OPPONENT.T @ np.diag(ratio) @ OPPONENT
    expected = applied(A, plate_mean - A @ swap_mean, swap)
    moved = transfer("rct", swap, plate, matte, OPTIONS)
    assert np.abs(moved - expected).max() < 1e-4


@pytest.mark.parametrize("name", ["rct", "lct", "mkl"])
def test_highlights_beyond_1_are_scaled_and_not_clipped(name):
    swap, plate = cloud(1), cloud(2)
    swap[30, 30] = 9.0
    assert transfer(name, swap, plate, disc(), OPTIONS)[30, 30].max() > 2.0
