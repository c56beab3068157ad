"""The verb `evaluate footage`: what a track says about itself, where no truth is known.

Jitter is the second difference of a point over three neighbouring frames, as a share of the
distance of the eyes: a face that rests or moves evenly has none. It is told apart into the part of
the place (the whole face shakes, which a swap shows at once) and of the shape.
"""

import io
import itertools
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.geometry.shape import TEMPLATE_EYE_DISTANCE, from_shape, to_shape
from faceplate.io.atomic import write_bytes, write_text
from faceplate.io.sequence import format_frames
from faceplate.io.trackfile import PersonTrack, Track, TrackedFace

__all__ = ["FootageJob", "FootageResult", "PersonFigures", "footage"]

_JUMP_OVERLAP = 0.5
"""Boxes of neighbouring frames that share less than this are counted as a jump."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FootageJob:
    """Measure a track of real footage."""

    track: str
    """The track file."""
    out: str = ""
    """Folder for `footage.json` (all figures, frame by frame) and `footage.png` (plot); empty:
    none."""


@dataclass(frozen=True)
class PersonFigures:
    """What one person's track says about itself; jitter in % of the distance of the eyes."""

    person: int
    faces: int
    """Frames with this person."""
    first: int
    last: int
    gaps: str
    """Analysed frames between the first and the last without this person."""
    jumps: str
    """Frames whose box hardly meets that of the frame before: a cut, or a wrong face."""
    detected: int
    """Frames in which the detector saw the face."""
    presence_least: float
    confidence_least: float
    confidence_median: float
    jitter_raw: float
    """Median over points and frames, as the landmarker gave them."""
    jitter: float
    """The same after smoothing."""
    jitter_raw_95: float
    """95th percentile over frames of the mean over points."""
    jitter_95: float
    jitter_place_raw: float
    """Of the face as a whole: median over frames."""
    jitter_place: float
    jitter_shape_raw: float
    """Of the points within the face: median over points and frames."""
    jitter_shape: float
    smoothing: float
    """How far smoothing moved the points: mean, % of the distance of the eyes."""


@dataclass(frozen=True)
class FootageResult:
    """What a track says about itself."""

    track: str
    frames: int
    """Frames that were analysed."""
    frames_with_face: int
    empty_frames: str
    people: tuple[PersonFigures, ...]
    seconds: float
    table: str = ""
    """All figures, frame by frame."""
    plot: str = ""


def footage(job: FootageJob, context: Context) -> FootageResult:
    """Measure recall, jitter, gaps and jumps of a track.

    Raises:
        NotFound: No such track.
        BadSettings: It is no track file.
    """
    began = time.monotonic()
    track = Track.load(Path(job.track))
    people = []
    for done, person in enumerate(track.people, 1):
        people.append(_figures(person, track))
        context.progress.report("evaluate footage", done, len(track.people))
    empty = track.empty_frames()
    table, plot = _write(job, track) if job.out else ("", "")
    return FootageResult(
        track=job.track,
        frames=len(track.frames),
        frames_with_face=len(track.frames) - len(empty),
        empty_frames=format_frames(empty),
        people=tuple(people),
        seconds=round(time.monotonic() - began, 2),
        table=table,
        plot=plot,
    )


@dataclass(frozen=True, eq=False)
class _Jitter:
    """Second differences of one set of points, one row per frame that has two neighbours."""

    frames: list[int]
    points: FloatArray  # (N, 68), % of the distance of the eyes
    place: FloatArray  # (N,)
    shape: FloatArray  # (N, 68)


def _figures(person: PersonTrack, track: Track) -> PersonFigures:
    faces = person.faces
    aspect = track.plate.pixel_aspect
    raw, smooth = _jitter(faces, "raw_landmarks", aspect), _jitter(faces, "landmarks", aspect)
    there = set(person.frames)
    between = [n for n in track.frames if faces[0].frame < n < faces[-1].frame and n not in there]
    confidences = [face.confidence for face in faces]
    return PersonFigures(
        person=person.person,
        faces=len(faces),
        first=faces[0].frame,
        last=faces[-1].frame,
        gaps=format_frames(between),
        jumps=format_frames(_jumps(faces)),
        detected=sum(face.source == "detected" for face in faces),
        presence_least=min(face.presence for face in faces),
        confidence_least=min(confidences),
        confidence_median=float(np.median(confidences)),
        jitter_raw=_median(raw.points),
        jitter=_median(smooth.points),
        jitter_raw_95=_high(raw.points),
        jitter_95=_high(smooth.points),
        jitter_place_raw=_median(raw.place),
        jitter_place=_median(smooth.place),
        jitter_shape_raw=_median(raw.shape),
        jitter_shape=_median(smooth.shape),
        smoothing=_moved(faces, aspect),
    )


