import errno
import math
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.training import TINY

from faceplate.config import to_dict
from faceplate.errors import BadSettings, Damaged, DiskFull
from faceplate.models import backups as backups_module
from faceplate.models import save as save_module
from faceplate.models.backups import backups
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.train.checkpoint import TrainState, read_state
from faceplate.train.presets import TrainSettings
from faceplate.train.saver import Saver


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    config = SwapModelConfig("amy", "bob", "full_face", "acescct", net=TINY)
    return ModelFolder.create(tmp_path / "model", config)


def state(step: int) -> TrainState:
    return TrainState(step, 100, TrainSettings(), "demo", 0)


def weights(step: int) -> dict[str, torch.Tensor]:
    return {"w": torch.full((64, 64), float(step))}


def test_what_is_saved_is_what_was_there_when_the_save_began(folder: ModelFolder) -> None:
    net = weights(1)
    with Saver(folder, 3) as saver:
        saver.save(net, {"w.square": net["w"]}, state(1))
        net["w"].fill_(9)  # the training goes on
    save = folder.latest()
    assert torch.equal(save.weights()["w"], torch.ones(64, 64))
    assert torch.equal((save.optimizer() or {})["w.square"], torch.ones(64, 64))
    assert read_state(save) == state(1)


def test_the_training_does_not_wait_for_the_disk(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    sync = os.fsync

    def slow(handle: int) -> None:
        assert gate.wait(20)
        sync(handle)

    monkeypatch.setattr(save_module.os, "fsync", slow)
    saver = Saver(folder, 3)
    saver.save(weights(1), {}, state(1))  # comes back while the disk is held up
    saver.check()
    assert saver.newest is None
    gate.set()
    newest = saver.wait()
    assert newest is not None
    assert newest.step == folder.latest().step == 1


def test_weights_that_are_not_finite_are_not_saved(folder: ModelFolder) -> None:
    saver = Saver(folder, 3)
    with pytest.raises(Damaged, match="w is no longer finite at step 5"):
        saver.save({"w": torch.tensor([1.0, math.nan])}, {}, state(5))
    assert folder.saves() == []


def test_a_full_disk_is_told_at_the_next_step_and_once(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver = Saver(folder, 3)
    saver.save(weights(1), {}, state(1))
    saver.wait()

    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(save_module.os, "fsync", fsync)
    saver.save(weights(2), {}, state(2))
    with pytest.raises(DiskFull, match="Earlier saves are intact"):
        saver.wait()
    assert saver.wait() == folder.latest()
    assert folder.latest().step == 1


def test_the_first_error_is_the_one_that_is_told(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(save_module.os, "fsync", fsync)

    def train(error: type[Exception] | None) -> None:
        with Saver(folder, 3) as saver:
            saver.save(weights(2), {}, state(2))
            if error is not None:
                raise error

    with pytest.raises(ZeroDivisionError):
        train(ZeroDivisionError)
    with pytest.raises(DiskFull):
        train(None)


def test_a_backup_is_made_when_its_hours_have_passed_and_24_slots_rotate(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time()]
    monkeypatch.setattr(backups_module.time, "time", lambda: now[0])
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    saver = Saver(folder, keep=1, backup_hours=2)
    for hour in range(60):
        saver.save(weights(hour), {}, state(hour))
        saver.wait()
        for backup in backups(folder.path):  # as if the copy had been made at the test's time
            if backup.save.step == hour:
                os.utime(backup.save.path / "manifest.json", (now[0], now[0]))
        now[0] += 3600
    made = backups(folder.path)
    assert [backup.save.step for backup in made] == list(range(12, 60, 2))
    assert sorted(backup.slot for backup in made) == list(range(1, 25))
    assert torch.equal(made[0].save.weights()["w"], weights(12)["w"])
    assert [save.step for save in folder.saves()] == [59]


def test_without_the_option_there_are_no_backups(folder: ModelFolder) -> None:
    with Saver(folder, 3) as saver:
        saver.save(weights(1), {}, state(1))
    assert backups(folder.path) == []


@pytest.mark.parametrize("hours", [-1.0, 169.0, math.nan])
def test_hours_that_mean_nothing_are_refused(folder: ModelFolder, hours: float) -> None:
    with pytest.raises(BadSettings, match=r"autobackup_hours .*: expected 0"):
        Saver(folder, 3, hours)


def save_for_ever(path: Path, first: int, told: "multiprocessing.Value") -> None:  # type: ignore[valid-type]
    saver = Saver(ModelFolder(path), 3, backup_hours=1e-9)
    for step in range(first, first + 100_000):
        saver.save(weights(step), {"w.square": torch.ones(64, 64)}, state(step))
        if saver.newest is not None:
            told.value = saver.newest.step  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
def test_a_training_killed_at_random_moments_of_a_save_loses_nothing_that_was_saved(
    folder: ModelFolder,
) -> None:
    folder.write_save(1, weights(1), {}, to_dict(state(1)))
    rng = np.random.default_rng(0)
    fork = multiprocessing.get_context("fork")
    told = fork.Value("q", 0)
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
        save = ModelFolder(folder.path).latest()
        assert save.step >= told.value
        assert torch.equal(save.weights()["w"], weights(save.step)["w"])
        assert read_state(save) == state(save.step)
        for backup in backups(folder.path):
            backup.save.verify()
        assert not list(folder.path.glob("*/.*.part"))
