"""Faces of the rendered shots as a training sees them, cut by their true landmarks."""

import numpy as np
from tests.support.mini import true_points
from tests.support.paths import MINI
from tests.support.swaps import encodings

from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import eyes_matte, hull_matte, mouth_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.image import read_frame
from faceplate.train.loader import Batch, SideBatch

__all__ = ["mini_batch", "mini_side"]


def mini_side(shot: str, numbers: tuple[int, ...], size: int) -> SideBatch:
    """Return faces of a shot, unwarped, as one person's part of a batch."""
    images, mattes = [], []
    for number in numbers:
        # the swap's truth has the performer's landmarks
        points = true_points("B" if shot == "S" else shot, str(number))
        matrix = plate_to_crop(points, FaceType("full_face"), size)
        rgb = encodings().to_working(read_frame(MINI / shot / f"{shot}.{number}.exr").rgb())
        images.append(np.clip(warp_crop(rgb, matrix, size), 0, 1))
        shape, inside = (size, size), transform(points, matrix)
        eyes_mouth = np.maximum(eyes_matte(inside, shape), mouth_matte(inside, shape))
        mattes.append(np.stack([hull_matte(inside, shape), eyes_mouth], axis=-1))
    image = np.stack(images).astype(np.float32)
    return SideBatch(image, image, np.stack(mattes).astype(np.float32))


def mini_batch(people: int, count: int, size: int, step: int = 0) -> Batch:
    """Return `count` faces of each of up to three people: p1A, p1B and p1A in p1B's place."""
    numbers = (1001, 1004, 1006, 1010, 1002, 1008, 1003, 1012)[:count]
    return Batch(step, tuple(mini_side(shot, numbers, size) for shot in "ABS"[:people]))
