import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.swaps import (
    EchoPredictor,
    FixedPredictor,
    encodings,
    face_of,
    flat_frame,
    frontal_landmarks,
    mini_frame,
    mini_landmarks,
)

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.errors import BadImage, BadSettings, Damaged
from faceplate.extract.faces import crop_face
from faceplate.extract.shot import open_shot
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.warp import warp_back, warp_crop
from faceplate.io.frame import Frame, Window
from faceplate.merge.face import plate_crop
from faceplate.merge.frame import swap_frame
from faceplate.merge.layers import Layers
from faceplate.merge.recipe import Recipe

SIZE = 200
CENTER = (100.0, 95.0)
PLAIN = Recipe(transfer="none", erode=0, feather=8)

LAYER_SET = {
    "R", "G", "B", "A", "fp.R", "fp.G", "fp.B", "fp.A", "fp_mask.A", "fp_learned.A", "fp_occ.A",
    "fp_conf.A", "fp_st.R", "fp_st.G",
}  # fmt: skip


def hdr_plate(seed=0):
    """Values from -0.05 to 64, as a plate with practicals and noise below black."""
    random = np.random.default_rng(seed)
    rgb = random.uniform(-0.05, 1.0, (SIZE, SIZE, 3)).astype(np.float32)
    hot = random.random((SIZE, SIZE)) < 0.02
    rgb[hot] = random.uniform(1, 64, (int(hot.sum()), 3))
    return rgb


def face(center=CENTER, width=80.0):
    return face_of(frontal_landmarks(center, width))


def constant_predictor(value=0.4, size=64):
    ones = np.ones((size, size), np.float32)
    return FixedPredictor(np.full((size, size, 3), value, np.float32), ones)


def swapped(rgb, predictor=None, recipe=PLAIN, faces=None, **frame) -> Layers:
    plate = flat_frame(rgb, **frame)
    return swap_frame(
        plate,
        [face()] if faces is None else faces,
        predictor or constant_predictor(),
        recipe,
        encodings(),
    )


def same_bits(first, second):
    return np.array_equal(first.view(np.uint32), second.view(np.uint32))


@pytest.mark.parametrize("transfer", ["none", "rct", "relight"])
def test_outside_the_matte_the_plate_is_bit_exact_from_below_black_to_64(transfer):
    rgb = hdr_plate()
    layers = swapped(rgb, recipe=Recipe(transfer=transfer))
    outside = layers.matte == 0
    assert 0.5 < outside.mean() < 0.95
    assert same_bits(layers.rgb[outside], rgb[outside])


def test_outside_the_matte_nan_and_infinity_keep_their_bits():
    rgb = hdr_plate()
    rgb[5, 5] = np.nan
    rgb[6, 6] = [np.inf, -np.inf, 1]
    rgb[7, 7].view(np.uint32)[:] = 0x7FC12345  # a NaN with a payload
    layers = swapped(rgb)
    outside = layers.matte == 0
    assert outside[5:8, 5:8].all()
    assert same_bits(layers.rgb[outside], rgb[outside])


def test_a_bad_pixel_in_the_face_spreads_nowhere():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    rgb[95, 100] = np.nan
    rgb[99, 90] = np.inf
    predictor = constant_predictor()
    layers = swapped(rgb, predictor)
    assert np.isfinite(predictor.seen[0]).all()
    bad = ~np.isfinite(layers.rgb).all(axis=-1)
    assert bad.sum() == 2
    assert bad[95, 100]
    assert bad[99, 90]
    others = [layers.face, layers.matte, layers.learned, layers.confidence, layers.st]
    assert all(np.isfinite(layer).all() for layer in others)


def test_what_the_network_cannot_hold_comes_back_with_the_delta():
    """Below ACEScct's 0 the network sees its floor; the plate's own depth below it stays."""
    rgb = np.full((SIZE, SIZE, 3), -0.05, np.float32)
    echoed = swapped(rgb, EchoPredictor(64))
    assert np.allclose(echoed.rgb, -0.05, atol=1e-4)


