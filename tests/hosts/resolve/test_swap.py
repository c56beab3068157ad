"""The whole way through the fake Resolve, in Python and in Lua; a stand-in for the helper."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.resolve.conftest import Stage, run_lua, run_python
from tests.hosts.resolve.fake_media import FakeItem, FakeMedia
from tests.hosts.resolve.fake_resolve import FakeResolve


def test_an_untouched_clip_goes_by_its_file_and_comes_back_as_a_take(
    stage: Stage, clip: FakeItem, plate: str
) -> None:
    assert stage()

    assert stage.submitted("analyse") == {
        "plate": plate, "frames": "1003-1010", "color_space": "ACEScg",
        "out": str(stage.shot / "track.json"),
    }  # fmt: skip
    assert stage.submitted("swap") == {
        "plate": plate, "frames": "1003-1010", "color_space": "ACEScg", "shot": "SH010",
        "model": str(stage.folder / "model"), "track": str(stage.shot / "track.json"),
        "out": str(stage.shot / "v001" / "SH010_v001.%04d.exr"),
    }  # fmt: skip
    assert clip.take == 2
    assert clip.takes[1] is stage.resolve.folder("Faceplate", "SH010").clips[0]
    assert clip.takes[0].properties["File Path"].startswith(plate[:-8])
    assert "Take 2 of the clip is the result; take 1 is the plate." in stage.said
    assert "The picture changed" in stage.said
    assert stage.resolve.page == "edit"


def test_the_product_is_asked_before_anything_else(stage: Stage, clip: FakeItem) -> None:
    stage()

    assert [name for _, name, _ in stage.resolve.trouble.calls[:2]] == [
        "GetProductName",
        "GetVersion",
    ]
    assert stage.lines[0] == "DaVinci Resolve Studio 21.0.3: nothing is limited."


def test_handles_come_with_the_file_as_far_as_it_has_them(stage: Stage, clip: FakeItem) -> None:
    stage.set(handles=50)

    assert stage()
    assert stage.submitted("swap")["frames"] == "1001-1012"
    assert stage.resolve.trouble.called("AddTake") == [(clip.takes[1], 1003, 1010)]


def test_consent_recipe_and_further_settings_reach_the_job(stage: Stage, clip: FakeItem) -> None:
    stage.set(
        consent="anna.json", recipe="~/r.json", swap={"person": "left"},
        analyse={"detector": "yunet"}, shot="SQ010: 0040",
    )  # fmt: skip
    assert stage()

    folder = stage.home / "resolve" / "shots" / "Feature_One" / "SQ010_0040"
    swap = json.loads((folder / "swap.json").read_text())
    assert swap["consent"] == str(stage.home / "resolve" / "anna.json")  # beside the settings
    assert swap["recipe"] == os.path.expanduser("~/r.json")
    assert (swap["person"], swap["shot"]) == ("left", "SQ010: 0040")
    assert json.loads((folder / "analyse.json").read_text())["detector"] == "yunet"
    assert stage.resolve.folder("Faceplate", "SQ010: 0040").clips


def test_a_second_run_makes_a_version_of_the_plate_and_not_of_the_result(
    stage: Stage, clip: FakeItem, plate: str
) -> None:
    assert stage()
    assert stage()

    assert stage.submitted("swap")["plate"] == plate
    assert stage.submitted("swap")["out"].endswith("v002/SH010_v002.%04d.exr")
    assert (clip.take, len(clip.takes)) == (3, 3)
    verbs = [words[1] for words in stage.commands]
    assert verbs == ["analyse", "swap", "swap"]  # the track is of exactly these frames


def test_a_take_that_is_not_made_becomes_a_clip_above(stage: Stage, clip: FakeItem) -> None:
    clip.headless = True

    assert stage()
    assert "Resolve made no take" in stage.said
    placed = stage.resolve.project.timeline.tracks[1][0]
    assert (placed.start, placed.length, placed.left) == (clip.start, clip.length, 0)


@pytest.mark.parametrize("counts_last", [True, False])
@pytest.mark.parametrize("from_start", [True, False])
def test_the_track_above_takes_exactly_the_frames_of_the_shot(
    stage: Stage, clip: FakeItem, counts_last: bool, from_start: bool
) -> None:
    pool = stage.resolve.project.pool
    pool.counts_last, pool.counts_from_start = counts_last, from_start
    stage.set(bring_back="track", handles=2)

    assert stage()
    (placed,) = stage.resolve.project.timeline.tracks[1]
    assert (placed.start, placed.length, placed.left) == (clip.start, clip.length, 2)
    assert placed.media.file(placed.left).name == "SH010_v001.1003.exr"


def test_a_track_that_is_taken_is_left_alone(stage: Stage, clip: FakeItem) -> None:
    other = FakeItem(stage.resolve.trouble, clip.media, clip.start + 2, 3)
    stage.resolve.project.timeline.put(other, track=2)
    stage.resolve.project.timeline.enabled[1] = False
    stage.set(bring_back="track")

    assert stage()
    tracks = stage.resolve.project.timeline.tracks
    assert tracks[1] == [other]
    assert tracks[2][0].start == clip.start


def test_a_bin_alone_leaves_the_timeline_as_it_is(stage: Stage, clip: FakeItem) -> None:
    stage.set(bring_back="bin")

    assert stage()
    assert stage.resolve.project.timeline.tracks == [[clip]]
    assert clip.takes == [clip.media]
    assert len(stage.resolve.folder("Faceplate", "SH010").clips) == 1


def test_the_bin_that_was_open_is_open_again(stage: Stage, clip: FakeItem) -> None:
    pool = stage.resolve.project.pool
    pool.current = pool.AddSubFolder(pool.root, "Dailies")
    before = pool.current

    assert stage()
    assert pool.current is before
    assert before.clips == []


def test_a_result_under_the_playhead_is_no_plate(stage: Stage, clip: FakeItem) -> None:
    stage.set(bring_back="track")
    assert stage()

    assert not stage()
    assert "is a result of Faceplate: hide its track" in stage.said


def test_a_plate_beside_the_results_is_a_plate(
    stage: Stage, clip: FakeItem, plate: str, tmp_path: Path
) -> None:
    beside = stage.home / "resolve" / "shots2"
    beside.parent.mkdir(parents=True, exist_ok=True)
    Path(plate).parent.rename(beside)
    clip.media.properties["File Path"] = f"{beside}/B.[1001-1012].exr"

    assert stage(), stage.said


def test_folders_may_have_signs_of_patterns_in_their_names(
    stage: Stage, clip: FakeItem, plate: str
) -> None:
    folder = stage.folder / "100% %d %04d é [x]"
    Path(plate).parent.rename(folder)
    clip.media.properties["File Path"] = f"{folder}/B.[1001-1012].exr"
    stage.set(work=str(folder / "out"), bring_back="fusion")

    assert stage(), stage.said
    assert stage.submitted_in(folder / "out", "swap")["plate"] == f"{folder}/B.%04d.exr"
    (loader,) = clip.comps[0].loaders()
    assert loader.rendered["Clip"].startswith(f"{folder}/out/Feature_One/SH010/v001/")


@pytest.mark.parametrize("plate_of", ["auto", "render"])
@pytest.mark.parametrize("back", ["take", "track", "fusion", "bin"])
def test_the_free_edition_does_all_of_it(
    stage: Stage, clip: FakeItem, plate_of: str, back: str
) -> None:
    stage.resolve.studio, stage.resolve.trouble.free = False, True
    stage.set(plate=plate_of, bring_back=back, handles=1)

    assert stage(), stage.said
    assert stage.resolve.trouble.modal is False


def test_marks_within_a_clip_take_a_part_of_its_file(stage: Stage, clip: FakeItem) -> None:
    stage.resolve.project.timeline.marks = {"video": {"in": 102, "out": 104}}
    stage.set(range="marks")

    assert stage()
    assert stage.submitted("swap")["frames"] == "1005-1007"
    assert "A take is not possible, since the marks hold only a part of the clip." in stage.said
    placed = stage.resolve.project.timeline.tracks[1][0]
    assert (placed.start, placed.length) == (clip.start + 2, 3)


def test_marks_that_count_from_the_timelines_own_start_are_understood(
    stage: Stage, clip: FakeItem
) -> None:
    stage.resolve.project.timeline.marks = {"video": {"in": 86502, "out": 86504}}
    stage.set(range="marks", handles=1)

    assert stage()
    assert stage.submitted("swap")["frames"] == "1004-1008"


def test_marks_over_two_clips_are_rendered(stage: Stage, clip: FakeItem) -> None:
    second = FakeItem(stage.resolve.trouble, clip.media, clip.start + clip.length, 4)
    stage.resolve.project.timeline.put(second)
    stage.resolve.project.timeline.marks = {"video": {"in": 106, "out": 109}}
    stage.set(range="marks")

    assert stage()
    assert "since the marks hold more than one clip" in stage.said
    placed = stage.resolve.project.timeline.tracks[1][0]
    assert (placed.start, placed.length) == (86506, 4)


def test_missing_marks_and_clips_are_said(stage: Stage) -> None:
    assert not stage()
    assert "No clip is under the playhead" in stage.said

    stage.set(range="marks")
    assert not stage()
    assert "Set an in and an out mark" in stage.said


def test_frames_that_the_server_did_not_write_are_not_brought_in(
    stage: Stage, clip: FakeItem
) -> None:
    stage.behave(lose=1)

    assert not stage()
    assert "Frame 1010 of the result is missing" in stage.said
    assert stage.resolve.trouble.called("ImportMedia") == []


def test_a_media_pool_that_imports_nothing_is_said(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(stage.resolve.project.pool), "ImportMedia", lambda self, infos: [])

    assert not stage()
    assert "Resolve made 0 clips of" in stage.said


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        ("FakeManager", "GetCurrentProject", "did not give a project: open one"),
        ("FakeProject", "GetCurrentTimeline", "did not give a timeline: open one"),
        ("FakeProject", "GetMediaPool", "did not give its media pool"),
        ("FakePool", "AddSubFolder", "did not make the bin Faceplate"),
        ("FakePool", "ImportMedia", "did not import"),
        ("FakeItem", "GetStart", "did not say where the clip starts"),
    ],
)
def test_an_answer_of_none_or_false_is_an_error_that_says_what_was_asked(
    stage: Stage, clip: FakeItem, owner: str, name: str, said: str, monkeypatch: Any
) -> None:
    from tests.hosts.resolve import fake_media, fake_resolve

    kind = getattr(fake_resolve, owner, None) or getattr(fake_media, owner)
    for answer in (None, False):
        monkeypatch.setattr(kind, name, lambda self, *words, answer=answer: answer)
        assert not stage()
        assert f"Faceplate: Resolve {said}" in stage.said


def test_a_still_that_did_not_change_is_said(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.resolve, "picture", lambda: b"the same")

    assert stage()
    assert "The picture is as before: look at the viewer" in stage.said


def test_a_run_without_verification_exports_no_still(stage: Stage, clip: FakeItem) -> None:
    stage.set(verify=False)

    assert stage()
    assert stage.resolve.trouble.called("ExportCurrentFrameAsStill") == []


def test_nothing_of_the_plug_in_touches_the_source(stage: Stage, clip: FakeItem) -> None:
    before = dict(clip.media.properties)
    for way in ("take", "track", "fusion", "bin"):
        stage.set(bring_back=way)
        stage.resolve.project.timeline.enabled[1:] = [False] * (
            len(stage.resolve.project.timeline.enabled) - 1
        )
        clip.comps.clear()
        clip.take = 1
        assert stage()

    assert clip.takes[0].properties == before
    names = {name for _, name, _ in stage.resolve.trouble.calls}
    assert names & {"ReplaceClip", "DeleteTakeByIndex", "FinalizeTake", "SetSetting"} == set()


def test_both_languages_leave_the_same_behind(tmp_path: Path, plate: str) -> None:
    left = []
    for language in ("python", "lua"):
        folder = tmp_path / language
        folder.mkdir()
        stage = Stage(folder, language, FakeResolve())
        stage.resolve.clip(plate, (1001, 1012), left=2, length=8)
        stage.set(handles=3, bring_back="fusion")
        assert stage()
        files = sorted(path.name for path in stage.shot.rglob("*") if "still" not in path.name)
        calls = [(kind, name) for kind, name, _ in stage.resolve.trouble.calls]
        own = str(folder)
        lines = [line.replace(own, "") for line in stage.lines]
        state = json.loads(json.dumps(stage.state).replace(own, ""))
        setting = next(stage.shot.rglob("*.setting")).read_text().replace(own, "")
        left.append((files, calls, lines, state, setting))

    assert left[0] == left[1]


@pytest.mark.parametrize("order", [(run_python, run_lua), (run_lua, run_python)])
def test_one_language_goes_on_with_what_the_other_began(
    tmp_path: Path, plate: str, order: Any
) -> None:
    stage = Stage(tmp_path, "", FakeResolve())
    stage.resolve.clip(plate, (1001, 1012), left=2, length=8)
    stage.set(wait_s=0)
    stage.behave(hold="analyse")
    assert not order[0](stage)
    assert "Run the script again to bring its result in." in stage.said
    assert stage.state["jobs"] == {"analyse": "analyse-0"}

    stage.set(wait_s=60)
    stage.behave()
    assert order[1](stage)
    assert [words[0] for words in stage.commands] == ["submit", "watch", "submit"]
    assert "looking at job analyse-0 of an earlier run" in stage.said
    (stage.helper.parent / "gate").touch()  # ends the first helper


def test_a_movie_counts_from_1(stage: Stage, tmp_path: Path) -> None:
    properties = {
        "File Path": str(tmp_path / "b.mov"),
        "Frames": "40",
        "Input Color Space": "ACEScct",
    }
    media = FakeMedia(stage.resolve.trouble, stage.resolve.project, properties)
    item = FakeItem(stage.resolve.trouble, media, 86500, 10, left=5)
    stage.resolve.playhead = 86500
    stage.resolve.project.timeline.put(item)
    stage.set(handles=4)
    stage.behave(error="swap")  # there is no movie to copy

    assert not stage()
    swap = stage.submitted("swap")
    assert (swap["plate"], swap["frames"]) == (str(tmp_path / "b.mov"), "2-19")
    assert swap["color_space"] == "ACEScct"


def test_a_full_shot_folder_of_another_clip_begins_anew(stage: Stage, clip: FakeItem) -> None:
    assert stage()
    clip.start += 500
    stage.resolve.playhead += 500

    assert stage()
    assert stage.state["version"] == 2
    assert [words[1] for words in stage.commands] == ["analyse", "swap"] * 2
    shutil.rmtree(stage.shot)
