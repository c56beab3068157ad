"""The verb `measure`: colours and mattes of a shot, smoothed over time, into its track.

A transfer that measures each frame by itself follows every flutter of the network's matte and of
the plate's noise, and the face flickers. Here the network runs over the shot once (its predictions
are kept, so the swap need not run it again), the statistics are smoothed over time without lag, and
each face of the track keeps those of its frame. A swap that finds them uses them, and stays a
function of its own frame alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from faceplate.color.statistics import ColorStatistics, measure_color, weighted_average
from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.io.atomic import write_bytes
from faceplate.io.sequence import format_frames
from faceplate.io.tracked import PersonTrack, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.merge.face import FaceInCrop, face_in_crop
from faceplate.merge.measureplot import ColorCurve, plot_colors
from faceplate.merge.roles import Role
from faceplate.merge.shot import Shot, ShotJob
from faceplate.merge.trackmattes import SIDES, matte_text

__all__ = ["MeasureJob", "MeasureResult", "measure", "smooth_colors"]

Mattes = NDArray[np.uint8]
"""2 x S x S: of the likeness and of the performer."""

_T = TypeVar("_T")

_REACH = 4  # deviations of the Gaussian; what lies further away counts for nothing


@dataclass(frozen=True, kw_only=True)
class MeasureJob(ShotJob):
    """Measure the colours of swap and plate over a shot, and on demand the network's mattes, and
    write them, smoothed, into the track.

    The recipe's matte says where is measured. Measure again after a change of model, matte or
    points; nothing else in the track changes.
    """

    out: str
    """Track file to write; it may be the one that is read."""
    frames: str | None = None
    """Frames to measure, such as `1001-1100`; all of the plate where it is left out. Faces of other
    frames keep what they have."""
    smoothing: float = 6.0
    """Deviation of the Gaussian over time, frames, 0 to 1000; 0 writes what each frame shows."""
    matte_smoothing: float = 0.0
    """The same for the network's mattes, frames, 0 to 1000; 0 leaves them to each frame."""
    plot: str | None = None
    """PNG with the measured means over the frames, as they are and smoothed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("smoothing", "matte_smoothing"):
            if not 0 <= getattr(self, name) <= 1000:
                got = getattr(self, name)
                raise BadSettings(f"{name} must be from 0 to 1000 frames, got {got!r}")
        if self.plot and Path(self.plot).suffix.lower() != ".png":
            raise BadSettings(f"plot: expected a name that ends in .png, got {self.plot!r}")


@dataclass(frozen=True)
class MeasureResult:
    """What was measured."""

    out: str
    """The track file that was written."""
    faces: int
    """Faces with statistics of this pass."""
    hidden: str
    """Frames in which a face had next to nothing under its matte; they take their neighbours'."""
    network_runs: int
    """Predictions that had to be made; all others were kept."""
    jitter: float
    """Mean second difference in time of the offset from swap to plate, working encoding."""
    jitter_smoothed: float
    """The same after smoothing."""
    plot: str | None
    seconds: float


@dataclass(frozen=True, eq=False)
class _Measured:
    """What was found of one person, by frame, and its colours smoothed."""

    role: Role
    raw: dict[int, ColorStatistics]
    smooth: dict[int, ColorStatistics]
    mattes: dict[int, Mattes]
    """Smoothed; empty where they were not asked for."""


@dataclass(eq=False)
class _Found:
    """What was found of one person, by frame."""

    colors: dict[int, ColorStatistics] = field(default_factory=dict)
    mattes: dict[int, Mattes] = field(default_factory=dict)


def measure(job: MeasureJob, context: Context) -> MeasureResult:
    """Measure a shot and write its track.

    The track file is read once more before it is written, so that what an artist saved meanwhile
    is kept.

    Raises:
        NotReady: No face could be measured.
        Cancelled: Somebody asked to stop; nothing is written.
        FaceplateError: What `Shot` raises.
    """
    began = time.monotonic()
    shot = Shot(job, context, frames=job.frames)
    found = _measure_all(shot, job.matte_smoothing > 0, context)
    measured = [
        _Measured(
            role,
            person.colors,
            _each_shot(shot.track, person.colors, partial(smooth_colors, deviation=job.smoothing)),
            _each_shot(
                shot.track, person.mattes, partial(_smooth_mattes, deviation=job.matte_smoothing)
            ),
        )
        for role, person in zip(shot.roles, found, strict=True)
    ]
    if not any(person.smooth for person in measured):
        raise NotReady(f"{job.track}: no frame shows a face whose colours could be measured")
    _with_measured(Track.load(Path(job.track)), measured).save(Path(job.out))
    if job.plot:
        _plot(Path(job.plot), measured)
    hidden = {number for one in measured for number, raw in one.raw.items() if not raw.usable}
    return MeasureResult(
        out=job.out,
        faces=sum(len(person.smooth) for person in measured),
        hidden=format_frames(hidden),
        network_runs=shot.network_runs,
        jitter=_jitter([person.raw for person in measured]),
        jitter_smoothed=_jitter([person.smooth for person in measured]),
        plot=job.plot,
        seconds=round(time.monotonic() - began, 2),
    )


