"""The verb analyse: reads a shot once, in order, and writes who is where as a track file."""

import hashlib
import json
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

from faceplate import __version__
from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.detect.looking import Looking, Rotations, Tiles
from faceplate.embed import Embedder
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.assemble import Fitting, assemble
from faceplate.extract.choose import Choice, Order, choose
from faceplate.extract.corrections import Corrections
from faceplate.extract.finder import Finder
from faceplate.extract.follow import Follower, Following
from faceplate.extract.identity import Identifier, likeness_of, pick_embedder
from faceplate.extract.journal import Journal, journal_path
from faceplate.extract.overlay import write_overlay
from faceplate.extract.people import Looks, People
from faceplate.extract.reading import Reading, Views, check_cuts
from faceplate.extract.recall import RecallingFinder
from faceplate.extract.refit import check_reach
from faceplate.extract.reunite import reunited
from faceplate.extract.shot import Shot, open_shot
from faceplate.extract.smooth import Smoothing, SmoothMethod, check_smoothing
from faceplate.io.plate import MissingPolicy
from faceplate.io.sequence import format_frames
from faceplate.io.trackfile import Track
from faceplate.io.whois import parse_click
from faceplate.landmarks.placing import Placing
from faceplate.models.store import WeightStore

__all__ = ["AnalyseJob", "AnalyseResult", "analyse"]

logger = logging.getLogger(__name__)

_SHEET_FRAMES = 60
_UNRECORDED = frozenset(
    {"plate", "out", "frames", "color_space", "ocio", "ocio_sha256", "sheet", "embedder"}
)
"""Settings that the track tells elsewhere, or that change nothing in it."""
_NO_ANSWER = frozenset(
    {"out", "frames", "sheet", "missing", "every", "cuts", "smooth_window", "smooth_method",
     "reach", "at", "reference", "order", "max_people", "min_confidence", "min_presence"}
)  # fmt: skip
"""Settings that change which questions the networks are asked, but no answer."""
_SURE = 0.75
"""Share of an embedder's own bound below which a face is somebody who was away (see `Looks`)."""


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
    ocio_sha256: str | None = None
    """Of the config's file that the caller works with; another one under that path is refused."""
    detector: str = "retinaface"
    """Finds faces in whole frames."""
    landmarker: str = "facemesh"
    """Places the points of a face."""
    looks: int = 1
    """Looks at each face, at slightly moved crops, whose points are averaged: 1 to 33. 5 take away
    two fifths of the jitter, at three times the landmarker's cost."""
    landmarker_3d: str | None = None
    """Places the points of faces turned further than ``switch_yaw``, such as ``3dfan4``; None
    leaves them to ``landmarker``, which is right for ``facemesh``: its points lie on the head."""
    switch_yaw: float = 45.0
    """Degrees of yaw, either way, at which ``landmarker_3d`` takes over; both are mixed over 5
    degrees around it. 5 to 85."""
    every: int = 12
    """The detector runs on every so many frames, and where a face is lost; 1 is every frame."""
    cuts: str = "auto"
    """Where another camera shot begins: ``auto`` finds hard cuts, ``none`` says that there are
    none, or frames such as ``1013,1050``. A cut ends everything that goes by motion."""
    embedder: str = "auto"
    """Tells people apart where motion does not: ``auto`` takes the first whose weights are here,
    ``none`` compares the colours of faces instead; or its name."""
    smooth_window: int = 9
    """Frames that take part in the smoothing of a point, odd; 1 is none."""
    smooth_method: SmoothMethod = "adaptive"
    """How points are smoothed: see docs/tracks.md for what each keeps and costs."""
    reach: int = 12
    """Frames around a corrected face over which its neighbours are pulled after it; 0 pulls none.
    Between two corrections all frames follow."""
    at: tuple[str, ...] = ()
    """Keep only the people at these places, each FRAME:X,Y in plate pixels, such as
    ``1010:412,230``."""
    reference: tuple[str, ...] = ()
    """Keep only the people of these pictures, by the embedder, or by colours where there is none;
    who has no name yet is named after the file."""
    order: Order = "appearance"
    """How people are numbered: as they come, the ``largest`` first, or from the ``left`` or
    ``right`` of the picture."""
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
    rotations: Rotations = "fallback"
    """Look for faces on their side or upside down: ``fallback`` where the upright look shows no
    face or a doubtful one, ``always`` (four times the work), or ``never``."""
    tiles: Tiles = "auto"
    """Look at frames in tiles too: ``auto`` at those over 2,560 pixels, three times finer than
    whole; ``fine`` at all, so finely that faces of ``min_face`` are found; or ``never``."""
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
    cuts: str
    """Frames that begin another camera shot."""
    embedder: str
    """What told people apart; empty: their colours."""
    corrected: int
    """Faces kept from an artist."""
    detections: int
    """Runs of the detector."""
    recalled: int
    """Answers of the networks that were taken over from an analysis that was stopped."""
    seconds: float
    sheets: tuple[str, ...] = ()
    """Overlay pictures."""


