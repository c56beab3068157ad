"""The verb analyse: reads a shot once, in order, and writes who is where as a track file."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.detect import load_detector
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.assemble import assemble
from faceplate.extract.corrections import Corrections
from faceplate.extract.finder import Finder
from faceplate.extract.follow import Follower, Following
from faceplate.extract.overlay import overlay_cell, write_overlay
from faceplate.extract.shot import Shot, open_shot
from faceplate.extract.smooth import check_window
from faceplate.extract.view import FrameView, Patch
from faceplate.io.plate import MissingPolicy
from faceplate.io.sequence import format_frames
from faceplate.io.trackfile import Track
from faceplate.landmarks import load_landmarker
from faceplate.models.store import WeightStore

__all__ = ["AnalyseJob", "AnalyseResult", "analyse"]

logger = logging.getLogger(__name__)

_SHEET_FRAMES = 60
_UNRECORDED = frozenset({"plate", "out", "frames", "color_space", "ocio", "sheet"})
"""Settings that the track tells elsewhere, or that change nothing in it."""


@dataclass(frozen=True)
class AnalyseJob:
    """What to analyse, and how."""

    plate: str
    """A sequence, folder or movie."""
    out: str
    """The track file. Faces that an artist corrected in it are kept."""
    frames: str | None = None
    """Such as ``1001-1100x2,1110``; None takes all."""
    missing: MissingPolicy = "error"
    """What to do about frames that are not there."""
    color_space: str | None = None
    """The plate's space in the OCIO config; None takes what its files say."""
    ocio: str | None = None
    """Path or name of an OCIO config; None takes ``$OCIO`` or the built-in one."""
    detector: str = "retinaface"
    """Finds faces in whole frames."""
    landmarker: str = "facemesh"
    """Places the points of a face."""
    every: int = 12
    """The detector runs on every so many frames, and where a face is lost; 1 is every frame."""
    smooth: int = 7
    """Frames that take part in the smoothing of a point, odd; 1 is none."""
    max_people: int = 0
    """Keep only so many people, those with most face in the shot; 0 keeps all."""
    min_face: float = 0.02
    """Smallest side of a face, as a share of the plate's height."""
    min_confidence: float = 0.5
    """Least confidence in a face, 0..1: geometric mean of detector score and presence."""
    min_presence: float = 0.5
    """Least belief of the landmarker that there is a face, 0..1."""
    detect_size: int = 640
    """Longer side to which frames are shrunk for the detector, in pixels; 0 leaves them alone."""
    sheet: bool = True
    """Write overlay pictures beside the track file."""


@dataclass(frozen=True)
class AnalyseResult:
    """What analyse found."""

    track: str
    """The file that was written."""
    frames: int
    """Frames that were analysed."""
    frames_with_face: int
    empty_frames: str
    """Frames without a face, such as ``1103-1115``; empty where there is none."""
    people: int
    corrected: int
    """Faces kept from an artist."""
    detections: int
    """Runs of the detector."""
    seconds: float
    sheets: tuple[str, ...] = ()
    """Overlay pictures."""


def analyse(job: AnalyseJob, context: Context) -> AnalyseResult:
    """Find and follow the people of a plate and write the track file.

    A plate without any face is no error: the track says that all frames are empty.

    Raises:
        BadSettings: A setting that means nothing, or corrections of another plate in `out`.
        WeightsMissing: The networks' weights are not in ``context.home/weights``.
        NotFound, MissingFrames, BadSequence, BadImage, UnknownColorSpace: The plate.
        Cancelled: Nothing was written.
    """
    began = time.monotonic()
    shot = open_shot(
        job.plate,
        frames=job.frames,
        missing=job.missing,
        color_space=job.color_space,
        ocio=job.ocio or context.ocio,
    )
    finder = _finder(job, shot, context)
    corrections = Corrections(Path(job.out), shot.plate, finder)
    following = Following(job.every, job.min_presence, job.min_confidence)
    follower = Follower(finder, following, len(shot.plate.frames), shot.view, corrections)
    reading = _Reading(follower, -(-len(shot.plate.frames) // _SHEET_FRAMES) if job.sheet else 0)
    for index, number in enumerate(shot.plate.frames):
        faces = reading.step(index, shot.view(index))
        context.progress.report(
            "analyse", index + 1, len(shot.plate.frames), frame=number, faces=faces
        )
    track = _track(job, shot, reading, corrections.names)
    sheets = _write(job, track, reading)
    return _result(job, track, follower, sheets, time.monotonic() - began)


class _Reading:
    """One pass over a shot.

    Args:
        follower: Does the work.
        picture_step: A picture is kept of every so many frames; 0: of none.
    """

    def __init__(self, follower: Follower, picture_step: int) -> None:
        self.follower = follower
        self.frames: dict[int, int] = {}
        """Index to number, of the frames that are there."""
        self.first: FrameView | None = None
        self.pictures: list[tuple[int, Patch]] = []
        self._picture_step = picture_step

    def step(self, index: int, view: FrameView | None) -> int:
        """Read the next frame; returns how many faces are in it."""
        if view is None:
            return 0
        self.first = self.first or view
        self.frames[index] = view.number
        if self._picture_step and index % self._picture_step == 0:
            self.pictures.append((view.number, overlay_cell(view)))
        return len(self.follower.step(index, view))


def _finder(job: AnalyseJob, shot: Shot, context: Context) -> Finder:
    if job.every < 1:
        raise BadSettings(f"every must be 1 or more frames, got {job.every}")
    check_window(job.smooth)
    store = WeightStore(context.home / "weights")
    size = job.detect_size or max(shot.plate.size)
    return Finder(
        load_detector(job.detector, store.path, threads=context.threads, long_side=size),
        load_landmarker(job.landmarker, store.path, threads=context.threads),
        shot.encodings,
        job.detect_size,
        job.min_face * shot.plate.size[1],
    )


def _track(job: AnalyseJob, shot: Shot, reading: _Reading, names: Mapping[int, str]) -> Track:
    view = reading.first
    if view is None:
        raise NotFound(f"{shot.plate.pattern}: none of the frames asked for is there")
    people = assemble(
        reading.follower.people, reading.frames, view, job.smooth, job.max_people, names
    )
    settings = {name: value for name, value in to_dict(job).items() if name not in _UNRECORDED}
    info = shot.info(view.frame.display_window, view.aspect)
    return Track(info, tuple(reading.frames.values()), people, settings)


def _write(job: AnalyseJob, track: Track, reading: _Reading) -> list[Path]:
    out = Path(job.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    track.save(out)
    return write_overlay(out.with_suffix(".overlay.png"), track, reading.pictures)


def _result(
    job: AnalyseJob, track: Track, follower: Follower, sheets: list[Path], seconds: float
) -> AnalyseResult:
    empty = track.empty_frames()
    if len(empty) == len(track.frames):
        logger.warning("%s: no face in any of %d frames", track.plate.pattern, len(track.frames))
    sources = [face.source for person in track.people for face in person.faces]
    return AnalyseResult(
        track=job.out,
        frames=len(track.frames),
        frames_with_face=len(track.frames) - len(empty),
        empty_frames=format_frames(empty),
        people=len(track.people),
        corrected=sources.count("corrected"),
        detections=follower.detections,
        seconds=round(seconds, 2),
        sheets=tuple(str(sheet) for sheet in sheets),
    )
