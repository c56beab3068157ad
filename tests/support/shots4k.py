"""Large plates with one face, for benchmarks and tests of memory: grain, a face, its track."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tests.support.swaps import (
    consent_file,
    face_of,
    mini_frame,
    mini_landmarks,
    tiny_model,
)

from faceplate.io.frame import Frame, Window
from faceplate.io.image import write_frame
from faceplate.io.tracked import PersonTrack, PlateInfo
from faceplate.io.trackfile import Track

__all__ = ["LargeShot", "large_shot"]

FIRST = 1001


@dataclass(frozen=True)
class LargeShot:
    """A plate of one face, with all that a swap needs."""

    folder: Path
    plate: str
    track: str
    model: str
    consent: str
    frames: tuple[int, ...]

    def job(self) -> dict[str, str]:
        """Return the fields of a swap job."""
        return {name: getattr(self, name) for name in ("plate", "track", "model", "consent")}


def large_shot(
    folder: Path,
    width: int,
    height: int,
    face_height: float,
    *,
    frames: int = 1,
    resolution: int = 128,
    compression: str = "zip",
    pixel_type: str = "half",
    alike: bool = False,
) -> LargeShot:
    """Write a grainy RGBA plate with the rendered face enlarged in its middle.

    Args:
        folder: Where everything goes.
        width: Of the plate.
        height: Of the plate.
        face_height: Of the box around the 68 points, pixels.
        frames: How many.
        resolution: Of the model, whose weights are random.
        compression: Of the plate's files.
        pixel_type: Of its channels.
        alike: All frames are the first one, linked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    faces = []
    for number in range(FIRST, FIRST + frames):
        if alike and faces:
            os.link(folder / f"p.{FIRST}.exr", folder / f"p.{number}.exr")
            faces.append(replace(faces[0], frame=number))
            continue
        pixels, points = _picture(width, height, face_height, number)
        window = Window(0, 0, width, height)
        frame = Frame(number, pixels, tuple("RGBA"), window, window)
        write_frame(
            frame, folder / f"p.{number}.exr", compression=compression, pixel_type=pixel_type
        )
        faces.append(replace(face_of(points, number), frame=number))
    info = PlateInfo("p.%04d.exr", width, height, FIRST, FIRST + frames - 1, 24.0, 1.0, "ACEScg")
    numbers = tuple(range(FIRST, FIRST + frames))
    Track(info, numbers, (PersonTrack(1, tuple(faces)),)).save(folder / "track.json")
    tiny_model(folder / "model", resolution)
    consent_file(folder / "consent.json")
    return LargeShot(
        folder,
        str(folder / "p.%04d.exr"),
        str(folder / "track.json"),
        str(folder / "model"),
        str(folder / "consent.json"),
        numbers,
    )


def _picture(width, height, face_height, number):
    """Return RGBA pixels and 68 points of a face in the middle."""
    source, known = mini_frame("B", 1004).rgb(), mini_landmarks(1004)
    zoom = face_height / float(np.ptp(known[:, 1]))
    middle = known[27:36].mean(axis=0)
    shift = np.array([width / 2, height / 2]) - zoom * middle
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    rgb = cv2.warpAffine(
        source, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    random = np.random.default_rng(number)
    pixels = np.ones((height, width, 4), np.float32)
    for row in range(0, height, 256):  # noise of the whole frame at once would be too much at 8K
        part = slice(row, min(row + 256, height))
        noise = random.standard_normal(rgb[part].shape, np.float32) * 0.01
        pixels[part, :, :3] = np.maximum(rgb[part], 0) + noise
    return pixels, (zoom * known + shift).astype(np.float32)
