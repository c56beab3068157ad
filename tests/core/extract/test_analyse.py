"""The verb with its real networks, against rendered shots whose truth is known."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.shots import CALM, known, known_landmarks, plate_of, write_plate

from faceplate.context import Context
from faceplate.errors import (
    BadImage,
    BadSettings,
    Cancelled,
    MissingFrames,
    NotFound,
    UnknownColorSpace,
    UnknownComponent,
    WeightsMissing,
)
from faceplate.extract.analyse import AnalyseJob, AnalyseResult, analyse
from faceplate.extract.view import plate_to_square
from faceplate.io.faceset import Faceset, FacesetInfo
from faceplate.io.trackfile import Track, TrackedFace
from faceplate.progress import Progress, Report

B = str(MINI / "B" / "B.%04d.exr")


def run(plate: str, out: Path, context: Context, **settings) -> tuple[AnalyseResult, Track]:
    settings = {"color_space": "ACEScg", "sheet": False} | settings
    result = analyse(AnalyseJob(plate, str(out), **settings), context)
    return result, Track.load(out)


def error_of(face: TrackedFace, actor: str, name: str = "landmarks") -> float:
    """Mean distance of the inner 51 points, % of the height of the face's box."""
    box = known(actor)[face.frame]["bbox_face"]
    apart = np.linalg.norm(getattr(face, name) - known_landmarks(actor, face.frame), axis=1)
    return float(100 * apart[17:].mean() / (box[3] - box[1]))


def square_of(face: TrackedFace, aspect: float) -> np.ndarray:
    return plate_to_square(face.landmarks, aspect)


def test_every_face_of_the_truth_is_found_and_nothing_else(track_a: Track, track_b: Track) -> None:
    for actor, track in (("A", track_a), ("B", track_b)):
        assert len(track.people) == 1
        full = [frame for frame, entry in known(actor).items() if not entry["empty"]]
        assert track.people[0].frames == full
    assert track_b.empty_frames() == [1011]


def test_landmarks_lie_on_the_truth(track_a: Track, track_b: Track) -> None:
    # The README of the data measured 1.9 / 2.1 / 2.5 for this landmarker at these yaws; the hand of
    # B 1005 hides half of what it looks at.
    faces = [("A", face) for face in track_a.people[0].faces]
    faces += [("B", face) for face in track_b.people[0].faces if face.frame != 1005]
    for least, most, bound in ((0, 20, 2.1), (20, 40, 2.2), (40, 55, 2.6)):
        errors = [
            error_of(face, actor)
            for actor, face in faces
            if least <= abs(known(actor)[face.frame]["yaw"]) < most
        ]
        assert np.mean(errors) < bound


def test_smoothing_makes_no_error_larger_in_the_mean(track_a: Track, track_b: Track) -> None:
    for actor, track in (("A", track_a), ("B", track_b)):
        faces = track.people[0].faces
        smooth = np.mean([error_of(face, actor) for face in faces])
        raw = np.mean([error_of(face, actor, "raw_landmarks") for face in faces])
        assert smooth <= raw
        assert smooth < 2.5


def test_pose_follows_the_truth(track_a: Track, track_b: Track) -> None:
    for actor, track in (("A", track_a), ("B", track_b)):
        angles = {"yaw": 6.0, "pitch": 6.0, "roll": 2.0}
        for angle, bound in angles.items():
            errors = [
                abs(getattr(face.pose, angle) - known(actor)[face.frame][angle])
                for face in track.people[0].faces
                if abs(known(actor)[face.frame]["yaw"]) < 45
            ]
            assert np.mean(errors) < bound


def test_figures_of_a_face_are_what_they_say(track_b: Track) -> None:
    for face in track_b.people[0].faces:
        assert face.confidence > 0.9
        assert face.presence > 0.9
        assert face.color is not None
        assert all(0.2 < value < 0.8 for value in face.color.mean)  # skin in ACEScct
        x0, y0, x1, y1 = face.box
        inside = (face.landmarks >= [x0 - 1, y0 - 1]) & (face.landmarks <= [x1 + 1, y1 + 1])
        assert inside.all()
        assert face.iris is not None
        assert face.iris.shape == (10, 2)
    assert {face.source for face in track_b.people[0].faces} == {"detected", "tracked"}


