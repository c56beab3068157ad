from typing import get_args

import numpy as np
import pytest
from tests.support.colors import SIZE, cloud, disc, noise

from faceplate.color.statistics import measure_color
from faceplate.color.transfer import TransferName, TransferOptions, transfer
from faceplate.errors import BadShape

NAMES = get_args(TransferName)
GLOBAL = [name for name in NAMES if name not in ("none", "relight")]
OPTIONS = TransferOptions((5.0,))


@pytest.mark.parametrize("name", NAMES)
def test_crops_of_different_sizes_are_refused(name):
    with pytest.raises(BadShape):
        transfer(name, noise(1), noise(2)[:32], disc(), OPTIONS)


def test_none_changes_nothing():
    assert np.array_equal(transfer("none", noise(1), noise(2), disc(), OPTIONS), noise(1))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_matte_nothing_changes(name):
    assert np.array_equal(transfer(name, noise(9), noise(10), 0 * disc(), OPTIONS), noise(9))


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_outside_the_matte_does_not_count(name):
    matte = disc()
    swap, plate = noise(1), noise(2)
    spoilt_swap, spoilt_plate = swap.copy(), plate.copy()
    spoilt_swap[matte == 0] = 7.0
    spoilt_plate[matte == 0] = -7.0
    inside = matte > 0
    expected = transfer(name, swap, plate, matte, OPTIONS)[inside]
    assert np.array_equal(
        transfer(name, spoilt_swap, spoilt_plate, matte, OPTIONS)[inside], expected
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_face_onto_itself_changes_nothing(name):
    image = cloud(3)
    assert np.allclose(transfer(name, image, image, disc(), OPTIONS), image, atol=2e-3)


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_shift_of_exposure_is_followed(name):
    image = noise(5)
    inside = disc() > 0
    moved = transfer(name, image, image + 0.07, disc(), OPTIONS)
    assert np.allclose(moved[inside], image[inside] + 0.07, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_bad_pixels_stay_where_they_are(name):
    swap, plate = noise(1), noise(2)
    swap[30, 30], plate[34, 30] = np.nan, np.inf
    moved = transfer(name, swap, plate, disc(), OPTIONS)
    bad = ~np.isfinite(moved).all(axis=2)
    assert bad.sum() <= 1
    assert not bad.any() or bad[30, 30]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bits(name):
    first, second = (transfer(name, cloud(1), cloud(2), disc(), OPTIONS) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", GLOBAL)
@pytest.mark.parametrize("flat_side", ["swap", "plate", "both"])
def test_a_constant_colour_gives_finite_colours_with_the_plate_s_mean(name, flat_side):
    flat = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    swap = noise(1) if flat_side == "plate" else flat
    plate = noise(2) if flat_side == "swap" else flat + 0.1
    moved = transfer(name, swap, plate, disc(), OPTIONS)
    inside = disc() > 0
    assert np.isfinite(moved).all()
    assert np.allclose(moved[inside].mean(axis=0), plate[inside].mean(axis=0), atol=0.02)


@pytest.mark.parametrize("name", GLOBAL)
def test_a_flat_swap_s_noise_is_not_blown_up(name):
    flat = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    flat += np.random.default_rng(0).normal(0, 1e-4, flat.shape).astype(np.float32)
    moved = transfer(name, flat, noise(2), disc(), OPTIONS)
    assert moved[disc() > 0].std(axis=0).max() < 0.01


@pytest.mark.parametrize("name", GLOBAL)
def test_a_matte_of_one_pixel_moves_the_colours_and_stretches_nothing(name):
    swap, plate, matte = noise(1), noise(2), np.zeros((SIZE, SIZE), np.float32)
    matte[20, 20] = 1
    moved = transfer(name, swap, plate, matte, OPTIONS)
    assert np.allclose(moved - swap, plate[20, 20] - swap[20, 20], atol=1e-3)


@pytest.mark.parametrize("name", GLOBAL)
def test_measured_statistics_of_the_frame_itself_change_nothing(name):
    swap, plate = cloud(1), cloud(2)
    own = measure_color(swap, plate, disc())
    assert np.allclose(
        transfer(name, swap, plate, disc(), OPTIONS, own),
        transfer(name, swap, plate, disc(), OPTIONS),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", GLOBAL)
def test_measured_statistics_take_the_place_of_the_frame_s_own(name):
    swap, plate = cloud(1), cloud(2)
    measured = measure_color(swap, plate, disc())
    # a plate that says something else is not looked at any more
    assert np.array_equal(
        transfer(name, swap, plate + 0.3, disc(), OPTIONS, measured),
        transfer(name, swap, plate, disc(), OPTIONS, measured),
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_amount_takes_a_share_of_the_transfer(name):
    swap, plate = noise(1), noise(2)
    whole, half, nothing = (
        transfer(name, swap, plate, disc(), TransferOptions((5.0,), amount=amount))
        for amount in (1.0, 0.5, 0.0)
    )
    assert np.array_equal(nothing, swap)
    assert np.allclose(half, (swap + whole) / 2, atol=1e-6)


@pytest.mark.parametrize("name", ["none", "relight"])
def test_measured_statistics_are_nothing_to_a_transfer_that_needs_none(name):
    swap, plate = noise(1), noise(2)
    measured = measure_color(swap, plate + 0.3, disc())
    assert np.array_equal(
        transfer(name, swap, plate, disc(), OPTIONS, measured),
        transfer(name, swap, plate, disc(), OPTIONS),
    )
