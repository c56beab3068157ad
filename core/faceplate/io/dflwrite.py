"""Writing faces as DeepFaceLab stores them: what `faceplate.io.dfljpg` reads."""

import shutil
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadImage, BadSettings
from faceplate.io.atomic import atomic_file
from faceplate.io.dfljpg import FACE_TYPES
from faceplate.io.pickling import write_pickle

__all__ = ["DflRecord", "dfl_jpeg", "write_pack"]

_MOST_SEGMENT = 65_533
_MOST_MASK = 50_000
_SAMPLE_IS_FACE = 1
_QUALITIES = (100, 95, 90, 80, 70, 60, 50, 40, 30, 20, 10)
_SCAN = 0xDA


@dataclass(frozen=True, eq=False)
class DflRecord:
    """What DeepFaceLab keeps with a face."""

    face_type: str
    landmarks: NDArray[np.float32]
    """68 x 2 crop pixels."""
    source_filename: str
    source_landmarks: NDArray[np.float32]
    """68 x 2 pixels of the frame."""
    image_to_face: NDArray[np.float64]
    """2 x 3, frame to crop."""
    mask: NDArray[np.float32] | None
    """S x S, 0..1."""
    polygons: list[tuple[bool, NDArray[np.float64]]]
    """Whether a polygon includes or excludes, and its N x 2 crop pixels."""
    mark: str = ""
    """A text of ours, by which an export that goes on knows what it wrote."""

    def values(self) -> dict[str, Any]:
        """Return what lies in the JPEG."""
        low, high = self.source_landmarks.min(axis=0), self.source_landmarks.max(axis=0)
        found = {
            "face_type": self.face_type,
            "landmarks": self.landmarks.tolist(),
            "eyebrows_expand_mod": 1.0,
            "source_filename": self.source_filename,
            "source_rect": [round(float(side)) for side in (*low, *high)],
            "source_landmarks": self.source_landmarks.tolist(),
            "image_to_face_mat": np.asarray(self.image_to_face, np.float64),
            "seg_ie_polys": self._polygons() if self.polygons else None,
            "xseg_mask": None if self.mask is None else _encoded_mask(self.mask),
            "faceplate": self.mark or None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def entry(self, name: str, size: int) -> dict[str, Any]:
        """Return what lies in the list of a pack."""
        return {
            "sample_type": _SAMPLE_IS_FACE,
            "filename": name,
            "face_type": _number_of(self.face_type),
            "shape": (size, size, 3),
            "landmarks": np.asarray(self.landmarks, np.float32),
            "seg_ie_polys": self._polygons(),
            "xseg_mask": None,
            "xseg_mask_compressed": None if self.mask is None else _encoded_mask(self.mask),
            "eyebrows_expand_mod": 1.0,
            "source_filename": self.source_filename,
            "person_name": None,
        }

    def _polygons(self) -> dict[str, Any]:
        polygons = [
            {"type": int(kind), "pts": np.asarray(points, np.float32)}
            for kind, points in self.polygons
        ]
        return {"polys": polygons}


def dfl_jpeg(image: NDArray[np.float32], record: DflRecord, quality: int = 100) -> bytes:
    """Return a face as a JPEG file with its record in an APP15 segment.

    Args:
        image: S x S x 3 RGB, display-referred (sRGB), 0..1.
        record: What is known of it.
        quality: Of the JPEG, 1..100.

    Raises:
        BadImage: The record is too long for a segment: too many polygons.
        BadSettings: A face type that DeepFaceLab does not have.
    """
    _number_of(record.face_type)
    pixels = np.rint(np.clip(image[..., ::-1], 0, 1) * 255).astype(np.uint8)
    how = [cv2.IMWRITE_JPEG_QUALITY, quality]
    how += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels), how)
    jpeg = encoded.tobytes()
    payload = write_pickle(record.values())
    if len(payload) > _MOST_SEGMENT:
        raise BadImage(
            f"{record.source_filename}: its metadata takes {len(payload)} bytes and a JPEG holds "
            f"{_MOST_SEGMENT}: draw fewer polygons, or export without masks"
        )
    end = _end_of_segments(jpeg)
    return jpeg[:end] + b"\xff\xef" + struct.pack(">H", len(payload) + 2) + payload + jpeg[end:]


def write_pack(path: Path, faces: Iterable[tuple[str, bytes, dict[str, Any]]]) -> int:
    """Write a pack of version 1, all of it or nothing, and return how many faces it has.

    Args:
        path: The pack.
        faces: Name, JPEG file and `DflRecord.entry` of each; held on disk, not in memory.
    """
    entries: list[dict[str, Any]] = []
    offsets = [0]
    with TemporaryFile(dir=path.parent) as held:
        for _, jpeg, entry in faces:
            held.write(jpeg)
            entries.append(entry)
            offsets.append(offsets[-1] + len(jpeg))
        configs = write_pickle(entries)
        held.seek(0)
        with atomic_file(path) as part, part.open("wb") as file:
            file.write(struct.pack("<QQ", 1, len(configs)))
            file.write(configs)
            file.write(struct.pack(f"<{len(offsets)}Q", *offsets))
            shutil.copyfileobj(held, file)
    return len(entries)


def _end_of_segments(jpeg: bytes) -> int:
    """Return where the last application segment ends."""
    place = end = 2
    while jpeg[place] == 0xFF and jpeg[place + 1] != _SCAN:
        marker = jpeg[place + 1]
        (length,) = struct.unpack(">H", jpeg[place + 2 : place + 4])
        place += 2 + length
        if 0xE0 <= marker <= 0xEF:
            end = place
    return end


def _number_of(face_type: str) -> int:
    for number, name in FACE_TYPES.items():
        if name == face_type:
            return number
    raise BadSettings(f"DeepFaceLab has no face type {face_type!r}")


def _encoded_mask(mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a mask as the bytes of a PNG, or of a JPEG where that is too long."""
    whole = np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8)
    _, png = cv2.imencode(".png", whole)
    if len(png) <= _MOST_MASK:
        return np.asarray(png, np.uint8).ravel()
    for quality in _QUALITIES:
        _, jpeg = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(jpeg) <= _MOST_MASK:
            break
    return np.asarray(jpeg, np.uint8).ravel()
