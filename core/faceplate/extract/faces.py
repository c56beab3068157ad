"""The verb extract: cuts the aligned faces of one person out of a plate into a faceset."""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplate import __version__
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.measure import inside, sharpness
from faceplate.extract.sheet import Cell, write_sheet
from faceplate.extract.shot import Shot, open_shot
from faceplate.extract.view import FrameView
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import Matrix, invert, transform
from faceplate.geometry.warp import roi_of, warp_crop
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.frame import Frame, Window, sanitize
from faceplate.io.plate import MissingPolicy, Plate, open_plate
from faceplate.io.sequence import parse_frames
from faceplate.io.trackfile import PersonTrack, Track, TrackedFace
from faceplate.io.trackfit import fit_track
from faceplate.io.whois import find_person
from faceplate.models.store import WeightStore
from faceplate.segment import Segmenter, framing_of, load_segmenter
from faceplate.segment.maskfile import segmenter_sha256

__all__ = ["ExtractJob", "ExtractResult", "crop_face", "extract"]

logger = logging.getLogger(__name__)

_SHEET_FACES = 160
_SHEET_PX = 144
_FILTER_PX = 4
"""How far the filter of a crop reaches beyond it, in plate pixels."""


@dataclass(frozen=True)
class ExtractJob:
    """Which faces to extract, and how."""

    plate: str
    """A sequence, folder or movie."""
    track: str
    """Its track file."""
    out: str
    """The faceset; one that is there is continued."""
    name: str
    """Whose face it is."""
    person: int | str = 0
    """Who in the track: number, name, FRAME:X,Y in one of the boxes, largest, left or right; 0 is
    the one with most face in the shot."""
    mattes: str | None = None
    """Mattes of what is seen of the face, from roto or another tool: a sequence of the plate's
    size, 1 for face and 0 for hair, a hand or anything else before it. They take the place of the
    hull of the landmarks: training leaves out what hides the face, and the swap leaves it in the
    plate."""
    segmenter: str | None = None
    """What finds the mattes of what is seen of the face, where none are given: a mask model's file
    or folder, or the name of a segmenter such as ``occlusion``."""
    face_type: FaceType = FaceType.FULL_FACE
    """How much of the head a crop shows."""
    size: int = 256
    """Side of the crops, in pixels."""
    encoding: str = "acescct"
    """Working encoding of the crops: ``acescct`` or ``srgb``."""
    consent_id: str = ""
    """The consent record that the likeness is used under."""
    frames: str | None = None
    """Such as ``1001-1100x2``; None takes all frames with this person."""
    missing: MissingPolicy = "error"
    """What to do about frames that are not there; no face is made up for them."""
    color_space: str | None = None
    """The plate's space; None takes the one that it was analysed in."""
    ocio: str | None = None
    """Path or name of an OCIO config; None takes ``$OCIO`` or the built-in one."""
    min_confidence: float = 0.0
    """Leave out faces that analyse was less sure of, 0..1."""
    sheet: bool = True
    """Write a contact sheet beside the faceset."""


@dataclass(frozen=True)
class ExtractResult:
    """What extract did."""

    faceset: str
    """The file."""
    person: int
    """The person's number in the track."""
    faces: int
    """Kept faces in the faceset now."""
    added: int
    """Faces cut out this time."""
    unchanged: int
    """Faces that were there already, made from the same pixels and points."""
    left_out: int
    """Faces of low confidence, outside the frame, or in frames that are not there."""
    removed: int
    """Faces of this plate and person that were in the faceset and are not wanted any more."""
    content_hash: str
    """sha256 of the kept faces."""
    seconds: float
    sheets: tuple[str, ...] = ()
    """Contact sheets."""


def extract(job: ExtractJob, context: Context) -> ExtractResult:
    """Cut the faces of one person into a faceset; a second run does only what is missing.

    Raises:
        NotFound: No track, or no face of that person in it.
        BadSettings: A setting that means nothing, or a faceset of other crops in `out`.
        Damaged: `out` is there and is no faceset.
        NotFound, MissingFrames, BadSequence, BadImage, UnknownColorSpace: The plate.
        Cancelled: The faces done so far are kept.
    """
    began = time.monotonic()
    track = Track.load(Path(job.track))
    shot = open_shot(
        job.plate,
        frames=[face.frame for face in _wanted(_person(track, job), job)],
        missing=job.missing,
        color_space=job.color_space or track.plate.color_space,
        ocio=job.ocio or context.ocio,
        working=job.encoding,
    )
    fitted, _ = fit_track(track, shot.plate)
    person = _person(fitted, job)
    faces = _wanted(person, job)
    with _open(job, shot) as faceset:
        cutting = _Cutting(job, shot, faceset, context)
        for done, face in enumerate(faces, 1):
            cutting.cut(face)
            context.progress.report("extract", done, len(faces), frame=face.frame)
        removed = 0 if job.frames else cutting.remove_stale(person.person, faces)
        sheets = _write_sheet(job, shot, faceset) if job.sheet else []
        return ExtractResult(
            faceset=job.out,
            person=person.person,
            faces=len(faceset.ids()),
            added=cutting.added,
            unchanged=cutting.unchanged,
            left_out=cutting.left_out + len(person.faces) - len(faces),
            removed=removed,
            content_hash=faceset.content_hash(),
            seconds=round(time.monotonic() - began, 2),
            sheets=tuple(str(sheet) for sheet in sheets),
        )