def _each_shot(
    track: Track, found: dict[int, _T], smooth: Callable[[dict[int, _T]], dict[int, _T]]
) -> dict[int, _T]:
    """Smooth each camera shot by itself: the light beyond a cut is another."""
    shots: dict[int, dict[int, _T]] = {}
    for number, one in found.items():
        shots.setdefault(track.shot_of(number), {})[number] = one
    return {number: one for shot in shots.values() for number, one in smooth(shot).items()}


def smooth_colors(
    found: dict[int, ColorStatistics], deviation: float
) -> dict[int, ColorStatistics]:
    """Smooth statistics over time with a Gaussian, without lag.

    A frame counts by how much of the face it shows, so a hand before the face changes little. Where
    nothing is near that could be used, a frame is left out.

    Args:
        found: Frame to what it shows.
        deviation: Of the Gaussian in frames, >= 0.
    """
    numbers = np.array(sorted(found), np.float64)
    weights = np.array([found[int(n)].weight * found[int(n)].usable for n in numbers])
    smooth = {}
    for number in numbers:
        away = np.abs(numbers - number)
        near = away <= max(_REACH * deviation, 0)
        shares = weights * near
        if deviation > 0:
            shares = shares * np.exp(-0.5 * (away / deviation) ** 2)
        if shares.sum() > 0:
            chosen = np.flatnonzero(shares)
            statistics = [found[int(numbers[index])] for index in chosen]
            smooth[int(number)] = weighted_average(statistics, shares[chosen].tolist())
    return smooth


def _smooth_mattes(found: dict[int, Mattes], deviation: float) -> dict[int, Mattes]:
    numbers = np.array(sorted(found))
    smooth = {}
    for number in numbers:
        away = np.abs(numbers - number)
        near = numbers[away <= _REACH * deviation]
        weights = np.exp(-0.5 * ((near - number) / deviation) ** 2)
        total = sum(weight * found[int(other)] for weight, other in zip(weights, near, strict=True))
        smooth[int(number)] = np.rint(total / weights.sum()).astype(np.uint8)
    return smooth


def _measure_all(shot: Shot, with_mattes: bool, context: Context) -> list[_Found]:
    found = [_Found() for _ in shot.roles]
    numbers = shot.plate.frames
    context.progress.check()
    for done, number in enumerate(numbers, start=1):
        frame = shot.plate.read(number) if shot.faces(number) else None
        if frame is not None:
            for role, person in zip(shot.roles, found, strict=True):
                cast = role.cast_face(number)
                if cast is not None:
                    _add(person, number, face_in_crop(frame, cast), with_mattes)
        context.progress.report("measure", done, len(numbers), frame=number)
    return found


def _add(person: _Found, number: int, face: FaceInCrop, with_mattes: bool) -> None:
    person.colors[number] = measure_color(face.swap, face.plate, face.matte)
    if with_mattes:
        # 8 bits: a long shot at 512 pixels would fill the memory otherwise
        finite = np.nan_to_num(np.array(face.learned), nan=0.0)
        person.mattes[number] = np.rint(np.clip(finite, 0, 1) * 255).astype(np.uint8)


def _with_measured(track: Track, measured: Sequence[_Measured]) -> Track:
    people = [_person_with(person, measured) for person in track.people]
    return replace(track, people=tuple(people))


def _person_with(person: PersonTrack, measured: Sequence[_Measured]) -> PersonTrack:
    faces = person.faces
    for one in measured:
        if one.role.person == person.person:
            faces = tuple(_face_with(face, one) for face in faces)
    return replace(person, faces=faces)


def _face_with(face: TrackedFace, measured: _Measured) -> TrackedFace:
    model = measured.role.predictor.sha256
    statistics, mattes = measured.smooth.get(face.frame), measured.mattes.get(face.frame)
    if statistics is not None:
        face = replace(face, swap_colors={**face.swap_colors, model: statistics.numbers()})
    if mattes is not None:
        texts = dict(zip(SIDES, (matte_text(matte / 255) for matte in mattes), strict=True))
        face = replace(face, swap_mattes={**face.swap_mattes, model: texts})
    return face


def _offsets(person: dict[int, ColorStatistics]) -> dict[int, NDArray[np.float64]]:
    return {
        number: np.array(found.plate_mean) - np.array(found.swap_mean)
        for number, found in sorted(person.items())
        if found.usable
    }


def _jitter(people: Sequence[dict[int, ColorStatistics]]) -> float:
    bends = [
        np.abs(offsets[number - 1] - 2 * offsets[number] + offsets[number + 1]).mean()
        for offsets in map(_offsets, people)
        for number in offsets
        if number - 1 in offsets and number + 1 in offsets
    ]
    return round(float(np.mean(bends)), 6) if bends else 0.0


def _plot(path: Path, measured: Sequence[_Measured]) -> None:
    curves = [
        ColorCurve(f"person {one.role.person}", _offsets(one.raw), _offsets(one.smooth))
        for one in measured
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, plot_colors(curves))
