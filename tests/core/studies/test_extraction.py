"""`evaluate extract` on tracks made from the truth itself, spoilt by known amounts."""

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
    shifted,
    track_of,
    true_face,
    true_faces,
)
from tests.support.paths import MINI
from tests.support.shots import known_landmarks

from faceplate.io.tracked import PersonTrack, Pose, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.studies import extraction as verb

ROUNDED = 0.02
"""Most that a track file's 0.001 px are, in % of the eye distance."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Return a study that draws no plots, which take most of its time."""
    monkeypatch.setattr(verb, "plots_of", lambda shots: {})
    return Study(tmp_path)


def test_the_truth_itself_has_no_error(study: Study) -> None:
    figures = study(true_faces())
    assert (figures["frames"], figures["true faces"], figures["frames with a face found"]) == (
        12, 11, 11,
    )  # fmt: skip
    assert (figures["recall"], figures["recall, whole faces"]) == (100, 100)
    assert (figures["false faces"], figures["identity switches"]) == (0, 0)
    errors = [value for name, value in figures.items() if "inner" in name or "jaw" in name]
    assert max(value for value in errors if value is not None) < ROUNDED
    assert [figures[f"{angle} error, mean"] for angle in ("yaw", "pitch", "roll")] == [0, 0, 0]
    assert figures["shake"] == pytest.approx(0, abs=1e-3)
    assert figures["jitter, track's"] == pytest.approx(figures["jitter, truth's"], abs=1e-3)
    assert (figures["presence, median"], figures["confidence, median"]) == (0.8, 0.9)


def test_shifted_points_give_exactly_their_shift(study: Study) -> None:
    eyes = {
        frame: float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))
        for frame in FRAMES
        for points in (known_landmarks("B", frame),)
    }
    faces = [
        shifted(face, (0.03 * eyes[face.frame], 0.04 * eyes[face.frame])) for face in true_faces()
    ]
    figures = study(faces)
    assert figures["inner points, yaw 0-15°"] == pytest.approx(5, abs=ROUNDED)
    assert figures["inner points, yaw 60-90°"] == pytest.approx(5, abs=ROUNDED)
    assert figures["jaw, yaw 15-30°"] == pytest.approx(5, abs=ROUNDED)
    assert figures["inner points, covered"] == pytest.approx(5, abs=ROUNDED)
    assert "inner points, yaw 45-60°" not in figures  # no such head in these frames
    assert figures["recall"] == 100


def test_an_error_is_counted_in_the_band_of_its_yaw_alone(study: Study) -> None:
    # frame 1007 is turned by 64 degrees and is the only one of its band
    eyes = np.diff([known_landmarks("B", 1007)[part].mean(axis=0) for part in
                    (slice(36, 42), slice(42, 48))], axis=0)  # fmt: skip
    by = (0.1 * float(np.linalg.norm(eyes)), 0)
    figures = study([shifted(f, by) if f.frame == 1007 else f for f in true_faces()])
    assert figures["inner points, yaw 60-90°"] == pytest.approx(10, abs=ROUNDED)
    others = [
        value for name, value in figures.items() if name.startswith("inner") and "60-90" not in name
    ]
    assert max(others) < ROUNDED


def test_a_covered_face_counts_apart(study: Study) -> None:
    # before the face of frame 1005 is a hand
    moved = [shifted(f, (3, 0)) if f.frame == 1005 else f for f in true_faces()]
    figures = study(moved)
    assert figures["inner points, covered"] > 2
    assert figures["inner points, yaw 0-15°"] < ROUNDED


def test_a_face_that_is_left_out_lowers_recall(study: Study) -> None:
    figures = study([face for face in true_faces() if face.frame != 1004])
    assert figures["recall"] == pytest.approx(100 * 10 / 11, abs=1e-3)
    assert figures["false faces"] == 0
    assert study.record["missed"] == "1004"


