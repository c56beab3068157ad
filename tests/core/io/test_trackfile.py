import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import BadSettings, BadShape, NotFound
from faceplate.io.trackfile import FaceColor, PersonTrack, PlateInfo, Pose, Track, TrackedFace

PLATE = PlateInfo("b.%04d.exr", 1920, 1080, 1001, 1005, 24.0, 1.0, "ACEScg", "studio", "ab12")


def a_face(frame: int = 1001, person: int = 1, **changes: object) -> TrackedFace:
    points = np.random.default_rng(frame).uniform(0, 1000, (68, 2)).astype(np.float32)
    face = TrackedFace(
        person=person,
        frame=frame,
        box=(10.0, 20.5, 110.25, 140.125),
        landmarks=points,
        raw_landmarks=points + np.float32(0.25),
        pose=Pose(3.5, -2.25, 0.125),
        confidence=0.987,
        presence=0.9999,
        source="tracked",
        iris=points[:10],
        color=FaceColor((0.4, 0.3, 0.2), (0.05, 0.04, 0.03)),
    )
    return replace(face, **changes)


def a_track(*faces: TrackedFace) -> Track:
    chosen = faces or (a_face(1001), a_face(1003))
    return Track(PLATE, (1001, 1002, 1003, 1005), (PersonTrack(1, chosen, "Amy"),), {"every": 8})


def test_a_track_comes_back_from_its_file(tmp_path: Path) -> None:
    track = a_track()
    track.save(tmp_path / "t.json")
    read = Track.load(tmp_path / "t.json")
    assert (read.plate, read.frames, dict(read.settings)) == (PLATE, track.frames, {"every": 8})
    got, face = read.people[0].faces[1], track.people[0].faces[1]
    assert (got.pose, got.color, got.box, got.source) == (
        face.pose,
        face.color,
        face.box,
        "tracked",
    )
    assert (got.confidence, got.presence, read.people[0].name) == (0.987, 0.9999, "Amy")
    for name in ("landmarks", "raw_landmarks", "iris"):
        assert np.abs(getattr(got, name) - getattr(face, name)).max() <= 0.00051


def test_what_was_measured_comes_back_by_model_and_are_left_out_where_there_are_none(
    tmp_path: Path,
) -> None:
    colors = {"ab" * 32: {"mean": (0.4123456, -0.1, 1.5), "weight": (812.25,)}}
    mattes = {"ab" * 32: {"likeness": "iVBO", "performer": "Rw0K"}}
    measured = a_face(1001, swap_colors=colors, swap_mattes=mattes)
    a_track(measured, a_face(1003)).save(tmp_path / "t.json")
    first, second = Track.load(tmp_path / "t.json").people[0].faces
    assert first.swap_colors == colors
    assert first.swap_mattes == mattes
    assert second.swap_colors == {}
    assert (tmp_path / "t.json").read_text().count("swap_colors") == 1


def test_the_same_track_gives_the_same_bytes_also_after_a_round_trip(tmp_path: Path) -> None:
    a_track().save(tmp_path / "a.json")
    Track.load(tmp_path / "a.json").save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert list(tmp_path.glob("*.part")) == []


def test_a_point_list_is_one_line_so_that_one_changed_point_changes_one_line() -> None:
    face = a_face(1001)
    moved = face.landmarks.copy()
    moved[30, 0] += 1
    before = a_track(face).text().splitlines()
    after = a_track(replace(face, landmarks=moved)).text().splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_frames_without_a_face_are_told_from_frames_not_analysed() -> None:
    track = a_track()
    assert track.empty_frames() == [1002, 1005]
    assert [face.frame for face in track.faces_at(1003)] == [1003]
    assert track.faces_at(1002) == track.faces_at(1004) == []


def test_a_track_without_people_can_be_saved(tmp_path: Path) -> None:
    Track(PLATE, (1001, 1002)).save(tmp_path / "t.json")
    read = Track.load(tmp_path / "t.json")
    assert read.people == ()
    assert read.empty_frames() == [1001, 1002]
    assert read.person(0) is None


def test_person_0_is_the_one_with_most_face() -> None:
    small = PersonTrack(1, (a_face(1001, box=(0.0, 0.0, 10.0, 10.0)), a_face(1002)))
    large = PersonTrack(2, (a_face(1001, 2, box=(0.0, 0.0, 400.0, 400.0)),))
    track = Track(PLATE, (1001, 1002), (small, large))
    assert track.person(0) is large
    assert track.person(1) is small
    assert track.person(7) is None


def test_a_correction_is_marked_and_survives_the_file(tmp_path: Path) -> None:
    found = a_face(1001)
    face = found.corrected(np.full((68, 2), 5, np.float32), (1.0, 2.0, 3.0, 4.0))
    a_track(face).save(tmp_path / "t.json")
    read = Track.load(tmp_path / "t.json").people[0].faces[0]
    assert (read.source, read.box) == ("corrected", (1.0, 2.0, 3.0, 4.0))
    assert (read.landmarks == 5).all()
    assert np.abs(read.raw_landmarks - found.raw_landmarks).max() < 1e-3


def test_an_artist_may_draw_a_box_without_points(tmp_path: Path) -> None:
    a_track().save(tmp_path / "t.json")
    values = json.loads((tmp_path / "t.json").read_text())
    drawn = {"frame": 1005, "source": "corrected", "box": [1, 2, 30, 40]}
    values["people"][0]["faces"].append(drawn)
    (tmp_path / "t.json").write_text(json.dumps(values))
    track = Track.load(tmp_path / "t.json")
    assert dict(track.people[0].boxes) == {1005: (1.0, 2.0, 30.0, 40.0)}
    assert track.faces_at(1005) == []
    track.save(tmp_path / "again.json")
    assert dict(Track.load(tmp_path / "again.json").people[0].boxes) == {1005: (1, 2, 30, 40)}


