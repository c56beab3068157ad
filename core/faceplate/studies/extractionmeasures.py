"""What a track is worth, measured face by face: found or not, points, steadiness, head turns."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.evaluate.steadiness import eye_distance, steadiness
from faceplate.extract.smooth import runs_of
from faceplate.extract.view import plate_to_square
from faceplate.io.trackfile import Track
from faceplate.studies.extractionmatch import Match, switches_of
from faceplate.studies.smoothing import runs_seen

__all__ = [
    "BANDS",
    "Bounds",
    "Figures",
    "Jolts",
    "counted",
    "face_errors",
    "jitter",
    "jolts_of",
    "landmark_errors",
    "pose_errors",
    "presence",
]

Figures = dict[str, float | None]
"""Key of a measure to its value; see `extractiontable.MEASURES`."""
FloatArray = NDArray[np.float64]

BANDS = ((0, 15), (15, 30), (30, 45), (45, 60), (60, 90))
"""Of yaw to either side, in degrees: from, and below."""

_INNER = slice(17, 68)
_JAW = slice(0, 17)
_LONG = 24
"""Frames in a row from which on a lag can be told."""
_ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True)
class Bounds:
    """Which frames jitter and pose are measured on."""

    most_yaw: float = 45.0
    """Degrees to either side."""
    least_visible: float = 0.9
    """Share of the face, 0..1; of jitter."""


@dataclass(frozen=True, eq=False)
class Jolts:
    """How much the points of one face jerk from frame to frame."""

    name: str
    frames: NDArray[np.int_]
    """The middle ones of three in a row."""
    values: FloatArray
    """Mean length of the second difference of the inner points, % of the eye distance."""


def counted(matches: Sequence[Match]) -> Figures:
    """Return how many faces were found, missed and made up, and who was mixed up."""
    true = [one for one in matches if one.true is not None]
    whole = [one for one in true if one.true is not None and one.true.whole]
    return {
        "true_faces": len(true),
        "recall": _share(true),
        "recall_whole": _share(whole),
        "false_faces": sum(one.true is None for one in matches),
        "switches": len(switches_of(matches)),
    }


def presence(track: Track, frames: Sequence[int]) -> Figures:
    """Return what is known of any track without a truth."""
    wanted = set(frames)
    faces = [face for person in track.people for face in person.faces if face.frame in wanted]
    return {
        "frames": len(frames),
        "frames_with_face": len({face.frame for face in faces}),
        "people": len({face.person for face in faces}),
        "detected": sum(face.source == "detected" for face in faces),
        "presence_median": _over(np.median, [face.presence for face in faces]),
        "presence_least": min((face.presence for face in faces), default=None),
        "confidence_median": _over(np.median, [face.confidence for face in faces]),
    }


def face_errors(one: Match, aspect: float) -> Mapping[str, float]:
    """Return what a found face is off by: points in % of the true eye distance, angles in degrees.

    Keys: inner (51 points), jaw (17), yaw, pitch, roll. Nothing where it is not found or not true.
    """
    if one.true is None or one.found is None:
        return {}
    true = plate_to_square(one.true.landmarks, aspect)
    found = plate_to_square(one.found.landmarks, aspect)
    apart = 100 * np.linalg.norm(found - true, axis=1) / eye_distance(true[None])[0]
    errors = {"inner": float(apart[_INNER].mean()), "jaw": float(apart[_JAW].mean())}
    for angle in _ANGLES:
        difference = getattr(one.found.pose, angle) - getattr(one.true, angle)
        errors[angle] = abs((difference + 180) % 360 - 180)
    return errors


def landmark_errors(matches: Sequence[Match], aspect: float) -> Figures:
    """Return mean errors of the points by yaw band where nothing hides the face, and where."""
    figures: Figures = {}
    for part in ("inner", "jaw"):
        for low, high in BANDS:
            errors = _errors(matches, aspect, part, _within(low, high))
            figures[f"{part}_{low}_{high}"] = _over(np.mean, errors)
    hidden = _errors(matches, aspect, "inner", lambda one: bool(one.true and one.true.occluder))
    return figures | {"inner_hidden": _over(np.mean, hidden)}


def pose_errors(matches: Sequence[Match], aspect: float, bounds: Bounds) -> Figures:
    """Return errors of the head turns of whole faces that nothing hides, within the yaw bound."""

    def counts(one: Match) -> bool:
        true = one.true
        return bool(true and true.whole and not true.occluder and abs(true.yaw) <= bounds.most_yaw)

    figures: Figures = {}
    for angle in _ANGLES:
        errors = _errors(matches, aspect, angle, counts)
        figures[f"{angle}_mean"] = _over(np.mean, errors)
        figures[f"{angle}_95"] = _over(lambda values: np.percentile(values, 95), errors)
        figures[f"{angle}_worst"] = max(errors, default=None)
    return figures


def jitter(track: Track, matches: Sequence[Match], bounds: Bounds) -> Figures:
    """Return how steady the points are; against the truth where there are true faces.

    Jitter is the median second difference of the inner points over three neighbouring frames in %
    of the eye distance. Without true faces the track's own yaw decides what is measured, and its
    own eye distance is the scale.
    """
    known = any(one.true is not None for one in matches)
    people = _people(matches, known)
    runs = _runs(people, track, bounds)
    if not runs:
        return {}
    raw, smooth, true = _points([one for part in people for one in part], track.plate.pixel_aspect)
    scale = true if known else smooth
    found, before = steadiness(smooth, scale, runs), steadiness(raw, scale, runs)
    figures: Figures = {"jitter_raw": before.jitter, "jitter": found.jitter}
    if known:
        figures |= {
            "jitter_true": found.true_jitter,
            "shake": found.shake,
            "shake_95": found.shake_95,
        }
        if max(run.stop - run.start for run in runs) >= _LONG:
            figures["lag"] = found.lag
    return figures


def jolts_of(track: Track, matches: Sequence[Match]) -> list[Jolts]:
    """Return the jerks over the frames of the landmarker's, the track's and the true points."""
    known = any(one.true is not None for one in matches)
    lines: dict[str, list[tuple[int, float]]] = {}
    for part in _people(matches, known):
        raw, smooth, true = _points(part, track.plate.pixel_aspect)
        frames = [one.frame for one in part]
        eyes = eye_distance(true if known else smooth)
        for name, points in (
            ("raw", raw),
            ("track", smooth),
            *([("truth", true)] if known else []),
        ):
            for run in runs_of(frames, [track.shot_of(frame) for frame in frames]):
                inner = points[run, _INNER]
                bends = np.linalg.norm(inner[2:] - 2 * inner[1:-1] + inner[:-2], axis=-1)
                values = 100 * bends.mean(axis=1) / eyes[run][1:-1]
                middles = frames[run][1:-1]
                lines.setdefault(name, []).extend(zip(middles, values.tolist(), strict=True))
    return [
        Jolts(name, np.array([at for at, _ in line], int), np.array([value for _, value in line]))
        for name, line in ((name, sorted(found)) for name, found in lines.items())
    ]


def _runs(people: Sequence[Sequence[Match]], track: Track, bounds: Bounds) -> list[slice]:
    """Return the runs to measure, as slices of all people's faces one after the other."""
    runs, first = [], 0
    for part in people:
        frames = [one.frame for one in part]
        shots = [track.shot_of(frame) for frame in frames]
        steady = [_is_steady(one, bounds) for one in part]
        found = runs_seen(frames, steady, shots)
        runs += [slice(first + run.start, first + run.stop) for run in found]
        first += len(part)
    return runs


