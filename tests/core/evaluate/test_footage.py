import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.context import Context
from faceplate.errors import NotFound
from faceplate.evaluate.footage import FootageJob, FootageResult, footage
from faceplate.io.trackfile import PersonTrack, PlateInfo, Pose, Track, TrackedFace

FACE = known_landmarks("A", 1004)
EYES = float(np.linalg.norm(FACE[36:42].mean(axis=0) - FACE[42:48].mean(axis=0)))


def a_face(frame: int, points: np.ndarray, raw: np.ndarray | None = None) -> TrackedFace:
    box = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
    raw = points if raw is None else raw
    return TrackedFace(1, frame, box, points, raw, Pose(1, 2, 3), 0.9, 0.95, "tracked")


def measured(tmp_path: Path, faces: list[TrackedFace], frames: int = 0, **job) -> FootageResult:
    last = max([face.frame for face in faces], default=0)
    numbers = tuple(range(1, max(frames, last) + 1))
    people = (PersonTrack(1, tuple(faces)),) if faces else ()
    info = PlateInfo("p.%04d.exr", 384, 216, 1, numbers[-1])
    Track(info, numbers, people).save(tmp_path / "t.json")
    return footage(FootageJob(str(tmp_path / "t.json"), **job), Context(tmp_path))


def test_a_face_that_moves_evenly_has_no_jitter(tmp_path: Path) -> None:
    faces = [a_face(i, FACE + np.array([3.0 * i, i])) for i in range(1, 9)]
    person = measured(tmp_path, faces).people[0]
    assert person.jitter_raw < 0.02
    assert person.jitter < 0.02
    assert (person.faces, person.first, person.last, person.gaps, person.jumps) == (8, 1, 8, "", "")


def test_shaking_to_and_fro_by_1_percent_of_the_eye_distance_is_jitter_of_4(
    tmp_path: Path,
) -> None:
    # p = +a, -a, +a: the second difference is 4 a.
    step = np.array([EYES / 100, 0])
    faces = [a_face(i, FACE, FACE + (-1) ** i * step) for i in range(1, 9)]
    person = measured(tmp_path, faces).people[0]
    assert person.jitter_raw == pytest.approx(4, rel=0.1)  # the template's eyes are not this face's
    assert person.jitter_place_raw == pytest.approx(4, rel=0.1)
    assert person.jitter_shape_raw < 0.05
    assert person.jitter == person.jitter_place == pytest.approx(0, abs=0.01)
    assert person.smoothing == pytest.approx(1, rel=0.1)


def test_a_mouth_that_trembles_is_jitter_of_the_shape(tmp_path: Path) -> None:
    def trembling(i: int) -> np.ndarray:
        points = FACE.copy()
        points[49:54, 1] += (-1) ** i * EYES / 50  # not among the points that align
        points[55:, 1] += (-1) ** i * EYES / 50
        return points

    person = measured(tmp_path, [a_face(i, trembling(i)) for i in range(1, 9)]).people[0]
    assert person.jitter_place < 0.01
    assert person.jitter_95 > 1


def test_gaps_jumps_and_empty_frames_are_told(tmp_path: Path) -> None:
    xs = {2: 0, 3: 2, 6: 4, 7: 200, 8: 202}
    faces = [a_face(i, FACE + np.array([float(x), 0])) for i, x in xs.items()]
    result = measured(tmp_path, faces, frames=10)
    assert (result.frames, result.frames_with_face) == (10, 5)
    assert result.empty_frames == "1,4-5,9-10"
    assert (result.people[0].gaps, result.people[0].jumps) == ("4-5", "7")


def test_a_gap_is_no_jitter(tmp_path: Path) -> None:
    points = {1: 0, 2: 1, 3: 2, 7: 60, 8: 61, 9: 62}
    faces = [a_face(i, FACE + np.array([float(x), 0])) for i, x in points.items()]
    assert measured(tmp_path, faces).people[0].jitter_95 < 0.02


def test_a_track_without_faces_has_no_people(tmp_path: Path) -> None:
    result = measured(tmp_path, [], frames=3, out=str(tmp_path / "out"))
    assert (result.people, result.frames_with_face, result.empty_frames) == ((), 0, "1-3")
    assert cv2.imread(result.plot) is not None


def test_one_face_alone_has_no_jitter_to_measure(tmp_path: Path) -> None:
    person = measured(tmp_path, [a_face(1, FACE)]).people[0]
    assert np.isnan(person.jitter)
    assert person.smoothing == 0


def test_table_and_plot_are_written(tmp_path: Path) -> None:
    faces = [a_face(i, FACE) for i in range(1, 5)]
    result = measured(tmp_path, faces, out=str(tmp_path / "out"))
    table = json.loads(Path(result.table).read_text())
    assert [row["frame"] for row in table["frames"]] == [1, 2, 3, 4]
    assert table["frames"][0]["jitter"] is None
    assert table["frames"][1]["jitter"] == pytest.approx(0, abs=0.01)
    assert table["people"][0]["faces"] == 4
    assert cv2.imread(result.plot).shape == (700, 1100, 3)


def test_a_track_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        footage(FootageJob(str(tmp_path / "none.json")), Context(tmp_path))
