"""Faces as DeepFaceLab stores them: JPEG files that carry their metadata, and packs of them.

A face is a JPEG with one APP15 segment that holds a pickled dict. A pack (``.pak``, version 1) is
a pickled list of such dicts, a table of offsets and the JPEG files one after the other. Pickles are
read by `faceplate.io.pickled`, which runs nothing.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadImage, BadSettings, Damaged, NotFound
from faceplate.io.pickled import read_pickle

__all__ = ["FACE_TYPES", "DflFace", "dfl_face", "dfl_faces"]

_APP15 = 0xEF
_ENUMS = frozenset(
    f"{module}.{name}"
    for name in ("FaceType", "SampleType")
    for module in ("facelib", "facelib.FaceType", "samplelib", "samplelib.Sample")
)
FACE_TYPES = {
    0: "half_face",
    1: "midfull_face",
    2: "full_face",
    3: "full_face_no_align",
    4: "whole_face",
    10: "head",
    20: "head_no_align",
}
"""DeepFaceLab's numbers of the face types."""


@dataclass(frozen=True, eq=False)
class DflFace:
    """One face as it was found."""

    name: str
    """Of its file, or of its entry in the pack."""
    sha256: str
    """Of its JPEG file, metadata and all."""
    image: NDArray[np.float32]
    """H x W x 3 RGB, 0..1, display-referred (sRGB)."""
    landmarks: NDArray[np.float64]
    """68 x 2 crop pixels."""
    face_type: str
    eyebrows_expand_mod: float
    source: str
    """Name of the frame's file; empty where it is not told."""
    source_landmarks: NDArray[np.float64] | None
    """68 x 2 pixels of the frame."""
    image_to_face: NDArray[np.float64] | None
    """2 x 3, frame to crop."""
    source_rect: tuple[float, float, float, float] | None
    """Left, top, right, bottom in the frame."""
    mask: NDArray[np.float32] | None
    """H' x W', 0..1, as somebody painted or a network found it; of any size."""
    polygons: list[tuple[bool, NDArray[np.float32]]]
    """Whether a polygon includes or excludes, and its N x 2 crop pixels; in order."""
    person: str = ""
    """Name of the person in a pack of several."""
    mark: str = ""
    """What `faceplate.io.dflwrite` marked it with."""


def dfl_faces(path: Path) -> tuple[int, Iterator[DflFace]]:
    """Return how many faces a folder of JPEG files or a pack has, and the faces one by one.

    The iterator raises Damaged, BadImage or Refused for a face that cannot be read, and goes on
    with the next where it is asked again.

    Raises:
        NotFound: No such folder or pack, or no face in it.
        Damaged: The pack is broken.
        Refused: The pack names something that is no plain value.
    """
    if path.is_dir():
        packs = sorted(path.glob("*.pak"))
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg"))
        if files:
            return len(files), _Faces(_of_files(path, files))
        if len(packs) == 1:
            path = packs[0]
        else:
            raise NotFound(f"{path} has no .jpg faces and {len(packs)} .pak files: name one")
    if not path.is_file():
        raise NotFound(f"{path} does not exist: name a folder of .jpg faces or a .pak file")
    entries = _pack(path.read_bytes(), str(path))
    return len(entries), _Faces(entries)


def dfl_face(path: Path) -> DflFace:
    """Read one JPEG file. Raises BadImage, BadSettings, Damaged or Refused."""
    return next(_Faces([(path.name, path, None)]))


Entry = tuple[str, Path | bytes, Mapping[str, Any] | None]
"""Name of a face, its JPEG or where it is, and its record where that lies elsewhere."""


class _Faces(Iterator[DflFace]):
    """Reads faces one by one; one that cannot be read does not end it."""

    def __init__(self, entries: list[Entry]) -> None:
        self._left = iter(entries)

    def __next__(self) -> DflFace:
        name, content, record = next(self._left)
        jpeg = content.read_bytes() if isinstance(content, Path) else content
        # An entry of a pack stands above what the JPEG itself carries.
        own = _record(jpeg, name, needed=record is None)
        return _face(name, jpeg, {**own, **(record or {})})


def _of_files(folder: Path, files: list[Path]) -> list[Entry]:
    return [(str(file.relative_to(folder)), file, None) for file in files]


def _record(jpeg: bytes, name: str, needed: bool) -> Mapping[str, Any]:
    payload = _app15(jpeg, name)
    if payload is None and not needed:
        return {}
    if payload is None:
        raise BadImage(f"{name} carries no face metadata: extract it from its plate instead")
    record = read_pickle(payload, name, _ENUMS)
    if not isinstance(record, dict):
        raise Damaged(f"{name}: the face metadata is a {type(record).__name__}, expected a dict")
    return record


def _app15(jpeg: bytes, name: str) -> bytes | None:
    """Return the payload of the APP15 segment, None without one."""
    if jpeg[:2] != b"\xff\xd8":
        raise BadImage(f"{name} is no JPEG file")
    place = 2
    while place + 4 <= len(jpeg) and jpeg[place] == 0xFF:
        marker, length = jpeg[place + 1], struct.unpack(">H", jpeg[place + 2 : place + 4])[0]
        if marker == 0xDA or length < 2:  # the picture itself begins
            return None
        if marker == _APP15:
            return jpeg[place + 4 : place + 2 + length]
        place += 2 + length
    return None


