import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.support.farms import farm_job
from tests.support.paths import MINI

from faceplate.commands.verify import VerifyJob, verify
from faceplate.context import Context
from faceplate.farm.batch import BatchJob, batch
from faceplate.farm.openjd import openjd
from faceplate.provenance.keys import new_key

OPENJD = Path(sys.executable).with_name("openjd")


def run(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start `openjd run` on a bundle, in a process group of its own."""
    values = folder / "parameters.json"
    command = [str(OPENJD), "run", str(folder / "template.yaml"), "-p", f"file://{values}", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.exr")
    }


def test_a_bundle_passes_the_checks_of_open_job_description(tmp_path: Path) -> None:
    for frames in ("1001-1006", "1001-1005x2,1010"):
        result = openjd(farm_job(tmp_path, frames=frames), Context(home=tmp_path))
        template = tmp_path / "bundle" / "template.yaml"
        checked = subprocess.run(
            [str(OPENJD), "check", str(template)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout
        assert result.frames == frames


def test_a_bundle_names_what_a_farm_without_a_shared_disk_sends_and_fetches(tmp_path: Path) -> None:
    openjd(farm_job(tmp_path), Context(home=tmp_path))
    assets = yaml.safe_load((tmp_path / "bundle" / "asset_references.yaml").read_text())
    inputs = assets["assetReferences"]["inputs"]
    assert str(tmp_path / "model") in inputs["directories"]
    assert str(tmp_path / "consent.json") in inputs["filenames"]
    assert assets["assetReferences"]["outputs"] == {"directories": [str(tmp_path / "out")]}
    values = yaml.safe_load((tmp_path / "bundle" / "parameter_values.yaml").read_text())
    plain = {entry["name"]: entry["value"] for entry in values["parameterValues"]}
    assert plain == json.loads((tmp_path / "bundle" / "parameters.json").read_text())


def test_what_a_cast_names_is_sent_too(tmp_path: Path) -> None:
    farm_job(tmp_path)  # makes the model, its consent and the track
    (tmp_path / "r.json").write_text("{}")
    shutil.copytree(MINI / "B_masks", tmp_path / "mattes")
    member = {
        "model": "model", "consent": "consent.json", "recipe": "r.json",
        "mattes": "mattes/face",
    }  # fmt: skip
    (tmp_path / "cast.json").write_text(json.dumps({"cast": [member]}))
    job = farm_job(tmp_path, model=None, consent=None, cast=str(tmp_path / "cast.json"))
    openjd(job, Context(home=tmp_path))
    assets = yaml.safe_load((tmp_path / "bundle" / "asset_references.yaml").read_text())
    inputs = assets["assetReferences"]["inputs"]
    assert {str(tmp_path / name) for name in ("consent.json", "r.json", "cast.json")} <= set(
        inputs["filenames"]
    )
    assert {str(tmp_path / name) for name in ("model", "mattes/face")} <= set(inputs["directories"])


@pytest.mark.skipif(os.name != "posix", reason="a script of a shell")
def test_openjd_runs_the_steps_one_after_the_other_and_the_swap_in_chunks(tmp_path: Path) -> None:
    """With openjd-cli; in place of `faceplate` a script that writes down what it is told."""
    told = tmp_path / "told"
    script = tmp_path / "faceplate"
    script.write_text(f'#!/bin/sh\necho "$@" >> "{told}"\n')
    script.chmod(0o755)
    (tmp_path / "publish.json").write_text("{}")
    job = farm_job(
        tmp_path, command=str(script), frames="1001-1005", publish=str(tmp_path / "publish.json")
    )
    result = openjd(job, Context(home=tmp_path))
    done = run(tmp_path / "bundle", "--step", "Publish", "--run-dependencies")
    said, _ = done.communicate(timeout=120)
    assert done.returncode == 0, said
    lines = told.read_text().splitlines()
    verbs = [line.partition(" --")[0] for line in lines]
    swaps = sorted(word for line in lines for word in line.split() if word.startswith("--frames"))
    assert verbs == [
        "analyse", "batch", "batch", "batch", "seal", "review movie", "review timeline",
        "review publish",
    ]  # fmt: skip
    assert result.tasks == 3
    assert {"--frames=1001-1002", "--frames=1003-1004", "--frames=1005-1005"} <= set(swaps)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process group")
def test_a_bundle_that_is_killed_in_the_middle_and_run_again_gives_the_frames_of_one_run(
    tmp_path: Path,
) -> None:
    """With openjd-cli, real tasks, and another split of the range the second time."""
    job = farm_job(
        tmp_path,
        analyse=False,
        movie=False,
        track=str(tmp_path / "true.track.json"),
        command=program(tmp_path),
        farm_home=str(tmp_path / "home"),
        shot="mini",
    )
    openjd(job, Context(home=tmp_path))
    new_key(tmp_path / "home", "House")
    first = run(tmp_path / "bundle", "--step", "Swap")
    _wait_for(tmp_path / "out" / "s.1003.exr", first)
    _kill_all(str(tmp_path))
    first.communicate()
    there = digests(tmp_path / "out")
    assert 3 <= len(there) < 6
    again = ("--step", "Seal", "--run-dependencies", "-p", "ChunkSize=6")
    second = run(tmp_path / "bundle", *again)
    told, _ = second.communicate(timeout=300)
    assert second.returncode == 0, told
    summary = json.loads(next(line for line in told.splitlines() if '"kept"' in line)[15:])
    assert summary["kept"] == len(there)
    assert digests(tmp_path / "out").items() >= there.items()
    sealed = verify(VerifyJob(str(tmp_path / "out")), Context(home=tmp_path / "home"))
    assert (sealed.exit_code, sealed.checked[0].frames) == (0, "1001-1006")

    shutil.rmtree(tmp_path / "home")
    whole = BatchJob(
        plate=job.plate,
        track=str(job.track),
        model=job.model,
        consent=job.consent,
        frames=job.frames,
        shot="mini",
        out=str(tmp_path / "whole" / "s.%04d.exr"),
    )
    batch(whole, Context(home=tmp_path / "home", device="cpu"))
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


@pytest.mark.slow
def test_every_step_of_a_shot_runs_one_after_the_other(
    tmp_path: Path, weights: Callable[[str], Path]
) -> None:
    """Analyse, swap in chunks, seal, movie, timeline and publish, with openjd-cli."""
    home = tmp_path / "home"
    settings = tmp_path / "publish.json"
    code = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]))"
    told = [sys.executable, "-c", code, str(tmp_path / "told"), "{shot}", "{version}", "{movie}"]
    settings.write_text(json.dumps({"command": told}))
    new_key(home, "House")
    (home / "weights").symlink_to(weights("facemesh-468").parent)
    job = farm_job(
        tmp_path, command=program(tmp_path), farm_home=str(home), frames="1001-1003", shot="mini",
        publish=str(settings), publish_options="--as-version=7",
    )  # fmt: skip
    openjd(job, Context(home=tmp_path))
    done = run(tmp_path / "bundle", "--step", "Publish", "--run-dependencies")
    told, _ = done.communicate(timeout=600)

    assert done.returncode == 0, told
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"mini.track.json", "s.1001.exr", "s.1003.exr", "mini.mov", "mini.otio"} <= made
    for path in (tmp_path / "out", tmp_path / "out" / "mini.mov"):
        assert verify(VerifyJob(str(path)), Context(home=home)).exit_code == 0
    assert (tmp_path / "told").read_text() == f"mini 7 {tmp_path / 'out' / 'mini.mov'}"


def program(folder: Path) -> str:
    """Write a script that is `faceplate` of this interpreter; returns its path."""
    path = folder / "faceplate"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m faceplate.cli "$@"\n')
    path.chmod(0o755)
    return str(path)


def _kill_all(words: str) -> None:
    """Kill every process with these words in its command line: sessions, tasks and their shells."""
    found = True
    while found:
        found = False
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if int(process.name) != os.getpid() and words in (process / "cmdline").read_text():
                    os.kill(int(process.name), signal.SIGKILL)
                    found = True
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.02)