def _jitter(faces: Sequence[TrackedFace], name: str, aspect: float) -> _Jitter:
    parts = [to_shape(getattr(face, name) * np.array([aspect, 1.0])) for face in faces]
    shapes = np.array([shape for shape, _ in parts]).reshape(-1, 68, 2)
    points = np.array([from_shape(*part) for part in parts]).reshape(-1, 68, 2)
    middle = [i for i in range(1, len(faces) - 1) if faces[i + 1].frame - faces[i - 1].frame == 2]
    at = np.array(middle, int)
    eyes = np.array([np.hypot(*parts[i][1][:2]) for i in middle]) * TEMPLATE_EYE_DISTANCE
    # The same mean shape in each frame's place: only the place moves it.
    still = shapes.mean(axis=0) if len(shapes) else np.zeros((68, 2))
    carried = np.array([from_shape(still, place) for _, place in parts]).reshape(-1, 68, 2)
    return _Jitter(
        [faces[i].frame for i in middle],
        100 * _bend(points, at) / eyes[:, None],
        (100 * _bend(carried, at) / eyes[:, None]).mean(axis=1),
        100 * _bend(shapes, at) / TEMPLATE_EYE_DISTANCE,
    )


def _bend(points: FloatArray, at: NDArray[np.int_]) -> FloatArray:
    """Return the length of the second difference of each point, (len(at), 68)."""
    return np.asarray(np.linalg.norm(points[at - 1] - 2 * points[at] + points[at + 1], axis=-1))


def _jumps(faces: Sequence[TrackedFace]) -> list[int]:
    pairs = itertools.pairwise(faces)
    return [
        after.frame
        for before, after in pairs
        if after.frame - before.frame == 1 and _overlap(before, after) < _JUMP_OVERLAP
    ]


def _overlap(one: TrackedFace, other: TrackedFace) -> float:
    a, b = np.array(one.box), np.array(other.box)
    shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


def _moved(faces: Sequence[TrackedFace], aspect: float) -> float:
    square = np.array([aspect, 1.0])
    moved = [
        np.linalg.norm((face.landmarks - face.raw_landmarks) * square, axis=1).mean()
        / (np.hypot(*to_shape(face.landmarks * square)[1][:2]) * TEMPLATE_EYE_DISTANCE)
        for face in faces
    ]
    return float(100 * np.mean(moved))


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else math.nan


def _high(values: FloatArray) -> float:
    return float(np.percentile(values.mean(axis=1), 95)) if values.size else math.nan


def _write(job: FootageJob, track: Track) -> tuple[str, str]:
    folder = Path(job.out)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for person in track.people for row in _rows(person, track.plate.pixel_aspect)]
    table, plot = folder / "footage.json", folder / "footage.png"
    people = [to_dict(_figures(person, track)) for person in track.people]
    content = {"track": job.track, "people": people, "frames": rows}
    write_text(table, json.dumps(_without_nan(content), indent=1) + "\n")
    write_bytes(plot, _plot(track))
    return str(table), str(plot)


def _rows(person: PersonTrack, aspect: float) -> list[dict[str, Any]]:
    raw = _jitter(person.faces, "raw_landmarks", aspect)
    smooth = _jitter(person.faces, "landmarks", aspect)
    by_frame = {
        frame: (float(raw.points[i].mean()), float(smooth.points[i].mean()))
        for i, frame in enumerate(raw.frames)
    }
    return [
        {
            "person": person.person,
            "frame": face.frame,
            "source": face.source,
            "presence": face.presence,
            "confidence": face.confidence,
            "yaw": face.pose.yaw,
            "pitch": face.pose.pitch,
            "roll": face.pose.roll,
            "jitter_raw": by_frame.get(face.frame, (None, None))[0],
            "jitter": by_frame.get(face.frame, (None, None))[1],
        }
        for face in person.faces
    ]


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    return [_without_nan(entry) for entry in value] if isinstance(value, list | tuple) else value


def _plot(track: Track) -> bytes:
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    for person in track.people:
        name = f"person {person.person}"
        _draw_jitter(top, person, track.plate.pixel_aspect, name)
        frames = person.frames
        for angle in ("yaw", "pitch", "roll"):
            angles = [getattr(face.pose, angle) for face in person.faces]
            middle.plot(frames, angles, ".", markersize=2, label=f"{angle}, {name}")
        confidences = [face.confidence for face in person.faces]
        bottom.plot(frames, confidences, ".", markersize=2, label=f"confidence, {name}")
    for empty in track.empty_frames():
        for axes in (top, middle, bottom):
            axes.axvspan(empty - 0.5, empty + 0.5, color="0.85")
    top.set_ylabel("jitter, % of eye distance")
    middle.set_ylabel("degrees")
    bottom.set_ylabel("confidence")
    bottom.set_ylim(0, 1.05)
    bottom.set_xlabel("frame (grey: no face)")
    for axes in (top, middle, bottom):
        if track.people:
            axes.legend(fontsize=7, loc="upper right")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    return picture.getvalue()


def _draw_jitter(axes: Any, person: PersonTrack, aspect: float, name: str) -> None:
    for points, told, color in (("raw_landmarks", "raw", "0.6"), ("landmarks", "smoothed", None)):
        jitter = _jitter(person.faces, points, aspect)
        label = f"{told}, {name}"
        axes.plot(jitter.frames, jitter.points.mean(axis=1), lw=0.8, color=color, label=label)
