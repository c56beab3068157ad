"""Sixteen labelled faces of the larger rendered shot teach a mask model the others."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.facesets import a_face
from tests.support.paths import shared_data
from tests.support.swaps import encodings

from faceplate.context import Context
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.faceset import Face, Faceset, FacesetInfo
from faceplate.io.image import read_frame
from faceplate.masks.labels import LabelsJob, labels
from faceplate.segment import load_segmenter
from faceplate.segment.agreement import mask_iou
from faceplate.train.maskjob import MaskTrainJob
from faceplate.train.masktrainer import train_mask

SIZE = 128
LABELLED = "1001,1012,1024,1033,1037,1040,1043,1050,1057,1064,1071,1078,1081,1090,1099,1118"
"""Head turns, the hand on its way, the bar once."""


def face_of(pair: Path, number: int, points: np.ndarray) -> Face:
    matrix = plate_to_crop(points, FaceType.WHOLE_FACE, SIZE)
    rgb = np.clip(encodings().to_working(read_frame(pair / "B" / f"B.{number}.exr").rgb()), 0, 1)
    inside = transform(points, matrix)
    return a_face(
        number,
        image=np.clip(warp_crop(rgb, matrix, SIZE), 0, 1),
        mask=hull_matte(inside, (SIZE, SIZE)),
        landmarks=inside.astype(np.float32),
        plate_landmarks=points.astype(np.float32),
        plate_to_crop=matrix,
        face_type="whole_face",
        source=str(pair / "B" / "B.%04d.exr"),
    )


def visible(pair: Path, face: Face) -> np.ndarray:
    matte = read_frame(pair / "B_masks" / "visible" / f"visible.{face.frame}.png").pixels[..., 0]
    return warp_crop(matte, face.plate_to_crop, SIZE, interpolation="linear", border="zero")


@pytest.mark.slow
def test_sixteen_labelled_faces_teach_the_rest_of_a_shot(tmp_path: Path) -> None:
    pair = shared_data("pair1")
    truth = json.loads((pair / "truth_B.json").read_text())["frames"]
    with Faceset.create(tmp_path / "b.faceset", FacesetInfo("p1B", "whole_face", SIZE)) as faceset:
        faceset.add_many(
            face_of(pair, int(number), np.array(entry["landmarks68_px"]) - 0.5)
            for number, entry in truth.items()
            if not entry["empty"] and not entry["partly_out"]
        )
    context = Context(tmp_path / "home", device="cpu", threads=1)
    mattes = str(pair / "B_masks" / "visible" / "visible.%04d.png")
    asked = LabelsJob("import", str(tmp_path / "b.faceset"), mattes, "plate", frames=LABELLED)
    assert labels(asked, context).labelled <= 16
    job = MaskTrainJob(
        (str(tmp_path / "b.faceset"),), str(tmp_path / "m"), start_segmenter="occlusion",
        resolution=64, steps=120, spoil=0.25, occluders=0.4, preview_every=0,
    )  # fmt: skip
    train_mask(job, context)
    segmenter = load_segmenter(str(tmp_path / "m"), lambda card: tmp_path)
    found: dict[str, list[float]] = {}
    with Faceset.open(tmp_path / "b.faceset", readonly=True) as faceset:
        for face in (faceset.read(id) for id in faceset.ids() if not faceset.labels(id)):
            view = encodings().to_view(encodings().from_working(face.image))
            entry = truth[str(face.frame)]
            kind = entry["occluder"] if entry["visible_fraction"] < 0.995 else "none"
            found.setdefault(kind, []).append(mask_iou(segmenter(view), visible(pair, face)))
    means = {kind: float(np.mean(values)) for kind, values in found.items()}
    assert np.mean([value for values in found.values() for value in values]) >= 0.9, means
    assert means["hand"] >= 0.8, means
