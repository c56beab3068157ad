"""Which found face is which true one, and what was missed, made up or mixed up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from faceplate.io.trackfile import Track, TrackedFace
from faceplate.studies.extractiontruth import TrueFace, Truth

__all__ = ["Match", "Switch", "match_faces", "switches_of"]

_SAME = 0.5
"""Least overlap (intersection over union) of the boxes around the 68 points of one face."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Match:
    """A found face, a true face, or both where they are the same."""

    frame: int
    true: TrueFace | None
    """None: there is no such face."""
    found: TrackedFace | None
    """None: it was missed."""


@dataclass(frozen=True)
class Switch:
    """Where the number of a person in the track changed."""

    frame: int
    """The first frame with the new number."""
    person: int
    """The person's number in the truth."""
    before: int
    after: int


def match_faces(track: Track, truth: Truth, frames: Iterable[int]) -> list[Match]:
    """Pair the faces of a track with the true ones, one to one, in the order of the frames.

    Faces are the same where the boxes around their 68 points share at least half of what they
    cover; of several ways to pair them the one with the largest overlap in all is taken.
    """
    return [pair for frame in frames for pair in _at(frame, truth.at(frame), track)]


def switches_of(matches: Sequence[Match]) -> list[Switch]:
    """Return where a true person was given another number than when last found.

    A person who was away or hidden and comes back under another number counts too.
    """
    last: dict[int, int] = {}
    switches = []
    for one in matches:
        if one.true is None or one.found is None:
            continue
        before = last.get(one.true.person)
        if before is not None and before != one.found.person:
            switches.append(Switch(one.frame, one.true.person, before, one.found.person))
        last[one.true.person] = one.found.person
    return switches


def _at(frame: int, true: Sequence[TrueFace], track: Track) -> list[Match]:
    found = track.faces_at(frame)
    overlaps = np.array(
        [[_overlap(one.landmarks, other.landmarks) for other in found] for one in true]
    ).reshape(len(true), len(found))
    rows, columns = linear_sum_assignment(-overlaps)
    pairs = {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if overlaps[row, column] >= _SAME
    }
    matches = [
        Match(frame, face, found[pairs[row]] if row in pairs else None)
        for row, face in enumerate(true)
    ]
    taken = set(pairs.values())
    return matches + [Match(frame, None, one) for at, one in enumerate(found) if at not in taken]


def _overlap(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    (a0, a1), (b0, b1) = (
        (np.min(points, axis=0), np.max(points, axis=0)) for points in (one, other)
    )
    shared = float(np.prod(np.clip(np.minimum(a1, b1) - np.maximum(a0, b0), 0, None)))
    both = float(np.prod(a1 - a0) + np.prod(b1 - b0)) - shared
    return shared / both if both > 0 else 0.0
