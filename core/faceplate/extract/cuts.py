"""Where a camera shot ends and another begins: hard cuts, from thumbnails of neighbouring frames.

Two figures are taken of two neighbouring frames. The *change of colours* is half the L1 distance
of smoothed histograms (L, a and b of 3 x 3 blocks), 0..1. The *change of edges* is the share of the
edge pixels of one that have none of the other near them (Zabih, Miller and Mai 1995), after the
shift of the whole picture was taken out by phase correlation, 0..1. A cut changes both, at once:
the frames before and after it are like their neighbours. A pan changes colours, but not the edges
once its shift is taken out, and goes on for a while; a lamp that is switched on leaves the edges;
a flash is over in the next frame. Dissolves and wipes are no cuts here: name the frame by hand.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "Change", "Glimpse", "change", "glimpse_of", "is_cut"]

_BINS = ((16, (0, 256)), (12, (96, 160)), (12, (96, 160)))
_BLOCKS = 3
_EDGE_SHARE = 85
"""Per cent of the pixels that are no edges."""
_EDGE_LEAST = 24.0
_NEAR = np.ones((5, 5), np.uint8)

_MANY_COLORS, _SOME_COLORS = 0.30, 0.14
_SOME_EDGES, _MANY_EDGES = 0.10, 0.22
_PEAK = 2.0
"""How much more a cut changes than the frames before and after it."""
_FLASH = 0.5
"""Share of the change that is left after a flash."""


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What is compared of one frame."""

    colors: NDArray[np.float32]
    """9 blocks x bins, each channel adds up to 1."""
    edges: NDArray[np.uint8]
    light: NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """How unlike two frames are, each figure 0..1."""

    colors: float
    edges: float


NOTHING = Change(0.0, 0.0)


def glimpse_of(picture: NDArray[np.uint8]) -> Glimpse:
    """Return what is compared of a thumbnail (HxWx3, view encoding, 0..255)."""
    lab = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), np.uint8)
    light = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
    slopes = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    edges = slopes > max(float(np.percentile(slopes, _EDGE_SHARE)), _EDGE_LEAST)
    return Glimpse(_colors(lab), edges.astype(np.uint8), light)


def change(one: Glimpse, other: Glimpse) -> Change:
    """Return how unlike two frames are; frames of different sizes are wholly unlike."""
    if one.light.shape != other.light.shape:
        return Change(1.0, 1.0)
    colors = float(np.abs(one.colors - other.colors).sum(axis=1).mean() / (2 * len(_BINS)))
    return Change(colors, _edge_change(one, other))


def is_cut(
    here: Change, before: Change = NOTHING, after: Change = NOTHING, across: Change | None = None
) -> bool:
    """Return whether a shot begins with a frame.

    Args:
        here: From the frame before to this one.
        before: From the frame before that to the frame before; nothing where there is none.
        after: From this frame to the next.
        across: From the frame before to the next; None where there is no next.
    """
    if across is not None and across.colors < _FLASH * here.colors:
        return False
    if here.colors < _PEAK * max(before.colors, after.colors):
        return False
    if here.colors >= _MANY_COLORS:
        return here.edges >= _SOME_EDGES
    return here.colors >= _SOME_COLORS and here.edges >= _MANY_EDGES


def _colors(lab: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows = np.array_split(lab, _BLOCKS, axis=0)
    blocks = [block for row in rows for block in np.array_split(row, _BLOCKS, axis=1)]
    return np.array([_histograms(block.reshape(-1, 3)) for block in blocks], np.float32)


def _histograms(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    counts = []
    for channel, (bins, (low, high)) in enumerate(_BINS):
        values = np.clip(pixels[:, channel], low, high - 1)
        found = np.histogram(values, bins=bins, range=(low, high))[0] / len(pixels)
        padded = np.pad(found, 1, mode="edge")
        # smoothed, so that a shade across the border of a bin is no change
        counts.append(padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4)
    return np.concatenate(counts)


def _edge_change(one: Glimpse, other: Glimpse) -> float:
    height, width = one.light.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(one.light, other.light, window)
    shift = np.array([[1, 0, dx], [0, 1, dy]])
    moved = np.asarray(
        cv2.warpAffine(one.edges, shift, (width, height), flags=cv2.INTER_NEAREST), np.uint8
    )
    gone = _unmet(moved, other.edges)
    come = _unmet(other.edges, moved)
    return max(gone, come)


def _unmet(edges: NDArray[np.uint8], others: NDArray[np.uint8]) -> float:
    """Return the share of edge pixels that have none of the others within two pixels."""
    met = int((edges & np.asarray(cv2.dilate(others, _NEAR), np.uint8)).sum())
    return 1 - met / max(int(edges.sum()), 1)
