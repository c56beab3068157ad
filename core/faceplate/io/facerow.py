"""One face, what a faceset is, and how a face becomes a row of its table."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape
from faceplate.io.facepng import decode_image, decode_mask, encode_image, encode_mask
from faceplate.io.tracked import Points, Pose

__all__ = [
    "COLUMNS",
    "Face",
    "FacesetInfo",
    "OWN",
    "PoseTable",
    "digest_of",
    "face_of",
    "row_of",
    "sha256_text",
]

COLUMNS = (
    "source", "frame", "person", "face_type", "size", "yaw", "pitch", "roll", "confidence",
    "sharpness", "keep", "made_from", "sha256", "landmarks", "plate_landmarks", "plate_to_crop",
    "image", "mask",
)  # fmt: skip
OWN = tuple(name for name in COLUMNS if name not in ("source", "frame", "person", "keep"))
"""What a replaced face takes from its successor."""


@dataclass(frozen=True)
class FacesetInfo:
    """Whose faces a faceset holds, and what they are."""

    name: str
    """Whose face it is."""
    face_type: str = "full_face"
    size: int = 256
    """Side of the crops, in pixels."""
    encoding: str = "acescct"
    """The working encoding of the pictures."""
    ocio_config: str = ""
    ocio_hash: str = ""
    consent_id: str = ""
    """The consent record that this likeness is used under."""
    created_by: str = ""
    """Program and version."""


@dataclass(frozen=True, eq=False)
class PoseTable:
    """Head turns of many faces, one row of each array to a face; degrees, float32."""

    ids: NDArray[np.int64]
    """Row numbers of the faces."""
    yaw: NDArray[np.float32]
    pitch: NDArray[np.float32]
    roll: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Face:
    """One aligned face."""

    image: NDArray[np.float32]
    """S x S x 3 RGB in the working encoding, 0..1."""
    mask: NDArray[np.float32]
    """S x S hull matte, 0..1."""
    landmarks: Points
    """68 x 2 crop pixels."""
    plate_landmarks: Points
    """68 x 2 plate pixels."""
    plate_to_crop: NDArray[np.float64]
    """2 x 3."""
    face_type: str
    source: str
    """The plate's pattern."""
    frame: int
    person: int
    pose: Pose
    confidence: float
    sharpness: float
    """Variance of the Laplacian inside the hull, relative to the variance of the picture."""
    keep: bool = True
    made_from: str = ""
    """sha256 of all that the face was made from; equal means that it need not be made again."""
    id: int = 0
    """Row number; 0 until it is added."""
    sha256: str = ""
    """Of the pictures and numbers; filled in by the faceset."""

    @property
    def size(self) -> int:
        """Side of the crop, in pixels."""
        return int(self.image.shape[0])


def row_of(face: Face) -> dict[str, Any]:
    """Return the columns of a face. Raises BadShape."""
    row: dict[str, Any] = {
        "source": face.source,
        "frame": face.frame,
        "person": face.person,
        "face_type": face.face_type,
        "size": face.size,
        "yaw": face.pose.yaw,
        "pitch": face.pose.pitch,
        "roll": face.pose.roll,
        "confidence": face.confidence,
        "sharpness": face.sharpness,
        "keep": int(face.keep),
        "made_from": face.made_from,
        "landmarks": _numbers_text(face.landmarks, (68, 2)),
        "plate_landmarks": _numbers_text(face.plate_landmarks, (68, 2)),
        "plate_to_crop": _numbers_text(face.plate_to_crop, (2, 3)),
        "image": encode_image(face.image),
        "mask": encode_mask(face.mask),
    }
    numbers = [row[name] for name in ("landmarks", "plate_landmarks", "plate_to_crop")]
    return {**row, "sha256": digest_of(row["image"], row["mask"], numbers)}


def digest_of(image: bytes, mask: bytes, numbers: Sequence[str]) -> str:
    """Return the sha256 of a row.

    Args:
        image: Its PNG.
        mask: Its PNG.
        numbers: The texts of landmarks, plate_landmarks and plate_to_crop.
    """
    return sha256_text("".join(numbers).encode() + image + mask)


def face_of(id: int, row: dict[str, Any], what: str) -> Face:
    """Return the face of a row. Raises Damaged where its pictures cannot be decoded."""
    return Face(
        image=decode_image(row["image"], what),
        mask=decode_mask(row["mask"], what),
        landmarks=np.array(json.loads(row["landmarks"]), np.float32),
        plate_landmarks=np.array(json.loads(row["plate_landmarks"]), np.float32),
        plate_to_crop=np.array(json.loads(row["plate_to_crop"]), np.float64),
        face_type=row["face_type"],
        source=row["source"],
        frame=row["frame"],
        person=row["person"],
        pose=Pose(row["yaw"], row["pitch"], row["roll"]),
        confidence=row["confidence"],
        sharpness=row["sharpness"],
        keep=bool(row["keep"]),
        made_from=row["made_from"],
        id=id,
        sha256=row["sha256"],
    )


def _numbers_text(values: NDArray[Any], shape: tuple[int, int]) -> str:
    if values.shape != shape or not np.isfinite(values).all():
        raise BadShape("numbers of a face", values.shape, f"{shape[0]} x {shape[1]} finite ones")
    return json.dumps(np.asarray(values, np.float64).tolist())


def sha256_text(data: bytes) -> str:
    """Return a sha256."""
    return hashlib.sha256(data).hexdigest()
