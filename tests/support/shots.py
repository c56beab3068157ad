"""Plates for tests, made from the rendered heads of `examples/mini`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.support.paths import MINI

from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame

__all__ = ["head", "known", "known_landmarks", "plate_of", "write_plate"]

HEIGHT, HEAD_WIDTH = 216, 210
CALM = {"A": tuple(range(1001, 1009)), "B": (1001, 1002, 1003, 1004, 1006, 1010, 1012)}
"""Frames of each actor with a face that is not turned far or hidden."""


@cache
def known(actor: str) -> dict[int, dict[str, Any]]:
    """Return what is true of each frame of an actor's shot."""
    frames = json.loads((MINI / f"truth_{actor}.json").read_text())["frames"]
    return {int(number): entry for number, entry in frames.items()}


def known_landmarks(actor: str, frame: int) -> NDArray[np.float64]:
    """Return the true 68 points in our pixels, whose centres are whole numbers."""
    return np.array(known(actor)[frame]["landmarks68_px"]) - 0.5


@cache
def head(actor: str, frame: int) -> NDArray[np.float32]:
    """Return a head with what is around it, HEIGHT x HEAD_WIDTH x 3, the face in the middle."""
    rgb = read_frame(MINI / actor / f"{actor}.{frame}.exr").rgb()
    box = known(actor)[frame]["bbox_face"]
    left = round((box[0] + box[2]) / 2) - HEAD_WIDTH // 2
    padded = np.pad(rgb, ((0, 0), (HEAD_WIDTH, HEAD_WIDTH), (0, 0)), mode="edge")
    return padded[:, left + HEAD_WIDTH : left + 2 * HEAD_WIDTH]


def plate_of(
    width: int, heads: list[tuple[str, int, float]], back: float = 0.12
) -> NDArray[np.float32]:
    """Return a plate with heads in it, the last one in front.

    Args:
        width: Of the plate, pixels.
        heads: Actor, frame of the actor, and x of the face's middle; may lie outside the plate.
        back: Value of the background.
    """
    plate = np.full((HEIGHT, width, 3), back, np.float32)
    ys, xs = np.mgrid[0:HEIGHT, 0:HEAD_WIDTH]
    away = np.hypot((xs - HEAD_WIDTH / 2) / 75, (ys - 110) / 140)
    matte = np.clip((1 - away) * 12, 0, 1)[..., None].astype(np.float32)
    for actor, frame, x in heads:
        left = round(x) - HEAD_WIDTH // 2
        first, last = max(left, 0), min(left + HEAD_WIDTH, width)
        if last > first:
            part = slice(first - left, last - left)
            plate[:, first:last] *= 1 - matte[:, part]
            plate[:, first:last] += head(actor, frame)[:, part] * matte[:, part]
    return plate


def write_plate(folder: Path, pictures: list[NDArray[np.float32]], aspect: float = 1.0) -> str:
    """Write pictures as an EXR sequence from frame 1001; returns its pattern."""
    for number, pixels in enumerate(pictures, 1001):
        window = Window(0, 0, pixels.shape[1], pixels.shape[0])
        frame = Frame(number, pixels, ("R", "G", "B"), window, window, aspect)
        write_frame(frame, folder / f"p.{number}.exr")
    return str(folder / "p.%04d.exr")
