import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from tests.support.paths import MINI
from tests.support.swaps import consent_file, mini_frame, tiny_model, truth_track

from faceplate.context import Context
from faceplate.errors import (
    BadSettings,
    Cancelled,
    ConsentRefused,
    Damaged,
    MissingFrames,
    NotFound,
    NotReady,
    UnknownColorSpace,
)
from faceplate.io.image import read_frame, write_frame
from faceplate.io.tracked import PersonTrack
from faceplate.io.trackfile import Track
from faceplate.merge.swap import SwapJob, swap
from faceplate.progress import Progress


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A tiny model, a true track and a consent record, made once."""
    folder = tmp_path_factory.mktemp("shelf")
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
        out=str(tmp_path / "out" / "swap.%04d.exr"),
        consent=str(shelf / "consent.json"),
        frames="1001-1003",
    )


@pytest.fixture
def context(tmp_path):
    return Context(home=tmp_path / "home", device="cpu")


def out(job, number):
    return Path(job.out % number)


def digests(job):
    files = sorted(Path(job.out).parent.glob("*.exr"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_shot_is_swapped_into_layers_that_another_reader_understands(job, context):
    result = swap(job, context)
    assert (result.frames, result.swapped, result.kept) == (3, 3, 0)
    assert (result.likeness, result.consent_id) == ("p1A", "C-1")
    with OpenEXR.File(str(out(job, 1001)), separate_channels=True) as file:
        kinds = {name: channel.pixels.dtype.name for name, channel in file.channels().items()}
        header = dict(file.header())
    halves = [*"RGBA", "fp.R", "fp.G", "fp.B", "fp.A"]
    halves += [f"fp_{name}.A" for name in ("mask", "learned", "occ", "conf")]
    assert kinds == {
        **dict.fromkeys(halves, "float16"), "fp_st.R": "float32", "fp_st.G": "float32"
    }  # fmt: skip
    assert header["faceplate:consentId"] == "C-1"
    assert header["faceplate:occlusion"] == "learned"
    assert header["faceplate:frame"] == "1001"
    assert "timeCode" in header


def test_outside_the_matte_the_file_holds_the_plate_bit_for_bit(job, context):
    swap(job, context)
    for number in (1001, 1002, 1003):
        there, plate = read_frame(out(job, number)), mini_frame("B", number)
        outside = there.channel("fp_mask.A") == 0
        assert 0.5 < outside.mean() < 0.99
        assert np.array_equal(there.rgb()[outside], plate.rgb()[outside])
        assert not np.array_equal(there.rgb()[~outside], plate.rgb()[~outside])


def test_a_frame_without_a_face_passes_through_with_the_same_layers(job, context):
    result = swap(replace(job, frames="1010-1011"), context)
    assert (result.swapped, result.without_face) == (1, 1)
    full, empty = read_frame(out(job, 1010)), read_frame(out(job, 1011))
    assert empty.channels == full.channels
    assert np.array_equal(empty.rgb(), mini_frame("B", 1011).rgb())
    assert not empty.channel("fp_mask.A").any()


def test_any_split_of_the_range_gives_the_same_bytes(job, context, tmp_path):
    swap(job, context)
    single = replace(job, out=str(tmp_path / "single" / "swap.%04d.exr"))
    for number in (1003, 1001, 1002):
        swap(replace(single, frames=str(number)), context)
    assert digests(single) == digests(job)


def test_frames_that_are_there_with_the_same_settings_are_kept(job, context):
    swap(job, context)
    times = [out(job, number).stat().st_mtime_ns for number in (1001, 1002, 1003)]
    again = swap(job, context)
    assert (again.swapped, again.kept) == (0, 3)
    assert times == [out(job, number).stat().st_mtime_ns for number in (1001, 1002, 1003)]
    before = digests(job)
    assert swap(replace(job, overwrite=True), context).swapped == 3
    assert digests(job) == before


@pytest.mark.parametrize(
    "change", [{"keep_layers": True}, {"pixel_type": "float"}, {"compression": "piz"}]
)
def test_another_setting_makes_the_frames_again(job, context, change):
    swap(job, context)
    assert swap(replace(job, **change), context).swapped == 3


def test_another_recipe_makes_the_frames_again(job, context, tmp_path):
    swap(job, context)
    (tmp_path / "recipe.json").write_text('{"feather": 20}')
    assert swap(replace(job, recipe=str(tmp_path / "recipe.json")), context).swapped == 3


def test_a_corrected_face_makes_its_own_frame_again_and_no_other(job, context, tmp_path):
    swap(job, context)
    track = Track.load(Path(job.track))
    faces = list(track.people[0].faces)
    faces[1] = faces[1].corrected(faces[1].landmarks + 1)
    edited = replace(track, people=(PersonTrack(1, tuple(faces)),))
    edited.save(tmp_path / "edited.json")
    result = swap(replace(job, track=str(tmp_path / "edited.json")), context)
    assert (result.swapped, result.kept) == (1, 2)


def test_a_cut_off_result_is_made_again(job, context):
    swap(job, context)
    whole = out(job, 1002).read_bytes()
    out(job, 1002).write_bytes(whole[: len(whole) // 2])
    result = swap(job, context)
    assert (result.swapped, result.kept) == (1, 2)
    assert out(job, 1002).read_bytes() == whole


def plate_copy(tmp_path, *numbers):
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in numbers:
        shutil.copy(MINI / "B" / f"B.{number}.exr", folder)
    return str(folder / "B.%04d.exr")


@pytest.mark.parametrize("size", [0, 5000])
def test_a_damaged_frame_stops_no_other_and_the_next_run_makes_only_it(
    job, context, tmp_path, size
):
    job = replace(job, plate=plate_copy(tmp_path, 1001, 1002, 1003))
    broken = Path(job.plate % 1002)
    whole = broken.read_bytes()
    broken.write_bytes(whole[:size])
    with pytest.raises(Damaged, match=r"1 of 3 frames failed.*1002") as failure:
        swap(job, context)
    assert failure.value.exit_code == 3
    assert out(job, 1001).is_file()
    assert not out(job, 1002).exists()
    assert out(job, 1003).is_file()
    broken.write_bytes(whole)
    result = swap(job, context)
    assert (result.swapped, result.kept) == (1, 2)


def test_missing_frames_are_an_error_before_anything_is_written(job, context, tmp_path):
    job = replace(job, plate=plate_copy(tmp_path, 1001, 1003))
    with pytest.raises(MissingFrames, match="1002"):
        swap(job, context)
    assert not Path(job.out).parent.exists()


@pytest.mark.parametrize(("missing", "written"), [("skip", 2), ("hold", 3), ("black", 3)])
def test_missing_frames_follow_the_policy(job, context, tmp_path, missing, written):
    job = replace(job, plate=plate_copy(tmp_path, 1001, 1003), missing=missing)
    result = swap(job, context)
    assert len(digests(job)) == written
    assert result.skipped == 3 - written


def test_bad_pixels_of_a_plate_stay_where_they_are(job, context, tmp_path):
    plate = mini_frame("B", 1001)
    pixels = plate.pixels.copy()
    pixels[100, 190] = np.nan
    pixels[3, 3] = np.inf
    (tmp_path / "plate").mkdir()
    write_frame(replace(plate, pixels=pixels), tmp_path / "plate" / "B.1001.exr")
    job = replace(job, plate=str(tmp_path / "plate" / "B.%04d.exr"), frames="1001")
    swap(job, context)
    there = read_frame(out(job, 1001))
    bad = ~np.isfinite(there.pixels).all(axis=-1)
    assert sorted(zip(*np.nonzero(bad), strict=True)) == [(3, 3), (100, 190)]


def test_without_consent_nothing_is_written_and_the_refusal_is_logged(job, context):
    with pytest.raises(ConsentRefused, match="consent"):
        swap(replace(job, consent=None), context)
    assert not list(Path(job.out).parent.glob("*.exr"))
    line = json.loads((context.home / "consent.log").read_text().splitlines()[-1])
    assert (line["use"], line["allowed"]) == ("swap", False)


def test_consent_limited_to_shots_needs_the_shot(job, context, tmp_path):
    record = consent_file(tmp_path / "limited.json", shots=("SQ010_*",))
    job = replace(job, consent=str(record), frames="1001")
    with pytest.raises(ConsentRefused, match="SQ010"):
        swap(job, context)
    assert swap(replace(job, shot="SQ010_0020"), context).swapped == 1


def test_the_policy_warn_goes_on_and_says_none_in_the_header(job, context, caplog):
    swap(replace(job, consent=None, frames="1001"), replace(context, consent_policy="warn"))
    assert "without valid consent" in caplog.text
    assert read_frame(out(job, 1001)).attribute("faceplate:consentId") == "none"


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"person": 7}, NotFound, "person 7"),
        ({"track": "absent.json"}, NotFound, "absent.json"),
        ({"model": "absent"}, NotFound, "absent"),
        ({"recipe": "absent.json"}, NotFound, "absent.json"),
        ({"color_space": "ACEScgg"}, UnknownColorSpace, "ACEScg"),
        ({"ocio_sha256": "0" * 64}, BadSettings, "another one here"),
        ({"out": "swap.%04d.png"}, BadSettings, "exr"),
        ({"out": "swap.exr"}, BadSettings, "pattern"),
        ({"compression": "htj2k"}, BadSettings, "htj2k"),
        ({"out": str(MINI / "B" / "B.%04d.exr")}, BadSettings, "over the plate"),
    ],
)
def test_a_request_that_cannot_be_right_is_refused_at_once(job, context, change, error, says):
    with pytest.raises(error, match=says):
        swap(replace(job, **change), context)


def test_frames_that_were_never_analysed_do_not_pass_for_frames_without_a_face(
    job, context, tmp_path
):
    track = Track.load(Path(job.track))
    faces = tuple(face for face in track.people[0].faces if face.frame < 1003)
    replace(track, frames=(1001, 1002), people=(PersonTrack(1, faces),)).save(
        tmp_path / "short.json"
    )
    with pytest.raises(NotReady, match="1003"):
        swap(replace(job, track=str(tmp_path / "short.json")), context)


def test_a_track_without_any_face_lets_the_plate_through(job, context, tmp_path):
    replace(Track.load(Path(job.track)), people=()).save(tmp_path / "empty.json")
    result = swap(replace(job, track=str(tmp_path / "empty.json")), context)
    assert (result.swapped, result.without_face) == (0, 3)


def test_a_cancelled_swap_leaves_whole_frames_only(job, context):
    reports = []
    progress = Progress(reports.append, lambda: len(reports) == 2)
    with pytest.raises(Cancelled):
        swap(job, replace(context, progress=progress))
    assert [report.frame for report in reports] == [1001, 1002]
    assert set(digests(job)) == {"swap.1001.exr", "swap.1002.exr"}
    assert swap(job, context).kept == 2


def test_other_layers_of_the_plate_are_kept_when_asked_for(job, context, tmp_path):
    plate = mini_frame("B", 1001).with_channels({"depth.Z": np.full((216, 384), 1.5, np.float32)})
    (tmp_path / "plate").mkdir()
    write_frame(plate, tmp_path / "plate" / "B.1001.exr", per_channel_types={"depth.Z": "float"})
    job = replace(job, plate=str(tmp_path / "plate" / "B.%04d.exr"), frames="1001")
    swap(replace(job, keep_layers=True), context)
    there = read_frame(out(job, 1001))
    assert (there.channel("depth.Z") == 1.5).all()
    assert there.channel_types["depth.Z"] == "float"
