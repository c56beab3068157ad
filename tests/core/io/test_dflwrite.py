from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.facesets import landmarks_of

from faceplate.errors import BadImage, BadSettings
from faceplate.io.dfljpg import dfl_face, dfl_faces
from faceplate.io.dflwrite import DflRecord, dfl_jpeg, write_pack

SIZE = 64
IMAGE = cv2.resize(np.random.default_rng(0).random((8, 8, 3), dtype=np.float32), (SIZE, SIZE))
SQUARE = np.array([[3.0, 4], [40, 4], [40, 50]])
RECORD = DflRecord(
    face_type="whole_face",
    landmarks=landmarks_of(SIZE),
    source_filename="A.1001.exr",
    source_landmarks=landmarks_of(500),
    image_to_face=np.array([[0.1, 0, -3], [0, 0.1, 2.5]]),
    mask=np.round(IMAGE[..., 0] * 255).astype(np.float32) / 255,
    polygons=[(True, SQUARE), (False, SQUARE / 2)],
    mark="abc 100",
)


def test_a_jpeg_comes_back_with_its_record(tmp_path: Path) -> None:
    path = tmp_path / "A.1001_0.jpg"
    path.write_bytes(dfl_jpeg(IMAGE, RECORD))
    face = dfl_face(path)
    assert np.abs(face.image - IMAGE).mean() < 0.005
    assert (face.landmarks == RECORD.landmarks).all()
    assert (face.source_landmarks == RECORD.source_landmarks).all()
    assert (face.image_to_face == RECORD.image_to_face).all()
    assert (face.face_type, face.source, face.mark) == ("whole_face", "A.1001.exr", "abc 100")
    assert (face.mask == RECORD.mask).all()
    assert [kind for kind, _ in face.polygons] == [True, False]
    assert (face.polygons[1][1] == SQUARE / 2).all()
    low, high = RECORD.source_landmarks.min(axis=0), RECORD.source_landmarks.max(axis=0)
    assert face.source_rect == tuple(round(float(side)) for side in (*low, *high))


def test_the_record_lies_after_the_application_segments_and_the_picture_opens_anywhere() -> None:
    jpeg = dfl_jpeg(IMAGE, RECORD)
    assert jpeg[:4] == b"\xff\xd8\xff\xe0"
    assert jpeg.find(b"\xff\xef") == 4 + int.from_bytes(jpeg[4:6], "big")
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (SIZE, SIZE, 3)


def test_a_mask_that_is_too_long_as_png_becomes_a_jpeg_within_the_limit(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).random((512, 512), dtype=np.float32)
    path = tmp_path / "a.jpg"
    path.write_bytes(dfl_jpeg(np.zeros((512, 512, 3), np.float32), replace(RECORD, mask=noise)))
    mask = dfl_face(path).mask
    assert mask is not None
    assert np.corrcoef(mask.ravel(), noise.ravel())[0, 1] > 0.5


def test_more_polygons_than_a_segment_holds_are_refused() -> None:
    many = replace(RECORD, polygons=[(True, np.tile(SQUARE, (300, 1)))] * 20)
    with pytest.raises(BadImage, match="draw fewer polygons"):
        dfl_jpeg(IMAGE, many)


def test_a_face_type_of_nobody_is_refused() -> None:
    with pytest.raises(BadSettings, match="no face type 'ear'"):
        dfl_jpeg(IMAGE, replace(RECORD, face_type="ear"))


def test_a_pack_comes_back_face_by_face(tmp_path: Path) -> None:
    plain = replace(RECORD, mask=None, polygons=[], face_type="head")
    faces = [
        (f"{number}.jpg", dfl_jpeg(IMAGE, record), record.entry(f"{number}.jpg", SIZE))
        for number, record in enumerate((RECORD, plain))
    ]
    path = tmp_path / "faceset.pak"
    assert write_pack(path, faces) == 2
    count, found = dfl_faces(path)
    first, second = found
    assert count == 2
    assert (first.name, first.face_type, len(first.polygons)) == ("0.jpg", "whole_face", 2)
    assert (first.mask == RECORD.mask).all()
    assert (second.face_type, second.mask, second.polygons) == ("head", None, [])
    assert [entry.name for entry in tmp_path.iterdir()] == ["faceset.pak"]


def test_a_pack_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken():
        yield "0.jpg", b"x", RECORD.entry("0.jpg", SIZE)
        raise BadImage("the second cannot be read")

    with pytest.raises(BadImage):
        write_pack(tmp_path / "faceset.pak", broken())
    assert list(tmp_path.iterdir()) == []
