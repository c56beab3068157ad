import os
import pickle
import struct
import sys
from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.dfl import face_jpeg, face_record, write_pak
from tests.support.training import landmarks_of

from faceplate.errors import BadImage, BadSettings, Damaged, FaceplateError, NotFound, Refused
from faceplate.io.dfljpg import DflFace, dfl_faces

POINTS = landmarks_of(64).astype(np.float64)
PICTURE = cv2.resize(
    np.random.default_rng(0).random((8, 8, 3), dtype=np.float32), (64, 64)
)  # smooth: JPEG keeps it


def encoded(mask: np.ndarray, ending: str = ".png") -> np.ndarray:
    return cv2.imencode(ending, np.rint(mask * 255).astype(np.uint8))[1].reshape(-1)


def read(folder: Path, content: bytes) -> DflFace:
    (folder / "00001_0.jpg").write_bytes(content)
    count, faces = dfl_faces(folder)
    assert count == 1
    return next(faces)


def test_a_face_comes_with_all_that_its_jpeg_says(tmp_path: Path) -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[64:192, 64:192] = 1
    polygons = {"polys": [{"type": 1, "pts": np.float32([[1, 2], [30, 2], [30, 40]])}]}
    record = face_record(POINTS, 12, xseg_mask=encoded(mask), seg_ie_polys=polygons)
    face = read(tmp_path, face_jpeg(PICTURE, record))

    assert (face.name, face.face_type, face.source) == ("00001_0.jpg", "whole_face", "00012.png")
    assert np.abs(face.image - PICTURE).mean() < 0.01  # and not BGR
    np.testing.assert_allclose(face.landmarks, POINTS)
    assert face.source_landmarks is not None
    assert face.image_to_face is not None
    np.testing.assert_allclose(
        face.source_landmarks @ face.image_to_face[:, :2].T + face.image_to_face[:, 2], POINTS
    )
    assert face.source_rect == (90, 40, 400, 350)
    np.testing.assert_array_equal(face.mask, mask)
    [(includes, points)] = face.polygons
    assert includes
    assert points.tolist() == [[1, 2], [30, 2], [30, 40]]


def test_a_mask_may_be_a_jpeg_and_polygons_of_the_early_form(tmp_path: Path) -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[:128] = 1
    polygons = [(0, [[0, 0], [9, 0], [9, 9]]), (1, [[0, 0], [1, 1]])]
    record = face_record(POINTS, xseg_mask=encoded(mask, ".jpg"), seg_ie_polys=polygons)
    face = read(tmp_path, face_jpeg(PICTURE, record))
    assert face.mask is not None
    assert np.abs(face.mask - mask).mean() < 0.01
    assert [kind for kind, _ in face.polygons] == [False]  # two points enclose nothing


def test_a_face_with_the_least_metadata_is_a_full_face(tmp_path: Path) -> None:
    face = read(tmp_path, face_jpeg(PICTURE, {"landmarks": POINTS.tolist()}))
    assert (face.face_type, face.source, face.mask) == ("full_face", "", None)
    assert (face.source_landmarks, face.image_to_face, face.polygons) == (None, None, [])


class Evil:
    def __init__(self, sign: Path) -> None:
        self._sign = sign

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._sign}",)