def test_a_face_where_none_is_is_false_and_hides_no_miss(study: Study) -> None:
    made_up = replace(true_face(1012), frame=1011)  # frame 1011 is empty
    elsewhere = shifted(true_face(1004), (150, 0))  # beside the true one, which is missed
    faces = [face for face in true_faces() if face.frame != 1004]
    figures = study([*faces, made_up, elsewhere])
    assert figures["false faces"] == 2
    assert figures["recall"] == pytest.approx(100 * 10 / 11, abs=1e-3)
    assert study.record["false"] == "1004,1011"


def test_a_second_answer_for_one_face_is_a_false_face(study: Study) -> None:
    double = replace(shifted(true_face(1002), (1, 0)), person=2)
    figures = study([*true_faces(), double])
    assert (figures["false faces"], figures["recall"], figures["people found"]) == (1, 100, 2)
    assert figures["identity switches"] == 0


def test_another_number_from_a_frame_on_is_one_switch(study: Study) -> None:
    faces = [replace(face, person=2) if face.frame >= 1006 else face for face in true_faces()]
    assert study(faces)["identity switches"] == 1
    assert study.record["switches"] == [{"frame": 1006, "person": 1, "before": 1, "after": 2}]


def test_another_number_after_a_gap_is_a_switch_too(study: Study) -> None:
    faces = [replace(face, person=2) if face.frame == 1012 else face for face in true_faces()]
    assert study(faces)["identity switches"] == 1  # 1011 is empty


def test_two_people_who_change_numbers_are_two_switches(study: Study) -> None:
    def person(by: float) -> dict[str, Any]:
        frames = json.loads((MINI / "truth_B.json").read_text())["frames"]
        for entry in frames.values():
            entry["landmarks68_px"] = np.add(entry["landmarks68_px"], [by, 0]).tolist()
        return {"frames": frames}

    truth = study.folder / "two.json"
    truth.write_text(json.dumps({"people": [person(0), person(120)]}))
    ones = true_faces()
    others = [replace(shifted(face, (120, 0)), person=2) for face in ones]
    figures = study([*ones, *others], truths=(str(truth),), mattes=("none",))
    assert (figures["true faces"], figures["identity switches"]) == (22, 0)
    swapped = [
        replace(face, person=3 - face.person) if face.frame >= 1008 else face
        for face in [*ones, *others]
    ]
    figures = study(swapped, truths=(str(truth),), mattes=("none",))
    assert (figures["recall"], figures["false faces"], figures["identity switches"]) == (100, 0, 2)


def test_a_turned_pose_gives_exactly_its_error(study: Study) -> None:
    def turned(face: TrackedFace) -> TrackedFace:
        pose = face.pose
        return replace(face, pose=Pose(pose.yaw + 2, pose.pitch - 3, pose.roll + 359))

    figures = study([turned(face) for face in true_faces()])
    assert figures["yaw error, mean"] == pytest.approx(2)
    assert figures["pitch error, 95th percentile"] == pytest.approx(3)
    assert figures["roll error, mean"] == pytest.approx(1)


def test_the_worst_of_the_poses_is_told_apart_from_their_95th_percentile(study: Study) -> None:
    one, *others = true_faces()
    off = replace(one, pose=Pose(one.pose.yaw, one.pose.pitch + 8, one.pose.roll))
    figures = study([off, *others])
    assert figures["pitch error, worst"] == pytest.approx(8)
    assert figures["pitch error, 95th percentile"] < 8
    assert figures["yaw error, worst"] == 0


def test_a_head_beyond_the_bound_takes_no_part_in_the_pose(study: Study) -> None:
    faces = [replace(f, pose=Pose(0, 0, 0)) if f.frame == 1007 else f for f in true_faces()]
    assert study(faces)["yaw error, mean"] == 0
    assert study(faces, most_yaw=90.0)["yaw error, mean"] == pytest.approx(64 / 9, abs=0.5)


