"""The verb `mask apply`: mattes by a mask model, of a plate or into a faceset."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, NotReady
from faceplate.geometry.facetype import FaceType
from faceplate.io.faceset import Faceset
from faceplate.io.frame import Frame
from faceplate.io.image import write_frame
from faceplate.io.plate import MissingPolicy, Plate, open_plate
from faceplate.io.sequence import Sequence, format_frames, parse_frames
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.io.trackfit import fit_track
from faceplate.masks.made import MadeOf, key_of
from faceplate.masks.seen import PlateSegmenter
from faceplate.masks.sheet import LabelCell, write_label_sheet
from faceplate.models.store import WeightStore
from faceplate.segment import Segmenter, framing_of, load_segmenter
from faceplate.segment.maskfile import segmenter_sha256

__all__ = ["ApplyJob", "ApplyResult", "apply"]

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]
FaceTypeName = Literal[
    "half_face", "midfull_face", "full_face", "full_face_no_align", "whole_face", "head",
    "head_no_align",
]  # fmt: skip

_SHEET_FACES = 40
_FEW_FACES = 500  # their mattes are held until they are written, as one change
_FACE_TYPE = FaceType.WHOLE_FACE
"""Framing for a segmenter that takes several, or does not say."""


@dataclass(frozen=True)
class ApplyJob:
    """Which mask model, on what.

    Raises:
        BadSettings: Settings that do not go together.
    """

    segmenter: str
    """A mask model's file or folder, or the name of a segmenter: ``occlusion``, ``xseg``,
    ``bisenet``."""
    faceset: str | None = None
    """A faceset whose mattes are to be replaced; ``faceplate faceset undo`` takes it back. The
    hand-drawn labels stay."""
    plate: str | None = None
    """A sequence, folder or movie to make mattes of."""
    track: str | None = None
    """Its track file."""
    out: str | None = None
    """Where the mattes of the plate go, such as ``mattes/m.%04d.exr``: EXR, PNG or TIFF with the
    one channel A, of the plate's windows. 1 where a face is seen."""
    person: int = 0
    """The person's number in the track; 0: all people, in one matte."""
    frames: str | None = None
    """Such as ``1001-1100``; None takes all."""
    missing: MissingPolicy = "error"
    """What to do about frames of the plate that are not there."""
    color_space: str | None = None
    """The plate's space; None takes the one that it was analysed in."""
    ocio: str | None = None
    """Path or name of an OCIO config; None takes ``$OCIO`` or the built-in one."""
    face_type: FaceTypeName | None = None
    """Framing of the crops of the plate; None takes that which the model was trained on, else
    whole_face."""
    size: int = 256
    """Side of the crops of the plate in pixels, 32..2048."""
    resume: bool = False
    """Leave out the frames whose matte is there and was made of the same model, track and plate."""
    sheet: str | None = None
    """A picture, PNG, of some faces with their mattes."""

    def __post_init__(self) -> None:
        of_plate = (self.plate, self.track, self.out)
        if (self.faceset is None) == (not any(of_plate)):
            raise BadSettings(
                "mask apply works on a --faceset, or on a --plate with its --track and --out"
            )
        if self.faceset is None and not all(of_plate):
            raise BadSettings("mask apply on a plate needs --plate, --track and --out")
        if not 32 <= self.size <= 2048:
            raise BadSettings(f"mask apply: size is {self.size}, expected 32..2048 pixels")


@dataclass(frozen=True)
class ApplyResult:
    """What was made."""

    mattes: int
    """Mattes that were made."""
    left_out: int
    """Frames whose matte was there already, or that are not there themselves."""
    empty: int
    """Mattes without any face."""
    out: str
    """The sequence, or the faceset."""
    seconds: float
    sheet: str = ""
    """The picture."""


def apply(job: ApplyJob, context: Context) -> ApplyResult:
    """Make mattes with a mask model.

    Raises:
        NotFound: No model, faceset, plate, track or person.
        NotReady: Frames that the track has not analysed.
        UnknownComponent: No segmenter of that name.
        WeightsMissing: The weights of a named segmenter are not here.
        Damaged: The model is broken.
        Cancelled: Mattes that are done stay; in a faceset they change by 500, each a step to undo.
    """
    began = time.monotonic()
    store = WeightStore(context.home / "weights")
    segmenter = load_segmenter(job.segmenter, store.path, threads=context.threads)
    cells: list[LabelCell] = []
    if job.faceset is not None:
        made, left_out, empty = _to_faceset(job, segmenter, context, cells)
    else:
        weights = segmenter_sha256(job.segmenter, store.path)
        made, left_out, empty = _of_plate(job, segmenter, weights, context)
    sheets = write_label_sheet(Path(job.sheet), cells) if job.sheet and cells else []
    return ApplyResult(
        mattes=made,
        left_out=left_out,
        empty=empty,
        out=str(job.faceset or job.out),
        seconds=time.monotonic() - began,
        sheet=str(sheets[0]) if sheets else "",
    )


