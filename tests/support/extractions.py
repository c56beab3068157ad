"""Tracks of `mini` B made from its truth, and `evaluate extract` run on them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.paths import MINI
from tests.support.shots import known, known_landmarks

from faceplate.context import Context
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.studies import extraction as verb
from faceplate.studies.extractionjob import ExtractionJob

__all__ = ["B", "FRAMES", "INFO", "Study", "shifted", "track_of", "true_face", "true_faces"]

B = str(MINI / "B" / "B.%04d.exr")
INFO = PlateInfo("B.%04d.exr", 384, 216, 1001, 1012, color_space="lin_ap1_scene")
FRAMES = tuple(range(1001, 1013))


def true_face(frame: int, actor: str = "B", person: int = 1) -> TrackedFace:
    points = known_landmarks(actor, frame)
    entry = known(actor)[frame]
    pose = Pose(entry["yaw"], entry["pitch"], entry["roll"])
    x0, y0 = points.min(axis=0).tolist()
    x1, y1 = points.max(axis=0).tolist()
    return TrackedFace(person, frame, (x0, y0, x1, y1), points, points, pose, 0.9, 0.8, "tracked")


def true_faces() -> list[TrackedFace]:
    return [true_face(frame) for frame in FRAMES if not known("B")[frame]["empty"]]


def track_of(faces: list[TrackedFace], info: PlateInfo = INFO) -> Track:
    numbers = sorted({face.person for face in faces})
    people = tuple(
        PersonTrack(number, tuple(face for face in faces if face.person == number))
        for number in numbers
    )
    return Track(info, FRAMES, people, {})


def shifted(face: TrackedFace, by: tuple[float, float]) -> TrackedFace:
    points = np.asarray(face.landmarks + np.array(by), np.float32)
    return replace(face, landmarks=points, raw_landmarks=points)


class Study:
    """Runs the verb on a track of `mini` B."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, faces: list[TrackedFace], **settings: Any) -> dict[str, Any]:
        """Return the values of the one shot by measure."""
        result = self.run(track_of(faces), **settings)
        return {str(row["measure"]): row["mini_B"] for row in result.rows}

    def run(self, track: Track, **settings: Any) -> Any:
        file = self.folder / "given.json"
        track.save(file)
        values = {
            "plates": (B,), "out": str(self.folder / "out"), "tracks": (str(file),),
            "segmenters": ("none",), "sheet_frames": 0,
        }  # fmt: skip
        return verb.extraction(ExtractionJob(**{**values, **settings}), Context(self.folder))

    @property
    def record(self) -> dict[str, Any]:
        """What is written about the shot, frame by frame."""
        told = json.loads((self.folder / "out" / "extract.json").read_text())
        return dict(told["by_shot"]["mini_B"])
