from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.dfl import face_jpeg, face_record, write_pak
from tests.support.training import landmarks_of

from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings
from faceplate.facesets.dflimport import ImportFacesJob, import_faces
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.io.faceset import Face, Faceset

SIZE = 64
POINTS = landmarks_of(SIZE).astype(np.float64)
PICTURE = cv2.resize(np.random.default_rng(0).random((8, 8, 3), dtype=np.float32), (SIZE, SIZE))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "aligned"
    folder.mkdir()
    for frame in (3, 4, 5):
        content = face_jpeg(PICTURE, face_record(POINTS, frame))
        (folder / f"{frame:05d}_0.jpg").write_bytes(content)
    return folder


def faces_of(path: Path) -> list[Face]:
    with Faceset.open(path, readonly=True) as faceset:
        return [faceset.read(id) for id in faceset.ids()]


def job(folder: Path, **changes: object) -> ImportFacesJob:
    values = {"source": str(folder), "out": str(folder.parent / "amy.faceset"), "name": "amy"}
    return ImportFacesJob(**{**values, **changes})


def test_faces_come_with_pixels_points_place_and_pose(folder: Path, context: Context) -> None:
    result = import_faces(job(folder, consent_id="c-1"), context)
    assert (result.faces, result.added, result.left_out, result.masks) == (3, 3, 0, 0)
    assert (result.face_type, result.size) == ("whole_face", SIZE)
    faces = faces_of(Path(result.faceset))
    assert [(face.source, face.frame, face.person) for face in faces] == [
        ("%05d.png", frame, 1) for frame in (3, 4, 5)
    ]
    face = faces[0]
    assert np.abs(face.image - PICTURE).mean() < 0.01
    np.testing.assert_allclose(face.landmarks, POINTS, atol=1e-4)
    np.testing.assert_allclose(
        transform(face.plate_landmarks, face.plate_to_crop), face.landmarks, atol=1e-3
    )
    assert np.abs(face.mask - hull_matte(POINTS, (SIZE, SIZE))).max() < 0.01
    assert abs(face.pose.yaw) < 5
    with Faceset.open(Path(result.faceset)) as faceset:
        assert (faceset.info.encoding, faceset.info.consent_id) == ("srgb", "c-1")


def test_a_second_run_adds_only_what_is_new_or_changed(folder: Path, context: Context) -> None:
    first = import_faces(job(folder), context)
    again = import_faces(job(folder), context)
    assert (again.added, again.unchanged, again.content_hash) == (0, 3, first.content_hash)
    record = face_record(POINTS + 1, 4)
    (folder / "00004_0.jpg").write_bytes(face_jpeg(PICTURE, record))
    changed = import_faces(job(folder), context)
    assert (changed.added, changed.unchanged, changed.faces) == (1, 2, 3)


def test_resized_faces_keep_their_points_on_the_picture(folder: Path, context: Context) -> None:
    result = import_faces(job(folder, size=128), context)
    face = faces_of(Path(result.faceset))[0]
    assert face.image.shape == (128, 128, 3)
    # the centre of the first pixel of 64 lies between the first two of 128
    np.testing.assert_allclose(face.landmarks, POINTS * 2 + 0.5, atol=1e-3)
    np.testing.assert_allclose(
        transform(face.plate_landmarks, face.plate_to_crop), face.landmarks, atol=1e-3
    )


def test_in_acescct_a_face_is_what_ocio_makes_of_its_srgb(folder: Path, context: Context) -> None:
    grey = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    (folder / "00003_0.jpg").write_bytes(face_jpeg(grey, face_record(POINTS, 3)))
    result = import_faces(job(folder, encoding="acescct"), context)
    face = faces_of(Path(result.faceset))[0]
    # linear = ((128/255 + .055) / 1.055) ** 2.4 = 0.21586; ACEScct = (log2(linear) + 9.72) / 17.52
    assert face.image[20, 20] == pytest.approx(0.42860, abs=2e-3)


def test_masks_and_polygons_take_the_place_of_the_hull(folder: Path, context: Context) -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[:, :128] = 1
    stored = cv2.imencode(".png", (mask * 255).astype(np.uint8))[1].reshape(-1)
    square = np.float32([[10, 10], [50, 10], [50, 50], [10, 50]])
    hole = np.float32([[20, 20], [30, 20], [30, 30], [20, 30]])
    both = {"polys": [{"type": 1, "pts": square}, {"type": 0, "pts": hole}]}
    only_hole = {"polys": [{"type": 0, "pts": hole}]}
    records = [
        face_record(POINTS, 3, xseg_mask=stored),
        face_record(POINTS, 4, seg_ie_polys=both),
        face_record(POINTS, 5, seg_ie_polys=only_hole),
    ]
    for frame, record in zip((3, 4, 5), records, strict=True):
        (folder / f"{frame:05d}_0.jpg").write_bytes(face_jpeg(PICTURE, record))
    result = import_faces(job(folder), context)
    assert result.masks == 3
    first, second, third = faces_of(Path(result.faceset))
    assert first.mask[:, :31].min() == 1
    assert first.mask[:, 33:].max() == 0
    assert (second.mask[15, 15], second.mask[25, 25], second.mask[5, 5]) == (1, 0, 0)
    assert third.mask[25, 25] == 0
    outside_hole = third.mask.copy()
    outside_hole[20:31, 20:31] = 0
    assert outside_hole.sum() > 300  # the rest of the hull


