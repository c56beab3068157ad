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


def compression_of(path):
    with OpenEXR.File(str(path)) as file:
        return [part.header["compression"].name.split("_")[0] for part in file.parts]


@pytest.mark.parametrize("layers", ["beside", "none"])
def test_a_lossy_result_leaves_its_layers_exact(job, context, layers, tmp_path):
    exact = replace(job, layers="beside", out=str(tmp_path / "exact" / "s.%04d.exr"))
    swap(exact, context)
    swap(replace(job, layers=layers, compression="dwaa:45"), context)
    made, wanted = read_frame(out(job)), read_frame(out(exact))
    assert compression_of(out(job)) == ["DWAA"]
    assert out(job).stat().st_size < out(exact).stat().st_size
    assert not np.array_equal(made.rgb(), wanted.rgb())
    assert np.abs(made.rgb() - wanted.rgb()).mean() < 0.01
    assert out(job, suffix="_fp").exists() == (layers == "beside")
    if layers == "beside":
        assert compression_of(out(job, suffix="_fp")) == ["ZIP"]
        same = [read_frame(out(one, suffix="_fp")).pixels for one in (job, exact)]
        np.testing.assert_array_equal(*same)


def test_only_pictures_are_lossy_in_several_parts(job, context, tmp_path):
    exact = replace(job, multipart=True, out=str(tmp_path / "exact" / "s.%04d.exr"))
    swap(exact, context)
    swap(replace(job, multipart=True, compression="dwab:100"), context)
    assert compression_of(out(job)) == ["DWAB", "DWAB"] + ["ZIP"] * 5
    made, wanted = read_frame(out(job)), read_frame(out(exact))
    exact_ones = [name for name in LAYER_CHANNELS if not name.startswith("fp.")]
    for name in exact_ones:
        np.testing.assert_array_equal(made.channel(name), wanted.channel(name))


def with_crypto(tmp_path):
    """Write a plate with the numbers of a cryptomatte; returns its pattern and the numbers."""
    folder = tmp_path / "crypto"
    folder.mkdir()
    frame = mini_frame("B", FRAME)
    shape = frame.pixels.shape[:2]
    noise = np.random.default_rng(1).integers(1 << 23, 1 << 30, shape, dtype=np.uint32)
    numbers = {f"crypto00.{name}": noise.view(np.float32) for name in "RGBA"}
    frame = frame.with_channels(numbers).with_attributes({"cryptomatte/1234/name": "crypto"})
    write_frame(frame, folder / f"B.{FRAME}.exr", per_channel_types=dict.fromkeys(numbers, "float"))
    return str(folder / "B.%04d.exr"), noise


@pytest.mark.parametrize(
    "how",
    [
        {"keep_layers": True},
        {"keep_layers": True, "multipart": True},
        {"keep_layers": True, "multipart": True, "compression": "dwaa:45"},
        {"layers": "beside"},
        {"layers": "none", "compression": "piz"},
    ],
)
def test_the_numbers_of_a_cryptomatte_stay_bit_for_bit(job, context, tmp_path, how):
    plate, numbers = with_crypto(tmp_path)
    swap(replace(job, plate=plate, frames=str(FRAME), **how), context)
    made = read_frame(out(job))
    for name in "RGBA":
        there = made.channel(f"crypto00.{name}")
        np.testing.assert_array_equal(there.view(np.uint32), numbers)
        assert made.channel_types[f"crypto00.{name}"] == "float"
    assert made.attribute("cryptomatte/1234/name") == "crypto"


def test_numbers_never_go_into_a_lossy_part(job, context, tmp_path):
    plate, _ = with_crypto(tmp_path)
    job = replace(job, plate=plate, frames=str(FRAME), layers="none", compression="dwaa:45")
    with pytest.raises(BadSettings, match=r"dwaa:45 would alter crypto00\.R"):
        swap(job, context)
    assert not out(job).exists()


def odd_plate(tmp_path):
    """Write a plate with attributes that OpenImageIO does not carry; returns its pattern."""
    folder = tmp_path / "odd"
    folder.mkdir()
    with OpenEXR.File(str(MINI / "B" / f"B.{FRAME}.exr"), separate_channels=True) as file:
        header = dict(file.header())
        header["compression"] = OpenEXR.ZIP_COMPRESSION
        header["maker"] = OpenEXR.Bytes(b"\x00\x01", "maker")
        OpenEXR.File(header, file.channels()).write(str(folder / f"B.{FRAME}.exr"))
    return str(folder / "B.%04d.exr")


def test_attributes_that_get_lost_are_told_once(job, context, tmp_path, caplog):
    job = replace(job, plate=odd_plate(tmp_path), frames=str(FRAME))
    swap(job, context)
    told = [line for line in caplog.messages if "not carried" in line]
    assert len(told) == 1
    assert "maker (bytes)" in told[0]
    for ours in ("faceplate", "timeCode", "channels", "dataWindow", "capDate"):
        assert ours not in told[0]
    caplog.clear()
    swap(replace(job, layers="beside"), context)
    assert not [line for line in caplog.messages if "not carried" in line]


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
        ({"compression": "b44"}, "lossless"),
        ({"compression": "dwaa:"}, "dwaa:45"),
        ({"compression": "dwaa:45"}, "would alter the ST map"),
        ({"cache_gib": -1}, "cache_gib"),
        ({"processes": 1000}, "processes"),
    ],
)
def test_outputs_that_cannot_be_are_refused(job, context, changes, says):
    with pytest.raises(BadSettings, match=says):
        swap(replace(job, **changes), context)
