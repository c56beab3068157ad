"""Small facesets of made-up faces."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.geometry.templates import TEMPLATE_51
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face, FacesetInfo
from faceplate.io.tracked import Pose

__all__ = ["INFO", "SIZE", "a_face", "drawn_face", "landmarks_of", "make_version_1"]

SIZE = 32
INFO = FacesetInfo("Amy", size=SIZE, consent_id="c-1", created_by="a test")


def a_face(frame: int = 1, **changes: object) -> Face:
    """Return a face of noise that follows from its frame's number."""
    random = np.random.default_rng(frame)
    face = Face(
        image=random.random((SIZE, SIZE, 3), np.float32),
        mask=random.random((SIZE, SIZE), np.float32),
        landmarks=random.uniform(0, SIZE, (68, 2)).astype(np.float32),
        plate_landmarks=random.uniform(0, 2000, (68, 2)).astype(np.float32),
        plate_to_crop=random.normal(size=(2, 3)),
        face_type="full_face",
        source="a.%04d.exr",
        frame=frame,
        person=1,
        pose=Pose(float(frame), -2.0, 3.0),
        confidence=0.75,
        sharpness=0.5,
        made_from=f"hash{frame}",
    )
    return replace(face, **changes)


def drawn_face(frame: int = 1, **changes: object) -> Face:
    """Return a face as a child draws one: landmarks where they belong, eyes, mouth, skin.

    It is cut out of its plate at twice its size. Nothing in it is brighter than white in ACEScct.
    """
    points = landmarks_of(SIZE * 2)
    image = np.full((SIZE * 2, SIZE * 2, 3), (0.3, 0.32, 0.34), np.float32)
    cv2.fillConvexPoly(image, cv2.convexHull(np.rint(points).astype(np.int32)), (0.47, 0.41, 0.36))
    for first, last, colour in ((36, 42, 0.2), (42, 48, 0.2), (48, 60, 0.3)):
        cv2.fillPoly(image, [np.rint(points[first:last]).astype(np.int32)], (colour,) * 3)
    matrix = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])
    inside = transform(points, matrix).astype(np.float32)
    face = replace(
        a_face(frame),
        image=np.clip(warp_crop(image, matrix, SIZE), 0, 1),
        mask=hull_matte(inside, (SIZE, SIZE)),
        landmarks=inside,
        plate_landmarks=points,
        plate_to_crop=matrix,
        pose=Pose(0.0, 0.0, 0.0),
    )
    return replace(face, **changes)


def landmarks_of(size: int) -> np.ndarray:
    """Return 68 points of a frontal face that fills most of a crop."""
    inner = TEMPLATE_51 * 0.6 + 0.2
    angles = np.linspace(0, np.pi, 17)
    jaw = np.stack([0.5 - 0.4 * np.cos(angles), 0.4 + 0.5 * np.sin(angles)], axis=1)
    return (np.concatenate([jaw, inner]) * (size - 1)).astype(np.float32)


def make_version_1(path: Path) -> None:
    """Turn a closed faceset into one of version 1, which had no labels, features or log."""
    connection = sqlite3.connect(path)
    for table in ("labels", "features", "embeddings", "changes", "log"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
