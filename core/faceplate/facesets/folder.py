"""A faceset as a folder of pictures: PNG, mask and JSON for each face, and back without loss.

For other programs and for hands. The pictures are the faceset's own bytes, so a face that nobody
touched comes back the same to the byte; one that was edited comes back as it is now.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.config import from_dict, read_json, to_dict
from faceplate.errors import BadImage, BadSettings, BadShape, NotFound
from faceplate.io.atomic import write_bytes, write_text
from faceplate.io.facecopy import insert_face, read_row
from faceplate.io.facelabels import polygons_from_text
from faceplate.io.facerow import Face, FacesetInfo, digest_of
from faceplate.io.faceset import Faceset
from faceplate.io.tracked import Pose

__all__ = ["FolderFace", "export_face", "folder_faces", "folder_info", "is_folder", "open_folder"]

_INDEX = "faceset.json"
_FORMAT = "faceplate faceset folder"
_VERSION = 1
_PICTURES = ("image", "mask")
_JSON = ("landmarks", "plate_landmarks", "plate_to_crop", "polygons")


def is_folder(path: Path) -> bool:
    """Return whether a faceset was exported there."""
    return (path / _INDEX).is_file()


def open_folder(path: Path, info: FacesetInfo) -> None:
    """Make a folder for a faceset, or check one that is gone on with.

    Raises:
        BadSettings: There is something else in it.
    """
    if is_folder(path):
        there = folder_info(path)
        if there != info:
            raise BadSettings(f"{path} holds another faceset ({there.name}): name another folder")
        return
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BadSettings(f"{path} is there and is not empty: name another folder")
    path.mkdir(parents=True, exist_ok=True)
    index = {"format": _FORMAT, "version": _VERSION, "info": to_dict(info)}
    write_text(path / _INDEX, json.dumps(index, indent=2) + "\n")


def folder_info(path: Path) -> FacesetInfo:
    """Read what a folder holds. Raises BadSettings."""
    index = read_json(path / _INDEX)
    if index.get("format") != _FORMAT or not isinstance(index.get("version"), int):
        raise BadSettings(f"{path / _INDEX} is no index of a faceset")
    if index["version"] > _VERSION:
        raise BadSettings(
            f"{path} was exported as version {index['version']}; this Faceplate reads up to "
            f"{_VERSION}: update Faceplate"
        )
    return from_dict(FacesetInfo, index["info"], str(path / _INDEX))


def export_face(faceset: Faceset, id: int, folder: Path) -> bool:
    """Write one face; return False where it is there already. The JSON is written last."""
    row = read_row(faceset, id)
    if row is None:
        return False
    stem, size = folder / f"{id:06d}", faceset.info.size
    sidecar = stem.with_suffix(".json")
    values = {name: value for name, value in row.items() if name not in _PICTURES}
    values |= {name: json.loads(values[name]) for name in _JSON if values.get(name)}
    text = json.dumps({"id": id, "size": size, **values}, indent=1) + "\n"
    names = [_picture(sidecar, name) for name in _PICTURES]
    if sidecar.is_file() and sidecar.read_text() == text and all(n.is_file() for n in names):
        return False
    for name, path in zip(_PICTURES, names, strict=True):
        write_bytes(path, row[name])
    write_text(sidecar, text)
    return True


class FolderFace:
    """One face of a folder, not read yet.

    Args:
        sidecar: Its JSON.
        info: What the folder holds.
    """

    def __init__(self, sidecar: Path, info: FacesetInfo) -> None:
        self.name = sidecar.name
        self._sidecar, self._info = sidecar, info

    def add_to(self, faceset: Faceset) -> str:
        """Add the face to a faceset; return ``added`` or ``unchanged``.

        Raises:
            BadImage, BadSettings, BadShape, NotFound: What is wrong with its files.
        """
        values = read_json(self._sidecar)
        blobs = {name: self._blob(name) for name in _PICTURES}
        texts = {name: json.dumps(values[name]) for name in _JSON if values.get(name)}
        row = {**values, **blobs, **texts}
        missing = [name for name in _NEEDED if name not in row]
        if missing:
            raise BadSettings(f"{self._sidecar} does not say: {', '.join(missing)}")
        if _digest(row) == row["sha256"]:
            return insert_face(faceset, row)
        face = self._edited(row, values)
        there = faceset.made_from(face.source).get((face.frame, face.person))
        if there == face.made_from:
            return "unchanged"
        id = faceset.add(face)
        if values.get("polygons"):
            faceset.set_labels(id, polygons_from_text(texts["polygons"], str(self._sidecar)))
        return "added"

    def _blob(self, name: str) -> bytes:
        path = _picture(self._sidecar, name)
        if not path.is_file():
            raise NotFound(f"{path} is missing")
        return path.read_bytes()

    def _edited(self, row: dict[str, Any], values: dict[str, Any]) -> Face:
        size = self._info.size
        try:
            made_from = hashlib.sha256(f"{values['made_from']} {_digest(row)}".encode())
            return Face(
                image=_decoded(row["image"], _picture(self._sidecar, "image"), size, 3),
                mask=_decoded(row["mask"], _picture(self._sidecar, "mask"), size, 1)[..., 0],
                landmarks=np.array(values["landmarks"], np.float32),
                plate_landmarks=np.array(values["plate_landmarks"], np.float32),
                plate_to_crop=np.array(values["plate_to_crop"], np.float64),
                face_type=str(values["face_type"]),
                source=str(values["source"]),
                frame=int(values["frame"]),
                person=int(values["person"]),
                pose=Pose(*(float(values[name]) for name in ("yaw", "pitch", "roll"))),
                confidence=float(values["confidence"]),
                sharpness=float(values["sharpness"]),
                keep=bool(values["keep"]),
                made_from=made_from.hexdigest(),
            )
        except (TypeError, ValueError) as error:
            raise BadSettings(f"{self._sidecar}: {error}") from error


_NEEDED = (
    "source", "frame", "person", "face_type", "yaw", "pitch", "roll", "confidence", "sharpness",
    "keep", "made_from", "sha256", "landmarks", "plate_landmarks", "plate_to_crop",
)  # fmt: skip


def folder_faces(path: Path, info: FacesetInfo) -> tuple[int, Iterator[FolderFace]]:
    """Return how many faces a folder has, and the faces."""
    found = sorted(file for file in path.glob("*.json") if re.fullmatch(r"\d+\.json", file.name))
    return len(found), (FolderFace(file, info) for file in found)


def _digest(row: dict[str, Any]) -> str:
    numbers = [row[name] for name in ("landmarks", "plate_landmarks", "plate_to_crop")]
    return digest_of(row["image"], row["mask"], numbers)


def _picture(sidecar: Path, name: str) -> Path:
    return sidecar.with_suffix(".png" if name == "image" else ".mask.png")


def _decoded(blob: bytes, path: Path, size: int, channels: int) -> NDArray[np.float32]:
    """Return an edited picture of 8 or 16 bits, 0..1, in RGB; an alpha is left aside."""
    how = cv2.IMREAD_ANYDEPTH | (cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE)
    picture = cv2.imdecode(np.frombuffer(blob, np.uint8), how)
    if picture is None or picture.dtype not in (np.uint8, np.uint16):
        raise BadImage(f"{path} is no picture of 8 or 16 bits")
    if picture.shape[:2] != (size, size):
        raise BadShape(str(path), picture.shape[:2], f"{size} x {size} pixels")
    most = np.float32(255 if picture.dtype == np.uint8 else 65535)
    whole = picture.reshape(size, size, channels)[..., ::-1]
    return np.ascontiguousarray(whole, np.float32) / most
