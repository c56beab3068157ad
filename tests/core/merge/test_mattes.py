import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.swaps import flat_frame, ideal_predictor, mini_frame, mini_landmarks

from faceplate.errors import BadSettings, BadShape
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.points import transform
from faceplate.io.image import read_frame
from faceplate.merge.mattes import (
    MatteSources,
    build_mattes,
    clean_matte,
    external_matte,
    needs_segmenter,
    output_matrix,
    resize_matte,
)
from faceplate.merge.recipe import MATTE_TERMS, Recipe

SIZE = 96
ROI = (0, 0, 384, 216)
HARD = Recipe(matte="hull", feather=0)


def sources(number=1001, likeness=None, performer=None, **more):
    ones = np.ones((SIZE, SIZE), np.float32)
    landmarks = mini_landmarks(number)
    return MatteSources(
        landmarks,
        plate_to_crop(landmarks, FaceType.FULL_FACE, SIZE),
        FaceType.FULL_FACE.framing.ratio,
        ones if likeness is None else likeness,
        ones if performer is None else performer,
        **more,
    )


def half(side):
    matte = np.zeros((SIZE, SIZE), np.float32)
    middle = SIZE // 2
    place = {"left": np.s_[:, :middle], "right": np.s_[:, middle:], "top": np.s_[:middle]}[side]
    matte[place] = 1
    return matte


def at(made, crop_x, crop_y, given=None):
    """The matte where a place of the crop lies in the plate, full mattes being 96 x 96."""
    crop = made.in_crop((given or sources()).plate_to_crop, SIZE)
    return float(crop[crop_y, crop_x])


def square(size=128, margin=32):
    matte = np.zeros((size, size), np.float32)
    matte[margin:-margin, margin:-margin] = 1
    return matte


def test_a_learned_matte_loses_the_noise_near_its_ends_and_its_nans():
    noisy = np.array([[0.0, 0.015, 0.5, 0.985, 1.0, np.nan, np.inf]], np.float32)
    assert np.allclose(clean_matte(noisy), [[0, 0, 0.5, 1, 1, 0, 1]])


@pytest.mark.parametrize("size", [16, 64, 96, 256])
def test_resizing_keeps_a_matte_in_range_and_its_amount(size):
    matte = resize_matte(square(64, 16), size)
    assert matte.shape == (size, size)
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert matte.mean() == pytest.approx(square(64, 16).mean(), abs=0.01)


def test_every_term_of_a_matte_is_what_it_says():
    left, top = half("left"), half("top")
    plate = flat_frame(np.zeros((216, 384, 3), np.float32)).with_channels(
        {"roto.A": np.full((216, 384), 0.25, np.float32)}
    )
    given = sources(
        likeness=left, performer=top, segmented={"likeness": left, "performer": top},
        external=plate,
    )  # fmt: skip
    expected = {  # at a place left above, left below, right above and right below in the face
        "full": (1, 1, 1, 1),
        "hull": (1, 1, 1, 1),
        "learned": (1, 0, 0, 0),
        "product": (1, 0, 0, 0),
        "learned-likeness": (1, 1, 0, 0),
        "learned-performer": (1, 0, 1, 0),
        "sum": (1, 1, 1, 0),
        "segmented": (1, 0, 0, 0),
        "segmented-likeness": (1, 1, 0, 0),
        "segmented-performer": (1, 0, 1, 0),
        "external": (0.25,) * 4,
    }
    assert set(expected) == set(MATTE_TERMS)
    for term, values in expected.items():
        recipe = Recipe(matte=term, feather=0, matte_layer="roto.A")
        made = build_mattes(given, recipe, ROI)
        found = [at(made, x, y) for x, y in ((38, 38), (38, 62), (58, 38), (58, 62))]
        assert found == pytest.approx(values, abs=0.01), term


def test_a_matte_may_be_a_product():
    given = sources(likeness=half("left"))
    both = build_mattes(given, Recipe(matte="hull*learned-likeness", feather=0), ROI).matte
    one = build_mattes(given, Recipe(matte="hull", feather=0), ROI).matte
    other = build_mattes(given, Recipe(matte="learned-likeness", feather=0), ROI).matte
    assert np.allclose(both, one * other, atol=1e-6)
    assert 0.3 < both.sum() / one.sum() < 0.7


