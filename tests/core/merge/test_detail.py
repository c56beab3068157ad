import cv2
import numpy as np
import pytest
from tests.support.swaps import encodings, mini_frame

from faceplate.merge.detail import (
    bicubic_degrade,
    color_degrade,
    degrade,
    denoise,
    reinject_detail,
    sharpen,
)
from faceplate.merge.recipe import Recipe


def crop(actor="B", number=1001):
    """A face of mini in the working encoding, 110 x 100 pixels."""
    return encodings().to_working(mini_frame(actor, number).rgb()[60:170, 140:240])


FULL = np.ones((110, 100), np.float32)


def roughness(image):
    return float(np.abs(cv2.Laplacian(image, cv2.CV_32F)).mean())


@pytest.mark.parametrize("size", [3, 5, 4])
def test_box_sharpening_is_delta_plus_amount_times_delta_less_box(size):
    face, side = crop(), size | 1
    kernel = np.full((side, side), -2.5 / side**2, np.float32)
    kernel[side // 2, side // 2] += 3.5
    expected = cv2.filter2D(face, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    assert np.allclose(sharpen(face, "box", 2.5, size), expected, atol=1e-5)


def test_gaussian_sharpening_takes_half_the_amount_of_the_blurred_away():
    face = crop()
    blurred = cv2.GaussianBlur(face, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    assert np.allclose(sharpen(face, "gaussian", 3, 3), 2.5 * face - 1.5 * blurred, atol=1e-5)


def test_sharpening_makes_a_face_rougher_and_a_negative_amount_smoother():
    face = crop()
    assert roughness(sharpen(face, "box", 1)) > 1.5 * roughness(face)
    assert roughness(sharpen(face, "box", -15)) < 0.8 * roughness(face)


def test_a_negative_amount_is_a_median_for_each_ten_and_the_last_in_part():
    face = crop()
    once = cv2.medianBlur(face, 5)
    assert np.array_equal(sharpen(face, "gaussian", -10), once)
    expected = once + 0.5 * (cv2.medianBlur(once, 5) - once)
    assert np.allclose(sharpen(face, "gaussian", -15), expected, atol=1e-6)


@pytest.mark.parametrize(("mode", "amount"), [("none", 50), ("box", 0)])
def test_nothing_to_sharpen_leaves_the_face(mode, amount):
    face = crop()
    assert sharpen(face, mode, amount) is face


def test_denoise_counts_down_by_ten_and_takes_each_median_by_so_many_per_cent():
    face = expected = crop()
    for part in (0.25, 0.15, 0.05):
        expected = expected + part * (cv2.medianBlur(expected, 5) - expected)
    assert np.allclose(denoise(face, 25), expected, atol=1e-5)
    assert roughness(denoise(face, 200)) < roughness(denoise(face, 100)) < roughness(face)


def test_bicubic_degrade_has_the_scale_of_its_power():
    face = crop()
    expected = cv2.resize(face, (50, 55), interpolation=cv2.INTER_CUBIC)
    expected = cv2.resize(expected, (100, 110), interpolation=cv2.INTER_CUBIC)
    assert np.allclose(bicubic_degrade(face, 50.5), expected, atol=1e-6)
    rough = [roughness(bicubic_degrade(face, power)) for power in (0, 30, 60, 90)]
    assert rough == sorted(rough, reverse=True)
    assert bicubic_degrade(face, 100).shape == face.shape


def test_few_colours_are_256_and_near_the_true_ones():
    face = crop()
    few = color_degrade(face, 100, FULL)
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 256
    assert np.abs(few - face).mean() < 0.01
    assert np.allclose(color_degrade(face, 40, FULL), face + 0.4 * (few - face), atol=1e-5)


def test_colours_are_found_under_the_matte():
    face = crop()
    matte = FULL.copy()
    matte[:, 50:] = 0
    inside = np.abs(color_degrade(face, 100, matte) - face)[:, :50].mean()
    assert inside < np.abs(color_degrade(face, 100, FULL) - face)[:, :50].mean()
    assert color_degrade(face, 100, np.zeros_like(FULL)) is face


def test_reinjected_detail_is_the_plate_s_high_band_and_nothing_of_its_form():
    face, plate = np.full_like(crop(), 0.4), crop()
    wavy = plate + 0.01 * np.sin(np.arange(100, dtype=np.float32))[None, :, None]
    found = reinject_detail(face, wavy, FULL, 100, 4) - reinject_detail(face, plate, FULL, 100, 4)
    assert found[20:-20, 20:-20].std() == pytest.approx((wavy - plate).std(), rel=0.05)
    lifted = reinject_detail(face, plate + 0.3, FULL, 100, 4)
    assert np.allclose(lifted, reinject_detail(face, plate, FULL, 100, 4), atol=1e-4)
    half = reinject_detail(face, plate, FULL, 50, 4)
    assert np.allclose(
        half - face, (reinject_detail(face, plate, FULL, 100, 4) - face) / 2, atol=1e-6
    )


def test_detail_does_not_know_what_lies_beside_the_matte():
    face, plate, matte = crop("S"), crop(), FULL.copy()
    matte[:, :20] = 0
    other = plate.copy()
    other[:, :20] = 5
    once, again = (reinject_detail(face, each, matte, 100, 3) for each in (plate, other))
    assert np.array_equal(once[:, 20:], again[:, 20:])
    assert np.array_equal(once[:, :20], face[:, :20])


@pytest.mark.parametrize(
    "change",
    [
        lambda face: sharpen(face, "box", 1),
        lambda face: sharpen(face, "gaussian", -12),
        lambda face: denoise(face, 120),
        lambda face: bicubic_degrade(face, 30),
        lambda face: reinject_detail(face, crop(), FULL, 100, 2),
    ],
    ids=["sharpen", "soften", "denoise", "bicubic", "detail"],
)
def test_values_beyond_0_and_1_survive(change):
    face = crop() * 4 - 1
    changed = change(face)
    assert changed.dtype == np.float32
    assert changed.min() < -0.1
    assert changed.max() > 1.2


def test_a_recipe_degrades_in_its_order_and_not_at_all_by_default():
    face = crop()
    assert degrade(face, Recipe(), FULL) is face
    recipe = Recipe(denoise=50, bicubic_degrade=30, color_degrade=20)
    expected = color_degrade(bicubic_degrade(denoise(face, 50), 30), 20, FULL)
    assert np.array_equal(degrade(face, recipe, FULL), expected)
