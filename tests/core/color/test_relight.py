import cv2
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


def test_a_wide_lowpass_equals_the_plain_gaussian_on_the_full_picture():
    # oracle: OpenCV's Gaussian of the same sigma on every pixel; ours runs on a smaller picture
    random = np.random.default_rng(6)
    image = cv2.resize(random.random((9, 9, 3), np.float32), (201, 150))
    matte = np.zeros((150, 201), np.float32)
    matte[20:140, 10:190] = 1
    for sigma in (8.0, 13.0, 30.0):
        plain = cv2.GaussianBlur(image * matte[..., None], (0, 0), sigma, borderType=0)
        total = cv2.GaussianBlur(matte, (0, 0), sigma, borderType=0)[..., None]
        inside = matte > 0
        assert np.abs(lowpass(image, matte, sigma) - plain / total)[inside].max() < 4e-3


def test_several_radii_are_averaged():
    swap, plate = noise(1), noise(2)
    one, other = (relight(swap, plate, disc(), (radius,)) for radius in (3.0, 9.0))
    both = relight(swap, plate, disc(), (3.0, 9.0))
    assert np.allclose(both, (one + other) / 2, atol=1e-6)


def test_with_edge_a_feature_of_one_face_leaves_no_halo_in_the_other():
    swap = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    plate = swap + 0.3 * gradient()
    plate[28:32, 22:42] -= 0.3  # a brow that only the performer has
    beside = np.zeros((SIZE, SIZE), bool)
    beside[20:27, 24:40] = True
    halo = {
        edge: np.abs(relight(swap, plate, disc(), (5.0,), edge) - plate)[beside].mean()
        for edge in (0.0, 0.5, 1.0)
    }
    assert halo[1.0] < 0.3 * halo[0.0]
    assert halo[1.0] < halo[0.5] < halo[0.0]


def test_edge_does_not_bring_a_feature_of_the_plate_into_the_swap():
    swap = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    plate = swap.copy()
    plate[28:32, 22:42] -= 0.3
    moved = relight(swap, plate, disc(), (5.0,), 1.0)
    assert np.abs(moved - swap)[28:32, 22:42].max() < 0.03


def test_the_light_of_a_large_crop_is_that_of_the_crop_made_small():
    # oracle: the same faces at a fifth of the size and of the radius, where nothing is shrunk
    random = np.random.default_rng(8)
    swap, plate = (
        cv2.resize(random.random((12, 12, 3), np.float32), (SIZE, SIZE)) for _ in range(2)
    )
    large = [np.kron(image, np.ones((5, 5, 1), np.float32)) for image in (swap, plate)]
    matte = np.kron(disc(), np.ones((5, 5), np.float32))
    for edge in (0.0, 1.0):
        small = relight(swap, plate, disc(), (6.0,), edge) - swap
        moved = relight(large[0], large[1], matte, (30.0,), edge) - large[0]
        apart = np.abs(moved[2::5, 2::5] - small)[disc(22) > 0]
        assert apart.mean() < 0.004
        assert apart.max() < 0.02
