"""Yaw, pitch and roll of a head from its 68 landmarks.

The head is the mean face of ICT-FaceKit (MIT, (c) 2020 USC Institute for Creative Technologies;
R. Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020): its neutral mesh
at the 68 landmark vertices, the bridge of the nose moved to the origin.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import as_points

__all__ = ["HEAD_POINTS", "POSE_INDEX", "estimate_pose"]

HEAD_POINTS: dict[int, tuple[float, float, float]] = {
    # the jaw before the ears
    0: (-7.36, 0.06, 7.08),
    1: (-7.28, 2.25, 6.81),
    2: (-6.94, 4.2, 6.2),
    14: (6.94, 4.2, 6.2),
    15: (7.28, 2.25, 6.81),
    16: (7.36, 0.06, 7.08),
    # bridge and nostrils
    27: (0.0, 0.0, 0.0),
    28: (0.0, 1.11, -0.78),
    29: (0.0, 2.13, -1.57),
    30: (0.0, 3.34, -2.33),
    31: (-1.25, 4.89, -0.14),
    32: (-0.6, 4.88, -0.68),
    33: (0.0, 4.94, -0.83),
    34: (0.6, 4.88, -0.68),
    35: (1.25, 4.89, -0.14),
    # corners of the eyes
    36: (-4.46, 0.31, 2.13),
    39: (-1.84, 0.49, 1.54),
    42: (1.84, 0.49, 1.54),
    45: (4.46, 0.31, 2.13),
    # corners of the mouth
    48: (-2.53, 7.26, 0.55),
    54: (2.53, 7.26, 0.55),
}
"""iBUG index to x right, y down, z away from the camera, in about centimetres. Left out is what
expressions move: the chin, the brows, the lids and the lips."""

POSE_INDEX: tuple[int, ...] = tuple(HEAD_POINTS)
"""The iBUG points that give the pose."""

_FOCAL_OF_LONG_SIDE = 2.0  # a 50 mm lens before a 25 mm wide (Super 35) sensor
_WEIGHTS = {
    **dict.fromkeys((0, 1, 2, 14, 15, 16), 1),
    **dict.fromkeys((27, 28, 29, 30), 2),
    **dict.fromkeys((31, 32, 33, 34, 35), 4),
    **dict.fromkeys((36, 39, 42, 45), 16),
    **dict.fromkeys((48, 54), 2),
}
"""How much a point counts, as landmarkers place them: the corners of the eyes to a pixel, the jaw
before the ears only roughly, where it yet gives the head its depth. Found on rendered heads that no
figure is reported of (docs/landmarks.md)."""
_REPEATED = np.repeat(np.arange(len(POSE_INDEX)), [_WEIGHTS[index] for index in POSE_INDEX])
_MODEL = np.array(list(HEAD_POINTS.values()))[_REPEATED]  # a point that counts n-fold, n times
_CV_TO_VIEWER = np.diag([1.0, -1.0, -1.0])


def estimate_pose(
    landmarks68: npt.ArrayLike,
    image_size: tuple[int, int],
    pixel_aspect: float = 1.0,
    *,
    focal_px: float | None = None,
) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees against the camera's axis.

    yaw > 0: the nose turns to the right of the image; pitch > 0: it goes down; roll > 0: the head
    turns counter-clockwise. R = Rz(roll) Ry(yaw) Rx(pitch) with x right, y up, z to the camera.

    Args:
        landmarks68: 68x2 iBUG points in pixels of the image.
        image_size: Width and height of the image in pixels; the camera's axis is at its centre.
        pixel_aspect: Width / height of a pixel.
        focal_px: Focal length in (square) pixels; None takes 2 times the longer side.

    Raises:
        BadShape: Not 68 finite points, or points that no head could show.
    """
    points = as_points(landmarks68, 68, "landmarks68")[list(POSE_INDEX)] * [pixel_aspect, 1.0]
    points = points[_REPEATED]
    width, height = image_size[0] * pixel_aspect, float(image_size[1])
    focal = focal_px or _FOCAL_OF_LONG_SIDE * max(width, height)
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    if np.ptp(points, axis=0).max() < 1e-6:
        raise BadShape("landmarks68", "points at one place", "the landmarks of a face")
    found, rotation, shift = cv2.solvePnP(_MODEL, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        raise BadShape("landmarks68", "points that no head shows", "the landmarks of a face")
    rotation, _ = cv2.solvePnPRefineLM(_MODEL, points, camera, None, rotation, shift)
    return _angles(np.asarray(cv2.Rodrigues(rotation)[0], dtype=np.float64))


def _angles(head_to_camera: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    viewer = _CV_TO_VIEWER @ head_to_camera @ _CV_TO_VIEWER
    yaw = np.arcsin(np.clip(-viewer[2, 0], -1, 1))
    pitch = np.arctan2(viewer[2, 1], viewer[2, 2])
    roll = np.arctan2(viewer[1, 0], viewer[0, 0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
