from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.paths import MINI
from tests.support.shots import known_landmarks, plate_of, write_plate

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, Damaged, MissingFrames, NotFound
from faceplate.extract.faces import ExtractJob, ExtractResult, extract
from faceplate.geometry.facetype import FaceType
from faceplate.geometry.points import invert, transform
from faceplate.io.faceset import Faceset
from faceplate.io.image import read_frame, write_frame
from faceplate.io.trackfile import PersonTrack, PlateInfo, Pose, Track, TrackedFace
from faceplate.progress import Progress

B = str(MINI / "B" / "B.%04d.exr")


def job_of(track: Track | Path, folder: Path, **changes: object) -> ExtractJob:
    path = track if isinstance(track, Path) else folder / "t.json"
    if isinstance(track, Track):
        track.save(path)
    job = ExtractJob(B, str(path), str(folder / "ben.faceset"), "Ben", size=96, sheet=False)
    return replace(job, **changes)


def run(job: ExtractJob, context: Context | None = None) -> ExtractResult:
    return extract(job, context or Context(Path("unused")))


def test_every_face_of_the_track_comes_into_the_faceset(track_b: Track, tmp_path: Path) -> None:
    result = run(job_of(track_b, tmp_path, consent_id="c-7"))
    assert (result.faces, result.added, result.unchanged, result.left_out) == (11, 11, 0, 0)
    with Faceset.open(Path(result.faceset), readonly=True) as faceset:
        assert len(faceset) == 11
        info = faceset.info
        assert (info.name, info.size, info.encoding, info.face_type) == (
            "Ben", 96, "acescct", "full_face",
        )  # fmt: skip
        assert (info.consent_id, info.ocio_hash) == ("c-7", track_b.plate.ocio_hash)
        frames = [faceset.read(id).frame for id in faceset.ids()]
        assert frames == track_b.people[0].frames
        assert faceset.content_hash() == result.content_hash


def test_a_crop_shows_the_plates_own_colours_at_the_plates_own_places(
    track_b: Track, tmp_path: Path
) -> None:
    run(job_of(track_b, tmp_path, frames="1001"))
    with Faceset.open(tmp_path / "ben.faceset") as faceset:
        face = faceset.read(faceset.ids()[0])
    encodings = Encodings(load_config(), track_b.plate.color_space)
    working = encodings.to_working(read_frame(MINI / "B" / "B.1001.exr").rgb())
    tracked = track_b.people[0].at(1001)
    assert (
        np.abs(transform(face.landmarks, invert(face.plate_to_crop)) - tracked.landmarks).max()
        < 0.01
    )
    for x, y in ((30, 40), (48, 60), (60, 30)):
        px, py = transform([[x, y]], invert(face.plate_to_crop))[0]
        expected = cv2.getRectSubPix(working, (1, 1), (float(px), float(py)))[0, 0]
        assert np.abs(face.image[y, x] - expected).max() < 0.03
    assert face.mask[50, 48] == 1
    assert face.mask[:3].max() == 0
    assert (face.pose, face.person) == (tracked.pose, 1)
    assert face.sharpness > 0


VISIBLE = str(MINI / "B_masks" / "visible" / "visible.%04d.png")


def test_mattes_take_the_place_of_the_hull_and_leave_a_hand_out(
    track_b: Track, tmp_path: Path
) -> None:
    run(job_of(track_b, tmp_path, frames="1005"))
    with Faceset.open(tmp_path / "ben.faceset") as faceset:
        hull = faceset.read(faceset.ids()[0])
    result = run(job_of(track_b, tmp_path, frames="1005", mattes=VISIBLE))
    with Faceset.open(tmp_path / "ben.faceset") as faceset:
        seen = faceset.read(faceset.ids()[0])

    assert result.added == 1, "other mattes make another face"
    assert np.array_equal(seen.image, hull.image)
    assert (hull.mask[80, 48], seen.mask[80, 48]) == (1, 0), "the hand before the chin"
    assert (hull.mask[6, 48], seen.mask[6, 48]) == (0, 1), "the forehead"
    drawn = cv2.imread(str(MINI / "B_masks" / "visible" / "visible.1005.png"), cv2.IMREAD_GRAYSCALE)
    for x, y in ((48, 20), (20, 48), (48, 60), (70, 40)):
        px, py = transform([[x, y]], invert(seen.plate_to_crop))[0]
        expected = cv2.getRectSubPix(drawn, (1, 1), (float(px), float(py)))[0, 0] / 255
        assert abs(seen.mask[y, x] - expected) < 0.1


