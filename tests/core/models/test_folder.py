import dataclasses
import errno
import json
import logging
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from faceplate.config import to_dict
from faceplate.errors import BadSettings, Damaged, DiskFull, InvalidInput, NotFound
from faceplate.models import save as save_module
from faceplate.models.amp import AMPConfig
from faceplate.models.df import DFConfig
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.models.lock import folder_lock

CONFIG = SwapModelConfig(
    likeness="amy",
    performer="bob",
    face_type="full_face",
    encoding="acescct",
    net=DFConfig(32, "ud", 8, 4, 4, 4),
    consent_id="C-1",
    created="2026-11-22T20:00:00+00:00",
)


def model(tmp_path: Path) -> ModelFolder:
    return ModelFolder.create(tmp_path / "model", CONFIG)


def write(folder: ModelFolder, step: int, keep: int = 3) -> None:
    weights = {"w": torch.full((64, 64), float(step))}
    folder.write_save(step, weights, {"w/m": torch.full((64,), float(step))}, {"step": step}, keep)


def test_a_config_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = model(tmp_path)
    assert ModelFolder(folder.path).config == CONFIG


def test_a_save_comes_back_bit_for_bit(tmp_path: Path) -> None:
    folder = model(tmp_path)
    weights = {"conv": torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last)}
    folder.write_save(7, weights, None, {"losses": [1.5]})
    save = ModelFolder(folder.path).latest()
    assert save.step == 7
    assert torch.equal(save.weights()["conv"], weights["conv"])
    assert save.optimizer() is None
    assert save.state() == {"losses": [1.5]}


def test_only_the_newest_saves_are_kept(tmp_path: Path) -> None:
    folder = model(tmp_path)
    for step in (1, 2, 3, 10):
        write(folder, step, keep=2)
    assert [save.step for save in folder.saves()] == [3, 10]


def test_a_save_of_the_same_step_is_kept_as_it_is(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    before = folder.latest().sha256()
    folder.write_save(1, {"w": torch.zeros(2)}, None, {})
    assert folder.latest().sha256() == before


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_save_is_skipped_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, file: str
) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    write(folder, 2)
    path = folder.path / "saves" / "000000002" / file
    path.write_bytes(bytes(path.stat().st_size))  # what a power cut leaves
    with caplog.at_level(logging.WARNING):
        assert folder.latest().step == 1
    assert file in caplog.text


