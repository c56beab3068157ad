import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.paths import MINI
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate.cli import main
from faceplate.context import Context
from faceplate.errors import NoFace
from faceplate.farm.batch import BatchJob, batch, remove_stale
from faceplate.io.sequence import Sequence
from faceplate.io.trackfile import Track
from faceplate.merge.predictions import CachedPredictor


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    shutil.copytree(MINI / "B", folder / "B")
    return folder


def words(shelf: Path, out: Path, frames: str = "1001-1003") -> list[str]:
    named = {
        "plate": shelf / "B" / "B.%04d.exr",
        "track": shelf / "track.json",
        "model": shelf / "model",
        "consent": shelf / "consent.json",
        "out": out / "s.%04d.exr",
        "frames": frames,
    }
    return ["batch", *(f"--{name}={value}" for name, value in named.items())]


def job(shelf: Path, out: Path, **changes: Any) -> BatchJob:
    values = {
        "plate": str(shelf / "B" / "B.%04d.exr"),
        "track": str(shelf / "track.json"),
        "model": str(shelf / "model"),
        "consent": str(shelf / "consent.json"),
        "out": str(out / "s.%04d.exr"),
        "frames": "1001-1003",
    }
    return BatchJob(**{**values, **changes})


def summary(printed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def test_the_last_line_of_a_task_is_a_summary_and_a_second_run_keeps_every_frame(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*words(shelf, tmp_path), "--home", str(tmp_path), "--progress", "openjd"]
    assert main(command) == 0
    printed = capsys.readouterr()
    first = summary(printed.out)
    assert (first["written"], first["kept"], first["exit_code"]) == (3, 0, 0)
    assert "openjd_progress: 100.0" in printed.err.splitlines()
    assert main(command) == 0
    assert (summary(capsys.readouterr().out)["kept"]) == 3


def test_frames_in_one_task_or_each_in_its_own_are_the_same_files(
    shelf: Path, tmp_path: Path
) -> None:
    context = Context(home=tmp_path, device="cpu")
    batch(job(shelf, tmp_path / "whole"), context)
    for number in ("1003", "1001", "1002"):
        batch(job(shelf, tmp_path / "single", frames=number), context)
    for number in (1001, 1002, 1003):
        name = f"s.{number}.exr"
        whole = (tmp_path / "whole" / name).read_bytes()
        assert whole == (tmp_path / "single" / name).read_bytes()


@pytest.mark.slow
def test_twenty_frames_in_one_task_and_in_twenty_are_the_same_files(
    shelf: Path, tmp_path: Path
) -> None:
    """With motion blur, which looks at other frames of the track, and grain, which is random."""
    track = Track.load(shelf / "track.json")
    (person,) = track.people
    shutil.copytree(MINI / "B", tmp_path / "B")
    more = []
    for number in range(1013, 1021):  # the shot again, from its first frame
        shutil.copy(MINI / "B" / f"B.{number - 12}.exr", tmp_path / "B" / f"B.{number}.exr")
        face = person.at(number - 12)
        more += [replace(face, frame=number)] if face is not None else []
    people = (replace(person, faces=(*person.faces, *more)),)
    frames = tuple(range(1001, 1021))
    plate = replace(track.plate, last=1020)
    Track(plate, frames, people).save(tmp_path / "track.json")
    (tmp_path / "r.json").write_text('{"motion_blur": 100, "grain": 100}')
    values = {
        "plate": str(tmp_path / "B" / "B.%04d.exr"),
        "track": str(tmp_path / "track.json"),
        "recipe": str(tmp_path / "r.json"),
    }
    context = Context(home=tmp_path, device="cpu")
    batch(job(shelf, tmp_path / "whole", frames="1001-1020", **values), context)
    for number in reversed(frames):
        batch(job(shelf, tmp_path / "single", frames=str(number), **values), context)
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert len(files) == 20
    for name in files:
        whole = (tmp_path / "whole" / name).read_bytes()
        assert whole == (tmp_path / "single" / name).read_bytes(), name


def test_a_failed_frame_is_named_in_the_summary_and_the_others_are_written(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plates = shutil.copytree(shelf / "B", tmp_path / "B")
    spoilt = plates / "B.1002.exr"
    spoilt.write_bytes(spoilt.read_bytes()[:4000])
    command = [*words(shelf, tmp_path / "out"), f"--plate={plates / 'B.%04d.exr'}"]
    assert main([*command, "--home", str(tmp_path), "--progress", "openjd"]) == 3
    printed = capsys.readouterr()
    told = summary(printed.out)
    assert (told["exit_code"], told["error"], told["failed"]) == (3, "FramesFailed", [1002])
    assert "openjd_fail: 1 of 3 frames failed" in printed.err
    assert {path.name for path in (tmp_path / "out").glob("*.exr")} == {"s.1001.exr", "s.1003.exr"}


def test_a_frame_without_a_face_fails_only_a_task_that_requires_one(
    shelf: Path, tmp_path: Path
) -> None:
    context = Context(home=tmp_path, device="cpu")
    result = batch(job(shelf, tmp_path / "a", frames="1010-1012"), context)
    assert (result.written, result.without_face) == (3, 1)
    with pytest.raises(NoFace, match="frames 1011 have no face"):
        batch(job(shelf, tmp_path / "b", frames="1010-1012", require_face=True), context)
    assert len(list((tmp_path / "b").glob("*.exr"))) == 3


@pytest.mark.skipif(os.name != "posix", reason="stops processes by signals of POSIX")
def test_a_task_that_hangs_is_gone_within_five_seconds_of_sigterm(
    shelf: Path, tmp_path: Path
) -> None:
    command = [*words(shelf, tmp_path), "--home", str(tmp_path), "--processes=2"]
    task = subprocess.Popen(
        [sys.executable, "-m", "faceplate.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    children = _children(task)
    for child in children:
        os.kill(child, signal.SIGSTOP)  # they will never finish a frame
    began = time.monotonic()
    task.terminate()
    out, _ = task.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert task.returncode == 143
    assert summary(out)["exit_code"] == 143
    assert not [child for child in children if _alive(child)]


LONG = """
import hashlib, sys
from faceplate import cli
from faceplate.farm import batch

def swap(job, context):
    print("at work", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 1 << 30)  # minutes, and none of it Python's

batch.swap = swap
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="stops processes by signals of POSIX")
def test_a_task_inside_a_library_is_gone_within_five_seconds_of_sigterm(
    shelf: Path, tmp_path: Path
) -> None:
    task = subprocess.Popen(
        [sys.executable, "-c", LONG, *words(shelf, tmp_path), "--home", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert task.stdout is not None
    assert task.stdout.readline() == "at work\n"
    began = time.monotonic()
    task.terminate()
    out, _ = task.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert task.returncode == 143
    assert summary(out)["exit_code"] == 143


@pytest.mark.slow  # each process loads torch
@pytest.mark.skipif(os.name != "posix", reason="kills a process as the system does")
def test_a_task_whose_process_the_system_kills_can_be_tried_again(
    shelf: Path, tmp_path: Path
) -> None:
    command = [*words(shelf, tmp_path), "--home", str(tmp_path), "--processes=2"]
    task = subprocess.Popen(
        [sys.executable, "-m", "faceplate.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.kill(_children(task)[0], signal.SIGKILL)
    out, _ = task.communicate(timeout=60)
    assert task.returncode == 7
    assert summary(out)["error"] == "OutOfMemory"


def _children(task: subprocess.Popen[str]) -> list[int]:
    """Wait until a task has its two processes of frames; returns their numbers."""
    until = time.monotonic() + 60
    while time.monotonic() < until and task.poll() is None:
        found = Path(f"/proc/{task.pid}/task/{task.pid}/children").read_text().split()
        workers = [int(each) for each in found if b"spawn_main" in _command(int(each))]
        if len(workers) == 2:
            return workers
        time.sleep(0.05)
    task.kill()
    raise AssertionError(f"the task made no two processes: {task.communicate()}")


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_unfinished_files_of_killed_tasks_go_and_those_at_work_stay(tmp_path: Path) -> None:
    old, new = tmp_path / ".s.1001.exr.aa.part", tmp_path / ".s.1002.exr.bb.part"
    other = tmp_path / ".t.1001.exr.cc.part"
    for path in (old, new, other):
        path.write_bytes(b"half")
    now = time.time()
    os.utime(old, (now - 7200, now - 7200))
    os.utime(other, (now - 7200, now - 7200))
    assert remove_stale(Sequence.parse(tmp_path / "s.%04d.exr"), now) == [old]
    assert new.exists()
    assert other.exists()


def test_wrong_words_end_with_a_summary_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["batch", "--frmes=1"])
    assert left.value.code == 2
    assert summary(capsys.readouterr().out)["exit_code"] == 2


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (MemoryError("Unable to allocate 4 GiB"), 7, "OutOfMemory"),
        (torch.OutOfMemoryError("CUDA out of memory"), 7, "OutOfMemory"),
        (OSError(28, "No space left on device"), 7, "DiskFull"),
        (PermissionError(13, "Permission denied", "/x"), 1, "PermissionError"),
    ],
)
def test_no_room_can_be_tried_again_elsewhere(
    shelf: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
    name: str,
) -> None:
    """A network that raises what torch and the system raise, in place of one that is too big."""

    def full(self: CachedPredictor, *_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(CachedPredictor, "predict", full)
    command = [*words(shelf, tmp_path / "out"), "--home", str(tmp_path), "--cache-gib=0"]
    assert main(command) == code
    told = summary(capsys.readouterr().out)
    assert (told["exit_code"], told["error"]) == (code, name)


def test_a_mistake_of_ours_ends_with_a_summary_and_its_trace(
    shelf: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(self: CachedPredictor, *_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(CachedPredictor, "predict", wrong)
    command = [*words(shelf, tmp_path / "out"), "--home", str(tmp_path), "--cache-gib=0"]
    with pytest.raises(ZeroDivisionError):
        main(command)
    assert summary(capsys.readouterr().out)["exit_code"] == 1
