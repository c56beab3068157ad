"""``faceplate faceset import``: the faces of a DeepFaceLab faceset, or of a folder of ours.

DeepFaceLab's pictures are taken as they are: neither cut nor aligned anew. Their pixels are
display-referred (sRGB, 8 bit); they stay so, or are brought into ACEScct to be trained beside faces
of EXR plates.
"""

import hashlib
import logging
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate import __version__
from faceplate.color.encodings import Encodings
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.context import Context
from faceplate.errors import (
    BadImage,
    BadSettings,
    BadShape,
    Damaged,
    FaceplateError,
    NotFound,
    Refused,
)
from faceplate.extract.measure import sharpness
from faceplate.facesets.folder import folder_faces, folder_info, is_folder
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import Matrix, transform
from faceplate.geometry.pose import estimate_pose
from faceplate.geometry.umeyama import umeyama
from faceplate.io.dfljpg import DflFace, dfl_faces
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.tracked import Pose

__all__ = ["ImportFacesJob", "ImportFacesResult", "import_faces"]

logger = logging.getLogger(__name__)

_SRGB = "srgb_rec709_scene"
_FOCAL_OF_CROP = 4.0  # a crop sees a small part of the frame, as a long lens does
_MOST_REASONS = 20


@dataclass(frozen=True)
class ImportFacesJob:
    """Which faces to import, and as what."""

    source: str
    """Folder of aligned .jpg faces with their metadata, a faceset.pak, or a folder that `faceset
    export` wrote as png."""
    out: str
    """The faceset to write; one that is there is added to."""
    name: str = ""
    """Whose face it is; a folder of ours says it itself."""
    consent_id: str = ""
    """The consent record that the likeness is used under."""
    encoding: Literal["srgb", "acescct"] = "srgb"
    """Working encoding of the faceset: srgb keeps the pixels as they are."""
    size: int = 0
    """Side of the crops in pixels, 16..2048; 0 takes that of the first face."""


@dataclass(frozen=True)
class ImportFacesResult:
    """What was imported."""

    faceset: str
    """The file."""
    faces: int
    """Kept faces in the faceset now."""
    added: int
    """Faces that were imported this time."""
    unchanged: int
    """Faces that were there already."""
    left_out: int
    """Faces that could not be read, or are of another face type."""
    masks: int
    """Faces with a mask or polygons of their own; the others have the hull of the landmarks."""
    face_type: str
    size: int
    """Side of the crops in pixels."""
    content_hash: str
    """sha256 of the kept faces."""
    seconds: float
    reasons: tuple[str, ...] = ()
    """Why the first faces were left out."""


def import_faces(job: ImportFacesJob, context: Context) -> ImportFacesResult:
    """Import faces; a second run adds only what is missing.

    Nothing that a face's metadata names is run. A face that cannot be read is left out and told.

    Raises:
        NotFound: No faces there.
        BadSettings: A setting that means nothing, or another faceset in `out`.
        Damaged: The pack is broken, or no face could be read.
        Refused: The pack, or every face, names something that is no plain value.
        DiskFull: No room; the faces before are kept.
    """
    began = time.monotonic()
    if is_folder(Path(job.source)):
        return _import_folder(job, context)
    if job.size and not 16 <= job.size <= 2048:
        raise BadSettings(f"size {job.size}: expected 16..2048 pixels, or 0 for that of the faces")
    if not job.name:
        raise BadSettings(f"{job.source} does not say whose face it is: give a --name")
    total, faces = dfl_faces(Path(job.source))
    importing = _Importing(job)
    try:
        for done in range(1, total + 1):
            importing.take(faces)
            context.progress.report("import", done, total)
        return importing.result(time.monotonic() - began)
    finally:
        importing.close()


