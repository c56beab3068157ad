import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.merge.mattes import (
    choose_matte,
    clean_matte,
    erode_feather,
    matte_size,
    resize_matte,
)


def square(size=128, margin=32):
    matte = np.zeros((size, size), np.float32)
    matte[margin:-margin, margin:-margin] = 1
    return matte


@settings(max_examples=30, deadline=None)
@given(erode=st.floats(0, 30), feather=st.floats(0, 60), seed=st.integers(0, 99))
def test_a_matte_is_exactly_zero_at_the_border_of_its_crop(erode, feather, seed):
    full = np.random.default_rng(seed).uniform(0.5, 1, (96, 96)).astype(np.float32)
    matte = erode_feather(full, erode, feather)
    border = np.concatenate([matte[0], matte[-1], matte[:, 0], matte[:, -1]])
    assert (border == 0).all()
    assert matte.min() >= 0
    assert matte.max() <= 1


def test_the_soft_edge_lies_inside_the_eroded_matte():
    matte = erode_feather(square(), 5, 12)
    assert (matte[64, :37] == 0).all()
    assert matte[64, 38] > 0
    assert (matte[64, 50:78] > 0.999).all()


def test_no_erosion_and_no_feather_keep_the_matte():
    assert np.array_equal(erode_feather(square(), 0, 0), square())


def test_the_edge_falls_steadily():
    edge = erode_feather(square(), 3, 20)[64, :64]
    assert (np.diff(edge) >= 0).all()


def test_a_learned_matte_loses_the_noise_near_its_ends_and_its_nans():
    noisy = np.array([[0.0, 0.015, 0.5, 0.985, 1.0, np.nan, np.inf]], np.float32)
    assert np.allclose(clean_matte(noisy), [[0, 0, 0.5, 1, 1, 0, 1]])


@pytest.mark.parametrize(("crop", "expected"), [(64, 256), (256, 256), (320, 320), (640, 512)])
def test_mattes_are_made_at_a_sensible_size(crop, expected):
    assert matte_size(crop) == expected


@pytest.mark.parametrize("size", [16, 64, 96, 256])
def test_resizing_keeps_a_matte_in_range_and_its_amount(size):
    matte = resize_matte(square(64, 16), size)
    assert matte.shape == (size, size)
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert matte.mean() == pytest.approx(square(64, 16).mean(), abs=0.01)


def test_the_recipe_chooses_what_is_multiplied():
    learned, hull = np.full((4, 4), 0.5, np.float32), np.full((4, 4), 0.8, np.float32)
    assert np.allclose(choose_matte("learned", learned, hull), 0.5)
    assert np.allclose(choose_matte("hull", learned, hull), 0.8)
    assert np.allclose(choose_matte("learned*hull", learned, hull), 0.4)
