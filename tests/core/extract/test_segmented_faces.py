"""Faces whose mattes a segmenter finds."""

from pathlib import Path

import numpy as np
import pytest
from tests.support.masks import PLATE_B, VISIBLE, untrained_model
from tests.support.swaps import truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, UnknownComponent
from faceplate.extract import faces as faces_module
from faceplate.extract.faces import ExtractJob, extract
from faceplate.io.faceset import Face, Faceset


@pytest.fixture
def run(tmp_path: Path):
    truth_track(tmp_path / "b.json")

    def done(name: str = "b", **changes: object):
        values = {"frames": "1001-1002", "size": 96, "sheet": False, **changes}
        job = ExtractJob(PLATE_B, str(tmp_path / "b.json"), str(tmp_path / f"{name}.faceset"),
                         "Ben", **values)  # fmt: skip
        return extract(job, Context(tmp_path / "home", device="cpu", threads=1))

    return done


def first(path: Path) -> Face:
    with Faceset.open(path, readonly=True) as faceset:
        return faceset.read(faceset.ids()[0])


class Bright:
    card = ""

    def __init__(self, face_type: str) -> None:
        self.face_type = face_type

    def __call__(self, view: np.ndarray) -> np.ndarray:
        return (view.max(axis=-1) > 0.42).astype(np.float32)


def test_the_matte_is_what_the_segmenter_finds_in_its_own_framing(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = []
    for framing in ("full_face", "whole_face"):
        monkeypatch.setattr(
            faces_module, "load_segmenter", lambda *_, kind=framing, **__: Bright(kind)
        )
        model = untrained_model(tmp_path / "m.safetensors")
        run(framing, segmenter=str(model))
        masks.append(first(tmp_path / f"{framing}.faceset").mask)
    run("hull")
    assert ((masks[0] > 0.5) != (masks[1] > 0.5)).mean() < 0.03
    assert np.abs(masks[0] - first(tmp_path / "hull.faceset").mask).mean() > 0.05


def test_a_second_run_keeps_faces_until_the_model_is_another(run, tmp_path: Path) -> None:
    model = untrained_model(tmp_path / "m.safetensors")
    assert run(segmenter=str(model)).added == 2
    assert run(segmenter=str(model)).unchanged == 2
    untrained_model(model, resolution=128)
    assert run(segmenter=str(model)).added == 2


def test_segmenters_that_are_not_there_and_two_sources_are_refused(run, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mask model"):
        run(segmenter=str(tmp_path / "gone.safetensors"))
    with pytest.raises(UnknownComponent, match="magic"):
        run(segmenter="magic")
    model = untrained_model(tmp_path / "m.safetensors")
    with pytest.raises(BadSettings, match="not both"):
        run(segmenter=str(model), mattes=VISIBLE)