def _to_faceset(
    job: ApplyJob, segmenter: Segmenter, context: Context, cells: list[LabelCell]
) -> tuple[int, int, int]:
    with Faceset.open(Path(str(job.faceset))) as faceset:
        _warn_of_framing(segmenter, faceset.info.face_type)
        # any scene-linear space will do on the way from the working encoding to the view
        encodings = Encodings(load_config(), "ACEScg", faceset.info.encoding)
        ids = _ids(faceset, job.frames)
        mattes: dict[int, Array] = {}
        empty, shown = 0, _spread(len(ids))
        for done, id in enumerate(ids, 1):
            face = faceset.read(id)
            view = encodings.to_view(encodings.from_working(face.image))
            matte = segmenter(view)
            mattes[id] = matte
            empty += not bool((matte >= 0.5).any())
            if len(mattes) == _FEW_FACES:
                faceset.set_masks(mattes, f"masks by {job.segmenter}")
                mattes = {}
            if done - 1 in shown:
                cells.append(LabelCell(view, matte, (), f"{face.frame} #{id}"))
            context.progress.report("mask apply", done, len(ids), frame=face.frame)
        faceset.set_masks(mattes, f"masks by {job.segmenter}")
        return len(ids), 0, empty


def _ids(faceset: Faceset, frames: str | None) -> list[int]:
    """Return the kept faces in the frames asked for. Raises NotFound where there is none."""
    wanted = None if frames is None else set(parse_frames(frames))
    pairs = zip(faceset.ids(), faceset.places(kept=True), strict=True)
    ids = [id for id, place in pairs if wanted is None or place[1] in wanted]
    if not ids:
        raise NotFound(f"{faceset.path} has no kept face in the frames asked for")
    return ids


def _of_plate(
    job: ApplyJob, segmenter: Segmenter, weights: str, context: Context
) -> tuple[int, int, int]:
    plate = open_plate(str(job.plate), frames=job.frames, missing=job.missing)
    track, _ = fit_track(Track.load(Path(str(job.track))), plate)
    _check_covered(track, plate, job)
    faces = _faces(track, job)
    target = Sequence.parse(str(job.out))
    if target.padding is None and len(plate.frames) > 1:
        raise BadSettings(f"{job.out} has no frame number: name the mattes like m.%04d.exr")
    target.folder.mkdir(parents=True, exist_ok=True)
    config = load_config(job.ocio or context.ocio)
    encodings = Encodings(config, job.color_space or track.plate.color_space)
    face_type = FaceType(job.face_type or framing_of(segmenter) or _FACE_TYPE)
    maker = PlateSegmenter(segmenter, face_type, job.size, encodings)
    settings = [weights, face_type.value, job.size, encodings.plate_space, config.hash]
    record = MadeOf(target)
    made = left_out = empty = 0
    for done, number in enumerate(plate.frames, 1):
        key = key_of(plate.sha256(number), faces.get(number, []), settings)
        there = job.resume and record.holds(number, key)
        matte = None if there else _matte(plate, number, maker, faces)
        if matte is None:
            left_out += 1
        else:
            write_frame(matte, target.path(number), pixel_type=_pixel_type(target.path(number)))
            record.note(number, key)
            made, empty = made + 1, empty + (not bool((matte.pixels >= 0.5).any()))
        context.progress.report("mask apply", done, len(plate.frames), frame=number)
    return made, left_out, empty


def _check_covered(track: Track, plate: Plate, job: ApplyJob) -> None:
    """Refuse frames that the track knows nothing of: they would look as if nobody were there."""
    unknown = sorted(set(plate.frames) - set(track.frames) - set(plate.missing))
    if unknown:
        raise NotReady(
            f"{job.track} does not cover the frames {format_frames(unknown)} of {plate.pattern}: "
            "analyse them first, or narrow --frames"
        )


def _matte(
    plate: Plate, number: int, maker: PlateSegmenter, faces: dict[int, list[TrackedFace]]
) -> Frame | None:
    """Return the matte of a frame, None for a frame that is not there."""
    frame = plate.read(number)
    if frame is None:
        return None
    matte = np.zeros(frame.pixels.shape[:2], np.float32)
    for face in faces.get(number, []):
        maker.add(matte, frame, face)
    return Frame(
        number,
        matte[..., None],
        ("A",),
        frame.data_window,
        frame.display_window,
        frame.pixel_aspect,
    )


def _faces(track: Track, job: ApplyJob) -> dict[int, list[TrackedFace]]:
    people = track.people
    if job.person:
        people = tuple(person for person in people if person.person == job.person)
        if not people:
            known = ", ".join(str(person.person) for person in track.people) or "nobody"
            raise NotFound(f"{job.track} has no person {job.person}; it has {known}")
    found: dict[int, list[TrackedFace]] = {}
    for person in people:
        for face in person.faces:
            found.setdefault(face.frame, []).append(face)
    return found


def _warn_of_framing(segmenter: Segmenter, face_type: str) -> None:
    trained = framing_of(segmenter)
    if trained and trained != face_type:
        logger.warning("the mask model was trained on %s crops, these are %s", trained, face_type)


def _pixel_type(path: Path) -> str:
    return "half" if path.suffix.lower() == ".exr" else "uint8"


def _spread(count: int) -> set[int]:
    step = max(1, -(-count // _SHEET_FACES))
    return set(range(0, count, step))
