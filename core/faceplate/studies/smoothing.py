"""The verb `evaluate smoothing`: every method and window on one track with its rendered truth."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.evaluate.steadiness import steadiness
from faceplate.extract.smooth import Smoothing, SmoothMethod, runs_of
from faceplate.io.trackfile import Track

__all__ = ["SmoothingJob", "SmoothingResult", "runs_seen", "smoothing"]

_TRIED: tuple[tuple[SmoothMethod, int], ...] = (
    ("none", 1), ("gaussian", 7), ("savgol", 7), ("savgol", 11),
    ("adaptive", 5), ("adaptive", 7), ("adaptive", 9), ("adaptive", 11),
)  # fmt: skip


@dataclass(frozen=True)
class SmoothingJob:
    """Compare ways of smoothing on a track of a rendered shot."""

    track: str
    """Its track file."""
    truth: str
    """Its truth (JSON), as the rendered shots have it."""
    most_yaw: float = 45.0
    """Leave out frames in which the head is turned further, in degrees from 0: there the points of
    the truth and of the landmarker are not the same."""
    least_visible: float = 0.9
    """Leave out frames in which less of the face is seen, 0..1."""


@dataclass(frozen=True)
class SmoothingResult:
    """All ways."""

    track: str
    frames: int
    """Frames that were measured."""
    rows: list[dict[str, float | int | str]]
    """Method, window and the figures of `evaluate.steadiness.Steadiness`."""


def smoothing(job: SmoothingJob, context: Context) -> SmoothingResult:
    """Smooth the landmarker's points of a track in every way and measure each.

    Raises:
        NotFound: No such file, or nobody in the track.
        BadSettings: A file that is no track or no truth, or hardly a frame to measure.
    """
    track = Track.load(Path(job.track))
    person = track.person(0)
    if person is None:
        raise NotFound(f"{job.track} has nobody in it")
    truth = _truth(job.truth)
    frames = [number for number in person.frames if str(number) in truth]
    faces = [face for face in person.faces if face.frame in set(frames)]
    raw = np.array([face.raw_landmarks for face in faces], np.float64)
    known = [truth[str(number)] for number in frames]
    true = np.array([one["landmarks68_px"] for one in known], np.float64) - 0.5
    seen = [
        abs(one["yaw"]) <= job.most_yaw and one.get("visible_fraction", 1) >= job.least_visible
        for one in known
    ]
    measured = runs_seen(frames, seen)
    if not measured:
        raise BadSettings(f"{job.track}: no three neighbouring frames are left to measure")
    rows = []
    for done, (method, window) in enumerate(_TRIED, 1):
        smoothed = _smoothed(raw, frames, Smoothing(window, method))
        figures = to_dict(steadiness(smoothed, true, measured))
        rounded = {name: round(value, 3) for name, value in figures.items()}
        rows.append({"method": method, "window": window, **rounded})
        context.progress.report("evaluate smoothing", done, len(_TRIED))
    return SmoothingResult(job.track, sum(run.stop - run.start for run in measured), rows)


def _truth(path: str) -> dict[str, dict[str, Any]]:
    try:
        frames = json.loads(Path(path).read_text(encoding="utf-8"))["frames"]
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadSettings(f"{path} is no truth of a rendered shot: {error}") from error
    return dict(frames)


def runs_seen(
    frames: Sequence[int], seen: Sequence[bool], shots: Sequence[int] | None = None
) -> list[slice]:
    """Return the stretches of three or more neighbouring frames that are seen.

    Args:
        frames: Rising numbers.
        seen: Whether each frame counts.
        shots: The camera shot of each, rising: a stretch never reaches into another one.

    Example:
        >>> runs_seen([1, 2, 3, 4, 5, 6, 8], [True, True, True, False, True, True, True])
        [slice(0, 3, None)]
    """
    # another stretch after each frame that is not seen, and in each camera shot: both only rise
    parts = np.cumsum(~np.array(seen, bool)) + np.array(shots or [0] * len(frames), int)
    return [
        slice(start, run.stop)
        for run in runs_of(frames, parts.tolist())
        if run.stop - (start := run.start + (not seen[run.start])) >= 3
    ]


def _smoothed(raw: NDArray[np.float64], frames: list[int], how: Smoothing) -> NDArray[np.float64]:
    smoothed = raw.copy()
    for run in runs_of(frames):
        smoothed[run] = how.smooth(raw[run])
    return smoothed