def _import_folder(job: ImportFacesJob, context: Context) -> ImportFacesResult:
    """Take back a folder of ours: faces, flags and labels as they were, or as they were edited."""
    began = time.monotonic()
    info = folder_info(Path(job.source))
    for field, wanted in (("name", job.name), ("size", job.size), ("consent_id", job.consent_id)):
        if wanted and wanted != getattr(info, field):
            raise BadSettings(
                f"{job.source} has {field} {getattr(info, field)!r}, not {wanted!r}: leave it out"
            )
    total, faces = folder_faces(Path(job.source), info)
    counts, reasons = {"added": 0, "unchanged": 0}, []
    with Faceset.create_or_open(Path(job.out), info) as faceset:
        for done, face in enumerate(faces, 1):
            try:
                counts[face.add_to(faceset)] += 1
            except (BadImage, BadSettings, BadShape, Damaged, NotFound) as error:
                logger.warning("left out: %s", error)
                reasons.append(str(error))
            context.progress.report("import", done, total)
        return ImportFacesResult(
            faceset=job.out,
            faces=len(faceset.ids()),
            added=counts["added"],
            unchanged=counts["unchanged"],
            left_out=len(reasons),
            masks=sum(counts.values()),
            face_type=info.face_type,
            size=info.size,
            content_hash=faceset.content_hash(),
            seconds=round(time.monotonic() - began, 2),
            reasons=tuple(reasons[:_MOST_REASONS]),
        )


class _Importing:
    """One run: the open faceset and what was done."""

    def __init__(self, job: ImportFacesJob) -> None:
        self._job = job
        self._faceset: Faceset | None = None
        self._added = self._unchanged = self._masks = 0
        self._errors: list[FaceplateError] = []
        self._seen: dict[tuple[str, int], int] = {}
        self._there: dict[str, dict[tuple[int, int], str]] = {}
        self._encodings: Encodings | None = None
        if job.encoding != "srgb":
            self._encodings = Encodings(load_config(BUILTIN_CONFIG), _SRGB, job.encoding)

    def take(self, faces: Iterator[DflFace]) -> None:
        """Import the next face, or note down why not."""
        try:
            self._add(next(faces))
        except (BadImage, BadSettings, BadShape, Damaged, Refused) as error:
            logger.warning("left out: %s", error)
            self._errors.append(error)

    def result(self, seconds: float) -> ImportFacesResult:
        """Return what was done. Raises the first error where no face could be read."""
        if self._faceset is None:
            raise self._errors[0] if self._errors else NotFound(f"{self._job.source} has no face")
        info = self._faceset.info
        return ImportFacesResult(
            faceset=self._job.out,
            faces=len(self._faceset.ids()),
            added=self._added,
            unchanged=self._unchanged,
            left_out=len(self._errors),
            masks=self._masks,
            face_type=info.face_type,
            size=info.size,
            content_hash=self._faceset.content_hash(),
            seconds=round(seconds, 2),
            reasons=tuple(str(error) for error in self._errors[:_MOST_REASONS]),
        )

    def close(self) -> None:
        if self._faceset is not None:
            self._faceset.close()

    def _add(self, face: DflFace) -> None:
        height, width = face.image.shape[:2]
        if height != width:
            raise BadImage(f"{face.name} is {width} x {height} pixels: a face is square")
        faceset = self._open(face)
        if face.face_type != faceset.info.face_type:
            raise BadSettings(
                f"{face.name} is a {face.face_type} and the faceset holds {faceset.info.face_type}"
            )
        source, frame = _place(face)
        person = self._seen[source, frame] = self._seen.get((source, frame), 0) + 1
        made_from = _made_from(face, faceset.info.size, self._job.encoding)
        self._masks += face.mask is not None or bool(face.polygons)
        if source not in self._there:
            self._there[source] = faceset.made_from(source)
        if self._there[source].get((frame, person)) == made_from:
            self._unchanged += 1
            return
        faceset.add(self._ours(face, faceset.info.size, source, frame, person, made_from))
        self._added += 1

    def _open(self, face: DflFace) -> Faceset:
        if self._faceset is None:
            self._faceset = _open(self._job, face, self._encodings)
        return self._faceset

    def _ours(
        self, face: DflFace, size: int, source: str, frame: int, person: int, made_from: str
    ) -> Face:
        """Return a face of ours, resized to the faceset's size."""
        scale = size / len(face.image)
        to_size = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
        landmarks = transform(face.landmarks, to_size)
        image = face.image if scale == 1 else _resized(face.image, size)
        if self._encodings is not None:
            image = np.clip(self._encodings.to_working(image), 0, 1)
        mask = _mask(face, size)
        plate_landmarks, matrix = _plate(face)
        return Face(
            image=image,
            mask=mask,
            landmarks=landmarks.astype(np.float32),
            plate_landmarks=plate_landmarks.astype(np.float32),
            plate_to_crop=_chained(to_size, matrix),
            face_type=face.face_type,
            source=source,
            frame=frame,
            person=person,
            pose=_pose(landmarks, size, matrix),
            confidence=1.0,
            sharpness=sharpness(image, mask),
            made_from=made_from,
        )