def test_a_damaged_save_is_written_again_when_its_step_comes_again(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    (folder.path / "saves" / "000000001" / "weights.safetensors").write_bytes(b"x")
    write(folder, 1)
    assert folder.latest().weights()["w"][0, 0] == 1


def test_without_a_whole_save_the_model_is_damaged(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    (folder.path / "saves" / "000000001" / "manifest.json").write_text("{")
    with pytest.raises(Damaged, match="none of the 1 saves"):
        folder.latest()


def test_a_model_without_a_save_says_to_train_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="train it first"):
        model(tmp_path).latest()


def test_a_folder_that_is_no_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no config\.json"):
        ModelFolder(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    folder = model(tmp_path)
    values = {**to_dict(CONFIG), "format": 2}
    (folder.path / "config.json").write_text(json.dumps(values))
    with pytest.raises(BadSettings, match="format 2 is newer"):
        ModelFolder(folder.path)


def test_a_model_is_not_created_over_another(tmp_path: Path) -> None:
    folder = model(tmp_path)
    with pytest.raises(InvalidInput, match="swap model in"):
        ModelFolder.create(folder.path, CONFIG)


def test_an_export_has_half_the_weights_bytes_and_no_optimiser(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 3)
    exported = folder.export(tmp_path / "small")
    save = exported.latest()
    assert (save.step, save.optimizer()) == (3, None)
    assert save.weights()["w"].dtype == torch.float16
    assert save.weights()["w"][0, 0] == 3
    assert exported.sha256() != folder.sha256()


def test_no_room_leaves_earlier_saves_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    synced: list[int] = []

    def fsync(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:  # the optimiser: the weights lie there already
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(save_module.os, "fsync", fsync)
    with pytest.raises(DiskFull, match="Earlier saves are intact"):
        write(folder, 2)
    assert [path.name for path in (folder.path / "saves").iterdir()] == ["000000001"]
    assert folder.latest().step == 1


def test_leftovers_of_a_killed_run_go_when_the_model_is_opened(tmp_path: Path) -> None:
    folder = model(tmp_path)
    leftover = folder.path / "saves" / ".000000009.abc.part"
    leftover.mkdir()
    ModelFolder(folder.path)
    assert not leftover.exists()


def test_the_half_written_save_of_a_run_at_work_is_left_alone(tmp_path: Path) -> None:
    folder = model(tmp_path)
    leftover = folder.path / "saves" / ".000000009.abc.part"
    leftover.mkdir()
    with folder_lock(folder.path) as held:
        assert held
        ModelFolder(folder.path)
        assert leftover.exists()


def save_for_ever(path: Path, first: int, told: "multiprocessing.Value") -> None:  # type: ignore[valid-type]
    folder = ModelFolder(path)
    for step in range(first, first + 100_000):
        write(folder, step)
        told.value = step  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
def test_a_run_killed_at_random_moments_loses_nothing_beyond_its_last_save(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    rng = np.random.default_rng(0)
    fork = multiprocessing.get_context("fork")
    told = fork.Value("q", 1)
    for _ in range(8):
        first = ModelFolder(folder.path).latest().step + 1
        process = fork.Process(target=save_for_ever, args=(folder.path, first, told))
        process.start()
        while told.value < first and process.is_alive():
            time.sleep(0.001)  # waits for the process to be at work, not for time to pass
        time.sleep(float(rng.uniform(0, 0.03)))  # the random moment
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        reopened = ModelFolder(folder.path)
        save = reopened.latest()
        assert save.step in (told.value, told.value + 1)
        assert torch.equal(save.weights()["w"], torch.full((64, 64), float(save.step)))
        assert save.state() == {"step": save.step}
        assert not list((folder.path / "saves").glob(".*"))


def test_a_model_of_any_architecture_comes_back_as_it_was(tmp_path: Path) -> None:
    net = AMPConfig(64, "udt", 8, 4, 4, 4, inter_dims=32)
    config = dataclasses.replace(CONFIG, architecture="amp", net=net)
    assert ModelFolder.create(tmp_path / "amp", config).config == config


def test_a_net_of_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    folder = model(tmp_path)
    values = {**to_dict(CONFIG), "architecture": "liae"}
    values["net"]["inter_dims"] = 32
    (folder.path / "config.json").write_text(json.dumps(values))
    with pytest.raises(BadSettings, match="net: unknown key 'inter_dims'"):
        ModelFolder(folder.path)


def test_saves_keep_their_shape_when_the_network_grows(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    grown = dataclasses.replace(CONFIG.net, resolution=64, grown=1)
    folder.grow(grown)
    assert ModelFolder(folder.path).config.net == CONFIG.net  # nothing of that shape is saved yet
    write(folder, 2)
    opened = ModelFolder(folder.path)
    assert opened.config.net == grown
    assert [opened.config_of(save).net for save in opened.saves()] == [CONFIG.net, grown]
    assert opened.export(tmp_path / "small").config.net == grown


def test_without_its_newest_save_a_grown_model_is_what_it_was_before(tmp_path: Path) -> None:
    folder = model(tmp_path)
    write(folder, 1)
    folder.grow(dataclasses.replace(CONFIG.net, resolution=64, grown=1))
    write(folder, 2)
    shutil.rmtree(folder.saves()[-1].path)
    back = ModelFolder(folder.path)
    assert back.config.net == CONFIG.net
    write(back, 3)
    assert back.config_of(back.latest()).net == CONFIG.net


def test_people_are_numbered_likeness_performer_others(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, others=["cat", "dan"])
    folder = ModelFolder.create(tmp_path / "comb", config)
    assert folder.config.people == ("amy", "bob", "cat", "dan")
    assert folder.config.number_of("dan") == 3
    with pytest.raises(NotFound, match="it holds amy, bob, cat, dan"):
        folder.config.number_of("eve")