def test_mattes_of_another_size_are_refused(track_b: Track, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "m.1001.png"), np.full((108, 192), 255, np.uint8))
    with pytest.raises(BadSettings, match=r"192.*render them at the plate's size"):
        run(job_of(track_b, tmp_path, frames="1001", mattes=str(tmp_path / "m.%04d.png")))


def test_a_missing_matte_is_an_error_and_not_a_whole_face(track_b: Track, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "m.1001.png"), np.full((216, 384), 255, np.uint8))
    with pytest.raises(MissingFrames, match="1002"):
        run(job_of(track_b, tmp_path, frames="1001-1002", mattes=str(tmp_path / "m.%04d.png")))


def test_a_second_run_does_nothing(track_b: Track, tmp_path: Path) -> None:
    first = run(job_of(track_b, tmp_path))
    again = run(job_of(track_b, tmp_path))
    assert (again.added, again.unchanged, again.faces) == (0, 11, 11)
    assert again.content_hash == first.content_hash


def test_a_run_that_was_stopped_goes_on_where_it_was(track_b: Track, tmp_path: Path) -> None:
    seen: list[object] = []
    stopping = Progress(seen.append, lambda: len(seen) >= 4)
    with pytest.raises(Cancelled):
        run(job_of(track_b, tmp_path), Context(tmp_path, progress=stopping))
    result = run(job_of(track_b, tmp_path))
    assert (result.added, result.unchanged) == (7, 4)


def test_only_what_changed_in_the_track_is_made_again(track_b: Track, tmp_path: Path) -> None:
    run(job_of(track_b, tmp_path))
    person = track_b.people[0]
    corrected = person.faces[2].corrected(person.faces[2].landmarks + np.float32(2))
    faces = (*person.faces[:2], corrected, *person.faces[3:-1])  # and one face is gone
    changed = replace(track_b, people=(replace(person, faces=faces),))
    result = run(job_of(changed, tmp_path))
    assert (result.added, result.unchanged, result.removed, result.faces) == (1, 9, 1, 10)


def test_faces_culled_by_an_artist_stay_culled(track_b: Track, tmp_path: Path) -> None:
    run(job_of(track_b, tmp_path))
    with Faceset.open(tmp_path / "ben.faceset") as faceset:
        faceset.set_keep(faceset.ids()[:2], False)
    assert run(job_of(track_b, tmp_path)).faces == 9


def test_frames_of_the_plate_that_changed_are_made_again(tmp_path: Path) -> None:
    picture = plate_of(384, [("A", 1004, 190)])
    plate = write_plate(tmp_path, [picture, picture])
    track = made_up_track(plate, (1001, 1002))
    job = job_of(track, tmp_path, plate=plate)
    run(job)
    frame = read_frame(tmp_path / "p.1002.exr")
    write_frame(replace(frame, pixels=frame.pixels * np.float32(0.5)), tmp_path / "p.1002.exr")
    result = run(job)
    assert (result.added, result.unchanged) == (1, 1)


def made_up_track(
    plate: str, frames: tuple[int, ...], shift: float = 0.0, confidence: float = 0.9
) -> Track:
    points = known_landmarks("A", 1004).astype(np.float32)
    points[:, 0] += 190 - points[:, 0].mean() + shift
    box = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
    faces = tuple(
        TrackedFace(1, frame, box, points, points, Pose(0, 0, 0), confidence, 0.9, "tracked")
        for frame in frames
    )
    info = PlateInfo(plate, 384, 216, frames[0], frames[-1], color_space="ACEScg")
    return Track(info, frames, (PersonTrack(1, faces),))


def test_what_lies_outside_the_frame_is_no_part_of_the_mask(tmp_path: Path) -> None:
    plate = write_plate(tmp_path, [plate_of(384, [("A", 1004, 190)])])
    run(job_of(made_up_track(plate, (1001,), shift=-190), tmp_path, plate=plate))
    with Faceset.open(tmp_path / "ben.faceset") as faceset:
        face = faceset.read(faceset.ids()[0])
    edge = transform([[-0.5, 100.0]], face.plate_to_crop)[0, 0]
    assert 20 < edge < 80
    assert face.mask[:, : int(edge) - 1].max() == 0
    assert face.mask[:, int(edge) + 2 :].max() == 1


def test_a_face_far_outside_the_frame_is_left_out(tmp_path: Path) -> None:
    plate = write_plate(tmp_path, [plate_of(384, [])])
    result = run(job_of(made_up_track(plate, (1001,), shift=3000), tmp_path, plate=plate))
    assert (result.added, result.left_out, result.faces) == (0, 1, 0)


