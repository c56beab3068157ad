"""What must hold for any input: properties of a merge, looked for by hypothesis."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.swaps import (
    EchoPredictor,
    FixedPredictor,
    encodings,
    face_of,
    flat_frame,
    frontal_landmarks,
)

from faceplate.geometry.warp import warp_crop
from faceplate.io.frame import Frame, Window
from faceplate.merge.face import CastFace
from faceplate.merge.frame import swap_cast, swap_frame
from faceplate.merge.recipe import Recipe

SIZE = 96
MODES = ["original", "overlay", "hist-match", "seamless", "seamless-hist-match", "multiband"]
TRANSFERS = ["none", "rct", "lct", "mkl", "idt", "sot", "mix", "relight"]
few = settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip

recipes = st.builds(
    Recipe,
    mode=st.sampled_from(MODES),
    transfer=st.sampled_from(TRANSFERS),
    matte=st.sampled_from(["learned*hull", "hull", "full", "learned", "sum"]),
    erode=st.floats(-10, 10),
    blur=st.floats(0, 10),
    feather=st.floats(0, 30),
    opacity=st.floats(0, 1),
    sharpen=st.sampled_from(["none", "box", "gaussian"]),
    sharpen_amount=st.floats(-20, 3),
    detail=st.sampled_from([0.0, 60.0]),
    grain=st.sampled_from([0.0, 100.0]),
    defocus_size=st.sampled_from([0.0, 3.0]),
    bicubic_degrade=st.sampled_from([0.0, 50.0]),
    output_scale=st.floats(-20, 20),
)


def plate(seed, spoilt=False):
    """From below black to 64, with noise; spoilt: with NaN and infinity here and there."""
    random = np.random.default_rng(seed)
    rgb = random.uniform(-0.05, 1.0, (SIZE, SIZE, 3)).astype(np.float32)
    hot = random.random((SIZE, SIZE)) < 0.02
    rgb[hot] = random.uniform(1, 64, (int(hot.sum()), 3))
    if spoilt:
        rgb[random.random((SIZE, SIZE)) < 0.003] = np.nan
        rgb[random.random((SIZE, SIZE)) < 0.003] = np.inf
        rgb[random.random((SIZE, SIZE)) < 0.003] = -np.inf
    return rgb


def smooth(seed, low=0.2, high=0.7):
    """A plate without detail that a crop could lose."""
    coarse = np.random.default_rng(seed).random((4, 4, 3), dtype=np.float32)
    return low + (high - low) * cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def predictor(seed, size=64):
    random = np.random.default_rng(seed)
    coarse = random.uniform(0.3, 0.6, (6, 6, 3)).astype(np.float32)
    face = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return FixedPredictor(face, np.ones((size, size), np.float32))


def face(dx=0.0, dy=0.0, width=40.0):
    return face_of(frontal_landmarks((SIZE / 2 + dx, SIZE / 2 + dy), width))


def merged(rgb, recipe, faces=None, model=None, **frame):
    return swap_frame(
        flat_frame(rgb, **frame), faces or [face()], model or predictor(1), recipe, encodings()
    )


def same_bits(first, second):
    first, second = np.ascontiguousarray(first), np.ascontiguousarray(second)
    return np.array_equal(first.view(np.uint32), second.view(np.uint32))


@few
@given(recipe=recipes, seed=st.integers(0, 99), dx=st.floats(-60, 60), spoilt=st.booleans())
def test_outside_the_matte_any_plate_comes_back_bit_for_bit(recipe, seed, dx, spoilt):
    rgb = plate(seed, spoilt)
    layers = merged(rgb, recipe, [face(dx)])
    outside = layers.face_matte == 0
    assert same_bits(layers.rgb[outside], rgb[outside])
    assert not layers.face[outside].any()


@few
@given(recipe=recipes, seed=st.integers(0, 99))
def test_bad_pixels_stay_where_they_are_and_spread_nowhere(recipe, seed):
    rgb = plate(seed, spoilt=True)
    layers = merged(rgb, recipe)
    good = np.isfinite(rgb).all(axis=-1)
    assert np.isfinite(layers.rgb[good]).all()
    assert same_bits(layers.rgb[~good], rgb[~good])
    others = (layers.face, layers.matte, layers.learned, layers.occlusion, layers.st)
    assert all(np.isfinite(layer).all() for layer in others)


@few
@given(recipe=recipes, seed=st.integers(0, 99))
def test_the_face_over_the_plate_makes_the_result(recipe, seed):
    rgb = plate(seed)
    layers = merged(
        rgb, replace(recipe, mode="overlay" if recipe.mode == "original" else recipe.mode)
    )
    over = rgb * (1 - layers.face_matte[..., None]) + layers.face
    assert np.allclose(over, layers.rgb, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transfer", TRANSFERS)
def test_an_identity_swap_returns_the_plate(mode, transfer):
    """B into B. The plate has no detail finer than the crop, so that none is lost on the way."""
    rgb = smooth(5)
    layers = merged(rgb, Recipe(mode=mode, transfer=transfer), model=EchoPredictor(96))
    error = np.abs(encodings().to_working(layers.rgb) - encodings().to_working(rgb))
    assert layers.matte.max() == 1
    assert error.max() < 1e-3


@few
@given(
    recipe=recipes, seed=st.integers(0, 99),
    pads=st.tuples(*[st.integers(0, 40) for _ in range(4)]),
)  # fmt: skip
def test_a_larger_data_window_changes_no_pixel(recipe, seed, pads):
    left, top, right, bottom = pads
    rgb = plate(seed)
    wide = np.pad(rgb, ((top, bottom), (left, right), (0, 0)), mode="edge")
    small, large = merged(rgb, recipe), merged(wide, recipe, origin=(-left, -top))
    place = np.s_[top : top + SIZE, left : left + SIZE]
    x0, y0, x1, y1 = small.region.box
    if x0 > 0 and y0 > 0 and x1 < SIZE and y1 < SIZE:  # else the window cuts the face
        assert same_bits(small.rgb, large.rgb[place])
        assert same_bits(small.face, large.face[place])
        assert same_bits(small.st, large.st[place])


@few
@given(recipe=recipes, seed=st.integers(0, 99), rows=st.integers(1, 40))
def test_rows_that_are_handed_out_piece_by_piece_are_those_of_the_whole(recipe, seed, rows):
    layers = merged(plate(seed), recipe)
    names = layers.names()
    pieces = [layers.rows(names, y, min(y + rows, SIZE)) for y in range(0, SIZE, rows)]
    assert same_bits(np.concatenate(pieces), layers.rows(names, 0, SIZE))


@few
@given(recipe=recipes, seed=st.integers(0, 99))
def test_the_number_of_threads_changes_no_bit(recipe, seed):
    before = cv2.getNumThreads()
    results = []
    try:
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            results.append(merged(plate(seed), recipe))
    finally:
        cv2.setNumThreads(before)
    for other in results[1:]:
        assert same_bits(results[0].rgb, other.rgb)
        assert same_bits(results[0].face, other.face)


class StopPredictor(EchoPredictor):
    """A network that holds its face and goes along with the exposure, as trained ones do."""

    def predict(self, crops, people=(0, 1), morph=None):
        made = super().predict(crops, people, morph)
        shape = predictor(2, self.resolution).predict(crops).face
        return replace(made, face=crops + (shape - shape.mean()) * np.float32(0.2))


@pytest.mark.parametrize("mode", ["overlay", "seamless", "multiband", "hist-match"])
@pytest.mark.parametrize("transfer", ["none", "relight", "rct", "mkl", "idt"])
def test_a_plate_two_stops_up_gives_a_result_two_stops_up(mode, transfer):
    """In the logarithmic part of ACEScct a stop is an offset; everything must follow it."""
    rgb = smooth(7)
    recipe = Recipe(mode=mode, transfer=transfer)
    once, twice = (merged(rgb * gain, recipe, model=StopPredictor(64)) for gain in (1, 4))
    assert np.allclose(twice.rgb, 4 * once.rgb, rtol=5e-3)


@pytest.mark.parametrize("transfer", ["relight", "rct", "mkl"])
def test_a_face_that_does_not_follow_the_exposure_is_brought_to_it_by_the_transfer(transfer):
    rgb = smooth(7)
    once, twice = (merged(rgb * gain, Recipe(transfer=transfer)) for gain in (1, 4))
    assert np.allclose(twice.rgb, 4 * once.rgb, rtol=5e-3)


def test_a_tile_with_enough_around_the_face_gives_the_same_pixels():
    rgb = plate(3)
    recipe = Recipe(grain=100.0, defocus_size=2.0)
    whole = merged(rgb, recipe)
    x0, y0, x1, y1 = whole.region.box
    window = Window(max(x0 - 4, 0), max(y0 - 4, 0), min(x1 + 4, SIZE), min(y1 + 4, SIZE))
    part = np.s_[window.y0 : window.y1, window.x0 : window.x1]
    frame = Frame(1, np.ascontiguousarray(rgb[part]), ("R", "G", "B"), window, Window(0, 0, 96, 96))
    tile = swap_cast(frame, [CastFace(face(), predictor(1), recipe, encodings())])
    assert same_bits(tile.rgb, whole.rgb[part])


def test_the_hypothesis_of_a_full_crop_is_true():
    """The properties look at faces whose matte is there at all."""
    layers = merged(plate(1), Recipe())
    crop = warp_crop(layers.matte, np.eye(2, 3), SIZE)
    assert crop.max() == 1
