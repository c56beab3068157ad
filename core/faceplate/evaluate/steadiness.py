"""How steady the landmarks of a track are, and what smoothing took from what the face did.

All figures compare points over neighbouring frames with the true ones of the same frames.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Steadiness", "eye_opening", "mouth_opening", "steadiness"]

FloatArray = NDArray[np.float64]

_INNER = slice(17, 68)
_LAGS = 3


@dataclass(frozen=True)
class Steadiness:
    """What points over time are worth against the truth."""

    jitter: float
    """Median second difference of the inner points, % of the distance of the eyes."""
    true_jitter: float
    """The same of the truth: what really moved."""
    shake: float
    """Median second difference of the error: jitter without what really moved."""
    shake_95: float
    """95th percentile over frames of its mean over points."""
    error: float
    """Mean distance to the truth, % of the distance of the eyes."""
    lag: int
    """Frames by which the face's motion comes late: where its velocity matches best."""
    lids_kept: float
    """Share of the true change of the lids' opening from frame to frame that is there."""
    lips_kept: float
    """The same of the lips."""


def steadiness(points: FloatArray, true: FloatArray, runs: Sequence[slice]) -> Steadiness:
    """Measure landmarks over time.

    Args:
        points: N x 68 x 2 square pixels.
        true: N x 68 x 2, of the same frames.
        runs: Neighbouring frames, of three or more.
    """
    eyes = eye_distance(true)
    bends, trues, shakes = (
        np.concatenate([_bend(values, run) / eyes[run][1:-1, None] for run in runs])
        for values in (points, true, points - true)
    )
    apart = np.concatenate(
        [np.linalg.norm(points - true, axis=-1)[run, _INNER] / eyes[run][:, None] for run in runs]
    )
    return Steadiness(
        jitter=float(100 * np.median(bends)),
        true_jitter=float(100 * np.median(trues)),
        shake=float(100 * np.median(shakes)),
        shake_95=float(100 * np.percentile(shakes.mean(axis=1), 95)),
        error=float(100 * apart.mean()),
        lag=_lag(points, true, runs),
        lids_kept=_kept(eye_opening, points, true, runs),
        lips_kept=_kept(mouth_opening, points, true, runs),
    )


def eye_distance(points: FloatArray) -> FloatArray:
    """Return the distance of the eyes' middles in each frame, N."""
    middles = points[:, 36:42].mean(axis=1) - points[:, 42:48].mean(axis=1)
    return np.asarray(np.linalg.norm(middles, axis=1))


def eye_opening(points: FloatArray) -> FloatArray:
    """Return how far the lids are apart in each frame, in distances of the eyes, N."""
    pairs = ((37, 41), (38, 40), (43, 47), (44, 46))
    return _opening(points, pairs)


def mouth_opening(points: FloatArray) -> FloatArray:
    """Return how far the lips are apart in each frame, in distances of the eyes, N."""
    return _opening(points, ((61, 67), (62, 66), (63, 65)))


def _opening(points: FloatArray, pairs: Sequence[tuple[int, int]]) -> FloatArray:
    gaps = [np.linalg.norm(points[:, one] - points[:, other], axis=1) for one, other in pairs]
    return np.asarray(np.mean(gaps, axis=0) / eye_distance(points))


def _bend(points: FloatArray, run: slice) -> FloatArray:
    part = points[run, _INNER]
    return np.asarray(np.linalg.norm(part[2:] - 2 * part[1:-1] + part[:-2], axis=-1))


def _kept(
    opening: Callable[[FloatArray], FloatArray],
    points: FloatArray,
    true: FloatArray,
    runs: Sequence[slice],
) -> float:
    """Return the slope of the changes that were found over the true ones."""
    found, real = (
        np.concatenate([np.diff(opening(values[run])) for run in runs]) for values in (points, true)
    )
    return float((found * real).sum() / max((real * real).sum(), 1e-12))


def _lag(points: FloatArray, true: FloatArray, runs: Sequence[slice]) -> int:
    speeds = [
        tuple(np.diff(values[run, _INNER].mean(axis=1), axis=0) for values in (points, true))
        for run in runs
        if run.stop - run.start > 4 * _LAGS
    ]
    alike = []
    for lag in range(-_LAGS, _LAGS + 1):
        ends = [len(real) - _LAGS for _, real in speeds]
        found = [one[_LAGS + lag : end + lag] for (one, _), end in zip(speeds, ends, strict=True)]
        real = [one[_LAGS:end] for (_, one), end in zip(speeds, ends, strict=True)]
        alike.append(_correlation(found, real))
    return int(np.argmax(alike)) - _LAGS if speeds else 0


def _correlation(one: list[FloatArray], other: list[FloatArray]) -> float:
    if not one:
        return 0.0
    return float(np.corrcoef(np.concatenate(one).ravel(), np.concatenate(other).ravel())[0, 1])
