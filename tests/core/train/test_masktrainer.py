import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.support.masks import mini_faceset, true_crop, untrained_model

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.context import Context
from faceplate.errors import BadSettings, Cancelled, Damaged, NotFound, NotReady
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Faceset
from faceplate.masks.labelsources import matte_polygons
from faceplate.models.lock import folder_lock
from faceplate.progress import Progress, Report
from faceplate.segment import load_segmenter
from faceplate.segment.agreement import mask_iou
from faceplate.segment.maskmodel import read_mask_model
from faceplate.train import maskfolder
from faceplate.train.maskjob import MaskTrainJob
from faceplate.train.maskstep import dice_loss
from faceplate.train.masktrainer import train_mask

LABELLED = (1001, 1003, 1004, 1006, 1009, 1012)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return `mini` B with six labelled faces; read only."""
    path = mini_faceset(tmp_path_factory.mktemp("labelled") / "b.faceset")
    with Faceset.open(path) as faceset:
        faces = [faceset.read(id) for id in faceset.ids()]
        faceset.set_many_labels(
            {face.id: matte_polygons(true_crop(face)) for face in faces if face.frame in LABELLED}
        )
    return path


def job(faceset: Path, out: Path, **changes: object) -> MaskTrainJob:
    values = {
        "steps": 6, "batch": 2, "resolution": 64, "width": 4, "preview_every": 0, **changes,
    }  # fmt: skip
    return MaskTrainJob((str(faceset),), str(out), **values)


def context(tmp_path: Path, **changes: object) -> Context:
    return Context(tmp_path / "home", device="cpu", threads=1, **changes)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "mask.safetensors")


def test_few_labels_teach_the_rest_of_the_shot(labelled: Path, tmp_path: Path) -> None:
    asked = job(labelled, tmp_path / "m", steps=60, batch=4, width=8, spoil=0.0, occluders=0.0,
                background=0.0, warp=0.3, learning_rate=4e-3)  # fmt: skip
    result = train_mask(asked, context(tmp_path))
    assert result.faces == len(LABELLED)
    segmenter = load_segmenter(str(tmp_path / "m"), lambda card: tmp_path)
    encodings = Encodings(load_config(), "ACEScg")
    with Faceset.open(labelled, readonly=True) as faceset:
        faces = [faceset.read(id) for id in faceset.ids()]
    others = [face for face in faces if face.frame not in LABELLED]
    found = [
        mask_iou(segmenter(encodings.to_view(encodings.from_working(face.image))), true_crop(face))
        for face in others
    ]
    assert np.mean(found) > 0.75
    assert Path(result.preview).stat().st_size > 10_000
    assert Path(result.plot).is_file()


def test_a_training_that_was_stopped_comes_to_the_same_weights(
    labelled: Path, tmp_path: Path
) -> None:
    train_mask(job(labelled, tmp_path / "whole"), context(tmp_path))
    seen: list[Report] = []
    stopping = Progress(seen.append, lambda: len(seen) == 3)
    with pytest.raises(Cancelled):
        train_mask(job(labelled, tmp_path / "parts"), context(tmp_path, progress=stopping))
    assert [path.name for path in (tmp_path / "parts" / "saves").iterdir()] == ["000000003"]
    result = train_mask(job(labelled, tmp_path / "parts"), context(tmp_path))
    assert (result.step, result.steps_done) == (6, 3)
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())
    assert {"loss", "iou", "it_per_s"} <= set(seen[0].figures)


class Killed(OSError):
    """Nothing in Faceplate knows it: what was going on ends as by a power cut."""


@pytest.mark.parametrize("started", [False, True])
def test_a_training_that_was_killed_before_its_first_save_begins_as_it_did(
    labelled: Path, tmp_path: Path, started: bool
) -> None:
    def cut(report: Report) -> None:
        raise Killed

    start = str(untrained_model(tmp_path / "start.safetensors")) if started else None
    asked = [job(labelled, tmp_path / name, start_segmenter=start) for name in ("whole", "cut")]
    train_mask(asked[0], context(tmp_path))
    with pytest.raises(Killed):
        train_mask(asked[1], context(tmp_path, progress=Progress(cut)))
    train_mask(asked[1], context(tmp_path))
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_training_that_was_killed_while_it_saved_writes_its_model_again(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*arguments: object) -> None:
        raise Killed

    train_mask(job(labelled, tmp_path / "whole"), context(tmp_path))
    for name in ("write_mask_model", "write_save_folder"):
        with monkeypatch.context() as patched:
            patched.setattr(maskfolder, name, cut)
            with pytest.raises(Killed):
                train_mask(job(labelled, tmp_path / name), context(tmp_path))
        train_mask(job(labelled, tmp_path / name), context(tmp_path))
        whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / name)
        assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_damaged_save_is_passed_over(labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    train_mask(job(labelled, out, save_every_steps=3), context(tmp_path))
    newest = out / "saves" / "000000006" / "weights.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert train_mask(job(labelled, out, steps=7), context(tmp_path)).steps_done == 4
    for folder in (out / "saves").iterdir():
        (folder / "weights.safetensors").write_bytes(b"")
    with pytest.raises(Damaged, match="none of the"):
        train_mask(job(labelled, out, steps=8), context(tmp_path))


def test_a_model_tells_what_it_is(labelled: Path, tmp_path: Path) -> None:
    train_mask(job(labelled, tmp_path / "m", steps=1, network="xseg"), context(tmp_path))
    config, _ = read_mask_model(tmp_path / "m")
    assert (config.network, config.net.resolution, config.net.width) == ("xseg", 64, 4)
    assert config.face_type == "whole_face"
    assert config.trained_on == "6 faces of p1B"


def test_a_model_may_begin_with_another_and_at_another_size(labelled: Path, tmp_path: Path) -> None:
    start = untrained_model(tmp_path / "start.safetensors")
    asked = job(labelled, tmp_path / "m", steps=1, resolution=128, width=None,
                start_segmenter=str(start), learning_rate=1e-9)  # fmt: skip
    train_mask(asked, context(tmp_path))
    begun = load_file(start)
    trained = weights(tmp_path / "m")
    assert torch.allclose(trained["last.1.weight"], begun["last.1.weight"], atol=1e-7)
    assert read_mask_model(tmp_path / "m")[0].net.resolution == 128


def test_other_shapes_than_the_models_are_refused(labelled: Path, tmp_path: Path) -> None:
    start = untrained_model(tmp_path / "start.safetensors")
    with pytest.raises(BadSettings, match="width 4, and 8"):
        train_mask(
            job(labelled, tmp_path / "m", start_segmenter=str(start), width=8), context(tmp_path)
        )
    train_mask(job(labelled, tmp_path / "x", steps=1, network="xseg"), context(tmp_path))
    with pytest.raises(BadSettings, match="resolution 64, and 128"):
        train_mask(job(labelled, tmp_path / "x", resolution=128), context(tmp_path))
    with pytest.raises(BadSettings, match="cannot go on at 128"):
        train_mask(
            job(labelled, tmp_path / "y", start_segmenter=str(tmp_path / "x"), resolution=128),
            context(tmp_path),
        )


def test_the_mattes_of_a_faceset_are_learnt_where_nothing_is_labelled(tmp_path: Path) -> None:
    path = mini_faceset(tmp_path / "b.faceset")
    result = train_mask(job(path, tmp_path / "m", steps=1), context(tmp_path))
    assert result.faces == 11
    with pytest.raises(NotFound, match="no kept face has labels"):
        train_mask(job(path, tmp_path / "n", targets="labels"), context(tmp_path))


def test_one_labelled_face_trains_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = mini_faceset(tmp_path / "b.faceset", size=64)
    square = np.array([[10, 10], [50, 10], [50, 50], [10, 50]], float)
    with Faceset.open(path) as faceset:
        faceset.set_labels(faceset.ids()[0], [Polygon("include", square)])
    assert train_mask(job(path, tmp_path / "m", steps=2), context(tmp_path)).faces == 1
    assert "one face alone" in caplog.text


def test_two_trainings_of_one_model_do_not_mix(labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    out.mkdir()
    with folder_lock(out) as held:
        assert held
        with pytest.raises(NotReady, match="another process"):
            train_mask(job(labelled, out), context(tmp_path))


def _train_in_process(faceset: Path, out: Path, home: Path) -> None:
    train_mask(job(faceset, out, steps=2), Context(home, device="cpu", threads=1))


@pytest.mark.slow
def test_two_processes_may_learn_from_one_faceset(labelled: Path, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    other = spawn.Process(target=_train_in_process, args=(labelled, tmp_path / "a", tmp_path))
    other.start()
    train_mask(job(labelled, tmp_path / "b", steps=2), context(tmp_path))
    other.join(120)
    assert other.exitcode == 0
    a, b = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(tensor, b[name]) for name, tensor in a.items())


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0}, {"batch": 0}, {"learning_rate": 1.0}, {"dice": -1}, {"warp": 2},
        {"transform": 0.9}, {"occluders": 1.5}, {"holdout": 0.9}, {"keep_saves": 0}, {"seed": -1},
        {"lr_dropout": 0.3},
    ],
)  # fmt: skip
def test_settings_outside_their_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=next(iter(change))):
        MaskTrainJob(("a",), "b", **change)


def test_no_faceset_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="at least one"):
        train_mask(MaskTrainJob((), str(tmp_path / "m")), context(tmp_path))


def test_dice_is_zero_for_a_right_matte_and_near_one_for_a_wrong_one() -> None:
    wanted = torch.zeros(1, 1, 16, 16)
    wanted[..., :8] = 1
    sure = (wanted * 2 - 1) * 50
    assert float(dice_loss(sure, wanted)) == pytest.approx(0, abs=1e-3)
    assert float(dice_loss(-sure, wanted)) > 0.99