def crop_face(
    view: FrameView,
    face: TrackedFace,
    shot: Shot,
    face_type: FaceType,
    size: int,
    matte: Frame | None = None,
) -> Face | None:
    """Return the aligned crop of a tracked face; None where it lies outside the frame.

    Args:
        view: The frame.
        face: Where it is.
        shot: The plate and its colours; the crop is in its working encoding, clipped to 0..1.
        face_type: How much of the head a crop shows.
        size: Side of the crop.
        matte: What is seen of the face, 0..1; None takes the hull of the landmarks.
    """
    matrix = plate_to_crop(face.landmarks, face_type, size, pixel_aspect=view.aspect)
    data = view.frame.data_window
    x0, y0, x1, y1 = roi_of(matrix, size, (data.x0, data.y0, data.x1, data.y1), _FILTER_PX)
    if x1 <= x0 or y1 <= y0:
        return None
    working = shot.encodings.to_working(view.rgb(Window(x0, y0, x1, y1)))
    image = warp_crop(np.clip(working, 0, 1), matrix, size, origin=(x0, y0))
    landmarks = transform(face.landmarks, matrix)
    if matte is None:
        mask = hull_matte(landmarks, (size, size))
    else:
        mask = _matte_crop(matte, matrix, size)
    mask = mask * inside(matrix, data, size)
    if not mask.any():
        return None
    return Face(
        image=np.clip(image, 0, 1),
        mask=mask,
        landmarks=landmarks.astype(np.float32),
        plate_landmarks=face.landmarks,
        plate_to_crop=matrix,
        face_type=face_type.value,
        source=shot.plate.pattern,
        frame=face.frame,
        person=face.person,
        pose=face.pose,
        confidence=face.confidence,
        sharpness=sharpness(image, mask),
    )


def _matte_crop(matte: Frame, matrix: Matrix, size: int) -> NDArray[np.float32]:
    """Cut a matte: its alpha, or else its first channel."""
    alpha = matte.alpha()
    values = sanitize(matte.rgb())[0][..., 0] if alpha is None else alpha
    window = matte.data_window
    crop = warp_crop(
        np.ascontiguousarray(values),
        matrix,
        size,
        origin=(window.x0, window.y0),
        interpolation="linear",
        border="zero",
    )
    return np.clip(crop, 0, 1)


