"""Where labels come from: mattes as pictures, polygons as labelme writes them, faces of others.

A source is a function from a face to its polygons in crop pixels, or None where it has nothing for
that face.
"""

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadImage, BadSettings, BadShape, Damaged, FaceplateError, NotFound
from faceplate.geometry.points import Matrix, Points, invert, transform
from faceplate.geometry.polygons import outlines
from faceplate.geometry.warp import warp_crop
from faceplate.io.dfljpg import DflFace, dfl_faces
from faceplate.io.facelabels import Polygon, PolygonKind
from faceplate.io.faceset import Face
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.plate import open_plate

__all__ = [
    "LabelSource",
    "dfl_polygons",
    "face_mattes",
    "labelme_polygons",
    "matte_polygons",
    "plate_mattes",
]

logger = logging.getLogger(__name__)

Matte = NDArray[np.float32]
LabelSource = Callable[[Face], list[Polygon] | None]

_PICTURES = (".png", ".exr", ".tif", ".tiff", ".jpg", ".jpeg")
_KINDS: dict[str, PolygonKind] = {"include": "include", "face": "include", "exclude": "exclude"}
_NUMBERS = re.compile(r"\d+")


def plate_mattes(path: str, layer: str) -> LabelSource:
    """Return labels out of a sequence of mattes as large as the plate, such as roto.

    Args:
        path: The sequence.
        layer: Channel; a file of one channel gives that.

    Raises:
        NotFound, BadSequence: The sequence.
    """
    plate = open_plate(path, missing="skip")
    sizes: dict[str, tuple[int, int] | None] = {}

    def polygons(face: Face) -> list[Polygon] | None:
        frame = plate.read(face.frame) if face.frame in plate.frames else None
        if frame is None:
            return None
        if face.source not in sizes:
            sizes[face.source] = _plate_size(face.source)
        _check_size(frame, face, sizes[face.source])
        window = frame.data_window
        crop = warp_crop(
            _channel(frame, layer), face.plate_to_crop, face.size, origin=(window.x0, window.y0),
            interpolation="linear", border="zero",
        )  # fmt: skip
        return matte_polygons(crop)

    return polygons


def face_mattes(path: str, layer: str) -> LabelSource:
    """Return labels out of a folder of mattes, each as large as the face's crop.

    A file is named after its frame, or after frame and person: ``amy.1001.png``, ``1001_2.png``.

    Raises:
        NotFound: No folder, or no picture in it.
    """
    files = _numbered(Path(path), _PICTURES)

    def polygons(face: Face) -> list[Polygon] | None:
        file = _file_of(files, face)
        if file is None:
            return None
        matte = _channel(read_frame(file, face.frame), layer)
        if matte.shape != (face.size, face.size):
            raise BadShape(
                f"matte {file}",
                f"{matte.shape[1]} x {matte.shape[0]} pixels",
                f"{face.size} x {face.size}, as the crops; for mattes of the plate use --form "
                "plate",
            )
        return matte_polygons(matte)

    return polygons


def labelme_polygons(path: str) -> LabelSource:
    """Return labels out of JSON files as labelme writes them, of crops or of whole frames.

    A face gets those shapes of a whole frame that reach into its crop: the others are of somebody
    else.

    A file is named after its frame as `face_mattes` has it. Its points count from the picture's
    corner, ours from the centre of its first pixel. Shapes called ``exclude`` exclude; ``include``
    and ``face`` include.

    Raises:
        NotFound: No folder or file, or no JSON in it.
    """
    files = _numbered(Path(path), (".json",))
    sizes: dict[str, tuple[int, int] | None] = {}

    def polygons(face: Face) -> list[Polygon] | None:
        file = _file_of(files, face)
        if file is None:
            return None
        if face.source not in sizes:
            sizes[face.source] = _plate_size(face.source)
        return _labelme(file, face, sizes[face.source])

    return polygons


def dfl_polygons(path: str) -> LabelSource:
    """Return the labels of DeepFaceLab faces, by the frame that they came from.

    Faces of other crops are brought over by their matrices. Faces that cannot be read are passed
    over with a warning.

    Raises:
        NotFound: No faces there.
    """
    labelled: dict[int, list[DflFace]] = {}
    _, faces = dfl_faces(Path(path))
    for face in _readable(faces):
        numbers = _NUMBERS.findall(Path(face.source or face.name).stem)
        if face.polygons and numbers:
            labelled.setdefault(int(numbers[-1] if face.source else numbers[0]), []).append(face)

    def polygons(face: Face) -> list[Polygon] | None:
        for theirs in labelled.get(face.frame, []):
            matrix = _between(theirs, face)
            if matrix is not None:
                return [
                    Polygon("include" if kind else "exclude", transform(points, matrix))
                    for kind, points in theirs.polygons
                ]
        return None

    return polygons


def matte_polygons(matte: Matte) -> list[Polygon]:
    """Return the polygons of a matte in crop pixels, cut at one half; none where it is empty."""
    includes, excludes = outlines(np.nan_to_num(matte, nan=0.0))
    return [
        *(Polygon("include", points) for points in includes),
        *(Polygon("exclude", points) for points in excludes),
    ]


@dataclass(frozen=True)
class _Numbered:
    frame: int
    person: int | None