def test_the_hull_is_drawn_at_the_resolution_of_the_plate():
    matte = build_mattes(sources(), HARD, ROI).matte
    soft = (matte > 0) & (matte < 1)
    edge = np.abs(np.diff(matte, axis=1)) > 0.4
    assert edge.any(axis=1).sum() > 60
    # a line one pixel wide around an oval of this area crosses 4.6 times its root of pixels
    assert soft.sum() < 5 * np.sqrt(matte.sum())


@pytest.mark.parametrize("recipe", [
    Recipe(matte="full", feather=0), Recipe(matte="full"),
    Recipe(matte="full", erode=-20, feather=0),
    Recipe(matte="full", blur=20, feather=0), Recipe(matte="full", erode_top=-30, blur=10),
])  # fmt: skip
def test_no_matte_reaches_the_border_of_its_crop(recipe):
    given = sources()
    matte = build_mattes(given, recipe, ROI).matte
    rows, columns = np.mgrid[:216, :384]
    places = transform(np.stack([columns.ravel(), rows.ravel()], axis=1), given.plate_to_crop)
    inside = (places.min(axis=1) > -0.5) & (places.max(axis=1) < SIZE - 0.5)
    assert (matte.ravel()[~inside] == 0).all()
    assert matte.max() == 1


def test_erosion_in_per_cent_and_in_pixels_agree():
    given = sources()
    width = SIZE / given.face_ratio / np.sqrt(np.linalg.det(given.plate_to_crop[:, :2]))
    percent = build_mattes(given, Recipe(matte="hull", erode=5, feather=10), ROI).matte
    pixels = Recipe(matte="hull", edge_unit="pixels", erode=0.05 * width, feather=0.1 * width)
    assert np.allclose(percent, build_mattes(given, pixels, ROI).matte, atol=1e-5)


def test_an_edge_in_per_cent_grows_with_the_face():
    recipe = Recipe(matte="hull", erode=4, feather=12)
    once = build_mattes(sources(), recipe, ROI).matte.sum()
    given = sources()
    twice = MatteSources(
        given.landmarks * 2 + 0.5,
        plate_to_crop(given.landmarks * 2 + 0.5, FaceType.FULL_FACE, SIZE),
        given.face_ratio, given.likeness, given.performer,
    )  # fmt: skip
    assert build_mattes(twice, recipe, (0, 0, 768, 432)).matte.sum() == pytest.approx(
        4 * once, rel=0.02
    )


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
@pytest.mark.parametrize("number", [1001, 1005])
def test_sides_are_those_of_the_face(side, number):
    """What a side's erosion takes away lies towards that side in the crop."""
    given = sources(number)
    whole = build_mattes(given, HARD, ROI).matte
    drawn = build_mattes(given, Recipe(matte="hull", feather=0, **{f"erode_{side}": 12}), ROI).matte
    rows, columns = np.nonzero(whole - drawn > 0.5)
    x, y = transform(np.stack([columns, rows], axis=1), given.plate_to_crop).mean(axis=0)
    kept_rows, kept_columns = np.nonzero(whole > 0.5)
    centre = transform(np.stack([kept_columns, kept_rows], axis=1), given.plate_to_crop).mean(
        axis=0
    )
    towards = {"top": centre[1] - y, "bottom": y - centre[1], "left": centre[0] - x,
               "right": x - centre[0]}  # fmt: skip
    assert max(towards, key=towards.get) == side


@pytest.mark.parametrize("part", [(0, 0, 200, 216), (150, 60, 210, 120), (0, 0, 384, 100)])
@pytest.mark.parametrize("recipe", [Recipe(), Recipe(erode=-8, blur=10, feather=5, erode_left=6)])
def test_a_part_of_the_plate_has_the_mattes_of_the_whole(part, recipe):
    given = sources(performer=half("left"))
    whole, cut = build_mattes(given, recipe, ROI), build_mattes(given, recipe, part)
    x0, y0, x1, y1 = part
    for name in ("matte", "learned", "occlusion"):
        assert np.allclose(getattr(whole, name)[y0:y1, x0:x1], getattr(cut, name), atol=2e-3), name


def test_a_region_beside_the_face_is_empty():
    made = build_mattes(sources(), Recipe(), (0, 0, 20, 20))
    assert made.matte.shape == (20, 20)
    assert not made.matte.any()