def test_two_faces_of_one_frame_are_two_people(folder: Path, context: Context) -> None:
    (folder / "00003_1.jpg").write_bytes(face_jpeg(PICTURE, face_record(POINTS, 3)))
    faces = faces_of(Path(import_faces(job(folder), context).faceset))
    assert [(face.frame, face.person) for face in faces] == [(3, 1), (3, 2), (4, 1), (5, 1)]


def test_without_a_frame_the_number_is_that_of_the_file(folder: Path, context: Context) -> None:
    for path in folder.iterdir():
        path.unlink()
    record = {"landmarks": POINTS.tolist()}
    (folder / "shot7_00012_0.jpg").write_bytes(face_jpeg(PICTURE, record))
    (folder / "00009_0.jpg").write_bytes(face_jpeg(PICTURE, record))
    faces = faces_of(Path(import_faces(job(folder), context).faceset))
    assert {face.frame for face in faces} == {9, 12}
    assert all(face.plate_to_crop.tolist() == np.eye(2, 3).tolist() for face in faces)


def test_a_turned_face_has_the_roll_of_its_frame(folder: Path, context: Context) -> None:
    turn = np.radians(20)  # the crop turns the frame clockwise: the head is counter-clockwise
    matrix = np.array([[np.cos(turn), -np.sin(turn), 9], [np.sin(turn), np.cos(turn), 4.0]])
    source = (POINTS - matrix[:, 2]) @ matrix[:, :2]
    record = face_record(POINTS, 3, image_to_face_mat=matrix, source_landmarks=source.tolist())
    (folder / "00003_0.jpg").write_bytes(face_jpeg(PICTURE, record))
    turned, upright, _ = faces_of(Path(import_faces(job(folder), context).faceset))
    assert turned.pose.roll - upright.pose.roll == pytest.approx(20, abs=0.01)


def test_faces_that_do_not_fit_are_left_out_and_told(folder: Path, context: Context) -> None:
    (folder / "00006_0.jpg").write_bytes(b"torn")
    record = face_record(POINTS, 7, face_type="head")
    (folder / "00007_0.jpg").write_bytes(face_jpeg(PICTURE, record))
    (folder / "00008_0.jpg").write_bytes(face_jpeg(PICTURE[:32], face_record(POINTS, 8)))
    result = import_faces(job(folder), context)
    assert (result.faces, result.left_out) == (3, 3)
    assert "00006_0.jpg is no JPEG" in result.reasons[0]
    assert "00007_0.jpg is a head and the faceset holds whole_face" in result.reasons[1]
    assert "a face is square" in result.reasons[2]


def test_a_pack_imports_as_its_folder_does(folder: Path, context: Context) -> None:
    from_folder = import_faces(job(folder), context)
    names = ["00003_0.jpg", "00004_0.jpg", "00005_0.jpg"]
    entries = [
        ((folder / name).read_bytes(), {"filename": name, "landmarks": POINTS, "face_type": 4})
        for name in names
    ]
    write_pak(folder.parent / "faceset.pak", entries)
    out = str(folder.parent / "packed.faceset")
    from_pack = import_faces(job(folder.parent / "faceset.pak", out=out), context)
    assert from_pack.content_hash == from_folder.content_hash


def test_where_no_face_can_be_read_the_first_reason_is_the_error(
    tmp_path: Path, context: Context
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"torn")
    with pytest.raises(BadImage, match=r"1\.jpg is no JPEG"):
        import_faces(job(folder), context)


@pytest.mark.parametrize("size", [-1, 8, 4096])
def test_a_size_that_means_nothing_is_refused(folder: Path, context: Context, size: int) -> None:
    with pytest.raises(BadSettings, match=rf"size {size}: expected 16\.\.2048"):
        import_faces(job(folder, size=size), context)


def test_another_faceset_is_not_added_to(folder: Path, context: Context) -> None:
    import_faces(job(folder), context)
    with pytest.raises(BadSettings, match="a faceset with name 'amy', not 'bob'"):
        import_faces(job(folder, name="bob"), context)
    with pytest.raises(BadSettings, match="a faceset with encoding 'srgb', not 'acescct'"):
        import_faces(job(folder, encoding="acescct"), context)