def test_points_that_jump_to_and_fro_shake_by_four_times_the_jump(study: Study) -> None:
    """A point at +d, -d, +d, ... has a second difference of 4 d."""
    eyes = np.mean([np.linalg.norm(np.subtract(*(f.landmarks[p].mean(axis=0) for p in
                    (slice(36, 42), slice(42, 48))))) for f in true_faces()[:4]])  # fmt: skip
    jumping = [
        replace(f, landmarks=shifted(f, (0, (-1) ** f.frame * 0.5)).landmarks) for f in true_faces()
    ]
    figures = study(jumping, frames="1001-1004")
    assert figures["shake"] == pytest.approx(100 * 4 * 0.5 / eyes, rel=0.05)
    assert figures["jitter, landmarker's"] == pytest.approx(figures["jitter, truth's"], abs=1e-3)
    assert figures["jitter, track's"] != pytest.approx(figures["jitter, truth's"], abs=0.1)


def test_of_the_frames_asked_for_a_shot_is_measured_on_those_that_it_has(study: Study) -> None:
    assert study(true_faces(), frames="1010-1030")["frames"] == 3


def test_without_a_truth_presence_and_jitter_are_left(study: Study) -> None:
    figures = study(true_faces(), truths=("none",), mattes=("none",))
    assert figures["frames with a face found"] == 11
    assert figures["presence, least"] == 0.8
    assert figures["jitter, track's"] > 1
    assert not {"recall", "true faces", "identity switches", "jitter, truth's"} & set(figures)
    assert study.record["truth"] is None


def test_mattes_of_the_landmarks_are_measured_by_occluder(study: Study) -> None:
    figures = study(true_faces(), segmenters=("hull",), frames="1005,1007,1009,1010")
    free = figures["mask IoU hull, nothing before it"]
    hidden = figures["mask IoU hull, hand before it"], figures["mask IoU hull, bar before it"]
    assert 0.6 < free < 0.95
    assert max(hidden) < free - 0.1  # the hull knows of no occluder
    masks = study.record["masks"]
    assert [(one["frame"], one["occluder"]) for one in masks] == [
        (1005, "hand"), (1007, "nothing"), (1009, "bar"), (1010, "nothing"),
    ]  # fmt: skip


def test_table_json_plots_and_sheet_are_written(tmp_path: Path) -> None:
    study = Study(tmp_path)
    result = study.run(track_of(true_faces()), sheet_frames=3, segmenters=("hull",))
    table = Path(result.table).read_text().splitlines()
    assert table[0].split("|")[1:3] == [
        f" {'measure':<{len(table[0].split('|')[1]) - 1}}",
        " mini_B ",
    ]
    assert len(table) == 2 + len(result.rows)
    assert len({len(line) for line in table}) == 1
    assert [Path(plot).stem for plot in result.plots] == [
        "recall", "identity", "presence", "landmarks", "jitter", "pose", "masks",
    ]  # fmt: skip
    for picture in (*result.plots, *result.sheets):
        assert cv2.imread(picture).std() > 5, picture
    told = json.loads(Path(result.json).read_text())
    assert told["definitions"]["recall"].startswith("share of the true faces")
    assert len(told["by_shot"]["mini_B"]["faces"]) == 11


def test_several_shots_stand_beside_each_other(study: Study) -> None:
    file = study.folder / "a.json"
    faces = [true_face(frame, "A") for frame in range(1001, 1013)]
    info = replace(INFO, pattern="A.%04d.exr", last=1024)
    Track(info, tuple(range(1001, 1013)), (PersonTrack(1, tuple(faces)),), {}).save(file)
    a = str(MINI / "A")  # a folder is a plate too
    result = study.run(
        track_of(true_faces()), plates=(B, a), tracks=(str(study.folder / "given.json"), str(file))
    )
    assert list(result.rows[0]) == ["measure", "unit", "mini_B", "mini_A"]
    recall = next(row for row in result.rows if row["measure"] == "recall")
    assert (recall["mini_B"], recall["mini_A"]) == (100, 100)
    covered = next(row for row in result.rows if row["measure"] == "inner points, covered")
    assert covered["mini_A"] is None  # nothing covers A


def test_a_track_without_anybody_has_no_recall(study: Study) -> None:
    figures = study([])
    assert (figures["recall"], figures["people found"]) == (0, 0)
