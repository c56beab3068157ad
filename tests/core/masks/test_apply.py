import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.masks import PLATE_B, VISIBLE, mini_faceset, untrained_model
from tests.support.swaps import mini_truth, truth_track

from faceplate.context import Context
from faceplate.errors import BadSettings, BadShape, NotFound, NotReady, UnknownComponent
from faceplate.io.faceset import Faceset
from faceplate.io.image import read_frame
from faceplate.masks import apply as apply_module
from faceplate.masks.apply import ApplyJob, apply
from faceplate.segment.agreement import mask_iou


class Bright:
    """Finds what is brighter than the set behind it: a stand-in for a trained model."""

    card = ""

    def __init__(self, face_type: str = "") -> None:
        self.face_type = face_type

    def __call__(self, view: np.ndarray) -> np.ndarray:
        return (view.max(axis=-1) > 0.42).astype(np.float32)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shot")
    mini_faceset(folder / "b.faceset", 64)
    truth_track(folder / "b.json")
    return folder


@pytest.fixture
def run(shot: Path, tmp_path: Path):
    def done(**settings: object):
        values = {"segmenter": "bright", "plate": PLATE_B, "track": str(shot / "b.json"),
                  "out": str(tmp_path / "m" / "m.%04d.exr"), **settings}  # fmt: skip
        return apply(ApplyJob(**values), Context(tmp_path / "home", threads=1))

    return done


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_module, "load_segmenter", lambda *_, **__: Bright())
    monkeypatch.setattr(apply_module, "segmenter_sha256", lambda *_: "bright")


@pytest.mark.usefixtures("bright")
def test_mattes_of_a_plate_have_its_size_and_lie_on_the_face(run, tmp_path) -> None:
    result = run(frames="1001-1003")
    assert (result.mattes, result.left_out, result.empty) == (3, 0, 0)
    matte = read_frame(tmp_path / "m" / "m.1002.exr")
    assert matte.channels == ("A",)
    assert matte.pixels.shape == (216, 384, 1)
    truth = read_frame(Path(VISIBLE % 1002)).pixels[..., 0]
    assert mask_iou(matte.pixels[..., 0], truth) > 0.4
    assert matte.pixels[0, 0] == 0


@pytest.mark.usefixtures("bright")
def test_pictures_are_written_and_a_second_run_may_go_on(run, tmp_path) -> None:
    out = str(tmp_path / "m" / "m.%04d.png")
    run(frames="1001", out=out)
    again = run(frames="1001-1002", out=out, resume=True)
    assert (again.mattes, again.left_out) == (1, 1)
    assert read_frame(tmp_path / "m" / "m.1002.png").pixels.max() == 1


def test_a_run_that_goes_on_takes_no_mattes_of_another_model_or_track(shot, run, tmp_path) -> None:
    model = untrained_model(tmp_path / "m.safetensors")
    settings = {"segmenter": str(model), "frames": "1001-1003", "resume": True}
    assert run(**settings).mattes == 3
    assert run(**settings).left_out == 3
    (tmp_path / "m" / "m.1002.exr").unlink()
    record = tmp_path / "m" / ".m.exr.made"
    record.write_bytes(record.read_bytes()[:-20])  # killed while it noted 1003
    assert (run(**settings).mattes, run(**settings).mattes) == (2, 0)
    assert run(**settings | {"size": 128}).mattes == 3
    untrained_model(tmp_path / "m.safetensors", face_type="full_face")
    assert run(**settings | {"size": 128}).mattes == 3


@pytest.mark.usefixtures("bright")
def test_a_frame_without_a_face_has_an_empty_matte(run, tmp_path) -> None:
    empty = mini_truth("B")["empty_frames"][0]
    assert run(frames=str(empty)).empty == 1
    assert read_frame(tmp_path / "m" / f"m.{empty}.exr").pixels.max() == 0


@pytest.mark.usefixtures("bright")
def test_the_mattes_of_a_faceset_change_and_come_back(shot, run, tmp_path) -> None:
    path = Path(shutil.copy(shot / "b.faceset", tmp_path / "b.faceset"))
    with Faceset.open(path) as faceset:
        before = [faceset.read(id) for id in faceset.ids()]
        content = faceset.content_hash()
    result = run(plate=None, track=None, out=None, faceset=str(path),
                 sheet=str(tmp_path / "sheet.png"))  # fmt: skip
    assert result.mattes == 11
    assert Path(result.sheet).stat().st_size > 10_000
    with Faceset.open(path) as faceset:
        after = [faceset.read(id) for id in faceset.ids()]
        assert not any(np.array_equal(a.mask, b.mask) for a, b in zip(before, after, strict=True))
        assert all(np.array_equal(a.image, b.image) for a, b in zip(before, after, strict=True))
        assert faceset.content_hash() != content
        assert faceset.log()[-1].what == "masks by bright"
        faceset.undo()
        assert faceset.content_hash() == content
        assert np.array_equal(faceset.read(before[0].id).mask, before[0].mask)


@pytest.mark.usefixtures("bright")
def test_frames_that_the_track_knows_nothing_of_are_refused_and_not_empty(run, tmp_path) -> None:
    with pytest.raises(NotReady, match="does not cover the frames 1013-1024"):
        run(plate=PLATE_B.replace("/B/B.", "/A/A."))
    assert not (tmp_path / "m").exists()


def test_a_model_named_by_its_path_is_run(run, tmp_path) -> None:
    model = untrained_model(tmp_path / "m.safetensors")
    assert run(segmenter=str(model), frames="1001").mattes == 1


def test_mattes_of_the_wrong_size_do_not_get_into_a_faceset(shot, tmp_path) -> None:
    path = Path(shutil.copy(shot / "b.faceset", tmp_path / "b.faceset"))
    with Faceset.open(path) as faceset:
        first = faceset.ids()[0]
        with pytest.raises(BadShape, match="64 x 64"):
            faceset.set_masks({first: np.zeros((32, 32), np.float32)})
        with pytest.raises(NotFound):
            faceset.set_masks({999: np.zeros((64, 64), np.float32)})


def test_what_is_not_there_is_told(run, tmp_path) -> None:
    with pytest.raises(UnknownComponent, match="magic"):
        run(segmenter="magic")
    with pytest.raises(NotFound, match="no mask model"):
        run(segmenter=str(tmp_path / "gone.safetensors"))
    model = str(untrained_model(tmp_path / "m.safetensors"))
    with pytest.raises(NotFound, match="no person 7; it has 1"):
        run(segmenter=model, person=7)
    with pytest.raises(BadSettings, match="no frame number"):
        run(segmenter=model, out=str(tmp_path / "one.exr"))


@pytest.mark.parametrize(
    "changes",
    [
        {"faceset": "x"},
        {"plate": None, "track": None, "out": None},
        {"track": None},
        {"size": 8},
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes) -> None:
    job = ApplyJob("m", plate="p", track="t", out="o")
    with pytest.raises(BadSettings, match="mask apply"):
        replace(job, **changes)