def test_highlights_of_64_survive_an_identity_swap():
    rgb = np.full((SIZE, SIZE, 3), 64.0, np.float32)
    echoed = swapped(rgb, EchoPredictor(64))
    assert np.allclose(echoed.rgb, 64.0, rtol=1e-4)


@pytest.mark.parametrize("size", [96, 256])
@pytest.mark.parametrize("transfer", ["none", "relight", "rct"])
def test_an_identity_swap_returns_the_plate_as_it_is_after_crop_and_return(size, transfer):
    plate, points = mini_frame("B", 1001), mini_landmarks(1001)
    space, matrix = encodings(), plate_to_crop(mini_landmarks(1001), FaceType.FULL_FACE, size)
    layers = swap_frame(
        plate, [face_of(points)], EchoPredictor(size), Recipe(transfer=transfer), space
    )
    crop = np.clip(warp_crop(space.to_working(plate.rgb()), matrix, size), 0, 1)
    returned = warp_back(crop, matrix, (0, 0, 384, 216), border="replicate")
    error = np.abs(space.to_working(layers.rgb) - returned)
    assert layers.matte.max() == 1
    assert error[layers.matte == 1].max() < 1e-3
    own = np.abs(space.to_working(layers.rgb) - space.to_working(plate.rgb()))
    assert own[layers.matte > 0].mean() < (2e-3 if size == 256 else 8e-3)


def test_under_a_full_matte_the_result_is_the_prediction_decoded():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    layers = swapped(rgb, constant_predictor(0.4))
    expected = encodings().from_working(np.full((1, 3), 0.4, np.float32))[0]
    assert np.allclose(layers.rgb[95, 100], expected, rtol=1e-4)


def test_twice_the_exposure_gives_twice_the_swap_where_the_plate_is_relit():
    """ACEScct is a pure logarithm over most of its range: a stop is an offset, and relight
    follows it."""
    random = np.random.default_rng(3)
    rgb = random.uniform(0.1, 0.8, (SIZE, SIZE, 3)).astype(np.float32)
    once = swapped(rgb, recipe=Recipe(transfer="relight"))
    twice = swapped(2 * rgb, recipe=Recipe(transfer="relight"))
    assert np.allclose(twice.rgb, 2 * once.rgb, rtol=2e-3)


@pytest.mark.parametrize("origin", [(0, 0), (-37, 21), (1000, -500)])
def test_an_offset_data_window_moves_nothing_in_the_picture(origin):
    rgb = hdr_plate(1)
    here = swapped(rgb)
    moved_face = face((CENTER[0] + origin[0], CENTER[1] + origin[1]))
    there = swapped(rgb, origin=origin, faces=[moved_face])
    # plate coordinates are float32 in the track: an offset costs them a few digits
    assert np.allclose(here.rgb, there.rgb, atol=2e-3)
    assert np.allclose(here.matte, there.matte, atol=2e-3)