def _numbered(path: Path, kinds: Sequence[str]) -> dict[_Numbered, Path]:
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in kinds)
    else:
        raise NotFound(f"{path} does not exist: name a folder of {', '.join(kinds)} files")
    found = {}
    for file in files:
        numbers = _NUMBERS.findall(file.stem)
        pair = re.search(r"(\d+)_(\d+)$", file.stem)
        if pair is not None:
            found[_Numbered(int(pair[1]), int(pair[2]))] = file
        elif numbers:
            found[_Numbered(int(numbers[-1]), None)] = file
    if not found:
        raise NotFound(f"{path} has no {', '.join(kinds)} file that is named after a frame")
    return found


def _file_of(files: dict[_Numbered, Path], face: Face) -> Path | None:
    return files.get(_Numbered(face.frame, face.person)) or files.get(_Numbered(face.frame, None))


def _channel(frame: Frame, layer: str) -> Matte:
    if layer in frame.channels:
        matte = frame.channel(layer)
    elif len(frame.channels) in (1, 3) or frame.alpha() is None:
        matte = frame.pixels[..., 0]  # a grey picture, whatever it calls itself
    else:
        matte = np.asarray(frame.alpha())
    return np.asarray(np.clip(np.nan_to_num(matte, nan=0.0), 0, 1), np.float32)


def _plate_size(source: str) -> tuple[int, int] | None:
    """Return the size of the plate that faces were cut from, None where it is not here."""
    try:
        return open_plate(source, missing="skip").size
    except (FaceplateError, OSError):
        logger.info("%s is not here: sizes cannot be compared with it", source)
        return None


def _check_size(frame: Frame, face: Face, wanted: tuple[int, int] | None) -> None:
    window = frame.display_window
    size = (window.width, window.height)
    outside = not _holds(size, face.plate_landmarks, (window.x0, window.y0))
    if (wanted is not None and size != wanted) or (wanted is None and outside):
        expected = "a matte that the face lies in" if wanted is None else f"{wanted}, as the plate"
        raise BadShape(f"matte of frame {face.frame}", size, expected)


def _holds(size: tuple[int, int], points: NDArray[Any], origin: tuple[int, int]) -> bool:
    middle = np.asarray(points, np.float64).mean(axis=0) - origin
    return bool((middle >= 0).all() and (middle < size).all())


def _labelme(file: Path, face: Face, plate: tuple[int, int] | None) -> list[Polygon] | None:
    try:
        values = json.loads(file.read_bytes())
        size = (int(values["imageWidth"]), int(values["imageHeight"]))
        shapes = [
            (str(one["label"]), one["points"], one.get("shape_type")) for one in values["shapes"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadImage(f"{file} is no JSON of labelme: {error!r}") from error
    matrix = _labelme_matrix(file, size, face, plate)
    polygons = []
    for label, points, shape in shapes:
        if shape not in (None, "polygon"):
            raise BadSettings(f"{file}: a {shape} called {label!r}; only polygons are taken")
        if label not in _KINDS:
            raise BadSettings(f"{file}: a shape called {label!r}; known are {', '.join(_KINDS)}")
        polygons.append(
            Polygon(_KINDS[label], transform(_corner_based(points, size, file), matrix))
        )
    if size == (face.size, face.size) or not polygons:
        return polygons
    return [polygon for polygon in polygons if polygon.touches(face.size)] or None


def _corner_based(points: Any, size: tuple[int, int], file: Path) -> Points:
    try:
        array = np.array(points, np.float64)
    except (TypeError, ValueError) as error:
        raise BadImage(f"{file}: points that are no numbers") from error
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3:
        raise BadShape(f"polygon in {file}", array.shape, "N x 2 points, N at least 3")
    if not np.isfinite(array).all() or (array < 0).any() or (array > size).any():
        raise BadShape(
            f"polygon in {file}",
            f"points from {array.min(0).round(1).tolist()} to {array.max(0).round(1).tolist()}",
            f"points inside the picture of {size[0]} x {size[1]} pixels",
        )
    return array - 0.5


def _labelme_matrix(
    file: Path, size: tuple[int, int], face: Face, plate: tuple[int, int] | None
) -> Matrix:
    if size == (face.size, face.size):
        return np.eye(2, 3)
    inside = plate is None and _holds(size, face.plate_landmarks, (0, 0))
    if size == plate or inside:
        return face.plate_to_crop
    expected = f"{face.size} x {face.size}, as the crops, or the plate's size"
    raise BadShape(f"picture of {file}", f"{size[0]} x {size[1]} pixels", expected)


def _readable(faces: Any) -> list[DflFace]:
    read = []
    while True:
        try:
            read.append(next(faces))
        except StopIteration:
            return read
        except (FaceplateError, Damaged) as error:
            logger.warning("passed over: %s", error)


def _between(theirs: DflFace, face: Face) -> Matrix | None:
    """Return the matrix between two crops; None where they do not show the same person."""
    if theirs.image_to_face is None or theirs.source_landmarks is None:
        same = theirs.face_type == face.face_type
        zoom = face.size / theirs.image.shape[0]
        shift = (zoom - 1) / 2
        return np.array([[zoom, 0, shift], [0, zoom, shift]]) if same else None
    apart = np.linalg.norm(
        theirs.source_landmarks.mean(axis=0) - np.mean(face.plate_landmarks, axis=0)
    )
    if apart > np.ptp(face.plate_landmarks, axis=0).max() / 2:
        return None
    back = np.vstack([invert(theirs.image_to_face), [0, 0, 1]])
    return np.asarray(face.plate_to_crop @ back, np.float64)
