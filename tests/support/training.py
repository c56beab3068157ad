"""Tiny facesets and a tiny network, so that a training takes a second."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tests.support.facesets import landmarks_of

from faceplate.geometry.hull import hull_matte
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.tracked import Pose
from faceplate.models.df import DFConfig
from faceplate.train.job import TrainJob

__all__ = ["TINY", "landmarks_of", "tiny_faceset", "tiny_job"]

TINY = DFConfig(32, "ud", 8, 4, 4, 4)


def tiny_faceset(
    path: Path, name: str, count: int = 6, size: int = 48, seed: int = 0, **info: Any
) -> Path:
    """Write a faceset of smooth random pictures and return its path."""
    rng = np.random.default_rng(seed)
    points = landmarks_of(size)
    facts = FacesetInfo(name, size=size, **info)
    with Faceset.create(path, facts) as faceset:
        for frame in range(count):
            coarse = rng.random((6, 6, 3), dtype=np.float32)
            image = np.clip(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), 0, 1)
            faceset.add(
                Face(
                    image=image.astype(np.float32),
                    mask=hull_matte(points, (size, size)),
                    landmarks=points,
                    plate_landmarks=points,
                    plate_to_crop=np.eye(2, 3),
                    face_type=facts.face_type,
                    source="plate.%04d.exr",
                    frame=frame,
                    person=1,
                    pose=Pose(-40.0 + 15 * frame, 0.0, 0.0),
                    confidence=1.0,
                    sharpness=1.0,
                )
            )
    return path


def tiny_job(folder: Path, **changes: Any) -> TrainJob:
    """Return a job that trains the tiny network on two tiny facesets in `folder`."""
    paths = {}
    for seed, who in enumerate(("likeness", "performer")):
        path = folder / f"{who}.faceset"
        paths[who] = str(path if path.exists() else tiny_faceset(path, who, seed=seed))
    net = {
        "resolution": TINY.resolution,
        "options": TINY.options,
        "ae_dims": TINY.ae_dims,
        "e_dims": TINY.e_dims,
        "d_dims": TINY.d_dims,
        "d_mask_dims": TINY.d_mask_dims,
    }
    wanted = {
        "steps": 4,
        "batch": 2,
        "precision": "fp32",
        "preview_every": 0,
        "preset": "demo",
        "events_every": 0,
    }
    return TrainJob(**{**paths, "out": str(folder / "model"), **net, **wanted, **changes})
