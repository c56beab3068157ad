import os
import subprocess
from pathlib import Path

from tests.support.farms import farm_job

from faceplate.context import Context
from faceplate.farm.deadline import deadline

FAKE = """#!/bin/sh
echo "$@" >> "{folder}/calls"
cat "$1" >> "{folder}/jobs"
number=$(wc -l < "{folder}/calls")
{answer}
"""


def fake_deadline(folder: Path, answer: str) -> dict[str, str]:
    """Put a `deadlinecommand` that notes what it is told on the path."""
    program = folder / "bin" / "deadlinecommand"
    program.parent.mkdir()
    program.write_text(FAKE.format(folder=folder, answer=answer))
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_each_step_is_a_job_that_depends_on_the_one_before(tmp_path: Path) -> None:
    deadline(farm_job(tmp_path), Context(home=tmp_path))
    environment = fake_deadline(tmp_path, 'echo "Result=Success"; echo "JobID=abc$number"')
    submit = tmp_path / "bundle" / "submit.sh"
    done = subprocess.run(["sh", str(submit)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = ("analyse", "swap", "seal", "movie", "timeline")
    assert done.stdout.splitlines() == [f"{name} abc{at}" for at, name in enumerate(names, 1)]
    jobs = (tmp_path / "jobs").read_text().splitlines()
    assert [line for line in jobs if line.startswith("JobDependencies")] == [
        f"JobDependencies=abc{number}" for number in (1, 2, 3, 4)
    ]
    assert jobs.count("ChunkSize=2") == 1
    assert "Frames=1001-1006" in jobs


def test_a_job_that_is_not_taken_stops_the_rest(tmp_path: Path) -> None:
    deadline(farm_job(tmp_path), Context(home=tmp_path))
    environment = fake_deadline(tmp_path, 'echo "Error: no repository"')
    submit = tmp_path / "bundle" / "submit.sh"
    done = subprocess.run(["sh", str(submit)], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no repository" in done.stderr
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_words_with_spaces_are_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "a shot"
    folder.mkdir()
    deadline(farm_job(folder), Context(home=tmp_path))
    plugin = (folder / "bundle" / "swap.plugin").read_text()
    assert f'"--model={folder / "model"}"' in plugin
    assert "--frames=<STARTFRAME>-<ENDFRAME>" in plugin
