"""Every architecture goes from facesets to a swap, is resumed, grows and passes its weights on."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.training import tiny_faceset, tiny_job

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.models.folder import ModelFolder
from faceplate.models.predictor import load_predictor
from faceplate.train.checkpoint import read_state
from faceplate.train.job import TrainJob, TrainResult
from faceplate.train.trainer import train

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "df": {},
    "liae": {},
    "comb": {},
    "amp": {"options": "udt", "inter_dims": 32},
    "quick96": {"resolution": 96},
}

QUICK = {"amp", "comb"}
"""Tried in every run of the tests; DF is the subject of all other tests of training."""


def context(tmp_path: Path) -> Context:
    return Context(home=tmp_path / "home", device="cpu", consent_policy="warn")


def job_of(tmp_path: Path, name: str, **changes: Any) -> TrainJob:
    values = {"architecture": name, "steps": 2, **ARCHITECTURES[name], **changes}
    if name == "comb":
        path = tmp_path / "third.faceset"
        third = path if path.exists() else tiny_faceset(path, "third", seed=9)
        values["others"] = [str(third)]
    return tiny_job(tmp_path, **values)


def weights(folder: str | Path) -> dict[str, torch.Tensor]:
    return ModelFolder(folder).latest().weights()


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in ARCHITECTURES],
)
def test_every_architecture_is_trained_resumed_and_swaps(tmp_path: Path, name: str) -> None:
    job = job_of(tmp_path, name, schedule_steps=4)
    train(job, context(tmp_path))
    result = train(dataclasses.replace(job, steps=3), context(tmp_path))
    assert (result.step, result.steps_done) == (3, 1)
    if name != "comb":  # resumes as DF, whose resuming has its own tests
        straight = dataclasses.replace(job, steps=3, out=str(tmp_path / "straight"))
        train(straight, context(tmp_path))
        whole = weights(straight.out)
        assert all(torch.equal(tensor, whole[key]) for key, tensor in weights(job.out).items())

    folder = ModelFolder(job.out)
    assert folder.config.architecture == name
    assert folder.config.people == ("likeness", "performer", "third")[: len(folder.config.people)]
    predictor = load_predictor(folder, "cpu")
    side = predictor.resolution
    crop = np.random.default_rng(0).random((1, side, side, 3), dtype=np.float32)
    full, half = predictor.predict(crop), predictor.predict(crop, morph=0.5)
    assert full.face.shape == (1, side, side, 3)
    assert np.array_equal(full.face, half.face) == (name != "amp")
    if name == "comb":
        assert not np.array_equal(full.face, predictor.predict(crop, people=(2, 1)).face)


def test_a_model_grows_and_goes_on(tmp_path: Path) -> None:
    job = job_of(tmp_path, "df", steps=4, options="ud", gan_power=0.1, ema_decay=0.9)
    train(job, context(tmp_path))
    old = weights(job.out)
    grown = dataclasses.replace(job, resolution=64, steps=6, fade_steps=4, keep_saves=9)
    after = train(grown, context(tmp_path))
    assert (after.step, after.steps_done) == (6, 2)

    folder = ModelFolder(job.out)
    assert (folder.config.net.resolution, folder.config.net.grown) == (64, 1)
    assert load_predictor(folder, "cpu").resolution == 64
    new = weights(job.out)
    assert set(old) < set(new)
    assert set(after.initialised) == set(new) - set(old)
    assert float(new["encoder.outer.0.fade"]) == 0.5
    state = read_state(folder.latest())
    assert [dataclasses.astuple(growth) for growth in state.growths] == [(4, 64, 4)]
    assert [folder.config_of(save).net.grown for save in folder.saves()] == [0, 1]

    again = train(dataclasses.replace(grown, steps=9), context(tmp_path))
    assert (again.steps_done, again.initialised) == (3, [])
    assert float(weights(job.out)["encoder.outer.0.fade"]) == 1.0


@pytest.mark.slow
def test_a_model_of_128_pixels_goes_on_at_256_and_512_with_what_it_knows(tmp_path: Path) -> None:
    for seed, name in enumerate(("likeness", "performer")):
        tiny_faceset(tmp_path / f"{name}.faceset", name, count=3, size=512, seed=seed)
    job = job_of(
        tmp_path, "df", resolution=128, steps=40, learning_rate=5e-3, fade_steps=10_000,
        random_warp=False, transform=0.0, rotation_deg=0.0, shift=0.0, dssim_scales=1,
        performer_pairs=0.0, performer_light=0.0, keep_saves=9,
    )  # fmt: skip
    train(job, context(tmp_path))
    history = read_state(ModelFolder(job.out).latest()).history
    first, learnt = sum(history.points[0][1:]), sum(history.recent())
    assert learnt < 0.9 * first
    for side, steps in ((256, 42), (512, 44)):
        grown = train(dataclasses.replace(job, resolution=side, steps=steps), context(tmp_path))
        assert isinstance(grown, TrainResult)
        assert ModelFolder(job.out).config.net.resolution == side
        # what it has learnt is still there: it does not begin where the first training began
        assert grown.loss_likeness + grown.loss_performer < (first + learnt) / 2
    assert load_predictor(ModelFolder(job.out), "cpu").resolution == 512


@pytest.mark.slow
def test_a_grown_training_resumes_bit_for_bit(tmp_path: Path) -> None:
    job = job_of(tmp_path, "liae", steps=2, schedule_steps=9, fade_steps=6)
    for out in ("whole", "parts"):
        train(dataclasses.replace(job, out=str(tmp_path / out)), context(tmp_path))
    grown = dataclasses.replace(job, resolution=64)
    for out, stops in (("whole", [5]), ("parts", [3, 5])):
        for steps in stops:
            again = dataclasses.replace(grown, out=str(tmp_path / out), steps=steps)
            train(again, context(tmp_path))
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())


@pytest.mark.slow
def test_a_growth_that_was_killed_before_its_first_save_is_made_again(tmp_path: Path) -> None:
    job = job_of(tmp_path, "df")
    train(job, context(tmp_path))
    folder = ModelFolder(job.out)
    folder.grow(dataclasses.replace(folder.config.net, resolution=64, grown=1))
    assert train(dataclasses.replace(job, steps=3), context(tmp_path)).initialised == []
    assert ModelFolder(job.out).config.net.resolution == 32
    result = train(dataclasses.replace(job, resolution=64, steps=4), context(tmp_path))
    assert result.initialised
    assert ModelFolder(job.out).config.net.resolution == 64


def test_a_model_starts_from_another(tmp_path: Path) -> None:
    first = job_of(tmp_path, "df", out=str(tmp_path / "first"))
    train(first, context(tmp_path))
    second = dataclasses.replace(
        first,
        out=str(tmp_path / "second"),
        start_from=first.out,
        initialise=["decoder_likeness"],
        steps=1,
        learning_rate=1e-9,
    )
    result = train(second, context(tmp_path))
    old, new = weights(first.out), weights(second.out)
    afresh = {name for name in old if name.startswith("decoder_likeness")}
    assert set(result.initialised) == afresh
    for name in (name for name in old if name.endswith("weight")):
        assert torch.allclose(old[name], new[name], atol=1e-6) == (name not in afresh), name
    origin = read_state(ModelFolder(second.out).latest()).started_from
    assert origin is not None
    assert (origin.model, origin.step, origin.likeness) == (first.out, 2, "likeness")
    assert origin.sha256 == ModelFolder(first.out).sha256()
    assert train(dataclasses.replace(second, steps=2), context(tmp_path)).step == 2


def test_what_does_not_fit_leaves_no_half_made_model(tmp_path: Path) -> None:
    first = job_of(tmp_path, "df", out=str(tmp_path / "first"))
    train(first, context(tmp_path))
    second = dataclasses.replace(
        first, out=str(tmp_path / "second"), start_from=first.out, d_dims=8
    )
    with pytest.raises(BadSettings, match="--initialise decoder_likeness decoder_performer"):
        train(second, context(tmp_path))
    mended = dataclasses.replace(second, initialise=["decoder_likeness", "decoder_performer"])
    assert train(mended, context(tmp_path)).step == 2


def test_a_model_that_is_there_does_not_start_from_another(tmp_path: Path) -> None:
    job = job_of(tmp_path, "df")
    train(job, context(tmp_path))
    with pytest.raises(BadSettings, match="is there already and started from nothing"):
        train(dataclasses.replace(job, start_from=job.out, steps=3), context(tmp_path))


@pytest.mark.parametrize("name", [pytest.param("df", marks=pytest.mark.slow), "liae"])
def test_after_a_pretraining_the_bottlenecks_begin_afresh(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = job_of(tmp_path, name, out=str(tmp_path / "pretrained"), pretrain=True)
    train(before, context(tmp_path))
    settings = read_state(ModelFolder(before.out).latest()).settings
    assert (settings.pretrain, settings.random_warp, settings.uniform_yaw) == (True, False, True)
    after = dataclasses.replace(before, pretrain=None, start_from=before.out)
    kept = dataclasses.replace(after, out=str(tmp_path / "kept"))
    assert train(kept, context(tmp_path)).initialised == []
    assert "was pretrained" in caplog.text
    caplog.clear()
    fresh = dataclasses.replace(after, out=str(tmp_path / "fresh"), initialise=["inters"])
    result = train(fresh, context(tmp_path))
    assert {part.partition(".")[0] for part in result.initialised} == (
        {"inter"} if name == "df" else {"inter_ab", "inter_b"}
    )
    assert "was pretrained" not in caplog.text
    assert read_state(ModelFolder(fresh.out).latest()).settings.random_warp
