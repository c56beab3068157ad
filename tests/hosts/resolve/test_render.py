"""The plate as a render, and everything in Resolve as it was before."""

from pathlib import Path
from typing import Any

import pytest
from tests.hosts.resolve.conftest import Stage
from tests.hosts.resolve.fake_media import FakeItem
from tests.hosts.resolve.fake_resolve import CODECS


def rendered(stage: Stage) -> dict[str, Any]:
    """Return what the last render was set to."""
    return dict(stage.resolve.trouble.called("SetRenderSettings")[-1][0])


def is_as_before(stage: Stage) -> None:
    """Check that a render left nothing behind in Resolve."""
    project = stage.resolve.project
    assert project.renders == {}
    assert (project.format, project.mode) == (("mov", "ProRes422HQ"), 0)
    assert stage.resolve.page == "edit"
    assert project.timelines == [project.timeline]
    assert all(project.timeline.enabled)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda item: item.sizing.update(ZoomX=1.2), "its sizing is changed: ZoomX"),
        (lambda item: item.sizing.update(FlipX=True), "its sizing is changed: FlipX"),
        (lambda item: setattr(item, "source_last", 21), "its speed is changed"),
        (lambda item: item.media.properties.update(FPS="25"), "its frame rate is not the timeline"),
        (lambda item: item.AddFusionComp(), "it has a Fusion comp"),
    ],
)
def test_a_clip_that_is_changed_is_rendered(
    stage: Stage, clip: FakeItem, change: Any, why: str
) -> None:
    change(clip)

    assert stage()
    assert f"The plate is rendered, since {why}" in stage.said
    assert (rendered(stage)["MarkIn"], rendered(stage)["MarkOut"]) == (86500, 86507)
    assert "A take is not possible, since the plate was rendered" in stage.said
    is_as_before(stage)


def test_opacity_and_grades_do_not_change_the_plate(stage: Stage, clip: FakeItem) -> None:
    clip.sizing["Opacity"] = 50.0

    assert stage()
    assert "The plate is the clip's own file" in stage.said


