import numpy as np
import pytest
from tests.support.colors import SIZE, cloud, disc, noise

from faceplate.errors import BadShape
from faceplate.merge.histogram import hist_match

INSIDE = disc() > 0


def sorted_inside(image):
    return np.sort(image[INSIDE], axis=0)


def test_each_channel_takes_the_distribution_of_the_plate_under_the_matte():
    # oracle: the exact match of as many pixels puts the k-th value in the k-th's place
    swap, plate = cloud(1), cloud(2)
    moved = hist_match(swap, plate, disc(), 1.0, True)
    before = np.abs(sorted_inside(swap) - sorted_inside(plate)).mean()
    assert np.abs(sorted_inside(moved) - sorted_inside(plate)).mean() < 0.01 * before


def test_the_order_of_the_values_is_kept():
    swap = cloud(3)
    moved = hist_match(swap, cloud(4), disc(), 0.9, True)
    for channel in range(3):
        order = np.argsort(swap[..., channel], axis=None)
        assert (np.diff(moved[..., channel].ravel()[order]) > -1e-6).all()


def test_above_the_threshold_values_move_together_and_highlights_live():
    swap, plate = noise(1), noise(2) * 0.5
    swap[30, 30], plate[31, 31] = 9.0, 40.0
    moved = hist_match(swap, plate, disc(), 0.9, True)
    high = np.quantile(swap[INSIDE][:, 0], 0.95)
    above = (swap[..., 0] > high) & INSIDE
    push = (moved - swap)[..., 0][above]
    assert np.ptp(push) < 1e-5
    assert moved[30, 30].min() > 8.5


def test_the_threshold_leaves_what_is_below_it_to_the_match():
    swap, plate = cloud(1), cloud(2)
    moved = hist_match(swap, plate, disc(), 0.8, True)
    count = int(0.75 * INSIDE.sum())
    apart = np.abs(sorted_inside(moved) - sorted_inside(plate))[:count].mean()
    assert apart < 0.02 * np.abs(sorted_inside(swap) - sorted_inside(plate))[:count].mean()


def test_masked_what_lies_outside_does_not_count_and_unmasked_it_does():
    swap, plate = noise(1), noise(2)
    other = plate.copy()
    other[~INSIDE] += 0.5
    for masked, same in ((True, True), (False, False)):
        first = hist_match(swap, plate, disc(), 0.9, masked)[INSIDE]
        second = hist_match(swap, other, disc(), 0.9, masked)[INSIDE]
        assert np.array_equal(first, second) == same


def test_without_a_matte_nothing_changes():
    assert np.array_equal(hist_match(noise(1), noise(2), 0 * disc(), 0.9, True), noise(1))


def test_a_matte_of_one_pixel_and_a_constant_colour_move_and_stretch_nothing():
    one = np.zeros((SIZE, SIZE), np.float32)
    one[20, 20] = 1
    swap, plate = noise(1), noise(2)
    moved = hist_match(swap, plate, one, 0.9, True)
    assert np.allclose(moved - swap, plate[20, 20] - swap[20, 20], atol=1e-5)
    flat = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    assert np.ptp(hist_match(flat, plate, disc(), 0.9, True), axis=(0, 1)).max() < 1e-6


def test_bad_pixels_stay_where_they_are():
    swap, plate = noise(1), noise(2)
    swap[30, 30], plate[34, 30] = np.nan, np.inf
    moved = hist_match(swap, plate, disc(), 0.9, True)
    bad = ~np.isfinite(moved).all(axis=2)
    assert bad.sum() == 1
    assert bad[30, 30]


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(BadShape):
        hist_match(noise(1), noise(2)[:32], disc(), 0.9, True)