def test_a_wide_pixel_is_understood():
    """A 2:1 anamorphic plate gives the network the same face as its square twin."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    square = 0.3 + 0.1 * np.stack([np.sin(x / 17), np.cos(y / 13), np.sin((x + y) / 19)], axis=2)
    predictor, wide_predictor = constant_predictor(), constant_predictor()
    swapped(square.astype(np.float32), predictor)
    half = square.reshape(SIZE, SIZE // 2, 2, 3).mean(axis=2).astype(np.float32)
    window = Window(0, 0, SIZE // 2, SIZE)
    frame = Frame(1, half, ("R", "G", "B"), window, window, pixel_aspect=2.0)
    points = (frontal_landmarks(CENTER, 80.0) - [0.5, 0]) / [2, 1]
    swap_frame(frame, [face_of(points.astype(np.float32))], wide_predictor, PLAIN, encodings())
    assert np.abs(predictor.seen[0] - wide_predictor.seen[0]).max() < 5e-3


def test_no_face_gives_the_plate_and_the_same_set_of_layers():
    rgb = hdr_plate()
    empty, full = swapped(rgb, faces=[]), swapped(rgb)
    assert same_bits(empty.rgb, rgb)
    assert set(empty.to_frame().channels) == set(full.to_frame().channels) == LAYER_SET
    others = [empty.face, empty.matte, empty.learned, empty.confidence, empty.st]
    assert not any(layer.any() for layer in others)


def test_a_face_outside_the_frame_changes_nothing():
    rgb = hdr_plate()
    layers = swapped(rgb, faces=[face((-500.0, 90.0))])
    assert same_bits(layers.rgb, rgb)
    assert not layers.matte.any()


def test_a_face_half_out_of_the_frame_is_swapped_where_it_shows():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    layers = swapped(rgb, faces=[face((0.0, 95.0))])
    assert layers.matte[95, 0] == 1
    assert layers.matte[:, 60:].max() == 0


def test_only_the_hull_and_the_learned_matte_together_are_swapped():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    size = 64
    left = np.zeros((size, size), np.float32)
    left[:, : size // 2] = 1
    predictor = FixedPredictor(np.full((size, size, 3), 0.4, np.float32), left)
    layers = swapped(rgb, predictor)
    assert layers.matte[95, 80] == 1
    assert layers.matte[:, 105:].max() == 0
    hull_only = swapped(rgb, predictor, Recipe(transfer="none", matte="hull"))
    assert hull_only.matte[95, 115] == 1


def test_opacity_scales_the_matte():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    half = swapped(rgb, recipe=Recipe(transfer="none", opacity=0.5))
    assert half.matte.max() == pytest.approx(0.5)


def test_alpha_passes_through_and_colours_stay_premultiplied():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    alpha = np.ones((SIZE, SIZE), np.float32)
    alpha[:, 100:] = 0.25
    opaque = swapped(rgb)
    layers = swapped(rgb * alpha[..., None], alpha=alpha)
    assert same_bits(layers.alpha, alpha)
    assert np.allclose(layers.rgb, opaque.rgb * alpha[..., None], atol=1e-4)
    assert np.allclose(layers.matte, opaque.matte * alpha, atol=1e-6)


def test_an_alpha_of_zero_everywhere_says_nothing():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    layers = swapped(rgb, alpha=np.zeros((SIZE, SIZE), np.float32))
    assert layers.matte.max() == 1
    assert not layers.alpha.any()


def test_a_plate_without_alpha_is_opaque():
    assert (swapped(hdr_plate()).alpha == 1).all()


def test_the_face_is_premultiplied_and_laid_over_the_plate_it_makes_the_result():
    rgb = hdr_plate()
    layers = swapped(rgb, recipe=Recipe(transfer="relight"))
    assert np.array_equal(layers.face_matte, layers.matte)
    over = rgb * (1 - layers.matte[..., None]) + layers.face
    assert np.allclose(over, layers.rgb, rtol=1e-5, atol=1e-5)
    assert not layers.face[layers.matte == 0].any()


def test_the_st_map_leads_to_the_place_in_the_crop():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    size = 64
    ramp = np.linspace(0.2, 0.6, size, dtype=np.float32)
    image = np.repeat(np.repeat(ramp[None, :, None], size, 0), 3, 2)
    layers = swapped(rgb, FixedPredictor(image, np.ones((size, size), np.float32)))
    column = layers.st[95, 100, 0] * size - 0.5
    expected = encodings().from_working(
        np.full((1, 3), 0.2 + 0.4 * column / (size - 1), np.float32)
    )[0]
    # a sixteenth of a crop pixel of this ramp, decoded; OpenCV places samples to 1/32
    assert np.allclose(layers.rgb[95, 100], expected, rtol=5e-3)


def test_confidence_is_the_track_s_where_the_face_is():
    layers = swapped(hdr_plate())
    assert np.allclose(layers.confidence[layers.matte > 0], 0.9)
    assert not layers.confidence[layers.matte == 0].any()


def test_a_second_face_is_laid_over_the_first_and_each_is_seen_in_the_plate():
    rgb = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    predictor = constant_predictor()
    layers = swapped(rgb, predictor, faces=[face((60.0, 95.0), 50.0), face((140.0, 95.0), 50.0)])
    alone = swapped(rgb, faces=[face((60.0, 95.0), 50.0)])
    assert layers.matte[95, 60] == layers.matte[95, 140] == 1
    assert np.allclose(layers.rgb[95, 60], alone.rgb[95, 60])
    assert all(np.allclose(crop, crop[0, 0, 0, 0], atol=1e-5) for crop in predictor.seen)


def test_a_luminance_plate_becomes_a_coloured_result():
    window = Window(0, 0, SIZE, SIZE)
    frame = Frame(1, np.full((SIZE, SIZE, 1), 0.3, np.float32), ("Y",), window, window)
    layers = swap_frame(frame, [face()], constant_predictor(), PLAIN, encodings())
    assert layers.rgb.shape == (SIZE, SIZE, 3)
    assert layers.matte.max() == 1


def test_a_plate_without_colours_is_refused():
    window = Window(0, 0, 8, 8)
    frame = Frame(1, np.zeros((8, 8, 1), np.float32), ("Z",), window, window)
    with pytest.raises(BadImage, match="R"):
        swap_frame(frame, [], constant_predictor(), PLAIN, encodings())


def test_another_working_encoding_than_the_model_s_is_refused():
    srgb = Encodings(load_config(), "ACEScg", "srgb")
    with pytest.raises(BadSettings, match="acescct"):
        swap_frame(flat_frame(hdr_plate()), [face()], constant_predictor(), PLAIN, srgb)


def test_a_model_that_predicts_nan_is_damaged():
    with pytest.raises(Damaged, match="NaN"):
        swapped(hdr_plate(), constant_predictor(float("nan")))


def test_the_crop_of_the_plate_does_not_depend_on_what_lies_around_it():
    """Only the pixels that the crop touches are converted; the rest cannot matter."""
    rgb = np.random.default_rng(5).uniform(0, 1, (SIZE, SIZE, 3)).astype(np.float32)
    matrix = plate_to_crop(frontal_landmarks(CENTER, 40.0), FaceType.FULL_FACE, 48)
    whole = plate_crop(flat_frame(rgb), matrix, 48, encodings())
    far = rgb.copy()
    far[:20], far[:, :20] = 1e6, np.nan
    assert np.array_equal(whole, plate_crop(flat_frame(far), matrix, 48, encodings()))


def test_other_layers_of_the_plate_are_kept_when_asked_for():
    plate = flat_frame(hdr_plate()).with_channels({"depth.Z": np.ones((SIZE, SIZE), np.float32)})
    layers = swap_frame(plate, [], constant_predictor(), PLAIN, encodings())
    assert set(layers.to_frame().channels) == LAYER_SET
    kept = layers.to_frame(keep_layers=True)
    assert set(kept.channels) == LAYER_SET | {"depth.Z"}
    assert (kept.channel("depth.Z") == 1).all()


@pytest.mark.parametrize("size", [32, 96, 256])
def test_a_swap_shows_the_network_what_extract_showed_it_in_training(size):
    shot = open_shot(str(MINI / "B"), frames="1003", missing="error", color_space=None, ocio=None)
    tracked = face_of(mini_landmarks(1003), 1003)
    view = shot.view(0)
    trained_on = crop_face(view, tracked, shot, FaceType.FULL_FACE, size)
    matrix = plate_to_crop(tracked.landmarks, FaceType.FULL_FACE, size)
    seen = plate_crop(mini_frame("B", 1003), matrix, size, shot.encodings)
    assert np.abs(seen - trained_on.image).max() < 1e-6
