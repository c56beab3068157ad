import numpy as np
import pytest

from faceplate.evaluate import panel

SIZE, WIDTH = 96, 60.0


def noise(seed, low=0.2, high=0.6):
    return np.random.default_rng(seed).uniform(low, high, (SIZE, SIZE, 3)).astype(np.float32)


def disc(radius=36.0):
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return (np.hypot(x, y) < radius).astype(np.float32)


def ramp(axis=1, height=0.2):
    line = np.linspace(-height / 2, height / 2, SIZE, dtype=np.float32)
    image = np.broadcast_to(line if axis else line[:, None], (SIZE, SIZE))
    return np.repeat(image[..., None], 3, axis=2)


def test_the_truth_scores_the_truth_s_figures():
    image, matte = noise(1), disc()
    assert panel.light(image, image, matte, WIDTH) == 0
    assert panel.detail(image, image, matte, WIDTH) == pytest.approx(1, abs=1e-6)
    assert panel.tone(image, image, matte) == 0
    assert panel.ssim(image, image, matte) == pytest.approx(1)
    assert panel.seam(image, image, panel.edge_band(matte), WIDTH) == 0


def test_what_lies_outside_the_matte_counts_for_nothing():
    image, other, matte = noise(1), noise(2), disc()
    spoilt = other.copy()
    # ssim looks through a window of 11 pixels: its margin is left alone
    spoilt[disc(36 + 9) == 0] = 50.0
    for figure in (
        lambda got: panel.light(got, image, matte, WIDTH),
        lambda got: panel.detail(got, image, matte, WIDTH),
        lambda got: panel.tone(got, image, matte),
        lambda got: panel.ssim(got, image, matte),
    ):
        assert figure(spoilt) == pytest.approx(figure(other), rel=1e-5)


def test_a_constant_offset_is_tone_and_nothing_else():
    truth, matte = noise(3), disc()
    shifted = truth + np.float32([0.1, -0.05, 0.03])
    assert panel.tone(shifted, truth, matte) == pytest.approx(0.06, abs=1e-5)
    assert panel.light(shifted, truth, matte, WIDTH) == pytest.approx(0, abs=1e-5)
    assert panel.detail(shifted, truth, matte, WIDTH) == pytest.approx(1, abs=1e-5)


def test_a_key_light_from_the_other_side_is_light_and_no_tone():
    truth, matte = noise(4), disc()
    relit = truth + ramp()
    assert panel.light(relit, truth, matte, WIDTH) > 0.02
    assert panel.tone(relit, truth, matte) == pytest.approx(0, abs=1e-4)
    assert panel.detail(relit, truth, matte, WIDTH) > 0.99


def test_detail_is_minus_one_for_the_negative_and_near_zero_for_another_face():
    truth, matte = noise(5), disc()
    assert panel.detail(1 - truth, truth, matte, WIDTH) == pytest.approx(-1, abs=1e-4)
    assert abs(panel.detail(noise(6), truth, matte, WIDTH)) < 0.05
    assert panel.detail(0 * truth, truth, matte, WIDTH) == 0


def test_ssim_agrees_with_its_formula_at_one_pixel():
    # oracle: Wang et al. 2004, equation 13, summed for the middle pixel
    first, second = noise(7), noise(8)
    reach = np.arange(-5, 6)
    weights = np.exp(-(reach**2) / (2 * 1.5**2))
    weights = np.outer(weights, weights) / np.outer(weights, weights).sum()
    one_pixel = np.zeros((SIZE, SIZE), np.float32)
    one_pixel[40, 50] = 1
    values = []
    for channel in range(3):
        a = first[35:46, 45:56, channel].astype(np.float64)
        b = second[35:46, 45:56, channel].astype(np.float64)
        mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
        var_a = (weights * a * a).sum() - mean_a**2
        var_b = (weights * b * b).sum() - mean_b**2
        cov = (weights * a * b).sum() - mean_a * mean_b
        c1, c2 = 0.01**2, 0.03**2
        top = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
        values.append(top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    assert panel.ssim(first, second, one_pixel) == pytest.approx(np.mean(values), rel=1e-6)


def test_a_hard_paste_has_more_seam_than_a_soft_one():
    truth = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    hard = disc()
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    soft = np.clip((36 - np.hypot(x, y)) / 20, 0, 1).astype(np.float32)
    seams = [
        panel.seam(truth + 0.1 * matte[..., None], truth, panel.edge_band(matte), WIDTH)
        for matte in (hard, soft)
    ]
    assert seams[0] > 3 * seams[1] > 0


def test_the_band_of_a_hard_matte_is_its_outline():
    band = panel.edge_band(disc())
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    from_outline = np.abs(np.hypot(x, y) - 36)
    assert (from_outline[band > 0] < 2).all()
    assert (band[from_outline < 0.5] == 1).all()


def test_steady_differences_do_not_flicker_and_alternating_ones_do():
    error, matte = noise(9), disc()
    assert panel.flicker(error, error, error, matte) == 0
    assert panel.flicker(0 * error, error, 2 * error, matte) == pytest.approx(0, abs=1e-6)
    assert panel.flicker(error * 0, error * 0 + 0.1, error * 0, matte) == pytest.approx(0.2)


def test_outside_is_the_largest_difference_where_the_matte_is_zero():
    plate = noise(10)
    result = plate.copy()
    result[48, 48] += 1  # inside
    assert panel.outside(result, plate, disc()) == 0
    result[0, 0, 1] += 0.25
    assert panel.outside(result, plate, disc()) == pytest.approx(0.25)


def test_outside_takes_equal_nan_and_infinity_as_equal_and_new_ones_as_the_worst():
    plate = noise(11)
    plate[0, 0], plate[0, 1] = np.nan, np.inf
    assert panel.outside(plate, plate.copy(), disc()) == 0
    result = plate.copy()
    result[0, 2] = np.nan
    assert panel.outside(result, plate, disc()) > 1e38


def test_outside_of_a_full_matte_is_zero():
    assert panel.outside(noise(1), noise(2), np.ones((SIZE, SIZE), np.float32)) == 0


def test_geometry_leaves_the_jaw_out_and_is_relative_to_the_eyes():
    points = np.random.default_rng(1).uniform(0, 90, (68, 2))
    moved = points + np.array([3.0, 4.0])
    moved[:17] += 100
    assert panel.geometry(moved, points, 50.0) == pytest.approx(10.0)


def test_eroding_draws_in_by_a_share_of_the_face_width():
    matte = panel.eroded(disc(36), 150.0)
    assert np.sqrt(matte.sum() / np.pi) == pytest.approx(36 - 3, abs=0.7)
    assert panel.eroded(disc(36), 1.0).sum() < disc(36).sum()


def test_every_figure_says_what_it_means():
    assert list(panel.FIGURES)[:2] == ["identity", "geometry"]
    assert all(info.definition and info.unit for info in panel.FIGURES.values())
