from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from tests.support.dfl import FakeDfl
from tests.support.training import TINY, tiny_faceset, tiny_job

from faceplate.commands.model import (
    ExportModel,
    ImportModel,
    InspectModel,
    RepairModel,
    RollBackModel,
    export_model,
    import_model,
    inspect_model,
    repair_model,
    roll_back_model,
)
from faceplate.context import Context
from faceplate.errors import InvalidInput, NotFound
from faceplate.io.faceset import Faceset
from faceplate.jobs import run_job
from faceplate.models.backups import back_up
from faceplate.models.df import DF
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.predictor import load_predictor

CONFIG = SwapModelConfig("p1A", "p1B", "full_face", "acescct", net=TINY)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, consent_policy="warn", device="cpu")


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    model = ModelFolder.create(tmp_path / "model", CONFIG)
    for step in (100, 200):
        model.write_save(step, DF(TINY, seed=step).state_dict(), None, {"step": step})
    return model


def test_a_trained_model_tells_its_saves_settings_facesets_and_consents(
    tmp_path: Path, context: Context
) -> None:
    job = tiny_job(tmp_path, steps=4, save_every_steps=2, seed=3, autobackup_hours=1e-9)
    run_job("train", job, context)
    info = inspect_model(InspectModel(job.out), context)

    assert info.config.likeness == "likeness"
    assert info.training["preset"] == "demo"
    assert (info.training["seed"], info.training["batch"]) == (3, 2)
    assert [(save.step, save.place) for save in info.saves] == [
        (2, "saves"), (4, "saves"), (2, "01"), (4, "02"),
    ]  # fmt: skip
    for save in info.saves:
        assert (save.state, save.problem) == ("whole", "")
        assert save.loss_likeness is not None
        assert save.written
    assert info.saves[1].sha256 == ModelFolder(job.out).sha256()
    for row, who in zip(info.history, (job.likeness, job.performer), strict=True):
        with Faceset.open(Path(who)) as faceset:
            assert (row.faceset, row.faces) == (faceset.info.name, 6)
            assert row.content_hash == faceset.content_hash()
        assert (row.from_step, row.seed) == (0, 3)


def test_a_run_with_other_faces_is_a_row_of_its_own(tmp_path: Path, context: Context) -> None:
    job = tiny_job(tmp_path, steps=1)
    run_job("train", job, context)
    run_job("train", tiny_job(tmp_path, steps=2), context)  # from the same: no row
    with Faceset.open(Path(job.performer)) as faceset:
        faceset.set_keep(faceset.ids()[:1], keep=False)
    run_job("train", tiny_job(tmp_path, steps=3), context)
    rows = inspect_model(InspectModel(job.out), context).history
    assert [(row.from_step, row.faceset, row.faces) for row in rows] == [
        (0, "likeness", 6), (0, "performer", 6), (2, "likeness", 6), (2, "performer", 5),
    ]  # fmt: skip


def test_damage_is_told_with_its_file(folder: ModelFolder, context: Context) -> None:
    (folder.path / "saves/000000200/weights.safetensors").write_bytes(b"torn")
    info = inspect_model(InspectModel(str(folder.path)), context)
    first, second = info.saves
    assert (first.state, first.sha256) == ("whole", folder.latest().sha256())
    assert (second.state, second.sha256) == ("damaged", "")
    assert "weights.safetensors is not what the manifest" in second.problem


def test_a_repair_says_what_it_did(folder: ModelFolder, context: Context) -> None:
    job = RepairModel(str(folder.path))
    assert repair_model(job, context).done == ("nothing: everything is whole",)
    (folder.path / "saves/000000200/state.json").write_bytes(b"torn")
    result = repair_model(job, context)
    assert result.step == 100
    assert result.done[0].startswith("set step 200 aside to 000000200-damaged1")


def test_a_model_goes_back_to_a_save_or_a_backup(folder: ModelFolder, context: Context) -> None:
    back_up(folder.path, folder.saves()[0])
    result = roll_back_model(RollBackModel(str(folder.path), 100), context)
    assert (result.step, folder.latest().step) == (100, 100)
    with pytest.raises(NotFound, match="no save or backup of step 300; there are: 100"):
        roll_back_model(RollBackModel(str(folder.path), 300), context)


def test_a_folder_that_is_no_model_is_not_found(tmp_path: Path, context: Context) -> None:
    with pytest.raises(NotFound, match="is not a swap model"):
        inspect_model(InspectModel(str(tmp_path)), context)


def test_an_export_holds_the_newest_weights_in_half_the_room(
    folder: ModelFolder, tmp_path: Path, context: Context
) -> None:
    result = export_model(ExportModel(str(folder.path), str(tmp_path / "small")), context)
    copied = ModelFolder(tmp_path / "small").latest()
    assert (result.step, result.sha256) == (200, copied.sha256())
    whole = folder.latest().path / "weights.safetensors"
    assert result.size_mb * 1e6 < 0.75 * whole.stat().st_size
    ours, theirs = copied.weights(), folder.latest().weights()
    for name in theirs:
        assert torch.allclose(ours[name].float(), theirs[name], atol=1e-3)


@pytest.mark.parametrize(("format", "file"), [("dfm", "a.dfm"), ("torchscript", "a.pt")])
def test_other_formats_are_one_file_that_was_compared_with_torch(
    folder: ModelFolder, tmp_path: Path, context: Context, format: Any, file: str
) -> None:
    out = tmp_path / file
    result = export_model(ExportModel(str(folder.path), str(out), format), context)
    assert result.max_difference is not None
    assert result.max_difference < 1e-4
    assert result.sha256 == folder.sha256()
    assert result.size_mb == pytest.approx(out.stat().st_size / 1e6)
    if format == "dfm":
        assert onnxruntime.InferenceSession(str(out)).get_inputs()[0].name == "in_face:0"


def test_an_imported_model_predicts_and_is_trained_on(tmp_path: Path, context: Context) -> None:
    FakeDfl("df-ud", TINY.resolution, TINY.ae_dims, TINY.e_dims, TINY.d_dims, 4).write(
        tmp_path / "theirs", options={"archi": "df-ud", "resolution": 32, "ae_dims": TINY.ae_dims,
        "e_dims": TINY.e_dims, "d_dims": TINY.d_dims, "d_mask_dims": 4, "face_type": "f"},
    )  # fmt: skip
    job = ImportModel(str(tmp_path / "theirs"), str(tmp_path / "ours"), "likeness", "performer")
    result = import_model(job, context)
    assert (result.architecture, result.resolution, result.options) == ("df", 32, "ud")
    assert (result.step, result.face_type) == (1234, "full_face")
    assert load_predictor(result.out, "cpu").resolution == 32
    with pytest.raises(InvalidInput, match="there is a swap model in"):
        import_model(job, context)

    facesets = tmp_path / "faces"
    facesets.mkdir()
    paths = {
        who: str(tiny_faceset(facesets / f"{who}.faceset", who, encoding="srgb"))
        for who in ("likeness", "performer")
    }
    more = tiny_job(tmp_path, out=result.out, steps=1235, preset=None, **paths)
    assert run_job("train", more, context)["steps_done"] == 1