def test_a_file_that_the_server_cannot_read_is_rendered(
    stage: Stage, clip: FakeItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [clip.media.file(index) for index in range(12)]
    monkeypatch.setattr(type(clip.media), "file", lambda self, index: files[index])
    monkeypatch.setattr(type(clip.media), "length", 12)
    clip.media.properties.update({"File Path": str(tmp_path / "A001.braw"), "Start": "0"})

    assert stage()
    assert "since the server reads no .braw files" in stage.said


def test_a_single_picture_is_rendered(stage: Stage, clip: FakeItem) -> None:
    path = clip.media.file(0)
    clip.media.properties.update({"File Path": str(path), "Frames": "12"})

    assert stage()
    assert "since it is a single picture" in stage.said


def test_the_render_is_lossless_half_exr_of_the_clip_alone(stage: Stage, clip: FakeItem) -> None:
    timeline = stage.resolve.project.timeline
    timeline.put(FakeItem(stage.resolve.trouble, None, clip.start, 4), track=2)
    timeline.tracks[1][0].start += 50
    stage.set(plate="render")

    assert stage()
    assert ("exr", "RGBHalfZIP") in stage.resolve.trouble.called("SetCurrentRenderFormatAndCodec")
    assert stage.resolve.trouble.called("SetTrackEnable") == [
        ("video", 2, False),
        ("video", 2, True),
    ]
    values = rendered(stage)
    assert (values["SelectAllFrames"], values["ExportAudio"]) == (False, False)
    assert Path(values["TargetDir"]).parent == stage.shot
    is_as_before(stage)


def test_only_what_was_shown_is_hidden_and_shown_again(stage: Stage, clip: FakeItem) -> None:
    timeline = stage.resolve.project.timeline
    for track in (2, 3):
        timeline.put(FakeItem(stage.resolve.trouble, None, 90000, 4), track=track)
    timeline.enabled[1] = False
    stage.set(plate="render")

    assert stage()
    assert timeline.enabled[:3] == [True, False, True]


def test_handles_of_a_render_come_from_a_timeline_of_the_clip_alone(
    stage: Stage, clip: FakeItem
) -> None:
    clip.sizing["ZoomX"] = 1.5
    stage.set(handles=2)

    assert stage()
    assert stage.submitted("swap")["frames"] == "86400-86411"
    laid = [words for words in stage.resolve.trouble.called("SetProperty")]
    assert laid == [("ZoomX", 1.5)]
    (placed,) = stage.resolve.project.timeline.tracks[1]
    assert (placed.start, placed.length, placed.left) == (clip.start, clip.length, 2)
    is_as_before(stage)


@pytest.mark.parametrize("counts_last", [True, False])
@pytest.mark.parametrize("from_start", [True, False])
def test_the_layout_is_measured_whatever_resolve_counts(
    stage: Stage, clip: FakeItem, counts_last: bool, from_start: bool
) -> None:
    pool = stage.resolve.project.pool
    pool.counts_last, pool.counts_from_start = counts_last, from_start
    stage.set(handles=1, plate="render", bring_back="bin")

    assert stage()
    files = sorted(next(stage.shot.glob("plate_*")).glob("*.exr"))
    assert len(files) == 10
    assert files[0].read_bytes() == clip.media.file(1).read_bytes()
    is_as_before(stage)


def test_a_retimed_clip_has_no_handles(stage: Stage, clip: FakeItem) -> None:
    clip.source_last = 21
    stage.set(handles=2)

    assert stage()
    assert stage.submitted("swap")["frames"] == "86500-86507"


def test_a_render_that_fails_leaves_everything_as_before(stage: Stage, clip: FakeItem) -> None:
    stage.set(plate="render")
    stage.resolve.project.fails = "Media offline"

    assert not stage()
    assert "Resolve's render ended as Failed: Media offline." in stage.said
    is_as_before(stage)
    assert not (stage.helper.parent / "commands").exists()

    stage.resolve.project.fails = ""
    assert stage()  # the next run renders anew


def test_a_render_that_lacks_frames_is_found_out(stage: Stage, clip: FakeItem) -> None:
    stage.set(plate="render")
    stage.resolve.project.loses = 3

    assert not stage()
    assert "Resolve rendered 5 of 8 frames into" in stage.said
    is_as_before(stage)


def test_empty_and_missing_files_are_found(plugin: Any, tmp_path: Path) -> None:
    render, errors = plugin("render"), plugin("errors")
    for number in (7, 8, 10):
        (tmp_path / f"plate_{number:08d}.exr").write_bytes(b"x")
    with pytest.raises(errors.HostError, match="Frames are missing between"):
        render.rendered_files(tmp_path, 3)
    (tmp_path / "plate_00000009.exr").write_bytes(b"")
    with pytest.raises(errors.HostError, match=r"Frame 9 rendered into .* is empty"):
        render.rendered_files(tmp_path, 4)
    (tmp_path / "plate_00000009.exr").write_bytes(b"x")
    assert render.rendered_files(tmp_path, 4) == (str(tmp_path / "plate_%08d.exr"), 7)


def test_a_resolve_without_lossless_half_exr_is_said(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(CODECS):
        if CODECS[name] in ("RGBHalfZIP", "RGBHalfPIZ", "RGBHalf"):
            monkeypatch.delitem(CODECS, name)
    stage.set(plate="render")

    assert not stage()
    assert "no lossless EXR in half float; it has: RGB float (ZIP Compression)" in stage.said
    is_as_before(stage)


def test_a_track_that_cannot_be_hidden_is_said(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = stage.resolve.project.timeline
    timeline.put(FakeItem(stage.resolve.trouble, None, 90000, 4), track=2)
    monkeypatch.setattr(type(timeline), "SetTrackEnable", lambda self, *words: False)
    stage.set(plate="render")

    assert not stage()
    assert "Resolve did not" in stage.said
    assert "video track 2: is it locked?" in stage.said


def test_the_file_alone_may_be_asked_for(stage: Stage, clip: FakeItem) -> None:
    clip.sizing["Pan"] = 3.0
    stage.set(plate="file")

    assert not stage()
    assert '"plate" is "file" in' in stage.said
    assert "but its sizing is changed: Pan." in stage.said


def test_what_resolve_does_not_take_back_is_said_and_the_plate_is_kept(
    stage: Stage, clip: FakeItem
) -> None:
    stage.resolve.project.format = ("exr", "RGBHalfZIP in another spelling")
    stage.set(plate="render")

    assert stage()
    assert "did not take back the render format exr, RGBHalfZIP in another" in stage.said


def test_a_layout_that_is_not_shown_is_deleted(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = stage.resolve.project
    monkeypatch.setattr(type(project), "SetCurrentTimeline", lambda self, timeline: False)
    stage.set(plate="render", handles=2)

    assert not stage()
    assert "Resolve did not show the timeline that it made." in stage.said
    is_as_before(stage)