def face_of(values: dict) -> dict:
    return values["people"][0]["faces"][0]


# What is broken, and what the message must say.
MISTAKES = {
    "version": (lambda v: v.update(version=2), "version 2"),
    "format": (lambda v: v.update(format="x"), "not a track file"),
    "unknown key": (lambda v: v.update(peple=[]), "did you mean 'people'"),
    "missing key": (lambda v: v.pop("settings"), "'settings' is missing"),
    "plate": (lambda v: v["plate"].update(width="wide"), "plate: width"),
    "plate key": (lambda v: v["plate"].update(widht=3), "did you mean 'width'"),
    "frames": (lambda v: v.update(frames=[[5, 1]]), "frames"),
    "endless frames": (lambda v: v.update(frames=[[0, 10**12]]), "frames"),
    "face key": (lambda v: face_of(v).update(landmark=[]), r"person 1, frame 1001: unknown"),
    "67 points": (lambda v: face_of(v)["landmarks"].pop(), "landmarks: expected 68 x 2 .*67 x 2"),
    "a point of one number": (lambda v: face_of(v)["landmarks"][3].pop(), "landmarks: expected 68"),
    "NaN": (
        lambda v: face_of(v)["landmarks"][3].__setitem__(1, float("nan")),
        r"line \d+: person 1, frame 1001: landmarks\[3\]\[1\]: .*finite.* nan",
    ),
    "text for a point": (lambda v: face_of(v)["landmarks"].__setitem__(3, "x"), "landmarks"),
    "infinite box": (lambda v: face_of(v)["box"].__setitem__(0, float("inf")), "box"),
    "box inside out": (lambda v: face_of(v).update(box=[9, 9, 1, 1]), "x0 < x1"),
    "confidence": (lambda v: face_of(v).update(confidence=1.5), "confidence: expected 0 to 1"),
    "source": (lambda v: face_of(v).update(source="guessed"), "none of detected, tracked"),
    "pose": (lambda v: face_of(v)["pose"].pop("yaw"), "pose: 'yaw' is missing"),
    "frame": (lambda v: face_of(v).update(frame=1001.5), "whole number"),
    "outside": (lambda v: face_of(v).update(frame=1004), "not among the track's frames"),
    "outside the plate": (lambda v: v.update(frames=[[1001, 1009]]), "1006.* 1001 to 1005"),
    "cut": (lambda v: v.update(cuts=[1001]), "cuts: 1001 begins no shot"),
    "cut elsewhere": (lambda v: v.update(cuts=[1004]), "cuts: 1004 begins no shot"),
    "twice": (lambda v: face_of(v).update(frame=1003), "two faces of one person in frame 1003"),
    "person 0": (lambda v: v["people"][0].update(person=0), "numbered from 1"),
    "person twice": (lambda v: v["people"].append(v["people"][0]), "two people have one number"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_file_is_told_with_its_place(mistake: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    a_track().save(path)
    values = json.loads(path.read_text())
    change, said = MISTAKES[mistake]
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(BadSettings, match=said) as caught:
        Track.load(path)
    assert str(path) in str(caught.value)


def test_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    a_track().save(path)
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if '"frame": 1003' in line)
    box = next(i for i in range(at, len(lines)) if '"box"' in lines[i])
    lines[box] = lines[box].replace("20.5", "NaN")
    path.write_text("\n".join(lines))
    # the line on which the face's entry begins, one above its frame
    with pytest.raises(BadSettings, match=rf"t\.json, line {at}: person 1, frame 1003: box\[1\]"):
        Track.load(path)


def test_cuts_part_the_frames_into_shots(tmp_path: Path) -> None:
    replace(a_track(), cuts=(1003, 1005)).save(tmp_path / "t.json")
    track = Track.load(tmp_path / "t.json")
    assert track.cuts == (1003, 1005)
    assert [track.shot_of(frame) for frame in (1001, 1002, 1003, 1004, 1005)] == [0, 0, 1, 1, 2]


def test_a_track_of_before_there_were_cuts_has_none(tmp_path: Path) -> None:
    a_track().save(tmp_path / "t.json")
    values = json.loads((tmp_path / "t.json").read_text())
    del values["cuts"], values["plate"]["origin"]
    (tmp_path / "t.json").write_text(json.dumps(values))
    track = Track.load(tmp_path / "t.json")
    assert (track.cuts, track.plate.origin) == ((), (0, 0))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": "faceplate-track"'])
def test_a_file_that_is_no_json_object_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(BadSettings, match=r"t\.json"):
        Track.load(tmp_path / "t.json")


def test_a_track_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="faceplate analyse"):
        Track.load(tmp_path / "none.json")


def test_numbers_that_are_not_finite_are_never_written(tmp_path: Path) -> None:
    points = np.full((68, 2), np.nan, np.float32)
    with pytest.raises(BadSettings, match="nan"):
        a_track(a_face(landmarks=points)).save(tmp_path / "t.json")
    assert list(tmp_path.iterdir()) == []


def test_a_face_needs_68_points() -> None:
    with pytest.raises(BadShape, match="68 x 2"):
        a_face(landmarks=np.zeros((5, 2), np.float32))
