"""One sample of a mask training out of one face: what is seen, and the matte to find.

The order is that of the segmenter of DeepFaceLab, from a description of it: another background,
affine and warp, flares, colours, blur, a smaller size, JPEG; the last ones inside a soft circle
each. What covers the face (`maskoccluders`) is ours. A sample follows from its generator alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.train.augment import AugmentOptions, random_affine, warp_field, warp_maps
from faceplate.train.maskbank import MaskBank
from faceplate.train.maskoccluders import cover, texture

__all__ = ["MaskOptions", "MaskSample", "mask_sample"]

Array = NDArray[np.float32]
Rng = np.random.Generator
Filter = Callable[[Array, Rng], Array]


@dataclass(frozen=True)
class MaskOptions:
    """How far a sample may lie from its face."""

    resolution: int
    """Side of the sample in pixels."""
    warp: float = 1.0
    """Strength of the warp; 0 none."""
    transform: float = 0.05
    """Scale range: 1 / (1 + transform) to 1 + transform."""
    rotation_deg: float = 10.0
    """Rotation by up to this angle, either way."""
    shift: float = 0.05
    """Shift by up to this share of the side."""
    flip: bool = True
    """Mirror with probability 0.4."""
    background: float = 0.5
    """Share of the samples with something else around the face."""
    occluders: float = 0.0
    """Share of the samples with something made up before the face."""
    spoil: float = 1.0
    """Factor on how often colours, blur, size and JPEG are changed; 0 never."""


@dataclass(frozen=True, eq=False)
class MaskSample:
    """A picture and its matte."""

    view: Array
    """R x R x 3, 0..1."""
    mask: Array
    """R x R, 0..1."""


def mask_sample(bank: MaskBank, index: int, options: MaskOptions, rng: Rng) -> MaskSample:
    """Make a sample of a face.

    Args:
        bank: The faces; others lend their surroundings.
        index: Which face.
        options: How far it may go.
        rng: All random choices are drawn from it.
    """
    view, mask = bank.faces[index].floats()
    other, other_mask = bank.faces[int(rng.integers(len(bank.faces)))].floats()
    if rng.random() < options.background:
        view = _before_another(view, mask, other, other_mask, rng)
    if rng.random() < options.occluders:
        view, mask = cover(view, mask, other, rng)
    view, mask = _moved(view, mask, options, rng)
    return MaskSample(_spoilt(view, mask, options.spoil, rng), mask)


def _before_another(view: Array, mask: Array, other: Array, other_mask: Array, rng: Rng) -> Array:
    """Lay the surroundings of another face, or something made up, behind a face."""
    side = view.shape[0]
    if rng.random() < 0.3:
        found, away = texture(side, rng), np.zeros((side, side), np.float32)
    else:
        turn = cv2.getRotationMatrix2D(
            ((side - 1) / 2, (side - 1) / 2), rng.uniform(-180, 180), rng.uniform(0.9, 1.1)
        )
        turn[:, 2] += rng.uniform(-0.1, 0.1, 2) * side
        zoom = other.shape[0] / side
        inside = np.asarray(cv2.resize(other, (side, side)) if zoom != 1 else other, np.float32)
        hole = np.asarray(cv2.resize(other_mask, (side, side)) if zoom != 1 else other_mask)
        matrix = np.asarray(turn, np.float64)
        found = _turned(inside, matrix)
        away = _turned(np.asarray(hole, np.float32), matrix)
        found = _recoloured(found, rng)
    weight = rng.uniform(0.15, 1.0) * (1 - np.maximum(mask, away))[..., None]
    return np.asarray(view + weight * (found - view), np.float32)


def _turned(image: Array, matrix: NDArray[np.float64]) -> Array:
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.float32)


def _moved(view: Array, mask: Array, options: MaskOptions, rng: Rng) -> tuple[Array, Array]:
    size = options.resolution
    field = warp_field(size, options.warp, rng)
    moves = AugmentOptions(
        size,
        transform=options.transform,
        rotation_deg=options.rotation_deg,
        shift=options.shift,
        flip=options.flip,
    )
    x, y = warp_maps(field, random_affine(size, moves, rng), size, view.shape[0])
    seen = cv2.remap(view, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    wanted = cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(np.asarray(seen, np.float32), 0, 1), np.asarray(wanted, np.float32)


def _spoilt(view: Array, mask: Array, often: float, rng: Rng) -> Array:
    """Change light, colours, sharpness, size and coding, each now and then."""
    for inside in (mask, 1 - mask):
        if rng.random() < 0.5 * often:
            view = view + _flare(view, inside, rng)
    # How often each comes; the filters of a place exclude each other.
    for share, filters in _FILTERS:
        if rng.random() < share * often:
            chosen = filters[int(rng.integers(len(filters)))]
            circle = _soft_circle(view.shape[0], rng)[..., None]
            view = view + circle * (chosen(np.clip(view, 0, 1), rng) - view)
    return np.asarray(np.clip(view, 0, 1), np.float32)


def _flare(view: Array, inside: Array, rng: Rng) -> Array:
    side = view.shape[0]
    size = 2 * int(rng.integers(side // 8, side // 2 + 1)) + 1
    glow = cv2.GaussianBlur(view * inside[..., None], (size, size), 0)
    return np.asarray(glow * np.float32(rng.uniform(0, 1)), np.float32)


def _recoloured(view: Array, rng: Rng) -> Array:
    return (_hsv if rng.random() < 0.5 else _levels)(view, rng)


def _levels(view: Array, rng: Rng) -> Array:
    black, white = rng.uniform(0, 0.25, 3), 1 - rng.uniform(0, 0.25, 3)
    gamma, low, high = rng.uniform(0.5, 1.5, 3), rng.uniform(0, 0.25, 3), rng.uniform(0.75, 1, 3)
    spread = np.clip((view - black) / (white - black), 0, 1) ** gamma
    return np.asarray(low + spread * (high - low), np.float32)


def _hsv(view: Array, rng: Rng) -> Array:
    hsv = cv2.cvtColor(np.clip(view, 0, 1), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(0, 360)) % 360
    hsv[..., 1:] = np.clip(hsv[..., 1:] + rng.uniform(-0.5, 0.5, 2).astype(np.float32), 0, 1)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32)


def _sharpened(view: Array, rng: Rng) -> Array:
    soft = cv2.GaussianBlur(view, (5, 5), 0)
    return np.asarray(view + rng.uniform(0.5, 2) * (view - soft), np.float32)


def _motion_blurred(view: Array, rng: Rng) -> Array:
    length, angle = int(rng.integers(2, 6)), rng.uniform(0, np.pi)
    kernel = np.zeros((7, 7), np.float32)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    tips = [tuple(round(float(value)) for value in 3 + sign * end) for sign in (-1, 1)]
    cv2.line(kernel, tips[0], tips[1], 1.0)
    return np.asarray(cv2.filter2D(view, -1, kernel / kernel.sum()), np.float32)


def _blurred(view: Array, rng: Rng) -> Array:
    size = 2 * int(rng.integers(1, 5)) + 1
    return np.asarray(cv2.GaussianBlur(view, (size, size), 0), np.float32)


def _resized(view: Array, rng: Rng) -> Array:
    side = view.shape[0]
    small = max(8, round(side * rng.uniform(0.25, 1)))
    method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_NEAREST
    down = cv2.resize(view, (small, small), interpolation=method)
    return np.asarray(cv2.resize(down, (side, side), interpolation=method), np.float32)


def _jpeg(view: Array, rng: Rng) -> Array:
    pixels = np.rint(view[..., ::-1] * 255).astype(np.uint8)
    quality = int(rng.integers(10, 101))
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    return back.astype(np.float32) * np.float32(1 / 255)


_FILTERS: tuple[tuple[float, tuple[Filter, ...]], ...] = (
    (1.0, (_hsv, _levels)),
    (0.25, (_sharpened,)),
    (0.25, (_motion_blurred,)),
    (0.25, (_blurred,)),
    (0.25, (_resized,)),
    (0.25, (_jpeg,)),
)


def _soft_circle(side: int, rng: Rng) -> Array:
    """Return where a change shows: 1 inside a random circle, falling to 0 around it."""
    x, y = rng.uniform(0, side, 2)
    radius = rng.uniform(0.25, 1.0) * side
    soft = rng.uniform(0.05, 0.5) * side
    steps = np.arange(side, dtype=np.float32)
    distance = np.hypot(steps[None] - np.float32(x), steps[:, None] - np.float32(y))
    return np.asarray(np.clip((radius - distance) / soft + 0.5, 0, 1), np.float32)