def test_faces_of_low_confidence_are_left_out(track_b: Track, tmp_path: Path) -> None:
    person = track_b.people[0]
    unsure = replace(person.faces[0], confidence=0.3)
    track = replace(track_b, people=(replace(person, faces=(unsure, *person.faces[1:])),))
    result = run(job_of(track, tmp_path, min_confidence=0.5))
    assert (result.added, result.left_out) == (10, 1)


@pytest.mark.parametrize("face_type", [FaceType.HALF_FACE, FaceType.WHOLE_FACE, FaceType.HEAD])
def test_every_framing_can_be_extracted(
    track_b: Track, tmp_path: Path, face_type: FaceType
) -> None:
    result = run(job_of(track_b, tmp_path, face_type=face_type, frames="1001,1007"))
    with Faceset.open(Path(result.faceset)) as faceset:
        assert faceset.read(faceset.ids()[0]).face_type == face_type.value


def test_the_sheet_shows_the_faces_as_an_artist_sees_them(track_b: Track, tmp_path: Path) -> None:
    result = run(job_of(track_b, tmp_path, sheet=True))
    assert result.sheets == (str(tmp_path / "ben.sheet.png"),)
    picture = cv2.imread(result.sheets[0])
    first = picture[4:148, 4:148]
    assert 60 < first.mean() < 160  # not the flat grey of a log encoding
    assert first.std() > 35


def test_a_track_without_faces_is_not_found(tmp_path: Path, track_b: Track) -> None:
    with pytest.raises(NotFound, match="has no face") as caught:
        run(job_of(replace(track_b, people=()), tmp_path))
    assert caught.value.exit_code == 6
    assert not (tmp_path / "ben.faceset").exists()


def test_a_person_or_frames_that_the_track_does_not_have_are_told(
    track_b: Track, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match=r"no person 4; there is: 1 "):
        run(job_of(track_b, tmp_path, person=4))
    with pytest.raises(NotFound, match="in the frames asked for"):
        run(job_of(track_b, tmp_path, frames="1011"))
    with pytest.raises(NotFound, match=r"none\.json"):
        run(job_of(tmp_path / "none.json", tmp_path))


def test_a_faceset_of_other_crops_is_not_mixed(track_b: Track, tmp_path: Path) -> None:
    run(job_of(track_b, tmp_path, frames="1001"))
    for changes in ({"size": 64}, {"name": "Amy"}, {"encoding": "srgb"},
                    {"face_type": FaceType.HEAD}, {"consent_id": "c-9"}):  # fmt: skip
        with pytest.raises(BadSettings, match="another file"):
            run(job_of(track_b, tmp_path, **changes))


def test_a_file_that_is_no_faceset_is_not_overwritten(track_b: Track, tmp_path: Path) -> None:
    (tmp_path / "ben.faceset").write_text("notes")
    with pytest.raises(Damaged, match=r"ben\.faceset"):
        run(job_of(track_b, tmp_path))
    assert (tmp_path / "ben.faceset").read_text() == "notes"


def test_missing_frames_are_an_error_or_left_out_and_never_made_up(tmp_path: Path) -> None:
    plate = write_plate(tmp_path, [plate_of(384, [("A", 1004, 190)])] * 3)
    (tmp_path / "p.1002.exr").unlink()
    track = made_up_track(plate, (1001, 1002, 1003))
    with pytest.raises(MissingFrames, match="1002"):
        run(job_of(track, tmp_path, plate=plate))
    for policy in ("skip", "hold", "black"):
        result = run(job_of(track, tmp_path, plate=plate, missing=policy))
        assert (result.faces, result.left_out) == (2, 1)


def test_nan_pixels_become_black_and_not_nan(tmp_path: Path) -> None:
    picture = plate_of(384, [("A", 1004, 190)])
    picture[90:110, 180:200] = np.nan
    plate = write_plate(tmp_path, [picture])
    run(job_of(made_up_track(plate, (1001,)), tmp_path, plate=plate))
    with Faceset.open(tmp_path / "ben.faceset") as faceset:
        image = faceset.read(faceset.ids()[0]).image
    assert np.isfinite(image).all()
    assert image.std() > 0.05


@pytest.mark.parametrize(("field", "value"), [("size", 4), ("encoding", "log")])
def test_settings_that_mean_nothing_are_refused(
    track_b: Track, tmp_path: Path, field: str, value: object
) -> None:
    with pytest.raises(BadSettings):
        run(job_of(track_b, tmp_path, **{field: value}))