def _pack(content: bytes, what: str) -> list[Entry]:
    try:
        version, size = struct.unpack_from("<QQ", content)
    except struct.error as error:
        raise Damaged(f"{what} is no pack of faces: it is cut short") from error
    if version != 1:
        raise BadSettings(f"{what} is a pack of version {version}: only version 1 is known")
    if 16 + size > len(content):
        raise Damaged(f"{what} is cut short")
    configs = read_pickle(content[16 : 16 + size], what, _ENUMS)
    if not isinstance(configs, list) or not all(isinstance(config, dict) for config in configs):
        raise Damaged(f"{what}: its list of faces is no list of dicts")
    start = 16 + size + 8 * (len(configs) + 1)
    if start > len(content):
        raise Damaged(f"{what} is cut short in its table")
    offsets = struct.unpack_from(f"<{len(configs)}Q", content, 16 + size)
    # The last entry of the table is written wrong in the wild; the file's end is what it means.
    ends = [*offsets[1:], len(content) - start]
    pieces = [
        content[start + begin : start + end] for begin, end in zip(offsets, ends, strict=True)
    ]
    names = [str(config.get("filename", place)) for place, config in enumerate(configs)]
    return list(zip(names, pieces, configs, strict=True))


def _face(name: str, jpeg: bytes, record: Mapping[str, Any]) -> DflFace:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if pixels is None:
        raise BadImage(f"{name}: its picture cannot be decoded")
    landmarks = _points(record.get("landmarks"), name)
    if landmarks is None:
        raise Damaged(f"{name} has no landmarks: extract it again")
    source_landmarks = _points(record.get("source_landmarks"), name)
    return DflFace(
        name=name,
        sha256=hashlib.sha256(jpeg).hexdigest(),
        image=pixels[..., ::-1].astype(np.float32) / np.float32(255),
        landmarks=landmarks,
        face_type=_face_type(record.get("face_type", "full_face"), name),
        eyebrows_expand_mod=float(record.get("eyebrows_expand_mod") or 1.0),
        source=str(record.get("source_filename") or ""),
        source_landmarks=source_landmarks,
        image_to_face=_matrix(record.get("image_to_face_mat")),
        source_rect=_rect(record.get("source_rect")),
        mask=_mask(record, name),
        polygons=_polygons(record.get("seg_ie_polys"), name),
        person=str(record.get("person_name") or ""),
        mark=str(record.get("faceplate") or ""),
    )


def _face_type(value: Any, name: str) -> str:
    known = FACE_TYPES.get(value) if isinstance(value, int) else str(value)
    if known is None or known not in FACE_TYPES.values():
        raise BadSettings(f"{name}: faces of type {value!r} are no crops that can be trained on")
    return known


def _points(value: Any, name: str) -> NDArray[np.float64] | None:
    if value is None:
        return None
    points = _numbers(value)
    if points is None or points.shape != (68, 2) or not np.isfinite(points).all():
        raise Damaged(f"{name}: its landmarks are not 68 finite points")
    return points


def _matrix(value: Any) -> NDArray[np.float64] | None:
    matrix = None if value is None else _numbers(value)
    if matrix is None or matrix.shape != (2, 3) or not np.isfinite(matrix).all():
        return None
    return matrix if abs(float(np.linalg.det(matrix[:, :2]))) > 1e-9 else None


def _rect(value: Any) -> tuple[float, float, float, float] | None:
    sides = None if value is None else _numbers(value)
    if sides is None or sides.shape != (4,):
        return None
    left, top, right, bottom = sides.tolist()
    return left, top, right, bottom


def _numbers(value: Any) -> NDArray[np.float64] | None:
    try:
        return np.array(value, np.float64)
    except (TypeError, ValueError):
        return None


def _mask(record: Mapping[str, Any], name: str) -> NDArray[np.float32] | None:
    """Return the mask, which is stored as the bytes of a PNG or JPEG, or as it is in old packs."""
    value = record.get("xseg_mask")
    packed = record.get("xseg_mask_compressed")
    if packed is not None:
        value = packed
    if value is None:
        return None
    array = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.asarray(value)
    if array.dtype != np.uint8 or array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 1):
        mask = array.astype(np.float32)
        if array.dtype == np.uint8:
            mask /= np.float32(255)
        if mask.ndim not in (2, 3):
            raise Damaged(f"{name}: its mask has the shape {mask.shape}")
        return np.clip(mask.reshape(mask.shape[:2]), 0, 1)
    grey = cv2.imdecode(np.ascontiguousarray(array.reshape(-1)), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise Damaged(f"{name}: its mask cannot be decoded")
    return grey.astype(np.float32) / np.float32(255)


def _polygons(value: Any, name: str) -> list[tuple[bool, NDArray[np.float32]]]:
    """Return the polygons; early ones are (type, points), later ones dicts."""
    listed = value.get("polys", []) if isinstance(value, dict) else value or []
    found = []
    for entry in listed:
        kind, points = (
            (entry.get("type"), entry.get("pts")) if isinstance(entry, dict) else tuple(entry)[:2]
        )
        array = _numbers(points)
        if array is None or array.ndim != 2 or array.shape[1] != 2 or kind not in (0, 1):
            raise Damaged(f"{name}: a polygon of its mask cannot be read")
        if len(array) >= 3:
            found.append((bool(kind), array.astype(np.float32)))
    return found