class _Cutting:
    """Cuts faces and counts what it did."""

    def __init__(self, job: ExtractJob, shot: Shot, faceset: Faceset, context: Context) -> None:
        self.added = self.unchanged = self.left_out = 0
        self._job, self._shot, self._faceset = job, shot, faceset
        self._there = faceset.made_from(shot.plate.pattern)
        self._mattes = _open_mattes(job, shot)
        self._segmenter = None if job.segmenter is None else _segmenter(job.segmenter, context)
        store = WeightStore(context.home / "weights")
        named = job.segmenter
        self._segmenter_hash = "" if named is None else segmenter_sha256(named, store.path)

    def cut(self, face: TrackedFace) -> None:
        """Add one face to the faceset, unless it is there already."""
        if face.frame in self._shot.plate.missing:
            self.left_out += 1  # what stands in for a missing frame is no picture of the face
            return
        made_from = self._made_from(face)
        if self._there.get((face.frame, face.person)) == made_from:
            self.unchanged += 1
            return
        view = self._shot.view_of(face.frame)
        matte = None if self._mattes is None else self._mattes.read(face.frame)
        cut = view and crop_face(view, face, self._shot, self._job.face_type, self._job.size, matte)
        if view and cut and self._segmenter is not None:
            cut = self._seen(self._segmenter, view, face, cut)
        if not cut:
            self.left_out += 1
            return
        self._faceset.add(replace(cut, made_from=made_from))
        self.added += 1

    def _seen(
        self, segmenter: Segmenter, view: FrameView, face: TrackedFace, cut: Face
    ) -> Face | None:
        """Return a face with the matte that a segmenter finds, None where it sees nothing of it.

        It is shown the framing that it was trained on.
        """
        encodings, size = self._shot.encodings, self._job.size
        framing = FaceType(framing_of(segmenter) or cut.face_type)
        same = framing == self._job.face_type
        wide = cut if same else crop_face(view, face, self._shot, framing, size)
        if wide is None:
            return None
        found = segmenter(encodings.to_view(encodings.from_working(wide.image)))
        if wide is not cut:
            back = np.vstack([invert(wide.plate_to_crop), [0, 0, 1]])
            to_cut = cut.plate_to_crop @ back
            found = warp_crop(found, to_cut, size, interpolation="linear", border="zero")
        within = inside(cut.plate_to_crop, view.frame.data_window, size)
        mask = np.clip(found, 0, 1) * within
        return replace(cut, mask=mask) if mask.any() else None

    def remove_stale(self, person: int, faces: Sequence[TrackedFace]) -> int:
        """Remove the faces of this plate and person that are not wanted any more."""
        wanted = {(face.frame, face.person) for face in faces}
        stale = [at for at in self._there if at[1] == person and at not in wanted]
        self._faceset.remove(self._shot.plate.pattern, stale)
        return len(stale)

    def _made_from(self, face: TrackedFace) -> str:
        encodings = self._shot.encodings
        parts = [
            self._shot.plate.sha256(face.frame),
            np.round(face.landmarks.astype(np.float64), 3).tolist(),
            [face.confidence, face.pose.yaw, face.pose.pitch, face.pose.roll],
            [self._job.face_type.value, self._job.size],
            [encodings.plate_space, encodings.working, encodings.config.hash],
        ]
        if self._mattes is not None:
            parts.append(self._mattes.sha256(face.frame))
        if self._segmenter_hash:
            parts.append(self._segmenter_hash)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _segmenter(name: str, context: Context) -> Segmenter:
    store = WeightStore(context.home / "weights")
    return load_segmenter(name, store.path, threads=context.threads)


def _open_mattes(job: ExtractJob, shot: Shot) -> Plate | None:
    if job.mattes is None:
        return None
    if job.segmenter is not None:
        raise BadSettings("give mattes or a segmenter, not both: each would make the same mattes")
    mattes = open_plate(job.mattes, frames=shot.plate.frames)
    if mattes.size != shot.plate.size:
        raise BadSettings(
            f"{job.mattes}: mattes of {mattes.size} pixels for a plate of {shot.plate.size}; "
            "render them at the plate's size"
        )
    return mattes


def _person(track: Track, job: ExtractJob) -> PersonTrack:
    person = find_person(track, job.person)
    if person is None:
        raise NotFound(
            f"{job.track} has no face; nobody is in it. Look at the overlay sheet beside it, or "
            "analyse with a lower min_confidence"
        )
    return person


def _wanted(person: PersonTrack, job: ExtractJob) -> list[TrackedFace]:
    frames = set(parse_frames(job.frames)) if job.frames else set(person.frames)
    faces = [
        face
        for face in person.faces
        if face.frame in frames and face.confidence >= job.min_confidence
    ]
    if not faces:
        raise NotFound(
            f"{job.track}: person {person.person} has no face of confidence "
            f"{job.min_confidence:g} or more in the frames asked for"
        )
    return faces


def _open(job: ExtractJob, shot: Shot) -> Faceset:
    if job.size < 16:
        raise BadSettings(f"size must be 16 pixels or more, got {job.size}")
    config = shot.encodings.config
    info = FacesetInfo(
        name=job.name,
        face_type=job.face_type.value,
        size=job.size,
        encoding=job.encoding,
        ocio_config=config.name,
        ocio_hash=config.hash,
        consent_id=job.consent_id,
        created_by=f"faceplate {__version__}",
    )
    return Faceset.create_or_open(Path(job.out), info)


def _write_sheet(job: ExtractJob, shot: Shot, faceset: Faceset) -> list[Path]:
    ids = faceset.ids()
    shown = _spread(ids, _SHEET_FACES)
    cells = []
    for face in (faceset.read(id) for id in shown):
        image = shot.encodings.to_view(shot.encodings.from_working(face.image))
        ghost = image * (0.35 + 0.65 * face.mask[..., None])
        cells.append(Cell(ghost, f"{face.frame} {face.confidence:.2f} {face.pose.yaw:+.0f}"))
    path = Path(job.out).with_suffix(".sheet.png")
    return write_sheet(path, cells, (_SHEET_PX, _SHEET_PX), columns=12, rows=7)


def _spread(ids: Sequence[int], count: int) -> list[int]:
    step = -(-len(ids) // count) if ids else 1
    return list(ids[::step])