def test_a_face_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    sign = tmp_path / "ran"
    with pytest.raises(Refused, match=r"00001_0\.jpg is refused: it names \w+\.system"):
        read(tmp_path, face_jpeg(PICTURE, {"landmarks": Evil(sign)}))
    assert not sign.exists()


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (face_jpeg(PICTURE, None), BadImage, "carries no face metadata"),
        (b"\x89PNG", BadImage, "is no JPEG file"),
        (b"", BadImage, "is no JPEG file"),
        (face_jpeg(PICTURE, b"not a pickle"), FaceplateError, "00001_0.jpg"),
        (face_jpeg(PICTURE, pickle.dumps([1])), Damaged, "is a list, expected a dict"),
        (face_jpeg(PICTURE, {}), Damaged, "has no landmarks"),
        (face_jpeg(PICTURE, {"landmarks": [[1, 2]] * 5}), Damaged, "not 68 finite points"),
        (face_jpeg(PICTURE, {"landmarks": "nose"}), Damaged, "not 68 finite points"),
        (
            face_jpeg(PICTURE, face_record(POINTS, face_type="mark_only")),
            BadSettings,
            "'mark_only' are no crops",
        ),
        (
            face_jpeg(PICTURE, face_record(POINTS, xseg_mask=np.zeros(9, np.uint8))),
            Damaged,
            "mask cannot be decoded",
        ),
        (
            face_jpeg(PICTURE, face_record(POINTS, seg_ie_polys=[(1, "x")])),
            Damaged,
            "polygon of its mask",
        ),
        (face_jpeg(PICTURE, face_record(POINTS))[:2500], FaceplateError, "00001_0.jpg"),
    ],
)
def test_what_cannot_be_read_is_told(
    tmp_path: Path, content: bytes, error: type[FaceplateError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(tmp_path, content)


def pack_config(frame: int, **changes: Any) -> dict[str, Any]:
    return {
        "sample_type": 2,
        "filename": f"{frame:05d}_0.jpg",
        "face_type": 4,
        "shape": (64, 64, 3),
        "landmarks": POINTS + frame,
        "seg_ie_polys": [],
        "xseg_mask": None,
        "xseg_mask_compressed": encoded(np.eye(64, dtype=np.float32)),
        "eyebrows_expand_mod": 1.0,
        "source_filename": f"{frame:05d}.png",
        "person_name": "amy",
        **changes,
    }


def test_a_pack_gives_its_faces_in_order(tmp_path: Path) -> None:
    faces = [
        (face_jpeg(PICTURE * (n / 3), face_record(POINTS, n)), pack_config(n)) for n in (1, 2, 3)
    ]
    write_pak(tmp_path / "faceset.pak", faces)
    for path in (tmp_path, tmp_path / "faceset.pak"):
        count, read_faces = dfl_faces(path)
        got = list(read_faces)
        assert count == len(got) == 3
        assert [face.source for face in got] == ["00001.png", "00002.png", "00003.png"]
    assert got[1].face_type == "whole_face"
    assert got[1].person == "amy"
    np.testing.assert_allclose(got[1].landmarks, POINTS + 2)  # the pack's own, edited ones
    assert got[1].source_landmarks is not None  # of the JPEG
    np.testing.assert_array_equal(got[2].mask, np.eye(64))
    assert abs(got[0].image.mean() - PICTURE.mean() / 3) < 0.01


def test_a_broken_face_of_a_pack_does_not_hide_the_next(tmp_path: Path) -> None:
    good = face_jpeg(PICTURE, None)
    write_pak(tmp_path / "a.pak", [(b"torn", pack_config(1)), (good, pack_config(2))])
    _, faces = dfl_faces(tmp_path / "a.pak")
    with pytest.raises(BadImage):
        next(faces)
    assert next(faces).source == "00002.png"


def test_enums_in_a_pack_stand_for_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("facelib.FaceType")
    kind = IntEnum("FaceType", {"WHOLE_FACE": 4}, module="facelib.FaceType")
    vars(module)["FaceType"] = kind
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "facelib", ModuleType("facelib"))
        patch.setitem(sys.modules, "facelib.FaceType", module)
        config = pack_config(1, face_type=kind(4))
        write_pak(tmp_path / "a.pak", [(face_jpeg(PICTURE, None), config)])
    _, faces = dfl_faces(tmp_path / "a.pak")
    assert next(faces).face_type == "whole_face"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", Damaged, "cut short"),
        (struct.pack("<QQ", 2, 0), BadSettings, "version 2"),
        (struct.pack("<QQ", 1, 1 << 60), Damaged, "cut short"),
        (struct.pack("<QQ", 1, 2) + b"N.", Damaged, "no list of dicts"),
        (struct.pack("<QQ", 1, 5) + b"](}e.", Damaged, "cut short in its table"),
        (struct.pack("<QQ", 1, 19) + b"cos\nsystem\n(S'a'\ntR.", Refused, r"names os\.system"),
    ],
)
def test_a_broken_pack_is_told(
    tmp_path: Path, content: bytes, error: type[FaceplateError], message: str
) -> None:
    (tmp_path / "a.pak").write_bytes(content)
    with pytest.raises(error, match=message):
        dfl_faces(tmp_path / "a.pak")


def test_a_place_without_faces_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"has no \.jpg faces"):
        dfl_faces(tmp_path)
    with pytest.raises(NotFound, match="does not exist"):
        dfl_faces(tmp_path / "nothing")
