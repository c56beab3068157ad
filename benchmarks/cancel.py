"""How soon a cancelled job stops: every verb of the server, real work, the server's own settings.

Each verb is cancelled twice: while its worker still loads its libraries, and at its work, after its
first report. Seconds from the call of CancelJob until the job has ended, which it does only when
its worker is gone. A training saves before it stops, so for it the goal is held to its last report,
with which its steps end.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.masks import mini_faces, untrained_model
from tests.support.paths import REPO
from tests.support.servers import Client, fake_settings, running_server
from tests.support.shots4k import LargeShot, large_shot
from tests.support.swaps import consent_file

from benchmarks.harness import Outcome
from faceplate.context import Context
from faceplate.facesets.export import ExportFacesJob, export_faces
from faceplate.io.facelabels import Polygon
from faceplate.io.faceset import Faceset, FacesetInfo
from faceplate_protos.v1 import jobs_pb2
from faceplate_server.app import ENGINE
from faceplate_server.settings import ServerSettings
from faceplate_server.verbs import ENGINE_VERBS

__all__ = ["main", "measure"]

GOAL_S = 2.0
SAVES = ("train", "mask train")
"""Verbs that save before they stop."""


def main() -> int:
    """Run the benchmark; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=600, help="in the facesets")
    return 0 if measure(parser.parse_args().faces).passed else 1


def measure(faces: int) -> Outcome:
    """Measure, and print the table and the outcome."""
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        folder = Path(name)
        jobs = _jobs(folder, faces)
        settings = fake_settings(
            folder,
            devices=("cpu",),
            cancel_grace_s=ServerSettings.cancel_grace_s,
            save_grace_s=ServerSettings.save_grace_s,
        )
        (folder / "home").mkdir(exist_ok=True)
        (folder / "home" / "weights").symlink_to(REPO / ".faceplate" / "weights")
        print(f"{'verb':18}{'at its start':>14}{'at its work':>14}{'steps end':>12}  ended as")
        with running_server(settings, ENGINE_VERBS, ENGINE) as client:
            for verb, given in jobs.items():
                early = _cancelled(client, verb, given, at_work=False)
                late = _cancelled(client, verb, given, at_work=True)
                steps = f"{late['steps']:12.2f}" if verb in SAVES else f"{'':12}"
                ends = f"{early['state']}, {late['state']}"
                print(f"{verb:18}{early['s']:14.2f}{late['s']:14.2f}{steps}  {ends}", flush=True)
                judged = [early["s"], late["steps"] if verb in SAVES else late["s"]]
                worst = max(worst, *judged)
    outcome = Outcome("cancel", GOAL_S / worst, 1.0, worst, GOAL_S, worst <= GOAL_S)
    print(json.dumps(outcome.__dict__))
    return outcome


def _cancelled(
    client: Client, verb: str, given: dict[str, Any], *, at_work: bool
) -> dict[str, Any]:
    """Start a job, cancel it, and return when and how it ended."""
    request = jobs_pb2.SubmitJobRequest(verb=verb, settings_json=json.dumps(given))
    job = client(client.jobs.SubmitJob, request).job
    asked = last = 0.0
    for told in client(client.jobs.WatchJob, jobs_pb2.WatchJobRequest(id=job.id), 300.0):
        job = told.job
        running = jobs_pb2.JobState.Name(job.state) == "JOB_STATE_RUNNING"
        if not told.heartbeat and running:
            last = time.monotonic()
        if not asked and running and (bool(job.progress.title) or not at_work):
            time.sleep(0.1)
            asked = last = time.monotonic()
            client(client.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=job.id))
    ended = time.monotonic()
    asked = asked or ended  # it was done before anybody could cancel it
    last = max(last, asked)
    state = jobs_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
    if state == "failed":
        raise RuntimeError(f"{verb}: {job.error.message}")
    return {"s": ended - asked, "steps": last - asked, "state": state}


def _jobs(folder: Path, count: int) -> dict[str, dict[str, Any]]:
    """Return settings of every verb, for work that takes longer than anybody waits."""
    shot = large_shot(folder, 1920, 1080, 500.0, frames=60, alike=True)
    likeness, performer = (_faceset(folder / f"{who}.fpset", who, count) for who in ("p1A", "p1B"))
    export_faces(ExportFacesJob(likeness, str(folder / "png")), Context(folder / "home"))
    mask = str(untrained_model(folder / "m.safetensors"))
    consent = str(
        consent_file(folder / "train.json", training_allowed=True, uses=["swap", "train"])
    )
    plate = {"plate": shot.plate, "color_space": "ACEScg"}
    return {
        "analyse": {**plate, "out": str(folder / "a.json"), "every": 1},
        "extract": {**plate, "track": shot.track, "out": str(folder / "x.fpset"), "name": "p1B"},
        **_of_facesets(folder, likeness, performer),
        "train": {"likeness": likeness, "performer": performer, "consent": consent,
                  "out": str(folder / "t"), "preset": "quick96"},
        "swap": {**shot.job(), "out": str(folder / "s.%04d.exr"), "cache_gib": 0},
        "measure": {**shot.job(), "out": str(folder / "measured.json"), "cache_gib": 0},
        "tweak": {**_of_frame(shot), "view": str(folder / "v.png"), "cache_gib": 0},
        "mask apply": {"segmenter": mask, "faceset": likeness},
        "mask labels": {"action": "export", "faceset": likeness, "out": str(folder / "l")},
        "mask train": {"faceset": [likeness], "out": str(folder / "mt"), "network": "ternausnet"},
    }  # fmt: skip


def _of_frame(shot: LargeShot) -> dict[str, Any]:
    return {**shot.job(), "frame": shot.frames[0]}


def _of_facesets(folder: Path, likeness: str, performer: str) -> dict[str, dict[str, Any]]:
    out = {name: str(folder / f"{name}.fpset") for name in ("j", "c", "r", "i")}
    return {
        "faceset features": {"faceset": likeness, "workers": 1},
        "faceset merge": {"facesets": [likeness, performer], "out": out["j"], "name": "both"},
        "faceset split": {"faceset": likeness, "out": str(folder / "split")},
        "faceset recrop": {"faceset": likeness, "out": out["c"], "face_type": "full_face"},
        "faceset resize": {"faceset": likeness, "out": out["r"], "size": 128},
        "faceset export": {"faceset": likeness, "out": str(folder / "again")},
        "faceset import": {"source": str(folder / "png"), "out": out["i"]},
    }


def _faceset(path: Path, who: str, count: int) -> str:
    faces = mini_faces(256)
    with Faceset.create(path, FacesetInfo(who, "whole_face", 256)) as faceset:
        faceset.add_many(list(_repeated(faces, count)))
        outline = Polygon("include", np.array([[60.0, 60], [200, 60], [128, 220]]))
        faceset.set_many_labels({face: (outline,) for face in faceset.ids()}, "label")
    return str(path)


def _repeated(faces: list[Any], count: int) -> Iterator[Any]:
    for number in range(count):
        yield replace(faces[number % len(faces)], frame=number + 1)


if __name__ == "__main__":
    sys.exit(main())
