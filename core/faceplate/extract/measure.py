"""Figures of one face in its plate: its colours and its sharpness."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.extract.view import FrameView, SquarePoints
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import invert, transform
from faceplate.io.frame import Window
from faceplate.io.tracked import FaceColor

__all__ = ["face_color", "inside", "sharpness"]

_SIDE = 40


def face_color(view: FrameView, points: SquarePoints, encodings: Encodings) -> FaceColor | None:
    """Return mean and spread of a face's colours over its hull, in the working encoding.

    Args:
        view: The frame.
        points: 68 x 2 square pixels.
        encodings: The way to the working encoding.

    Returns:
        None where no pixel of the face is inside the frame.
    """
    landmarks = view.to_plate(points)
    to_crop = plate_to_crop(landmarks, FaceType.FULL_FACE, _SIDE, pixel_aspect=view.aspect)
    window = _window(to_crop, view.frame.data_window)
    if window is None:
        return None
    rgb = np.clip(encodings.to_working(_sampled(view, window, to_crop)), 0, 1)
    matte = hull_matte(transform(landmarks, to_crop), (_SIDE, _SIDE))
    matte = matte * inside(to_crop, view.frame.data_window, _SIDE)
    total = float(matte.sum())
    if total < 1:
        return None
    mean = np.tensordot(matte, rgb, 2) / total
    std = np.sqrt(np.tensordot(matte, (rgb - mean) ** 2, 2) / total)
    return FaceColor(_three(mean), _three(std))


def sharpness(image: NDArray[np.float32], mask: NDArray[np.float32]) -> float:
    """Return how sharp a crop is: variance of the Laplacian over that of the picture, in the hull.

    Dividing makes it independent of contrast and exposure. White noise gives about 20, a picture
    that was enlarged four times less than 0.01.

    Args:
        image: S x S x 3, any encoding.
        mask: S x S, 0..1.
    """
    light = image.mean(axis=-1)
    inside = mask > 0.5
    if inside.sum() < 9 or float(light[inside].var()) < 1e-10:
        return 0.0
    edges = cv2.Laplacian(light, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)
    return float(edges[inside].var() / light[inside].var())


def inside(to_crop: NDArray[np.float64], data: Window, size: int) -> NDArray[np.float32]:
    """Return 1 where a pixel of a crop lies inside the data window, else 0.

    Args:
        to_crop: 2 x 3, plate to crop.
        data: The frame's data window.
        size: Side of the crop.
    """
    ys, xs = np.mgrid[0:size, 0:size]
    points = transform(np.stack([xs, ys], -1).reshape(-1, 2), invert(to_crop))
    low, high = np.array([data.x0, data.y0]) - 0.5, np.array([data.x1, data.y1]) - 0.5
    within = ((points >= low) & (points < high)).all(axis=1)
    return np.asarray(within.reshape(size, size), np.float32)


def _window(to_crop: NDArray[np.float64], data: Window) -> Window | None:
    corners = transform([[0, 0], [_SIDE, 0], [_SIDE, _SIDE], [0, _SIDE]], invert(to_crop))
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    x0, y0 = max(int(low[0]), data.x0), max(int(low[1]), data.y0)
    x1, y1 = min(int(high[0]) + 1, data.x1), min(int(high[1]) + 1, data.y1)
    return Window(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _sampled(view: FrameView, window: Window, to_crop: NDArray[np.float64]) -> NDArray[np.float32]:
    from_window = to_crop.copy()
    from_window[:, 2] += to_crop[:, :2] @ [window.x0, window.y0]
    sampled = cv2.warpAffine(
        view.rgb(window), from_window, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(sampled, np.float32)


def _three(values: NDArray[np.floating]) -> tuple[float, float, float]:
    first, second, third = values.tolist()
    return first, second, third