def analyse(job: AnalyseJob, context: Context) -> AnalyseResult:
    """Find and follow the people of a plate and write the track file.

    A plate without any face is no error: the track says that all frames are empty. An analysis
    that is stopped, killed or runs into a broken frame leaves a journal beside the track, from
    which the next one goes on; the track is that of an analysis that was never stopped.

    Raises:
        BadSettings: A setting that means nothing, or corrections of another plate in `out`.
        WeightsMissing: The networks' weights are not in ``context.home/weights``.
        NotFound, MissingFrames, BadSequence, BadImage, UnknownColorSpace: The plate or a reference.
        NotReady: Another analysis is at work on this track.
        Cancelled: What was seen so far is in the journal.
    """
    began = time.monotonic()
    shot = open_shot(
        job.plate,
        frames=job.frames,
        missing=job.missing,
        color_space=job.color_space,
        ocio=job.ocio or context.ocio,
        ocio_sha256=job.ocio_sha256,
    )
    cuts = _checked(job, shot)
    store = WeightStore(context.home / "weights")
    finder = _finder(job, shot, context)
    embedder = pick_embedder(job.embedder, store.path, context.threads)
    out = Path(job.out)
    with Journal(journal_path(out), _key(job, shot, embedder), shot.plate) as journal:
        asked = RecallingFinder(finder, journal, Identifier(embedder) if embedder else None)
        corrections = Corrections(out, shot.plate, asked)
        views = Views(shot, journal)
        follower = Follower(
            asked,
            Following(job.every, job.min_presence, job.min_confidence),
            len(shot.plate.frames),
            views,
            corrections,
            People(Looks() if embedder is None else Looks(identity=_SURE * embedder.same)),
        )
        references = [
            likeness_of(file, job.color_space, job.ocio or context.ocio, finder, embedder)
            for file in job.reference
        ]
        step = -(-len(shot.plate.frames) // _SHEET_FRAMES) if job.sheet else 0
        reading = Reading(follower, journal, cuts, step)
        reading.run(views, shot.plate.frames, context.progress)
        choice = Choice(job.at, tuple(references), job.order, job.max_people)
        track = _track(job, shot, reading, corrections, choice, embedder)
        sheets = _write(job, track, reading)
        journal.remove()
    result = _result(job, track, follower, sheets, time.monotonic() - began)
    return replace(result, embedder=embedder.card if embedder else "", recalled=journal.recalled)


def _checked(job: AnalyseJob, shot: Shot) -> frozenset[int] | None:
    """Check what can be checked before anything is read; return the cuts that are named."""
    if job.every < 1:
        raise BadSettings(f"every must be 1 or more frames, got {job.every}")
    if job.max_people < 0:
        raise BadSettings(f"max_people must be 0 or more, got {job.max_people}")
    check_smoothing(job.smooth_window, job.smooth_method)
    check_reach(job.reach)
    for text in job.at:
        click = parse_click(text)
        if click is None or click[0] not in shot.plate.frames:
            raise BadSettings(
                f"at: expected FRAME:X,Y with a frame that is analysed, such as "
                f"{shot.plate.frames[0]}:412,230, got {text!r}"
            )
    return check_cuts(job.cuts, shot.plate.frames)


def _key(job: AnalyseJob, shot: Shot, embedder: Embedder | None) -> str:
    """Return a hash of all that the networks' answers depend on besides pixels and questions."""
    settings = {name: value for name, value in to_dict(job).items() if name not in _NO_ANSWER}
    encodings = shot.encodings
    colors = [encodings.plate_space, encodings.config.hash, encodings.working]
    parts = [__version__, settings, colors, embedder and embedder.card]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _finder(job: AnalyseJob, shot: Shot, context: Context) -> Finder:
    store = WeightStore(context.home / "weights")
    looking = Looking(job.detect_size, job.rotations, job.tiles)
    smallest = job.min_face * shot.plate.size[1]
    detector, side = looking.load(
        job.detector, store.path, shot.plate.size, smallest, threads=context.threads
    )
    placing = Placing(job.landmarker, job.looks, job.landmarker_3d, job.switch_yaw)
    landmarker = placing.load(store.path, threads=context.threads)
    return Finder(detector, landmarker, shot.encodings, side, smallest)


def _track(
    job: AnalyseJob,
    shot: Shot,
    reading: Reading,
    corrections: Corrections,
    choice: Choice,
    embedder: Embedder | None,
) -> Track:
    view = reading.first
    if view is None:
        raise NotFound(f"{shot.plate.pattern}: none of the frames asked for is there")
    smoothing = Smoothing(job.smooth_window, job.smooth_method)
    fitting = Fitting(smoothing, job.reach, tuple(reading.cuts))
    found = reading.follower.people
    found.everybody = reunited(found.everybody, found.looks)
    everybody = assemble(found, reading.frames, view, fitting, corrections.names)
    settings = {name: value for name, value in to_dict(job).items() if name not in _UNRECORDED}
    settings["embedder"] = embedder.card if embedder else ""
    cuts = tuple(reading.frames[index] for index in reading.cuts)
    info = shot.info(view.shape.display_window, view.aspect)
    track = Track(info, tuple(reading.frames.values()), everybody, settings, cuts=cuts)
    people = choose(track, choice, found.numbers(), frozenset(corrections.names))
    return replace(track, people=people)


def _write(job: AnalyseJob, track: Track, reading: Reading) -> list[Path]:
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
        cuts=format_frames(track.cuts),
        embedder="",
        corrected=sources.count("corrected"),
        detections=follower.detections,
        recalled=0,
        seconds=round(seconds, 2),
        sheets=tuple(str(sheet) for sheet in sheets),
    )
