import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.training import landmarks_of

from faceplate.errors import BadSettings
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.tracked import Pose
from faceplate.train.faces import FaceBank
from faceplate.train.recrop import check_recrop, recrop_matrix, side_share

PLATE = 400


def plate() -> np.ndarray:
    coarse = np.random.default_rng(5).random((20, 20, 3), dtype=np.float32)
    smooth = cv2.resize(coarse, (PLATE, PLATE), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 1).astype(np.float32)


def landmarks(angle: float = 20.0, aspect: float = 1.0) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((60, 60), angle, 1.0)
    matrix[:, 2] += 140
    return transform(landmarks_of(120), matrix) / [aspect, 1.0]


def cut(face_type: FaceType, size: int, aspect: float = 1.0) -> Face:
    points = landmarks(aspect=aspect)
    matrix = plate_to_crop(points, face_type, size, pixel_aspect=aspect)
    inside = transform(points, matrix)
    return Face(
        image=np.clip(warp_crop(plate(), matrix, size), 0, 1),
        mask=hull_matte(inside, (size, size)),
        landmarks=inside.astype(np.float32),
        plate_landmarks=points.astype(np.float32),
        plate_to_crop=matrix,
        face_type=str(face_type),
        source="plate.%04d.exr",
        frame=1,
        person=1,
        pose=Pose(0.0, 0.0, 0.0),
        confidence=1.0,
        sharpness=1.0,
    )


@pytest.mark.parametrize(
    ("wide", "tight"),
    [
        ("whole_face", "full_face"),
        ("full_face", "half_face"),
        ("head", "whole_face"),
        ("head_no_align", "midfull_face"),
        ("full_face_no_align", "half_face"),
    ],
)
def test_a_tighter_crop_is_what_the_plate_would_have_been_cut_to(wide: str, tight: str) -> None:
    face = cut(FaceType(wide), 240)
    check_recrop(FaceType(wide), FaceType(tight), "x")
    got = warp_crop(face.image, recrop_matrix(face, FaceType(tight), 64), 64)
    direct = cut(FaceType(tight), 64)
    assert np.abs(got - direct.image)[2:-2, 2:-2].mean() < 0.01
    moved = transform(face.landmarks, recrop_matrix(face, FaceType(tight), 64))
    assert np.abs(moved - direct.landmarks).max() < 0.01


def test_anamorphic_plates_come_out_alike() -> None:
    face = cut(FaceType.WHOLE_FACE, 200, aspect=2.0)
    wanted = cut(FaceType.FULL_FACE, 64, aspect=2.0)
    got = transform(face.landmarks, recrop_matrix(face, FaceType.FULL_FACE, 64))
    assert np.abs(got - wanted.landmarks).max() < 0.01


@pytest.mark.parametrize(
    ("wide", "tight"),
    [
        ("full_face", "whole_face"),
        ("half_face", "full_face"),
        ("whole_face", "head"),
        ("full_face_no_align", "full_face"),
        ("full_face", "full_face_no_align"),
    ],
)
def test_what_the_crop_does_not_hold_is_refused(wide: str, tight: str) -> None:
    with pytest.raises(BadSettings, match=rf"{tight} cannot be cut.*--face-type {tight}"):
        check_recrop(FaceType(wide), FaceType(tight), "amy.faceset")


def test_every_framing_holds_itself() -> None:
    for kind in FaceType:
        check_recrop(kind, kind, "x")
        assert side_share(kind, kind) == 1


def test_a_bank_deals_faces_at_the_framing_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "amy.faceset"
    face = cut(FaceType.WHOLE_FACE, 160)
    with Faceset.create(path, FacesetInfo("amy", "whole_face", 160)) as faceset:
        faceset.add(dataclasses.replace(face, frame=1))
    bank = FaceBank(path, 48, 2**20, "full_face")
    got = bank.get(0)
    direct = cut(FaceType.FULL_FACE, 72)
    assert got.image.shape == (72, 72, 3)
    assert np.abs(got.image / 65535 - direct.image)[2:-2, 2:-2].mean() < 0.01
    assert np.abs(got.mattes[..., 0] / 255 - direct.mask).mean() < 0.02
    assert got.mattes[..., 1].any()
    bank.close()


def test_a_bank_does_not_invent_what_lies_outside_the_crop(tmp_path: Path) -> None:
    path = tmp_path / "amy.faceset"
    with Faceset.create(path, FacesetInfo("amy", "full_face", 64)) as faceset:
        faceset.add(cut(FaceType.FULL_FACE, 64))
    with pytest.raises(BadSettings, match=r"amy.faceset holds full_face crops"):
        FaceBank(path, 48, 2**20, "head")