def _open(job: ImportFacesJob, face: DflFace, encodings: Encodings | None) -> Faceset:
    path, config = Path(job.out), encodings.config if encodings else None
    info = FacesetInfo(
        name=job.name,
        face_type=face.face_type,
        size=job.size or len(face.image),
        encoding=job.encoding,
        ocio_config=config.name if config else "",
        ocio_hash=config.hash if config else "",
        consent_id=job.consent_id,
        created_by=f"faceplate {__version__}, imported",
    )
    if not job.size and path.exists():
        with Faceset.open(path, readonly=True) as there:
            info = replace(info, size=there.info.size, face_type=there.info.face_type)
    return Faceset.create_or_open(path, info)


def _place(face: DflFace) -> tuple[str, int]:
    """Return the pattern of the frames that a face came from, and its frame's number."""
    name = face.source or Path(face.name.replace("\\", "/")).name
    stem = Path(name).stem
    if not face.source:
        stem = re.sub(r"(\d.*)_\d+$", r"\1", stem)  # files end in _0, _1, ...: one per face
    found = list(re.finditer(r"\d+", stem))
    if not found:
        return name, 0
    digits = found[-1]
    pattern = f"{name[: digits.start()]}%0{len(digits[0])}d{name[digits.end() :]}"
    return (f"{face.person}/{pattern}" if face.person else pattern), int(digits[0])


def _made_from(face: DflFace, size: int, encoding: str) -> str:
    mask = b"" if face.mask is None else face.mask.tobytes()
    polygons = b"".join(bytes([kind]) + points.tobytes() for kind, points in face.polygons)
    start = f"{face.sha256} {size} {encoding} ".encode()
    return hashlib.sha256(start + face.landmarks.tobytes() + mask + polygons).hexdigest()


def _mask(face: DflFace, size: int) -> NDArray[np.float32]:
    """Return the painted or found mask, else the polygons, else the hull of the landmarks."""
    side = len(face.image)
    if face.mask is not None:
        return np.clip(_resized(face.mask, size), 0, 1)
    hull = hull_matte(face.landmarks, (side, side), eyebrows_expand_mod=face.eyebrows_expand_mod)
    if not face.polygons:
        return _resized(hull, size)
    mask = np.zeros_like(hull) if any(kind for kind, _ in face.polygons) else hull
    for kind, points in face.polygons:
        mask = cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], float(kind)).astype(
            np.float32
        )
    return _resized(mask, size)


def _resized(picture: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    if picture.shape[:2] == (size, size):
        return picture
    method = cv2.INTER_AREA if size < len(picture) else cv2.INTER_CUBIC
    if picture.ndim == 2 and size > len(picture):
        method = cv2.INTER_LINEAR
    resized = cv2.resize(picture, (size, size), interpolation=method)
    return np.clip(resized, 0, 1).astype(np.float32)


def _plate(face: DflFace) -> tuple[NDArray[np.float64], Matrix]:
    """Return the landmarks in the frame and the matrix from there into the crop."""
    matrix = face.image_to_face
    if face.source_landmarks is None:
        return face.landmarks, np.eye(2, 3)
    if matrix is None:
        matrix = umeyama(face.source_landmarks, face.landmarks)
    return face.source_landmarks, matrix


def _chained(then: Matrix, first: Matrix) -> Matrix:
    whole = np.vstack([then, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]])
    return np.asarray(whole[:2], np.float64)


def _pose(landmarks: NDArray[np.float64], size: int, to_crop: Matrix) -> Pose:
    yaw, pitch, roll = estimate_pose(landmarks, (size, size), focal_px=_FOCAL_OF_CROP * size)
    turned = math.degrees(math.atan2(to_crop[1, 0], to_crop[0, 0]))  # the crop set the face upright
    return Pose(yaw, pitch, roll + turned)