def test_the_track_says_what_it_was_made_from(track_b: Track) -> None:
    plate = track_b.plate
    assert (plate.width, plate.height, plate.first, plate.last) == (384, 216, 1001, 1012)
    assert (plate.fps, plate.pixel_aspect, plate.color_space) == (24.0, 1.0, "ACEScg")
    assert track_b.settings["every"] == 12
    assert track_b.settings["detector"] == "retinaface"


def test_the_same_shot_gives_the_same_bytes(
    context: Context, track_path_b: Path, tmp_path: Path
) -> None:
    run(B, tmp_path / "again.json", context, frames="1001-1012")
    assert (tmp_path / "again.json").read_bytes() == track_path_b.read_bytes()


@pytest.mark.parametrize("front", ["A", "B"])
def test_two_people_who_cross_keep_their_numbers(
    context: Context, tmp_path: Path, front: str
) -> None:
    back = "B" if front == "A" else "A"
    ways = [(90 + 40 * i, 550 - 40 * i) for i in range(12)]
    pictures = []
    for i, (x_front, x_back) in enumerate(ways):
        heads = [(back, CALM[back][i // 2 % 7], x_back), (front, CALM[front][i // 2], x_front)]
        pictures.append(plate_of(640, heads))
    _, track = run(write_plate(tmp_path, pictures), tmp_path / "t.json", context)
    assert [person.person for person in track.people] == [1, 2]
    for person in track.people:
        middles = {face.frame - 1001: (face.box[0] + face.box[2]) / 2 for face in person.faces}
        walks = [max(abs(x - ways[i][side]) for i, x in middles.items()) for side in (0, 1)]
        assert min(walks) < 45  # on one of the two ways, all the time
        assert len(middles) >= 10


def test_a_face_that_leaves_and_returns_gets_its_number_back(
    context: Context, tmp_path: Path
) -> None:
    xs: list[float | None] = [120, 60, 0, None, None, None, None, 500, 420, 340]
    pictures = [
        plate_of(480, [("A", CALM["A"][i % 8], x)] if x is not None else [])
        for i, x in enumerate(xs)
    ]
    result, track = run(write_plate(tmp_path, pictures), tmp_path / "t.json", context)
    assert len(track.people) == 1
    assert {1001, 1002, 1009, 1010} <= set(track.people[0].frames)
    assert {1004, 1005, 1006, 1007} <= set(track.empty_frames())
    assert result.empty_frames.startswith(("1003", "1004"))


def test_a_plate_without_faces_gives_a_track_that_says_so(
    context: Context, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(0).random((216, 384, 3), np.float32)
    plate = write_plate(tmp_path, [noise, plate_of(384, [])])
    result, track = run(plate, tmp_path / "t.json", context)
    assert (result.frames, result.frames_with_face, result.people) == (2, 0, 0)
    assert result.empty_frames == "1001-1002"
    assert track.empty_frames() == [1001, 1002]
    assert "no face in any of 2 frames" in caplog.text


def test_nan_and_infinite_pixels_do_not_hide_a_face(context: Context, tmp_path: Path) -> None:
    clean = plate_of(384, [("A", 1004, 190)])
    bad = clean.copy()
    bad[100:103, 180:200] = np.nan
    bad[60, 150:160], bad[150, 160:170] = np.inf, -np.inf
    _, track = run(
        write_plate(tmp_path, [clean, bad]), tmp_path / "t.json", context, smooth_window=1
    )
    first, second = track.people[0].faces
    apart = np.linalg.norm(first.landmarks - second.landmarks, axis=1)
    assert apart.mean() < 3
    assert all(np.isfinite(second.color.mean))


def test_a_squeezed_plate_gives_the_points_of_the_unsqueezed_one(
    context: Context, tmp_path: Path
) -> None:
    full = plate_of(384, [("A", 1004, 190)])
    squeezed = cv2.resize(full, (192, 216), interpolation=cv2.INTER_AREA)
    (tmp_path / "s").mkdir()
    _, one = run(write_plate(tmp_path, [full]), tmp_path / "1.json", context)
    _, two = run(write_plate(tmp_path / "s", [squeezed], 2.0), tmp_path / "2.json", context)
    points = square_of(two.people[0].faces[0], 2.0)
    assert np.abs(points - one.people[0].faces[0].landmarks).max() < 2.5
    pose, same = two.people[0].faces[0].pose, one.people[0].faces[0].pose
    assert abs(pose.yaw - same.yaw) < 3
    assert two.plate.pixel_aspect == 2


def test_corrected_faces_are_kept_when_the_shot_is_analysed_again(
    context: Context, track_path_b: Path, track_b: Track, tmp_path: Path
) -> None:
    person = track_b.people[0]
    moved = person.faces[4].corrected(person.faces[4].landmarks + np.float32(6.125))
    faces = tuple(moved if face.frame == moved.frame else face for face in person.faces)
    changed = replace(track_b, people=(replace(person, faces=faces, person=3, name="Ben"),))
    out = tmp_path / "t.json"
    changed.save(out)
    result, track = run(B, out, context)
    kept = track.people[0].at(moved.frame)
    assert (result.corrected, track.people[0].person, track.people[0].name) == (1, 3, "Ben")
    assert (kept.source, kept.box) == ("corrected", tuple(np.round(moved.box, 3)))
    assert np.abs(kept.landmarks - moved.landmarks).max() < 1e-3
    assert len(track.people[0].faces) == 11
    before = out.read_bytes()
    run(B, out, context)
    assert out.read_bytes() == before


def test_a_box_that_an_artist_drew_gets_its_points(context: Context, tmp_path: Path) -> None:
    # The face is too large for min_face to allow, so only the drawn box leads to it.
    plate = write_plate(tmp_path, [plate_of(384, [("A", 1004, 190)])])
    out = tmp_path / "t.json"
    _, track = run(plate, out, context, min_face=0.9)
    assert track.people == ()
    values = json.loads(out.read_text())
    drawn = {"frame": 1001, "source": "corrected", "box": [140, 40, 240, 170]}
    values["people"] = [{"person": 2, "faces": [drawn]}]
    out.write_text(json.dumps(values))
    _, track = run(plate, out, context, min_face=0.9)
    face = track.people[0].faces[0]
    assert (face.person, face.source, face.box) == (2, "corrected", (140, 40, 240, 170))
    shift = 190 - np.mean(np.array(known("A")[1004]["bbox_face"])[[0, 2]])
    truth = known_landmarks("A", 1004) + np.array([shift, 0])
    assert np.linalg.norm(face.landmarks - truth, axis=1)[17:].mean() < 4


def test_corrections_of_another_plate_or_of_frames_left_out_are_never_overwritten(
    context: Context, track_b: Track, tmp_path: Path
) -> None:
    person = track_b.people[0]
    corrected = person.faces[4].corrected(person.faces[4].landmarks)
    track = replace(track_b, people=(replace(person, faces=(corrected,)),))
    track.save(tmp_path / "t.json")
    before = (tmp_path / "t.json").read_bytes()
    with pytest.raises(BadSettings, match="such as 1005"):
        run(B, tmp_path / "t.json", context, frames="1001-1003")
    other = str(MINI / "A" / "A.%04d.exr")
    with pytest.raises(BadSettings, match="another file"):
        run(other, tmp_path / "t.json", context)
    assert (tmp_path / "t.json").read_bytes() == before


def test_a_file_that_is_no_track_is_not_overwritten(context: Context, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(BadSettings, match="not a track file"):
        run(B, tmp_path / "notes.json", context)
    assert (tmp_path / "notes.json").read_text() == "{}"


def plate_with_a_hole(folder: Path, missing: int = 1002) -> str:
    pictures = [plate_of(384, [("A", 1004, 150 + 10 * i)]) for i in range(3)]
    plate = write_plate(folder, pictures)
    (folder / f"p.{missing}.exr").unlink()
    return plate


def test_missing_frames_are_an_error_by_default(context: Context, tmp_path: Path) -> None:
    with pytest.raises(MissingFrames, match="1002"):
        run(plate_with_a_hole(tmp_path), tmp_path / "t.json", context)
    assert not (tmp_path / "t.json").exists()


@pytest.mark.parametrize(
    ("missing", "frames", "empty"),
    [("skip", (1001, 1003), []), ("black", (1001, 1002, 1003), [1002]),
     ("hold", (1001, 1002, 1003), [])],
)  # fmt: skip
def test_missing_frames_follow_the_policy(
    context: Context, tmp_path: Path, missing: str, frames: tuple[int, ...], empty: list[int]
) -> None:
    plate = plate_with_a_hole(tmp_path)
    _, track = run(plate, tmp_path / "t.json", context, missing=missing)
    assert (track.frames, track.empty_frames()) == (frames, empty)
    assert len(track.people) == 1


def test_a_truncated_frame_in_the_middle_is_named(context: Context, tmp_path: Path) -> None:
    pictures = [plate_of(384, [("A", 1004, 190)])] * 3
    plate = write_plate(tmp_path, pictures)
    broken = tmp_path / "p.1002.exr"
    broken.write_bytes(broken.read_bytes()[:3000])
    with pytest.raises(BadImage, match=r"p\.1002\.exr"):
        run(plate, tmp_path / "t.json", context)
    assert not (tmp_path / "t.json").exists()


def test_max_people_keeps_those_with_most_face(context: Context, tmp_path: Path) -> None:
    both = plate_of(640, [("A", 1004, 150), ("B", 1001, 480)])
    plate = write_plate(tmp_path, [both, both, plate_of(640, [("B", 1001, 480)])])
    _, track = run(plate, tmp_path / "t.json", context, max_people=1)
    assert len(track.people) == 1
    assert track.people[0].faces[0].box[0] > 320
    assert len(track.people[0].faces) == 3


def test_progress_names_every_frame_and_cancelling_leaves_no_track(
    context: Context, tmp_path: Path
) -> None:
    reports: list[Report] = []
    asked = Progress(reports.append, lambda: len(reports) >= 3)
    with pytest.raises(Cancelled):
        run(B, tmp_path / "t.json", replace(context, progress=asked))
    assert [report.frame for report in reports] == [1001, 1002, 1003]
    assert (reports[0].title, reports[0].total) == ("analyse", 12)
    assert [path.name for path in tmp_path.iterdir()] == [".t.json.journal"]


def test_overlay_sheets_are_written_beside_the_track(context: Context, tmp_path: Path) -> None:
    result, _ = run(B, tmp_path / "t.json", context, sheet=True, frames="1001,1011")
    assert result.sheets == (str(tmp_path / "t.overlay.png"),)
    picture = cv2.imread(result.sheets[0])
    assert picture.shape[1] > 700
    green = (picture[..., 1].astype(int) - picture.max(axis=-1) == 0) & (picture[..., 1] > 200)
    left, right = np.array_split(green & (picture[..., 0] < 160), 2, axis=1)
    assert left.sum() > 200  # box and points of 1001
    assert right.sum() < left.sum() / 10  # 1011 is empty


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"every": 0}, BadSettings),
        ({"smooth_window": 4}, BadSettings),
        ({"smooth_method": "median"}, BadSettings),
        ({"reach": -1}, BadSettings),
        ({"cuts": "1001"}, BadSettings),
        ({"cuts": "sometimes"}, BadSettings),
        ({"at": ("here",)}, BadSettings),
        ({"at": ("900:10,10",)}, BadSettings),
        ({"reference": ("nobody.png",)}, NotFound),
        ({"embedder": "facenet"}, UnknownComponent),
        ({"detector": "retinafce"}, UnknownComponent),
        ({"landmarker": "none"}, UnknownComponent),
        ({"color_space": "ACEScgg"}, UnknownColorSpace),
        ({"ocio_sha256": "0" * 64}, BadSettings),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    context: Context, tmp_path: Path, settings: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(B, tmp_path / "t.json", context, **settings)


def test_weights_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="faceplate models fetch"):
        run(B, tmp_path / "t.json", Context(tmp_path))


def test_a_faceset_is_no_track(context: Context, tmp_path: Path) -> None:
    Faceset.create(tmp_path / "a.faceset", FacesetInfo("A")).close()
    with pytest.raises(BadSettings, match="JSON"):
        run(B, tmp_path / "a.faceset", context)
