import numpy as np
import pytest

from faceplate.color.transfer import lowpass, rct, relight, transfer
from faceplate.errors import BadShape

SIZE = 64


def noise(seed):
    return np.random.default_rng(seed).uniform(0.2, 0.6, (SIZE, SIZE, 3)).astype(np.float32)


def disc(radius=24):
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return (np.hypot(x, y) < radius).astype(np.float32)


def gradient():
    ramp = np.linspace(-0.1, 0.1, SIZE, dtype=np.float32)
    return np.stack([ramp[None].repeat(SIZE, 0), ramp[:, None].repeat(SIZE, 1), 0 * disc()], axis=2)


def test_lowpass_keeps_a_constant_up_to_the_edge_of_the_matte():
    flat = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    flat[disc() == 0] = 9.0
    low = lowpass(flat, disc(), 6.0)
    assert np.allclose(low[disc() > 0], 0.4, atol=1e-5)


def test_lowpass_takes_no_notice_of_what_lies_outside_the_matte():
    image = noise(1)
    spoilt = image.copy()
    spoilt[disc() == 0] = np.nan
    assert np.array_equal(lowpass(image, disc(), 5.0), lowpass(spoilt, disc(), 5.0))


def test_lowpass_equals_a_direct_weighted_mean():
    # oracle: the definition, summed for one pixel; OpenCV cuts its kernel off at 4 sigma
    image, matte, sigma = noise(2), disc(), 3.0
    y, x = np.mgrid[:SIZE, :SIZE]
    weights = np.exp(-((x - 20) ** 2 + (y - 30) ** 2) / (2 * sigma**2)) * matte
    expected = (image * weights[..., None]).sum(axis=(0, 1)) / weights.sum()
    assert np.allclose(lowpass(image, matte, sigma)[30, 20], expected, atol=1e-3)


def test_relight_of_a_face_with_itself_changes_nothing():
    image = noise(3)
    assert np.allclose(relight(image, image, disc(), 8.0), image, atol=1e-6)


def test_relight_brings_the_shading_of_the_plate_and_keeps_the_detail():
    detail = noise(4) * 0.1
    flat = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    # radius well below the ramp's length and well above the noise's
    moved = relight(flat + detail, flat + gradient(), disc(), 6.0)
    low = lowpass(moved, disc(), 6.0) - lowpass(flat + gradient(), disc(), 6.0)
    assert np.abs(low[disc(18) > 0]).max() < 0.01
    fine = (moved - lowpass(moved, disc(), 6.0))[disc() > 0].ravel()
    wanted = (detail - lowpass(detail, disc(), 6.0))[disc() > 0].ravel()
    assert np.corrcoef(fine, wanted)[0, 1] > 0.95


def test_relight_moves_exposure_exactly():
    image = noise(5)
    assert np.allclose(relight(image, image + 0.07, disc(), 8.0), image + 0.07, atol=1e-5)


def test_rct_gives_the_plate_s_mean_and_deviation_under_the_matte():
    swap, plate = noise(6), noise(7) * 0.5 + 0.3
    moved = rct(swap, plate, disc())
    inside = disc() > 0
    assert np.allclose(moved[inside].mean(axis=0), plate[inside].mean(axis=0), atol=1e-5)
    assert np.allclose(moved[inside].std(axis=0), plate[inside].std(axis=0), atol=1e-5)


def test_rct_of_a_flat_swap_moves_its_mean_only():
    flat = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    moved = rct(flat, noise(8), disc())
    assert np.isfinite(moved).all()
    assert np.ptp(moved, axis=(0, 1)).max() < 1e-6


def test_rct_without_a_matte_changes_nothing():
    assert np.array_equal(rct(noise(9), noise(10), 0 * disc()), noise(9))


def test_none_changes_nothing():
    assert np.array_equal(transfer("none", noise(1), noise(2), disc(), 5.0), noise(1))


@pytest.mark.parametrize("name", ["none", "rct", "relight"])
def test_crops_of_different_sizes_are_refused(name):
    with pytest.raises(BadShape):
        transfer(name, noise(1), noise(2)[:32], disc(), 5.0)
