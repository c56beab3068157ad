"""Facesets and mask models for tests of masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tests.support.facesets import a_face
from tests.support.paths import MINI
from tests.support.swaps import encodings, mini_frame, mini_landmarks, mini_truth

from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.image import read_frame
from faceplate.segment.maskmodel import MaskModelConfig, write_mask_model
from faceplate.segment.masknet import MaskNetConfig
from faceplate.segment.ternausnet import TernausNet

__all__ = ["PLATE_B", "VISIBLE", "mini_faces", "mini_faceset", "true_crop", "untrained_model"]

PLATE_B = str(MINI / "B" / "B.%04d.exr")
VISIBLE = str(MINI / "B_masks" / "visible" / "visible.%04d.png")


def mini_faceset(path: Path, size: int = 96, face_type: str = "whole_face") -> Path:
    """Write a faceset of all faces of `mini` B, cut by their true landmarks."""
    info = FacesetInfo("p1B", face_type, size)
    with Faceset.create(path, info) as faceset:
        faceset.add_many(mini_faces(size, face_type))
    return path


def mini_faces(size: int = 96, face_type: str = "whole_face") -> list[Face]:
    """Return the faces of `mini` B whose head is in the frame."""
    truth = mini_truth("B")["frames"]
    return [_face(int(number), size, face_type) for number in truth if not truth[number]["empty"]]


def true_crop(face: Face) -> np.ndarray:
    """Return what is truly seen of a face, in its crop."""
    matte = read_frame(Path(VISIBLE % face.frame)).pixels[..., 0]
    return warp_crop(matte, face.plate_to_crop, face.size, interpolation="linear", border="zero")


def untrained_model(path: Path, resolution: int = 64, face_type: str = "") -> Path:
    """Write a mask model that nobody has trained."""
    torch.manual_seed(1)
    config = MaskNetConfig(resolution, 4)
    kind = MaskModelConfig("ternausnet", config, face_type)
    write_mask_model(path, kind, TernausNet(config).state_dict())
    return path


def _face(number: int, size: int, face_type: str) -> Face:
    matrix = plate_to_crop(mini_landmarks(number), FaceType(face_type), size)
    rgb = np.clip(encodings().to_working(mini_frame("B", number).rgb()), 0, 1)
    points = transform(mini_landmarks(number), matrix)
    return replace(
        a_face(number),
        image=np.clip(warp_crop(rgb, matrix, size), 0, 1),
        mask=hull_matte(points, (size, size)),
        landmarks=points.astype(np.float32),
        plate_landmarks=mini_landmarks(number),
        plate_to_crop=matrix,
        face_type=face_type,
        source=PLATE_B,
    )
