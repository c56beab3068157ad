import dataclasses
import math
from pathlib import Path

import pytest
from tests.support.training import tiny_job

from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged
from faceplate.models.folder import ModelFolder
from faceplate.progress import Progress
from faceplate.train.checkpoint import TrainState, read_state
from faceplate.train.opening import comparable_loss
from faceplate.train.rollback import check_rollbacks, last_good_save
from faceplate.train.trainer import train


def context(folder: Path) -> Context:
    return Context(folder, Progress(), device="cpu", consent_policy="warn", threads=1)


def state(job: object) -> TrainState:
    return read_state(ModelFolder(job.out).latest())  # type: ignore[attr-defined]  # a TrainJob


def test_a_network_that_dies_goes_back_lives_on_more_slowly_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = tiny_job(
        tmp_path,
        steps=25,
        learning_rate=0.5,
        eyes_mouth_priority=False,
        save_every_steps=5,
        guard_every=5,
        keep_saves=9,
        rollback_lr=0.001,
    )
    result = train(job, context(tmp_path))
    assert (result.step, result.rollbacks) == (25, 1)
    saved = state(job)
    note = saved.rollbacks[0]
    assert note.kind in ("collapse", "runaway", "not finite")
    assert note.to_step < note.step
    assert saved.lr_factor == note.lr_factor == 0.001
    assert saved.settings.learning_rate == 0.5
    assert f"went back from step {note.step} to {note.to_step}" in caplog.text
    later = (Path(job.out) / "set_aside").glob("*")
    assert all(int(path.name[:9]) > note.to_step for path in later)
    on = dataclasses.replace(job, steps=26)
    train(on, context(tmp_path))
    assert state(job).lr_factor == 0.001  # a resumed training stays careful
    train(dataclasses.replace(on, steps=27, learning_rate=1e-3), context(tmp_path))
    assert state(job).lr_factor == 1.0  # somebody has chosen another learning rate


def test_a_loss_that_runs_away_goes_back_to_before(tmp_path: Path) -> None:
    job = tiny_job(
        tmp_path, steps=40, learning_rate=1e-2, eyes_mouth_priority=False, schedule_steps=9999
    )
    train(job, context(tmp_path))
    reckless = dataclasses.replace(
        job, steps=60, learning_rate=0.9, guard_every=0, save_every_steps=9, rollback_lr=0.001
    )
    result = train(reckless, context(tmp_path))
    note = state(job).rollbacks[0]
    assert result.rollbacks >= 1
    assert (note.kind, note.to_step) == ("runaway", 40)
    assert note.step < 55
    assert result.loss_likeness < 5


@pytest.mark.slow
def test_without_leave_to_go_back_it_ends_and_keeps_the_good_save(tmp_path: Path) -> None:
    job = tiny_job(
        tmp_path, steps=40, learning_rate=1e-2, eyes_mouth_priority=False, schedule_steps=9999
    )
    train(job, context(tmp_path))
    reckless = dataclasses.replace(job, steps=90, learning_rate=0.9, rollbacks=0)
    with pytest.raises(Damaged, match=r"diverged at step \d+.*the save of step 40 is kept"):
        train(reckless, context(tmp_path))
    assert ModelFolder(job.out).latest().step == 40


def test_the_good_save_is_the_newest_before_the_trouble(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, steps=6, save_every_steps=2, keep_saves=9)
    train(job, context(tmp_path))
    folder = ModelFolder(job.out)
    assert last_good_save(folder, 5).step == 4  # type: ignore[union-attr]  # there is one
    assert last_good_save(folder, 1).step == 2  # type: ignore[union-attr]  # the oldest
    (folder.path / "saves" / "000000004" / "weights.safetensors").write_bytes(b"x")
    assert last_good_save(folder, 5).step == 2  # type: ignore[union-attr]  # it skips damaged ones


@pytest.mark.parametrize(("most", "factor"), [(-1, 0.5), (101, 0.5), (3, 0.0), (3, 1.0)])
def test_settings_out_of_range_are_refused(most: int, factor: float) -> None:
    with pytest.raises(BadSettings, match="expected"):
        check_rollbacks(most, factor)


def test_losses_are_compared_only_where_they_mean_the_same(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, steps=12)
    train(job, context(tmp_path))
    folder = ModelFolder(job.out)
    saved = folder.latest()
    assert comparable_loss(state(job), saved) == pytest.approx(sum(state(job).history.recent()))
    other = state(job)
    other.settings = dataclasses.replace(other.settings, eyes_mouth_priority=False)
    assert comparable_loss(other, saved) == math.inf
    exported = folder.export(tmp_path / "exported").latest()
    assert comparable_loss(state(job), exported) == math.inf
    assert comparable_loss(state(job), None) == math.inf
