import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.color.delta import delta_composite
from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.errors import BadShape


def bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint32)


def plate_of(seed: int = 0) -> np.ndarray:
    """Return scene-linear values from -0.05 to 64, with both zeros among them."""
    rgb = np.random.default_rng(seed).uniform(-0.05, 64, (24, 32, 3)).astype(np.float32)
    rgb[0, :4, 0] = (0.0, -0.0, -0.05, 64.0)
    return rgb


@pytest.mark.parametrize("working", ["acescct", "srgb"])
def test_a_swap_that_changes_nothing_returns_the_plate_bit_for_bit(working: str) -> None:
    plate = plate_of()
    seen = Encodings(load_config(), "ACEScg", working).seen(plate)
    assert np.abs(seen - plate).max() > 0.01  # the network did not see all of it
    out = delta_composite(plate, seen, seen, np.ones((24, 32), np.float32))
    assert (bits(out) == bits(plate)).all()


@given(st.integers(0, 1000))
def test_outside_the_matte_the_plate_is_bit_exact(seed: int) -> None:
    plate, swap, seen = plate_of(seed), plate_of(seed + 1), plate_of(seed + 2)
    plate[3, 3], plate[4, 4], plate[5, 5] = np.nan, np.inf, -np.inf
    swap[6, 6], seen[7, 7] = np.nan, np.inf
    matte = np.random.default_rng(seed).uniform(-1, 1, (24, 32)).clip(0).astype(np.float32)
    matte[3:8, 3:8] = 0
    out = delta_composite(plate, swap, seen, matte)
    outside = matte == 0
    assert (bits(out[outside]) == bits(plate[outside])).all()


def test_inside_the_formula_holds() -> None:
    plate, swap, seen = plate_of(1), plate_of(2), plate_of(3)
    matte = np.random.default_rng(4).random((24, 32), np.float32)
    out = delta_composite(plate, swap, seen, matte)
    expected = plate.astype(np.float64) + matte[..., None] * (swap.astype(np.float64) - seen)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, expected, atol=2e-5)


def test_highlights_and_negative_values_survive_a_swap() -> None:
    ways = Encodings(load_config(), "lin_rec709_scene", "srgb")
    plate = np.array([[[64.0, 1.5, -0.05]]], np.float32)
    seen = ways.seen(plate)  # 1, 1, 0: the network saw no highlight and no negative
    swap = seen - np.float32(0.25)
    out = delta_composite(plate, swap, seen, np.ones((1, 1), np.float32))
    np.testing.assert_allclose(out, plate - 0.25, atol=1e-5)


def test_bad_pixels_inside_the_matte_stay_where_they_are() -> None:
    plate, swap, seen = plate_of(1), plate_of(2), plate_of(3)
    clean = delta_composite(plate, swap, seen, np.ones((24, 32), np.float32))
    plate[3, 3, 0], plate[4, 4, 1] = np.nan, np.inf
    swap[5, 5, 2], seen[6, 6, 0] = np.nan, -np.inf
    out = delta_composite(plate, swap, seen, np.ones((24, 32), np.float32))
    assert np.isnan(out[3, 3, 0])
    assert out[4, 4, 1] == np.inf
    assert out[5, 5, 2] == plate[5, 5, 2]
    assert out[6, 6, 0] == plate[6, 6, 0]
    touched = np.zeros((24, 32, 3), bool)
    touched[[3, 4, 5, 6], [3, 4, 5, 6], [0, 1, 2, 0]] = True
    assert (bits(out[~touched]) == bits(clean[~touched])).all()


def test_a_nan_of_the_matte_counts_as_outside() -> None:
    plate, swap, seen = plate_of(1), plate_of(2), plate_of(3)
    matte = np.full((24, 32), np.nan, np.float32)
    assert (bits(delta_composite(plate, swap, seen, matte)) == bits(plate)).all()


def test_the_inputs_are_left_alone() -> None:
    plate, swap, seen = plate_of(1), plate_of(2), plate_of(3)
    copies = [image.copy() for image in (plate, swap, seen)]
    delta_composite(plate, swap, seen, np.ones((24, 32), np.float32))
    for image, copy in zip((plate, swap, seen), copies, strict=True):
        assert (bits(image) == bits(copy)).all()


@pytest.mark.parametrize(("swap", "seen", "matte"), [(2, 3, 3), (3, 2, 3), (3, 3, 2)])
def test_shapes_that_do_not_fit_are_told(swap: int, seen: int, matte: int) -> None:
    images = [np.zeros((size, 3, 3), np.float32) for size in (3, swap, seen)]
    with pytest.raises(BadShape, match="as the plate"):
        delta_composite(*images, np.zeros((matte, 3), np.float32))
