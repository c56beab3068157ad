"""Mask models, and mattes from elsewhere, in a swap."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.masks import PLATE_B, VISIBLE, untrained_model
from tests.support.swaps import (
    consent_file,
    encodings,
    mini_frame,
    mini_landmarks,
    tiny_model,
    truth_track,
)

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.geometry.facetype import FaceType, plate_to_crop
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.face import plate_crop
from faceplate.merge.segmented import segmented_mattes
from faceplate.merge.swap import SwapJob, swap

SIZE = 128


class Recorder:
    """Finds what is bright, and keeps what it was shown."""

    card = ""

    def __init__(self, face_type: str) -> None:
        self.face_type = face_type
        self.seen: list[np.ndarray] = []

    def __call__(self, view: np.ndarray) -> np.ndarray:
        self.seen.append(view)
        return (view.max(axis=-1) > 0.42).astype(np.float32)


def found_by(segmenter: Recorder) -> dict[str, np.ndarray]:
    frame, points = mini_frame("B", 1002), mini_landmarks(1002)

    def matrix_of(kind: FaceType) -> np.ndarray:
        return plate_to_crop(points, kind, SIZE)

    def crop_of(matrix: np.ndarray) -> np.ndarray:
        return plate_crop(frame, matrix, SIZE, encodings())

    crop = crop_of(matrix_of(FaceType.FULL_FACE))
    return segmented_mattes(
        (np.zeros_like(crop), crop), matrix_of, crop_of, FaceType.FULL_FACE, segmenter, encodings()
    )


def test_a_segmenter_is_shown_the_framing_that_it_was_trained_on() -> None:
    own, wide = Recorder("full_face"), Recorder("whole_face")
    direct, brought_back = found_by(own), found_by(wide)
    differing = (direct["performer"] > 0.5) != (brought_back["performer"] > 0.5)
    assert differing.mean() < 0.03
    likeness, performer = wide.seen
    changed = np.abs(likeness - performer).max(axis=-1) > 0.01
    assert changed[60:70, 60:70].all()  # the black face lies in the middle
    assert not changed[:4].any()
    assert direct["likeness"].max() == 0


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    untrained_model(folder / "m.safetensors", face_type="whole_face")
    return folder


def job(shelf: Path, out: Path, recipe: dict, **changes: object) -> SwapJob:
    file = out.with_suffix(".json")
    file.write_text(json.dumps(recipe))
    values = {"plate": PLATE_B, "track": str(shelf / "track.json"), "model": str(shelf / "model"),
              "out": str(out / "o.%04d.exr"), "consent": str(shelf / "consent.json"),
              "frames": "1002", "recipe": str(file), **changes}  # fmt: skip
    return SwapJob(**values)


def test_a_recipe_names_a_mask_model_by_its_path(shelf: Path, tmp_path: Path) -> None:
    recipe = {"matte": "segmented-performer*hull", "occlusion": "segmented",
              "segmenter": str(shelf / "m.safetensors")}  # fmt: skip
    context = Context(tmp_path / "home", device="cpu", threads=1)
    swap(job(shelf, tmp_path / "a", recipe), context)
    frame = read_frame(tmp_path / "a" / "o.1002.exr")
    plain = {"matte": "hull"}
    swap(job(shelf, tmp_path / "b", plain), context)
    hull = read_frame(tmp_path / "b" / "o.1002.exr")
    assert (frame.channel("fp_mask.A") <= hull.channel("fp_mask.A") + 1e-3).all()
    assert frame.channel("fp_occ.A").max() > 0
    with pytest.raises(NotFound, match="no mask model"):
        swap(job(shelf, tmp_path / "c", {**recipe, "segmenter": "gone/m.safetensors"}), context)


def test_a_frame_is_made_again_when_its_mask_model_was_trained_on(
    shelf: Path, tmp_path: Path
) -> None:
    model = untrained_model(tmp_path / "m.safetensors")
    recipe = {"matte": "segmented-performer", "segmenter": str(model)}
    context = Context(tmp_path / "home", device="cpu", threads=1)
    asked = job(shelf, tmp_path / "a", recipe)
    assert swap(asked, context).kept == 0
    assert swap(asked, context).kept == 1
    untrained_model(model, resolution=128)
    assert swap(asked, context).kept == 0


def test_external_mattes_of_another_size_are_refused(shelf: Path, tmp_path: Path) -> None:
    window = Window(0, 0, 100, 50)
    small = Frame(1002, np.ones((50, 100, 1), np.float32), ("A",), window, window)
    write_frame(small, tmp_path / "m.1002.exr")
    context = Context(tmp_path / "home", device="cpu", threads=1)
    asked = job(shelf, tmp_path / "a", {"matte": "external"}, mattes=str(tmp_path / "m.%04d.exr"))
    with pytest.raises(BadSettings, match="mattes of 100 x 50 pixels for a plate of 384 x 216"):
        swap(asked, context)


def test_external_mattes_take_the_place_of_the_networks(shelf: Path, tmp_path: Path) -> None:
    context = Context(tmp_path / "home", device="cpu", threads=1)
    recipe = {"matte": "external", "feather": 0}
    swap(job(shelf, tmp_path / "a", recipe, mattes=VISIBLE), context)
    matte = read_frame(tmp_path / "a" / "o.1002.exr").channel("fp_mask.A")
    truth = read_frame(Path(VISIBLE % 1002)).pixels[..., 0]
    inside = matte > 0
    assert np.abs(matte - truth)[inside].mean() < 0.02