def test_a_larger_output_gives_a_larger_matte_about_the_middle_of_the_crop():
    given = sources()
    plain = build_mattes(given, HARD, ROI).matte
    larger = build_mattes(given, Recipe(matte="hull", feather=0, output_scale=20), ROI).matte
    assert larger.sum() == pytest.approx(1.44 * plain.sum(), rel=0.03)
    middle = transform([[(SIZE - 1) / 2] * 2], output_matrix(np.eye(2, 3), SIZE, -30))
    assert middle == pytest.approx((SIZE - 1) / 2)


def test_occlusion_is_what_the_learned_matte_leaves_out_of_the_hull():
    given = sources(performer=half("left"))
    made = build_mattes(given, Recipe(matte="hull", feather=0), ROI)
    hull = build_mattes(sources(), HARD, ROI).matte
    assert made.occlusion.sum() == pytest.approx(hull.sum() - (hull * made.learned).sum(), rel=0.02)
    assert (made.occlusion <= hull + 1e-6).all()


def test_occlusion_is_held_out_only_where_the_recipe_says_so():
    given = sources(performer=half("left"))
    plain, half_out, out = (
        build_mattes(given, Recipe(matte="hull", feather=0, occlusion_holdout=p), ROI)
        for p in (0, 50, 100)
    )
    assert np.allclose(plain.matte, build_mattes(sources(), HARD, ROI).matte, atol=1e-6)
    assert np.allclose(out.matte, plain.matte * (1 - plain.occlusion), atol=1e-5)
    assert np.allclose(half_out.matte, (plain.matte + out.matte) / 2, atol=1e-5)


def test_occlusion_can_come_from_a_layer_or_not_at_all():
    covered = np.zeros((216, 384), np.float32)
    covered[:110] = 1
    plate = flat_frame(np.zeros((216, 384, 3), np.float32)).with_channels({"occ.A": covered})
    made = build_mattes(sources(external=plate), Recipe(occlusion="external"), ROI)
    assert 0.2 < made.occlusion.mean() / (made.learned.mean()) < 0.8
    assert (made.occlusion[110:] == 0).all()
    assert not build_mattes(sources(), Recipe(occlusion="none"), ROI).occlusion.any()


@pytest.mark.parametrize("number", [1005, 1009])
def test_a_hand_and_a_bar_before_the_face_are_its_occlusion(number):
    """The performer's matte is the renderer's own, and so is where the occluder is."""
    visible = ideal_predictor(number, SIZE)._matte
    made = build_mattes(sources(number, performer=visible), Recipe(), ROI)
    occluder = read_frame(MINI / "B_masks" / "occluder" / f"occluder.{number}.png").pixels[..., 0]
    hull = build_mattes(sources(number), HARD, ROI).matte > 0.99
    assert made.occlusion[hull & (occluder > 0.9)].mean() > 0.9
    assert made.matte[occluder > 0.9].max() < 0.2


def test_an_external_layer_that_is_not_there_lists_what_is():
    with pytest.raises(BadSettings, match=r"no layer 'roto.A' .* R, G, B"):
        build_mattes(
            sources(external=mini_frame("B", 1001)),
            Recipe(matte="external", matte_layer="roto.A"),
            ROI,
        )


def test_an_external_matte_keeps_its_place_in_the_plate_and_is_cut_by_its_data_window():
    rgb = np.zeros((10, 20, 3), np.float32)
    frame = flat_frame(rgb, alpha=np.full((10, 20), np.nan, np.float32), origin=(5, 50))
    frame.pixels[3, 4, 3] = 0.5
    matte = external_matte(frame, "A", (0, 48, 12, 58))
    assert matte[50 + 3 - 48, 5 + 4] == 0.5
    assert matte.sum() == 0.5


def test_a_frame_of_one_channel_is_a_matte_whatever_its_name():
    matte = mini_frame("B", 1001).only_channels(["G"])
    assert external_matte(matte, "A", (100, 50, 110, 60)).any()


def test_a_recipe_says_whether_it_needs_a_segmenter():
    assert not needs_segmenter(Recipe())
    assert needs_segmenter(Recipe(matte="hull*segmented-performer"))
    assert needs_segmenter(Recipe(occlusion="segmented"))


def test_a_segmented_matte_that_nobody_made_is_an_error():
    with pytest.raises(BadShape, match="segmented matte of the performer"):
        build_mattes(sources(), Recipe(matte="segmented-performer"), ROI)


def test_mattes_of_another_size_than_the_crop_are_refused():
    with pytest.raises(BadShape, match="as the crop"):
        build_mattes(sources(performer=np.ones((8, 8), np.float32)), Recipe(), ROI)
