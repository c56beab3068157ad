"""Two processes train as one: run by torchrun, joined by gloo."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.training import TINY, tiny_faceset, tiny_job

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, NotReady
from faceplate.models.df import DF
from faceplate.models.folder import ModelFolder
from faceplate.train.checkpoint import read_state
from faceplate.train.job import TrainJob, TrainResult
from faceplate.train.presets import TrainSettings
from faceplate.train.ranks import Next, Order, Ranks, joined_ranks
from faceplate.train.step import Stepper
from faceplate.train.trainer import train

_RUN = """
import json, os, sys
from pathlib import Path
from faceplate.config import from_dict
from faceplate.context import Context
from faceplate.progress import Progress
from faceplate.train.job import TrainJob
from faceplate.train.trainer import train
folder = Path(sys.argv[1])
job = from_dict(TrainJob, json.loads((folder / "job.json").read_text()), "job")
rank, attempt = os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]
(folder / f"pid_{rank}_{attempt}").write_text(str(os.getpid()))
with (folder / f"steps_{rank}").open("a", buffering=1) as steps:
    def sink(report):
        steps.write(f"{attempt} {report.done}\\n")
    train(job, Context(home=folder / "home", consent_policy="warn", device="cpu",
        progress=Progress(sink)))
"""


def start(folder: Path, job: TrainJob, *options: str) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "job.json").write_text(json.dumps(to_dict(job)))
    (folder / "run.py").write_text(_RUN)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    with (folder / "errors.txt").open("wb") as errors:
        return subprocess.Popen(
            [*command, *options, str(folder / "run.py"), str(folder)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    try:
        code = process.wait(300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert code == 0, (folder / "errors.txt").read_text()[-3000:]


def alone(job: TrainJob, folder: Path) -> TrainResult:
    result = train(job, Context(home=folder / "home", consent_policy="warn", device="cpu"))
    assert isinstance(result, TrainResult)
    return result


def history(folder: Path) -> list[list[float]]:
    state = read_state(ModelFolder(folder).latest())
    return [*(point[1:] for point in state.history.points), *state.history.pending]


WHOLE = {
    "batch": 4,
    "true_face_power": 0.1,
    "gan_power": 0.1,
    "gan_dims": 4,
    "gan_patch_size": 7,
    "gradient_accumulation": 2,
}


def test_two_processes_learn_as_one_with_the_joined_batch(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, steps=6, out=str(tmp_path / "one"), **WHOLE)
    alone(job, tmp_path)
    together = tiny_job(tmp_path, steps=6, out=str(tmp_path / "two"), **WHOLE)
    finish(start(tmp_path / "run", together), tmp_path / "run")
    one, two = history(tmp_path / "one"), history(tmp_path / "two")
    assert len(two) == 6
    for ours, theirs in zip(one, two, strict=True):
        assert theirs == pytest.approx(ours, rel=2e-3)
    assert two[0] == pytest.approx(one[0], rel=1e-5)
    # One process alone reports and draws.
    assert (tmp_path / "run" / "steps_0").read_text().count("\n") >= 6
    assert (tmp_path / "run" / "steps_1").read_text() == ""


JOINED: dict[str, dict[str, Any]] = {
    "liae": {"architecture": "liae", "bg_style_power": 1.0, "face_style_power": 1.0},
    "liae-unwarped": {"architecture": "liae", "random_warp": False, "true_face_power": 0.1},
    "quick96": {
        "architecture": "quick96",
        "resolution": 96,
        "optimizer": "rmsprop",
        "lr_dropout": 0.3,
        "mask_form": "quick96",
        "unwarped_every": 3,
    },
    "amp": {
        "architecture": "amp",
        "options": "udt",
        "inter_dims": 32,
        "gan_on": "both",
        "gan_power": 0.1,
        "gan_dims": 4,
        "gradient_accumulation": 2,
    },
    "comb": {"architecture": "comb", "gan_power": 0.1, "gan_dims": 4, "checkpointing": True},
    "grown": {"resolution": 64, "fade_steps": 4, "gan_power": 0.1, "gan_dims": 4},
}
"""What two processes train as one does, besides the DF of every run of the tests."""


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINED)
def test_every_architecture_learns_in_two_processes_as_in_one(tmp_path: Path, name: str) -> None:
    wanted = {"batch": 4, "learning_rate": 1e-4, **JOINED[name]}
    if name == "comb":
        wanted["others"] = [str(tiny_faceset(tmp_path / "third.faceset", "third", seed=9))]
    steps = 4
    if name == "grown":  # both go on from the same small model
        alone(tiny_job(tmp_path, steps=2, out=str(tmp_path / "one"), batch=4), tmp_path)
        shutil.copytree(tmp_path / "one", tmp_path / "two")
        steps = 6
    alone(tiny_job(tmp_path, steps=steps, out=str(tmp_path / "one"), **wanted), tmp_path)
    together = tiny_job(tmp_path, steps=steps, out=str(tmp_path / "two"), **wanted)
    finish(start(tmp_path / "run", together), tmp_path / "run")
    one, two = history(tmp_path / "one"), history(tmp_path / "two")
    assert len(two) == steps
    first = steps - 4  # where the two part
    assert two[first] == pytest.approx(one[first], rel=1e-5)
    for ours, theirs in zip(one, two, strict=True):
        assert theirs == pytest.approx(ours, rel=2e-3)


def steps_of(folder: Path) -> list[list[int]]:
    path = folder / "steps_0"
    lines = path.read_text().splitlines() if path.exists() else []
    return [[int(word) for word in line.split()] for line in lines if line.count(" ") == 1]


@pytest.mark.slow
def test_the_loss_of_a_process_costs_only_what_was_not_saved(tmp_path: Path) -> None:
    wanted = {"batch": 4, "steps": 60, "save_every_steps": 5, "seed": 3}
    alone(tiny_job(tmp_path, out=str(tmp_path / "one"), **wanted), tmp_path)
    run = tmp_path / "run"
    process = start(
        run, tiny_job(tmp_path, out=str(tmp_path / "two"), **wanted), "--max-restarts=1"
    )
    try:
        until = time.monotonic() + 200
        while not any(step >= 12 for _, step in steps_of(run)):
            assert time.monotonic() < until, (run / "errors.txt").read_text()[-3000:]
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(int((run / "pid_1_0").read_text()), signal.SIGKILL)
    finally:
        finish(process, run)
    lost = max(step for attempt, step in steps_of(run) if attempt == 0)
    again = min(step for attempt, step in steps_of(run) if attempt == 1)
    assert lost < 60
    assert 10 < again <= lost + 1
    assert (again - 1) % 5 == 0  # it went on from a save
    one, two = history(tmp_path / "one"), history(tmp_path / "two")
    assert two[-1] == pytest.approx(one[-1], rel=0.02)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[None]:
    """Join a group of this one process, to see what a lost neighbour does."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


