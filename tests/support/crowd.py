"""Frames full of small rendered faces whose places are known."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from tests.support.mini import truth, view

from faceplate.detect import Detection

__all__ = ["Crowd", "crowd_of"]

Floats = npt.NDArray[np.float32]

_AROUND = 1.7  # side of what is pasted, in heights of the face


@dataclass(frozen=True)
class Crowd:
    """A frame and the centres of its faces."""

    image: Floats
    centres: list[tuple[int, int]]
    face: int
    """Height of a face in pixels."""

    def missed_and_doubled(self, found: list[Detection]) -> tuple[int, int]:
        """Return how many faces no box is on, and how many have more than one."""
        counts = [sum(self._on(one, x, y) for one in found) for x, y in self.centres]
        return counts.count(0), sum(count > 1 for count in counts)

    def _on(self, one: Detection, x: int, y: int) -> bool:
        x0, y0, x1, y1 = one.box
        return max(abs((x0 + x1) / 2 - x), abs((y0 + y1) / 2 - y)) < self.face / 2


def crowd_of(
    width: int, height: int, face: int, lines: tuple[list[int], list[int]], seed: int = 0
) -> Crowd:
    """Return a frame with a face on everything that may cut one: along columns and rows of pixels.

    Args:
        width: Of the frame in pixels.
        height: Of the frame in pixels.
        face: Height of a face in pixels.
        lines: The columns and the rows, such as borders of tiles; faces lie within a third of their
            height around them.
        seed: For where exactly.
    """
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 40 + 1, width // 40 + 1, 3), dtype=np.float32)
    image = (
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 0.3 + 0.2
    )
    wanted = [(x, y) for x in lines[0] for y in range(0, height, 3 * face)]
    wanted += [(x, y) for y in lines[1] for x in range(0, width, 3 * face)]
    pictures = [(shot, number) for shot in "AB" for number in truth(shot)]
    pictures = [(shot, number) for shot, number in pictures if _frontal(shot, number)]
    rng.shuffle(pictures)
    half, centres = round(_AROUND * face / 2), []
    for place in wanted:
        x, y = (int(value + rng.integers(-face // 3, face // 3)) for value in place)
        free = all(max(abs(x - a), abs(y - b)) > 2 * half + 4 for a, b in centres)
        if free and half <= x < width - half and half <= y < height - half:
            patch = _cut(*pictures[len(centres) % len(pictures)], 2 * half)
            image[y - half : y + half, x - half : x + half] = patch
            centres.append((x, y))
    return Crowd(np.ascontiguousarray(image, dtype=np.float32), centres, face)


def _frontal(shot: str, number: str) -> bool:
    known = truth(shot)[number]
    return not known["empty"] and not known["occluder"] and abs(known["yaw"]) < 40


def _cut(shot: str, number: str, size: int) -> Floats:
    x0, y0, x1, y1 = truth(shot)[number]["bbox_face"]
    zoom = size / (_AROUND * (y1 - y0))
    moved = size / 2 - zoom * np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + 0.5 * zoom - 0.5
    soft = cv2.GaussianBlur(view(shot, number), (0, 0), max(0.4 / zoom, 0.01))
    matrix = np.array([[zoom, 0, moved[0]], [0, zoom, moved[1]]])
    return np.asarray(
        cv2.warpAffine(soft, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE), np.float32
    )
