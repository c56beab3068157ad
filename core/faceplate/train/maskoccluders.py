"""What covers a face in a mask training, made up: hands, bars, blobs, strands, in made-up textures.

Nothing is cut from pictures of anybody; hands are capsules in the colour of the face itself.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["cover", "texture"]

Array = NDArray[np.float32]
Rng = np.random.Generator

_MOST = 2
_LIGHT = np.array([-0.4, -0.6, 0.7], np.float32)


def cover(view: Array, mask: Array, other: Array, rng: Rng) -> tuple[Array, Array]:
    """Lay one or two things over a face.

    Args:
        view: K x K x 3 in 0..1.
        mask: K x K in 0..1.
        other: Another face, K' x K' x 3, that may lend its pixels as a texture.
        rng: All random choices are drawn from it.

    Returns:
        The picture, and what is still seen of the face.
    """
    for _ in range(int(rng.integers(1, _MOST + 1))):
        shape, height = _SHAPES[int(rng.choice(len(_SHAPES), p=_SHARES))](view.shape[0], rng)
        if rng.random() < 0.5:
            view = _shaded(view, shape, rng)
        paint = _paint(view, mask, other, height, rng)
        soft = 2 * int(rng.integers(0, 2)) + 1
        edge = np.asarray(cv2.GaussianBlur(shape, (soft, soft), 0), np.float32)
        view = view + edge[..., None] * (paint - view)
        mask = mask * (1 - edge)
    return np.asarray(np.clip(view, 0, 1), np.float32), np.asarray(mask, np.float32)


def texture(side: int, rng: Rng) -> Array:
    """Return something made up, side x side x 3 in 0..1: smooth fields of colour, or stripes."""
    colours = rng.uniform(0, 1, (2, 3)).astype(np.float32)
    if rng.random() < 0.3:
        angle, period = rng.uniform(0, np.pi), rng.uniform(0.02, 0.3) * side
        steps = np.arange(side, dtype=np.float32)
        along = steps[None] * np.float32(np.cos(angle)) + steps[:, None] * np.float32(np.sin(angle))
        waves = np.sin(2 * np.pi * along / period + rng.uniform(0, 6))
        mix = np.asarray(0.5 + 0.5 * waves, np.float32)
    else:
        mix = np.zeros((side, side), np.float32)
        for cells, share in ((2, 0.5), (6, 0.3), (24, 0.2)):
            mix += np.float32(share) * _noise(side, cells, rng)
    mixed = colours[0] + mix[..., None] * (colours[1] - colours[0])
    return np.asarray(np.clip(mixed, 0, 1), np.float32)


def _noise(side: int, cells: int, rng: Rng) -> Array:
    grid = rng.uniform(0, 1, (cells + 1, cells + 1)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _paint(view: Array, mask: Array, other: Array, height: Array, rng: Rng) -> Array:
    """Return the colours of a thing, lit as round as its height says."""
    side, kind = view.shape[0], rng.random()
    if kind < 0.55:  # skin, of this face or darker and lighter
        weight = float(mask.sum())
        tone = (view * mask[..., None]).sum((0, 1)) / weight if weight > 16 else np.full(3, 0.5)
        tone = tone * rng.uniform(0.6, 1.35) * rng.uniform(0.92, 1.08, 3)
        grain = 0.94 + 0.12 * _noise(side, 16, rng)
        paint = tone.astype(np.float32) * grain[..., None]
    elif kind < 0.85:
        paint = texture(side, rng)
    else:
        paint = np.asarray(cv2.resize(other, (side, side)), np.float32)[:: rng.choice([-1, 1])]
        paint = np.rot90(paint, int(rng.integers(4)))
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(height, (3, 3), 0))
    strength = np.float32(rng.uniform(0, 0.16) * side)
    up = 1 / np.sqrt(1 + strength**2 * (slope_x**2 + slope_y**2))
    light = _LIGHT * np.array([rng.choice([-1, 1]), 1, 1], np.float32)
    lit = up * (light[2] - strength * (slope_x * light[0] + slope_y * light[1]))
    return np.asarray(paint * (0.45 + 0.75 * np.clip(lit, 0, 1))[..., None], np.float32)


def _shaded(view: Array, shape: Array, rng: Rng) -> Array:
    """Let a thing throw a soft shadow."""
    side = view.shape[0]
    move = np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    move[:, 2] = rng.uniform(-0.06, 0.06, 2) * side
    shadow = cv2.warpAffine(shape, move, (side, side))
    size = 2 * int(side * rng.uniform(0.02, 0.08)) + 1
    dark = cv2.GaussianBlur(shadow, (size, size), 0) * np.float32(rng.uniform(0.1, 0.5))
    return np.asarray(view * (1 - dark)[..., None], np.float32)


def _hand(side: int, rng: Rng) -> tuple[Array, Array]:
    """Four fingers and a thumb on a palm, seen from any side, as capsules."""
    width = side * rng.uniform(0.05, 0.085)
    spread, bend = rng.uniform(0.0, 0.16), rng.uniform(0.5, 1.0)
    bones = []
    for number in range(4):
        x = (number - 1.5) * width * 1.08
        length = width * (3.4, 4.1, 3.8, 2.9)[number] * bend
        tip = np.array([x + (number - 1.5) * spread * length, -length])
        bones.append((np.array([x, 0.0]), tip, width * 0.52))
    bones.append(
        (np.array([-1.6 * width, 2.4 * width]), np.array([-3.4, 0.6]) * width, 0.55 * width)
    )
    bones.append((np.array([0.0, 0.8 * width]), np.array([0.1, 3.0]) * width, 2.0 * width))
    bones.append((np.array([0.0, 3.5 * width]), np.array([0.3, 16.0]) * width, 1.45 * width))
    if rng.random() < 0.35:  # some fingers are bent away
        bones = bones[int(rng.integers(0, 3)) :]
    angle, mirror = rng.uniform(-np.pi, np.pi), rng.choice([-1.0, 1.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([mirror, 1.0])
    place = side * rng.uniform(0.15, 0.85, 2)
    return _capsules([(turn @ a + place, turn @ b + place, r) for a, b, r in bones], side)


def _capsules(
    bones: list[tuple[NDArray[np.float64], NDArray[np.float64], float]], side: int
) -> tuple[Array, Array]:
    steps = np.arange(side, dtype=np.float32)
    x, y = np.meshgrid(steps, steps)
    shape, height = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    for start, end, radius in bones:
        (ax, ay), (dx, dy) = start.astype(np.float32), (end - start).astype(np.float32)
        share = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        distance = np.hypot(x - ax - share * dx, y - ay - share * dy)
        np.maximum(shape, np.clip(np.float32(radius) - distance + 0.5, 0, 1), out=shape)
        dome = np.sqrt(np.clip(1 - (distance / np.float32(radius)) ** 2, 0, None))
        np.maximum(height, dome * np.float32(radius / side * 8), out=height)
    return shape, height


def _bar(side: int, rng: Rng) -> tuple[Array, Array]:
    angle, radius = rng.uniform(0, np.pi), side * rng.uniform(0.015, 0.14)
    along = np.array([np.cos(angle), np.sin(angle)])
    middle = side * rng.uniform(0.2, 0.8, 2)
    ends = (2 * side, 2 * side) if rng.random() < 0.5 else rng.uniform(0.1, 1.0, 2) * side
    return _capsules([(middle - along * ends[0], middle + along * ends[1], radius)], side)


def _blob(side: int, rng: Rng) -> tuple[Array, Array]:
    """A smooth or jagged outline around a random place."""
    count = int(rng.integers(5, 14))
    radius = side * rng.uniform(0.06, 0.3)
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    reach = radius * rng.uniform(0.5, 1.4, count)
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    points = points * rng.uniform(0.5, 1.0, 2) + side * rng.uniform(0.05, 0.95, 2)
    canvas = np.zeros((side, side), np.float32)
    cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    if rng.random() < 0.6:
        size = 2 * int(radius / 2) + 1
        canvas = (cv2.GaussianBlur(canvas, (size, size), 0) - 0.5) * 4 + 0.5
    shape = np.asarray(np.clip(canvas, 0, 1), np.float32)
    size = 2 * int(radius) + 1
    return shape, np.asarray(cv2.GaussianBlur(shape, (size, size), 0), np.float32)


def _strands(side: int, rng: Rng) -> tuple[Array, Array]:
    """Hair that hangs into the face."""
    canvas = np.zeros((side, side), np.uint8)
    start, lean = rng.uniform(0, 1) * side, rng.uniform(-0.8, 0.8)
    width, length = rng.uniform(0.05, 0.3) * side, rng.uniform(0.3, 1.0) * side
    places = np.linspace(0, 1, 8)
    for _ in range(int(rng.integers(8, 50))):
        x = start + rng.normal(0, width / 2)
        curl = rng.normal(0, 0.12) * side
        xs = x + lean * length * places + curl * places**2
        ys = -4 + length * rng.uniform(0.7, 1.1) * places
        line = np.rint(np.stack([xs, ys], 1) * 16).astype(np.int32)
        cv2.polylines(canvas, [line], False, 255, int(rng.integers(1, 4)), cv2.LINE_AA, 4)
    shape = canvas.astype(np.float32) / np.float32(255)
    if rng.random() < 0.4:
        shape = np.ascontiguousarray(np.rot90(shape, int(rng.choice([1, 3]))))
    return shape, shape


_SHAPES: tuple[Callable[[int, Rng], tuple[Array, Array]], ...] = (_hand, _bar, _blob, _strands)
_SHARES = (0.45, 0.15, 0.25, 0.15)