def test_one_process_alone_needs_nobody() -> None:
    with joined_ranks(torch.device("cpu"), {}) as ranks:
        assert (ranks.world, ranks.is_first, ranks.share(7)) == (1, True, None)
        values = torch.ones(2)
        assert ranks.mean(values) is values
        ranks.tell(Order(Next.END))
        assert ranks.joined(torch.nn.Linear(1, 1)).__class__ is torch.nn.Linear


def test_every_place_of_a_batch_belongs_to_one_process() -> None:
    shares = [Ranks(rank, 4).share(12, parts=3) for rank in range(4)]
    assert [place for share in shares if share for place in share] == list(range(12))


@pytest.mark.parametrize(("batch_size", "parts"), [(3, 1), (4, 4)])
def test_a_batch_that_cannot_be_shared_is_refused(batch_size: int, parts: int) -> None:
    with pytest.raises(BadSettings, match=f"multiple of {2 * parts}"):
        Ranks(0, 2).share(batch_size, parts)


@pytest.mark.usefixtures("store")
def test_what_the_first_says_is_what_the_others_hear() -> None:
    # A broadcast within a group of one gives back what went in; the packing is what is looked at.
    ranks = Ranks(0, 2)
    packed = ranks._packed(Order(Next.BEGIN, 1200, 0.5)).tolist()
    assert packed == [0.0, 1200.0, 0.5]
    assert ranks.hear() == Order(Next.END)


def test_a_lost_connection_says_what_to_do_and_other_errors_stay_what_they_are() -> None:
    lost = RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer")
    with (
        pytest.raises(NotReady, match="a process of this training was lost"),
        Ranks(0, 2).watched(),
    ):
        raise lost
    with pytest.raises(RuntimeError, match="shapes"), Ranks(0, 2).watched():
        raise RuntimeError("shapes do not match")
    with pytest.raises(RuntimeError, match="gloo"), Ranks().watched():
        raise lost


def test_a_network_is_not_built_for_a_batch_that_cannot_be_shared() -> None:
    device, settings = torch.device("cpu"), TrainSettings(batch=4)
    with pytest.raises(BadSettings, match="cannot be shared"):
        Stepper(DF(TINY), settings, 10, device, torch.float32, 0, Ranks(0, 3))
