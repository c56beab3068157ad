import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from tests.support.masks import untrained_model
from tests.support.paths import MINI
from tests.support.shots4k import large_shot
from tests.support.swaps import consent_file, mini_frame, tiny_model, truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.layers import LAYER_CHANNELS
from faceplate.merge.swap import SwapJob, swap

FRAME, EMPTY = 1004, 1011
PARTS = ["rgba", "fp", "fp_mask", "fp_learned", "fp_occ", "fp_conf", "fp_st"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    return folder


@pytest.fixture
def job(shelf, tmp_path):
    return SwapJob(
        plate=str(MINI / "B" / "B.%04d.exr"),
        track=str(shelf / "track.json"),
        model=str(shelf / "model"),
        consent=str(shelf / "consent.json"),
        out=str(tmp_path / "out" / "s.%04d.exr"),
        frames=f"{FRAME},{EMPTY}",
    )


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return Context(tmp_path_factory.mktemp("home"), device="cpu")


def out(job, number=FRAME, suffix=""):
    return Path(job.out.replace("s.", f"s{suffix}.") % number)


def plate_as(tmp_path, **how):
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in (FRAME, EMPTY):
        write_frame(mini_frame("B", number), folder / f"B.{number}.exr", **how)
    return str(folder / "B.%04d.exr")


def part_names(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return [part.name() for part in file.parts]


def test_every_frame_of_a_shot_has_the_same_parts_and_channels(job, context):
    swap(replace(job, multipart=True), context)
    for number in (FRAME, EMPTY):
        with OpenEXR.File(str(out(job, number)), separate_channels=True) as file:
            assert [part.name() for part in file.parts] == PARTS
            assert all("faceplate:modelSha256" in part.header for part in file.parts)
    assert read_frame(out(job)).channels == read_frame(out(job, EMPTY)).channels


def test_parts_hold_the_pixels_of_the_single_part(job, context):
    swap(job, context)
    single = read_frame(out(job))
    swap(replace(job, multipart=True, overwrite=True), context)
    parts = read_frame(out(job))
    assert set(parts.channels) == set(single.channels)
    for name in single.channels:
        assert np.array_equal(parts.channel(name), single.channel(name)), name


@pytest.mark.parametrize(
    ("compression", "own"),
    [("zip", "zip"), ("zips", "zips"), ("piz", "piz"), ("none", "none"), ("none", "zip")],
)
def test_layers_beside_are_those_inside_and_the_plate_s_chunks_are_copied(
    job, context, tmp_path, compression, own, caplog
):
    job = replace(job, plate=plate_as(tmp_path, compression=own), compression=compression)
    swap(job, context)
    inside = {number: read_frame(out(job, number)) for number in (FRAME, EMPTY)}
    caplog.set_level(logging.INFO, "faceplate")
    swap(replace(job, layers="beside", overwrite=True), context)
    assert "copied" in caplog.text
    for number in (FRAME, EMPTY):
        result, layers = read_frame(out(job, number)), read_frame(out(job, number, "_fp"))
        assert np.array_equal(result.rgb(), inside[number].rgb())
        assert set(layers.channels) == set(LAYER_CHANNELS)
        window = layers.data_window
        part = np.s_[window.y0 : window.y1, window.x0 : window.x1]
        for name in LAYER_CHANNELS:
            whole = inside[number].channel(name).copy()
            assert np.array_equal(layers.channel(name), whole[part])
            whole[part] = 0
            assert not whole.any()


def test_a_lossy_plate_stays_as_it_is_outside_the_matte_where_its_chunks_are_copied(
    job, context, tmp_path
):
    plate = plate_as(tmp_path, compression="dwaa:45")
    job = replace(job, plate=plate, layers="beside", compression="source")
    swap(job, context)
    result, before = read_frame(out(job)), read_frame(Path(plate % FRAME))
    matte = np.zeros(result.pixels.shape[:2])
    layers = read_frame(out(job, FRAME, "_fp"))
    window = layers.data_window
    matte[window.y0 : window.y1, window.x0 : window.x1] = layers.channel("fp.A")
    assert np.array_equal(result.rgb()[matte == 0], before.rgb()[matte == 0])
    assert not np.array_equal(result.rgb(), before.rgb())


@pytest.mark.parametrize("recipe", [{"output_scale": -50}, {"matte": "segmented-performer"}])
def test_a_result_alone_is_made_of_all_that_the_networks_see_in_the_plate(
    context, tmp_path, recipe
):
    shot = large_shot(tmp_path, 960, 540, 260.0, resolution=64)
    if "matte" in recipe:  # shown much more of the plate than the swap model is
        seer = untrained_model(tmp_path / "seer.safetensors", face_type="head")
        recipe = {**recipe, "segmenter": str(seer)}
    (tmp_path / "r.json").write_text(json.dumps(recipe))
    results = []
    for layers in ("inside", "none"):
        out = str(tmp_path / layers / "s.%04d.exr")
        job = SwapJob(**shot.job(), out=out, layers=layers, recipe=str(tmp_path / "r.json"))
        swap(job, context)
        results.append(read_frame(Path(out % shot.frames[0])).rgb())
    assert np.array_equal(*results)
    assert not np.array_equal(results[0], read_frame(Path(shot.plate % shot.frames[0])).rgb())


def test_where_nothing_can_be_copied_the_file_is_written_in_full_and_the_log_says_why(
    job, context, tmp_path, caplog
):
    caplog.set_level(logging.INFO, "faceplate")
    plate = plate_as(tmp_path, compression="piz")
    swap(replace(job, plate=plate, layers="none"), context)
    assert "compressed as piz" in caplog.text
    assert "written in full" in caplog.text
    whole = read_frame(out(job))
    assert set(whole.channels) == {"R", "G", "B", "A"} & set(mini_frame("B", FRAME).channels)


def test_a_plate_of_float_channels_keeps_them_where_they_are_copied(job, context, tmp_path):
    plate = plate_as(tmp_path, pixel_type="float")
    swap(replace(job, plate=plate, layers="none"), context)
    assert set(read_frame(out(job)).channel_types.values()) == {"float"}


def test_results_that_are_there_are_kept_only_with_their_layers(job, context):
    job = replace(job, layers="beside")
    swap(job, context)
    assert swap(job, context).kept == 2
    out(job, FRAME, "_fp").unlink()
    assert swap(job, context).kept == 1


def test_kept_predictions_make_frames_of_the_same_bytes(job, context, tmp_path):
    swap(job, context)
    first = out(job).read_bytes()
    fresh = Context(tmp_path / "fresh", device="cpu")
    result = swap(replace(job, overwrite=True), fresh)
    assert (result.network_runs, out(job).read_bytes()) == (1, first)
    again = swap(replace(job, overwrite=True), fresh)
    assert (again.network_runs, out(job).read_bytes()) == (0, first)


@pytest.mark.slow  # each process loads torch
def test_several_processes_give_the_bytes_of_one(job, context):
    swap(job, context)
    one = {number: out(job, number).read_bytes() for number in (FRAME, EMPTY)}
    result = swap(replace(job, overwrite=True, processes=2), context)
    assert (result.swapped, result.without_face) == (1, 1)
    assert {number: out(job, number).read_bytes() for number in (FRAME, EMPTY)} == one


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"layers": "beside", "multipart": True}, "multipart"),
        ({"compression": "source"}, "chunks"),
        ({"compression": "dwaa"}, "lossless"),
        ({"cache_gib": -1}, "cache_gib"),
        ({"processes": 1000}, "processes"),
    ],
)
def test_outputs_that_cannot_be_are_refused(job, context, changes, says):
    with pytest.raises(BadSettings, match=says):
        swap(replace(job, **changes), context)
