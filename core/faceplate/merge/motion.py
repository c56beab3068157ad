"""Motion blur of a face, from its motion in the track.

A face turns, nears and passes, so its points do not all move alike: the motion is a similarity, and
the blur at each point runs along that point's own path.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.geometry.points import Matrix
from faceplate.geometry.umeyama import umeyama
from faceplate.io.tracked import PersonTrack

__all__ = ["motion_blur", "velocity_of", "velocity_of_person"]

Image = NDArray[np.float32]
Landmarks = NDArray[np.floating]

_MOST_STEPS = 96


def velocity_of_person(person: PersonTrack, frame: int, pixel_aspect: float = 1.0) -> Matrix:
    """Return how the face of a person moves in a frame (see `velocity_of`); zeros without one."""
    here = person.at(frame)
    if here is None:
        return np.zeros((2, 3))
    before, after = person.at(frame - 1), person.at(frame + 1)
    return velocity_of(
        None if before is None else before.landmarks,
        here.landmarks,
        None if after is None else after.landmarks,
        pixel_aspect,
    )


def velocity_of(
    before: Landmarks | None, here: Landmarks, after: Landmarks | None, pixel_aspect: float = 1.0
) -> Matrix:
    """Return the motion of a face as a 2x3 matrix: a plate point to its pixels per frame.

    It is the mean of the way from the frame before and of the way to the one after; at an end of
    the track one of them; without both, zero.

    Args:
        before: 68x2 landmarks of the frame before, plate pixels.
        here: Of this frame.
        after: Of the frame after.
        pixel_aspect: Width of a pixel over its height.
    """
    ways = []
    for points, sign in ((before, -1.0), (after, 1.0)):
        if points is not None:
            ways.append(sign * (_similarity(here, points, pixel_aspect) - np.eye(2, 3)))
    return np.mean(ways, axis=0) if ways else np.zeros((2, 3))


def motion_blur(
    image: Image, velocity: Matrix, power: float, origin: tuple[int, int] = (0, 0)
) -> Image:
    """Blur an image along its motion while the shutter is open. In scene-linear light.

    Args:
        image: float32 HxWx3.
        velocity: Of `velocity_of`, plate pixels per frame.
        power: Time that the shutter is open, per cent of a frame: 50 is 180 degrees.
        origin: Plate pixel of ``image[0, 0]``.

    Returns:
        float32 HxWx3; beyond its border the image goes on as at its border.
    """
    opened = np.array(velocity, np.float64) * (power / 100)
    opened[:, 2] += opened[:, :2] @ origin  # now of array points
    steps = min(math.ceil(_longest(opened, image.shape)), _MOST_STEPS)
    if steps <= 1:
        return image
    total = np.zeros_like(image)
    for step in range(steps):
        # the middle of the exposure is the track's own moment
        moved = np.eye(2, 3) + ((step + 0.5) / steps - 0.5) * opened
        total += cv2.warpAffine(
            image, moved, (image.shape[1], image.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
    return total / np.float32(steps)


def _similarity(here: Landmarks, there: Landmarks, pixel_aspect: float) -> Matrix:
    square = np.array([pixel_aspect, 1.0])
    way = umeyama(here * square, there * square)
    return np.column_stack([way[:, :2] * square / square[:, None], way[:, 2] / square])


def _longest(opened: Matrix, shape: tuple[int, ...]) -> float:
    """Return the longest way, in pixels, that a corner of the image goes."""
    height, width = shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    return float(np.linalg.norm(corners @ opened[:, :2].T + opened[:, 2], axis=1).max())
