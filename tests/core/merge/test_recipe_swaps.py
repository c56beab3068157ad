"""Whole swaps with recipes that use what this package has for mattes, detail and camera."""

import hashlib
import json

import numpy as np
import pytest
from tests.support.onnxnets import doubling_upscaler, xseg_of_green
from tests.support.paths import MINI
from tests.support.swaps import consent_file, mini_frame, tiny_model, truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings, WeightsMissing
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.swap import SwapJob, swap
from faceplate.models.store import WeightStore


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    return folder


@pytest.fixture
def run(shelf, tmp_path):
    """Swap with a recipe; returns the frames written."""

    def swapped(recipe, frames="1002", name="a", plate=str(MINI / "B" / "B.%04d.exr")):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(recipe))
        job = SwapJob(
            plate=plate, track=str(shelf / "track.json"), model=str(shelf / "model"),
            out=str(tmp_path / name / "out.%04d.exr"), consent=str(shelf / "consent.json"),
            frames=frames, recipe=str(file),
        )  # fmt: skip
        swap(job, Context(home=tmp_path / "home", device="cpu"))
        return [read_frame(path) for path in sorted((tmp_path / name).glob("*.exr"))]

    return swapped


def test_a_frame_of_a_keyed_film_recipe_is_the_same_alone_and_in_its_shot(run):
    recipe = {
        "preset": "film",
        "matte": "hull",
        "detail": 40,
        "denoise": 20,
        "keys": {"feather": [{"frame": 1001, "value": 2}, {"frame": 1003, "value": 12}]},
    }
    alone = run(recipe, "1002", "alone")[0]
    shot = run(recipe, "1001-1003", "shot")
    assert np.array_equal(alone.pixels, shot[1].pixels, equal_nan=True)
    soft = [((frame.channel("fp_mask.A") > 0) & (frame.channel("fp_mask.A") < 1)).mean()
            for frame in shot]  # fmt: skip
    assert soft[0] < soft[1] < soft[2]


def test_every_setting_away_from_its_default_still_leaves_the_plate_outside_the_matte(run):
    recipe = {
        "matte": "hull", "erode": 2, "erode_top": -3, "blur": 3, "feather": 6, "feather_left": 4,
        "occlusion_holdout": 30, "sharpen": "gaussian", "sharpen_amount": 2, "detail": 30,
        "motion_blur": 80, "defocus": 60, "defocus_size": 2, "grain": 150, "denoise": 30,
        "bicubic_degrade": 20, "color_degrade": 20, "output_scale": 6, "opacity": 0.8,
    }  # fmt: skip
    frame, plate = run(recipe)[0], mini_frame("B", 1002)
    outside = frame.channel("fp_mask.A") == 0
    assert 0.5 < outside.mean() < 0.98
    assert np.array_equal(frame.rgb()[outside], plate.rgb()[outside].astype(np.float16))
    assert np.isfinite(frame.pixels).all()
    # this network's mattes are a half everywhere, and 30 % of what they leave out is held out
    assert frame.channel("fp_mask.A").max() == pytest.approx(0.8 * (1 - 0.3 * 0.5), abs=0.03)


def test_a_segmenter_whose_weights_are_absent_stops_the_swap(run, tmp_path):
    with pytest.raises(WeightsMissing, match="faceplate models fetch xseg"):
        run({"matte": "segmented-performer"})
    assert not list(tmp_path.rglob("*.exr"))


def test_a_segmenter_makes_matte_and_occlusion(run, tmp_path):
    (tmp_path / "home" / "weights").mkdir(parents=True)
    xseg_of_green(tmp_path / "home" / "weights" / "xseg.onnx")
    settings = {"matte": "hull*segmented-performer", "feather": 0, "occlusion": "segmented"}
    frame = run(settings)[0]
    plain = run({"matte": "hull", "feather": 0}, name="b")[0]
    matte, hull = frame.channel("fp_mask.A"), plain.channel("fp_mask.A")
    inside = hull == 1
    # this network's matte is the green of what it sees, so matte and occlusion share the hull
    assert 0.1 < matte[inside].mean() < 0.9
    assert np.allclose((matte + frame.channel("fp_occ.A"))[inside], 1, atol=2e-3)
    assert frame.attribute("faceplate:occlusion") == "segmented"
    assert plain.attribute("faceplate:occlusion") == "learned"


def test_an_upscaler_whose_weights_are_absent_stops_the_swap(run, tmp_path):
    with pytest.raises(WeightsMissing, match="realesrgan-x4"):
        run({"super_resolution": "realesrgan"})
    assert not list(tmp_path.rglob("*.exr"))


def test_an_imported_upscaler_refines_the_face(run, tmp_path):
    file = doubling_upscaler(tmp_path / "mine.onnx")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    store = WeightStore(tmp_path / "home" / "weights")
    store.import_file(file, name="upscaler-own", sha256=digest)
    fine = run({"super_resolution": "own", "transfer": "none", "matte": "hull"})[0]
    plain = run({"transfer": "none", "matte": "hull"}, name="b")[0]
    difference = np.abs(fine.rgb() - plain.rgb()).max(axis=2)
    inside = plain.channel("fp_mask.A") == 1
    assert difference[inside].max() > 1e-3  # blocks of two pixels are not a cubic enlargement
    assert difference[inside].mean() < 0.05
    assert np.array_equal(fine.channel("fp_mask.A"), plain.channel("fp_mask.A"))


def test_a_matte_from_the_compositor_is_a_layer_of_the_plate(run, tmp_path):
    plate = mini_frame("B", 1002)
    roto = np.zeros(plate.pixels.shape[:2], np.float32)
    roto[80:130, 170:200] = 0.5
    (tmp_path / "plate").mkdir()
    path = tmp_path / "plate" / "B.1002.exr"
    write_frame(plate.with_channels({"roto.A": roto}), path)
    recipe = {"preset": "matte-from-comp", "matte_layer": "roto.A"}
    frame = run(recipe, plate=str(tmp_path / "plate" / "B.%04d.exr"))[0]
    assert np.allclose(frame.channel("fp_mask.A"), roto, atol=1e-3)
    with pytest.raises(BadSettings, match=r"no layer 'roto\.A'"):
        run(recipe, name="b")


def test_the_face_is_blurred_along_its_way_in_the_track(run):
    blurred = run({"motion_blur": 100, "transfer": "none", "matte": "hull"})[0]
    sharp = run({"transfer": "none", "matte": "hull"}, name="b")[0]
    inside = sharp.channel("fp_mask.A") == 1
    assert np.abs(blurred.rgb() - sharp.rgb())[inside].max() > 0.005
