import numpy as np
from tests.support.colors import SIZE, disc, gradient, noise

from faceplate.color.relight import lowpass, relight


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
    assert np.allclose(relight(image, image, disc(), (8.0,)), image, atol=1e-6)


def test_relight_brings_the_shading_of_the_plate_and_keeps_the_detail():
    detail = noise(4) * 0.1
    flat = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    # radius well below the ramp's length and well above the noise's
    moved = relight(flat + detail, flat + gradient(), disc(), (6.0,))
    low = lowpass(moved, disc(), 6.0) - lowpass(flat + gradient(), disc(), 6.0)
    assert np.abs(low[disc(18) > 0]).max() < 0.01
    fine = (moved - lowpass(moved, disc(), 6.0))[disc() > 0].ravel()
    wanted = (detail - lowpass(detail, disc(), 6.0))[disc() > 0].ravel()
    assert np.corrcoef(fine, wanted)[0, 1] > 0.95


def test_relight_moves_exposure_exactly():
    image = noise(5)
    assert np.allclose(relight(image, image + 0.07, disc(), (8.0,)), image + 0.07, atol=1e-5)
