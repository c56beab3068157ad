"""Crops and mattes for tests of colour."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIZE", "cloud", "disc", "gradient", "noise"]

Array = NDArray[np.float32]

SIZE = 64


def noise(seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0.2, 0.6, (SIZE, SIZE, 3)).astype(np.float32)


def disc(radius: float = 24) -> Array:
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return (np.hypot(x, y) < radius).astype(np.float32)


def gradient() -> Array:
    ramp = np.linspace(-0.1, 0.1, SIZE, dtype=np.float32)
    return np.stack([ramp[None].repeat(SIZE, 0), ramp[:, None].repeat(SIZE, 1), 0 * disc()], axis=2)


def cloud(seed: int, size: int = SIZE) -> Array:
    """Correlated, skewed colours in two clusters, a part of them below 0 and above 1."""
    random = np.random.default_rng(seed)
    colors = random.normal(size=(size, size, 3))
    colors[..., 0] = np.abs(colors[..., 0]) ** 1.5
    colors[random.random((size, size)) < 0.3] += (2.5, -2.0, 1.0)
    moved = colors @ random.normal(0, 0.15, (3, 3)) + random.uniform(0.3, 0.7, 3)
    return moved.astype(np.float32)
