from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from tests.support.paths import MINI

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.review.timeline import TimelineJob, timeline

PLATE = str(MINI / "B" / "B.%04d.exr")


def made(tmp_path: Path, **settings: Any) -> Any:
    """Write a timeline; returns it as OpenTimelineIO reads it."""
    job = TimelineJob(**{"result": PLATE, "out": str(tmp_path / "t.otio"), **settings})
    timeline(job, Context(home=tmp_path))
    return otio.adapters.read_from_file(job.out)


def test_a_clip_holds_swap_and_plate_whose_frames_are_the_files(tmp_path: Path) -> None:
    whole = made(tmp_path, plate=PLATE, movie=str(tmp_path / "m.mov"), shot="sh010", fps=25)
    (clip,) = whole.find_clips()
    assert clip.name == "sh010"
    media = clip.media_references()
    assert set(media) == {"swap", "plate", "movie"}
    assert clip.active_media_reference_key == "swap"
    assert clip.source_range.start_time.to_frames() == 1001
    assert clip.source_range.duration.to_frames() == 12
    urls = [media["swap"].target_url_for_image_number(i) for i in range(12)]
    assert [Path(url.removeprefix("file://")).is_file() for url in urls] == [True] * 12
    assert urls[3].endswith("B.1004.exr")


def test_a_second_shot_is_appended_and_a_known_one_replaced(tmp_path: Path) -> None:
    made(tmp_path, shot="a")
    made(tmp_path, shot="b")
    whole = made(tmp_path, shot="a", frames="1001-1005")
    assert [clip.name for clip in whole.find_clips()] == ["a", "b"]
    assert whole.find_clips()[0].duration().to_frames() == 5


def test_notes_of_others_in_the_file_stay(tmp_path: Path) -> None:
    whole = made(tmp_path, shot="a")
    whole.find_clips()[0].markers.append(otio.schema.Marker(name="softer chin"))
    otio.adapters.write_to_file(whole, str(tmp_path / "t.otio"))
    again = made(tmp_path, shot="b")
    assert [marker.name for marker in again.find_clips()[0].markers] == ["softer chin"]


def test_a_replaced_clip_keeps_its_notes(tmp_path: Path) -> None:
    whole = made(tmp_path, shot="a")
    whole.find_clips()[0].markers.append(otio.schema.Marker(name="softer chin"))
    otio.adapters.write_to_file(whole, str(tmp_path / "t.otio"))
    again = made(tmp_path, shot="a", frames="1001-1002")
    assert [marker.name for marker in again.find_clips()[0].markers] == ["softer chin"]


@pytest.mark.parametrize("text", ["{", "[]", '{"OTIO_SCHEMA": "Clip.2"}', "no json"])
def test_a_file_that_is_no_timeline_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.otio").write_text(text)
    with pytest.raises(BadSettings, match=r"t\.otio"):
        made(tmp_path)
    assert (tmp_path / "t.otio").read_text() == text


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        made(tmp_path, result=str(tmp_path / "none.%04d.exr"))
    with pytest.raises(BadSettings, match=r"\.otio"):
        TimelineJob(PLATE, "t.edl")