def _is_steady(one: Match, bounds: Bounds) -> bool:
    if one.true is not None:
        return abs(one.true.yaw) <= bounds.most_yaw and one.true.visible >= bounds.least_visible
    return one.found is not None and abs(one.found.pose.yaw) <= bounds.most_yaw


def _people(matches: Sequence[Match], known: bool) -> list[list[Match]]:
    """Return what was found of each person, true ones where they are known."""
    people: dict[int, list[Match]] = {}
    for one in matches:
        if one.found is not None and (one.true is not None) == known:
            person = one.true.person if one.true is not None else one.found.person
            people.setdefault(person, []).append(one)
    return list(people.values())


def _points(part: Sequence[Match], aspect: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the landmarker's points, the track's and the true ones, N x 68 x 2 square pixels."""
    found = [one.found for one in part if one.found is not None]
    true = [one.true.landmarks for one in part if one.true is not None]
    raw = [face.raw_landmarks for face in found]
    smooth = [face.landmarks for face in found]
    three = (np.array(points, np.float64).reshape(-1, 68, 2) for points in (raw, smooth, true))
    one, two, last = (plate_to_square(points, aspect) for points in three)
    return one, two, last


def _errors(
    matches: Sequence[Match], aspect: float, name: str, counts: Callable[[Match], bool]
) -> list[float]:
    both = (one for one in matches if one.true is not None and one.found is not None)
    return [face_errors(one, aspect)[name] for one in both if counts(one)]


def _within(low: float, high: float) -> Callable[[Match], bool]:
    def counts(one: Match) -> bool:
        true = one.true
        return true is not None and not true.occluder and low <= abs(true.yaw) < high

    return counts


def _share(matches: Sequence[Match]) -> float | None:
    """Return how many of the true faces were found, in percent."""
    if not matches:
        return None
    return 100 * sum(one.found is not None for one in matches) / len(matches)


def _over(
    function: Callable[[NDArray[np.float64]], np.floating | float], values: Iterable[float]
) -> float | None:
    known = np.array([value for value in values if math.isfinite(value)], np.float64)
    return float(function(known)) if len(known) else None
