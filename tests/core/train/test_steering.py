import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from tests.support.paths import REPO
from tests.support.training import tiny_job

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.control import Control
from faceplate.models.folder import ModelFolder
from faceplate.progress import Progress, Report
from faceplate.train.trainer import train


def test_a_training_saves_and_draws_when_it_is_told_even_while_it_is_paused(
    tmp_path: Path,
) -> None:
    job = tiny_job(tmp_path, steps=6, keep_saves=9)
    control, reports = Control(), list[Report]()

    def sink(report: Report) -> None:
        reports.append(report)
        if report.done == 2 and len(reports) == 2:
            control.send("preview")
            control.send("save")
        if report.done == 4 and not control.paused_s:
            control.send("pause")
        if report.paused:
            control.send("save")
            control.send("resume")

    context = Context(tmp_path, Progress(sink, control=control), "cpu", "warn", threads=1)
    result = train(job, context)
    assert result.steps_done == 6
    assert [report.done for report in reports if report.preview] == [2]
    assert [report.done for report in reports if report.paused] == [4]
    assert [save.step for save in ModelFolder(job.out).saves()] == [2, 4, 6]
    assert 0 < control.paused_s < 10


def words(job: Any) -> list[str]:
    """Return a job as the command line says it."""
    given = {name: value for name, value in to_dict(job).items() if value not in (None, [], "")}
    plain = {name: value for name, value in given.items() if not isinstance(value, bool)}
    return [
        word
        for name, value in plain.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let a process not outlive a test that fails."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def report_where(stream: IO[str], key: str) -> dict[str, Any]:
    """Return the first report that says something under a key."""
    for line in stream:
        if line.startswith("{") and json.loads(line)[key]:
            return dict(json.loads(line))
    raise AssertionError(f"it ended without {key}")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_signals_draw_save_and_stop_a_training_of_the_command_line(tmp_path: Path) -> None:
    job = dataclasses.replace(tiny_job(tmp_path), steps=100_000, workers=0)
    command = [
        *(sys.executable, "-m", "faceplate.cli", "train", *words(job)),
        *("--progress", "json", "--home", str(tmp_path), "--consent-policy", "warn"),
        *("--threads", "1", "--device", "cpu"),
    ]
    with (
        subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True) as process,
        ended(process),
    ):
        assert process.stderr is not None
        report_where(process.stderr, "done")
        process.send_signal(signal.SIGUSR2)
        drawn = report_where(process.stderr, "preview")
        process.send_signal(signal.SIGUSR1)
        saves = ModelFolder(job.out).path / "saves"
        while not (saves.is_dir() and list(saves.glob("[0-9]*"))):
            assert process.stderr.readline(), "it ended before it saved"
        first = ModelFolder(job.out).latest().step
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert Path(drawn["preview"]).is_file()
    assert ModelFolder(job.out).latest().step > first
