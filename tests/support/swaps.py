"""What tests of merging share: predictors that are no network, a tiny model, the rendered shot."""

import json
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.support.paths import MINI

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.config import to_json
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.warp import warp_crop
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.merge.face import plate_crop
from faceplate.models.df import DF, DFConfig
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.net import People
from faceplate.models.predictor import Prediction
from faceplate.provenance.consent import ConsentRecord, today

Array = NDArray[np.float32]

__all__ = [
    "EchoPredictor",
    "FixedPredictor",
    "consent_file",
    "encodings",
    "face_of",
    "flat_frame",
    "frontal_landmarks",
    "ideal_predictor",
    "mini_frame",
    "mini_landmarks",
    "mini_truth",
    "tiny_model",
    "truth_track",
]


def model_config(resolution: int, face_type: str = "full_face") -> SwapModelConfig:
    net = DFConfig(resolution=resolution, ae_dims=8, e_dims=4, d_dims=4, d_mask_dims=4)
    return SwapModelConfig("p1A", "p1B", face_type, "acescct", net=net)


class FixedPredictor:
    """Predicts what it was given, whatever it sees; keeps the crops that it was shown."""

    def __init__(self, face: Array, matte: Array, face_type: str = "full_face") -> None:
        self.config = model_config(face.shape[0], face_type)
        self.resolution = face.shape[0]
        self.seen: list[Array] = []
        self._face, self._matte = face, matte

    def predict(
        self, crops: Array, people: People = (0, 1), morph: float | None = None
    ) -> Prediction:
        self.seen.append(crops)
        return Prediction(self._face[None], self._matte[None], np.ones_like(self._matte)[None])


class EchoPredictor:
    """Predicts exactly what it sees, under a full matte: the identity swap."""

    def __init__(self, resolution: int = 128, face_type: str = "full_face") -> None:
        self.config = model_config(resolution, face_type)
        self.resolution = resolution

    def predict(
        self, crops: Array, people: People = (0, 1), morph: float | None = None
    ) -> Prediction:
        matte = np.ones(crops.shape[:3], np.float32)
        return Prediction(crops, matte, matte)


@cache
def encodings() -> Encodings:
    return Encodings(load_config(), "ACEScg")


def frontal_landmarks(center: tuple[float, float], width: float) -> Array:
    """68 points of a frontal face whose template square has this width."""
    canonical = np.array(mini_truth("B")["canonical_landmarks_17_67"], np.float64)
    canonical = (canonical - canonical.mean(axis=0)) * width
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([np.cos(angles) * 0.62, np.sin(angles) * 0.85], axis=1) * width
    return (np.concatenate([jaw, canonical]) + center).astype(np.float32)


def face_of(landmarks: Array, frame: int = 1, person: int = 1) -> TrackedFace:
    (x0, y0), (x1, y1) = landmarks.min(axis=0), landmarks.max(axis=0)
    box = (float(x0), float(y0), float(x1), float(y1))
    return TrackedFace(
        person, frame, box, landmarks, landmarks, Pose(0.0, 0.0, 0.0), 0.9, 0.95, "detected"
    )


def flat_frame(
    rgb: Array, alpha: Array | None = None, origin: tuple[int, int] = (0, 0), number: int = 1
) -> Frame:
    """A plate of these pixels, its data window starting at `origin`."""
    height, width = rgb.shape[:2]
    pixels = rgb if alpha is None else np.dstack([rgb, alpha])
    window = Window(origin[0], origin[1], origin[0] + width, origin[1] + height)
    channels = ("R", "G", "B") if alpha is None else ("R", "G", "B", "A")
    return Frame(number, np.ascontiguousarray(pixels, np.float32), channels, window, window)


@cache
def mini_truth(actor: str) -> dict:
    return json.loads((MINI / f"truth_{actor}.json").read_text())


def mini_frame(actor: str, number: int) -> Frame:
    return read_frame(MINI / actor / f"{actor}.{number}.exr", number)


def mini_landmarks(number: int) -> Array:
    """The true landmarks of B in plate pixels; the file counts from the pixels' edges."""
    points = mini_truth("B")["frames"][str(number)]["landmarks68_px"]
    return np.array(points, np.float32) - 0.5


def ideal_predictor(number: int, size: int = 96, face_type: str = "full_face") -> FixedPredictor:
    """What a perfect network would predict: the truth, seen through the crop of the plate."""
    matrix = plate_to_crop(mini_landmarks(number), FaceType(face_type), size)
    face = plate_crop(mini_frame("S", number), matrix, size, encodings())
    visible = read_frame(MINI / "B_masks" / "visible" / f"visible.{number}.png").pixels[..., 0]
    matte = warp_crop(visible, matrix, size, interpolation="linear", border="zero")
    return FixedPredictor(face, np.clip(matte, 0, 1), face_type)


def truth_track(path: Path) -> Track:
    """Write the track that a perfect analysis of B would give."""
    truth = mini_truth("B")
    faces = tuple(
        face_of(mini_landmarks(int(number)), int(number))
        for number, entry in truth["frames"].items()
        if not entry["empty"]
    )
    info = PlateInfo("B.%04d.exr", 384, 216, 1001, 1012, 24.0, 1.0, "ACEScg")
    frames = tuple(int(number) for number in truth["frames"])
    track = Track(info, frames, (PersonTrack(1, faces),))
    track.save(path)
    return track


def tiny_model(folder: Path, resolution: int = 64) -> ModelFolder:
    """Write a swap model with random weights that nobody has trained."""
    config = model_config(resolution)
    model = ModelFolder.create(folder, config)
    model.write_save(1, DF(config.net, seed=3).state_dict(), None, {})
    return model


def consent_file(path: Path, **changes: object) -> Path:
    """Write a record that allows p1A to be swapped today."""
    first = today()
    values: dict = {
        "consent_id": "C-1", "likeness": "p1A", "rights_holder": "nobody: rendered",
        "production": "tests", "scope": "tests of swapping", "valid_from": first,
        "valid_until": first + timedelta(days=1), "signed_by": "tests",
        "document_sha256": "0" * 64, **changes,
    }  # fmt: skip
    path.write_text(to_json(ConsentRecord(**values)))
    return path
