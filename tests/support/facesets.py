"""Small facesets of made-up faces."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np

from faceplate.io.faceset import Face, FacesetInfo
from faceplate.io.tracked import Pose

__all__ = ["INFO", "SIZE", "a_face", "make_version_1"]

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


def make_version_1(path: Path) -> None:
    """Turn a closed faceset into one of version 1, which had no labels, features or log."""
    connection = sqlite3.connect(path)
    for table in ("labels", "features", "embeddings", "changes", "log"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
