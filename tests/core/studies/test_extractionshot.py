"""What `evaluate extract` measures with: tracks kept or made, and input that cannot be."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.extractions import (
    FRAMES,
    INFO,
    B,
    Study,
    track_of,
    true_faces,
)
from tests.support.paths import MINI

from faceplate.context import Context
from faceplate.errors import BadSettings, BadShape, NotFound, UnknownComponent
from faceplate.io.tracked import PlateInfo
from faceplate.studies import extraction as verb
from faceplate.studies import extractionshot
from faceplate.studies.extractionjob import ExtractionJob


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Return a study that draws no plots, which take most of its time."""
    monkeypatch.setattr(verb, "plots_of", lambda shots: {})
    return Study(tmp_path)


def test_a_plate_is_analysed_once_and_again_for_other_settings(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def analyse(job: Any, context: Context) -> None:
        asked.append(job)
        track_of(true_faces()).save(Path(job.out))

    monkeypatch.setattr(extractionshot, "analyse", analyse)
    track = track_of(true_faces())
    results = [study.run(track, tracks=()) for _ in range(2)]
    assert [result.analysed for result in results] == [1, 0]
    assert study.run(track, tracks=(), looks=5).analysed == 1
    assert [job.looks for job in asked] == [1, 5]
    assert Path(asked[0].out) == study.folder / "out" / "mini_B" / "track.json"


def test_a_study_that_goes_on_writes_the_file_of_one_that_was_never_stopped(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def analyse(job: Any, context: Context) -> None:
        track_of(true_faces()).save(Path(job.out))

    monkeypatch.setattr(extractionshot, "analyse", analyse)
    files = [Path(study.run(track_of(true_faces()), tracks=()).json).read_bytes() for _ in range(2)]
    assert files[0] == files[1]


def test_an_analysis_that_was_stopped_leaves_no_track_that_is_taken(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def analyse(job: Any, context: Context) -> None:
        track_of([]).save(Path(job.out))
        if not stopped:
            stopped.append(True)
            raise KeyboardInterrupt

    stopped: list[bool] = []
    monkeypatch.setattr(extractionshot, "analyse", analyse)
    with pytest.raises(KeyboardInterrupt):
        study.run(track_of([]), tracks=())
    assert study.run(track_of([]), tracks=()).analysed == 1


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (replace(INFO, pattern="C.%04d.exr"), "track of C"),
        (replace(INFO, width=1280), "1280 x 216"),
    ],
)
def test_a_track_of_another_plate_is_refused(study: Study, info: PlateInfo, told: str) -> None:
    with pytest.raises(BadSettings, match=told):
        study.run(track_of(true_faces(), info))


def test_a_track_with_frames_that_the_plate_has_not_is_refused(study: Study) -> None:
    track = replace(track_of([]), frames=(1012, 1013), plate=replace(INFO, last=1013))
    with pytest.raises(BadSettings, match="frame 1013"):
        study.run(track)


def test_a_truth_that_cannot_be_is_told(study: Study, tmp_path: Path) -> None:
    track = track_of(true_faces())
    with pytest.raises(NotFound, match="no_truth"):
        study.run(track, truths=(str(tmp_path / "no_truth.json"),))
    file = tmp_path / "truth.json"
    truth = json.loads((MINI / "truth_B.json").read_text())
    for spoil, error, told in (
        (lambda: "[]", BadSettings, "no truth"),
        (lambda: "{", BadSettings, "not JSON"),
        (lambda: json.dumps({"frames": {"1001": {"yaw": 1}}}), BadSettings, "frame 1001: landm"),
        (lambda: json.dumps({"frames": {"1001": truth["frames"]["1001"]}}), NotFound, "frame 1002"),
        (lambda: json.dumps({**truth, "width": 1280}), BadSettings, "1280 x 216"),
        (lambda: json.dumps({"people": 3}), BadSettings, "no truth"),
    ):
        file.write_text(spoil())
        with pytest.raises(error, match=told):
            study.run(track, truths=(str(file),))


def test_other_input_that_cannot_be_is_told(study: Study, tmp_path: Path) -> None:
    track = track_of(true_faces())
    with pytest.raises(NotFound, match="it has 1001-1012"):
        study.run(track, frames="2001-2002")
    with pytest.raises(NotFound, match="none of the frames"):
        study.run(replace(track_of([]), frames=(1001,)), frames="1002")
    with pytest.raises(BadSettings, match="named twice"):
        study.run(track, plates=(B, B), tracks=("none", "none"))
    with pytest.raises(BadSettings, match="--truths"):
        study.run(track, truths=("none",), mattes=(str(MINI / "B_masks" / "visible"),))
    with pytest.raises(NotFound, match="no_mattes"):
        study.run(track, mattes=(str(tmp_path / "no_mattes" / "m.%04d.png"),))
    small = tmp_path / "small"
    small.mkdir()
    for frame in FRAMES:
        cv2.imwrite(str(small / f"m.{frame}.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(BadShape, match="matte"):
        study.run(track, mattes=(str(small),), segmenters=("hull",))
    with pytest.raises(UnknownComponent, match="occlusion"):
        study.run(track, segmenters=("oclusion",))
    with pytest.raises(BadSettings, match="auto"):
        study.run(track, tracks=("none",))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"plates": ()}, "one plate"),
        ({"truths": ("a", "b")}, "truths"),
        ({"tracks": ("a", "b")}, "tracks"),
        ({"most_yaw": 181.0}, "most_yaw"),
        ({"least_visible": 2.0}, "least_visible"),
        ({"sheet_frames": -1}, "sheet_frames"),
        ({"smooth_window": 4}, "smooth_window"),
    ],
)
def test_settings_that_cannot_be_right_are_told(change: dict[str, Any], named: str) -> None:
    values: dict[str, Any] = {"plates": (B,), "out": "out", **change}
    with pytest.raises(BadSettings, match=named):
        ExtractionJob(**values)
