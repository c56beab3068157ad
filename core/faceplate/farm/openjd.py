"""The verb `farm openjd`: a shot as a job bundle of Open Job Description (2023-09).

Its paths are parameters of type PATH, so that a farm maps them to each machine's own. The folder is
what AWS Deadline Cloud calls a job bundle; `openjd run` runs it on one machine.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from faceplate.context import Context
from faceplate.farm.shot import FarmJob, FarmResult, FarmShot, Place, Step, Words, farm_shot, steps
from faceplate.io.atomic import write_text

__all__ = ["openjd"]

_NOTIFY_S = 10
"""Seconds between SIGTERM and SIGKILL; a task needs no more than five."""


def openjd(job: FarmJob, context: Context) -> FarmResult:
    """Write template.yaml, parameter_values.yaml, asset_references.yaml and parameters.json.

    Raises:
        FaceplateError: What `farm_shot` raises.
        DiskFull: No room.
    """
    shot = farm_shot(job, context)
    folder = Path(job.bundle)
    folder.mkdir(parents=True, exist_ok=True)
    values = _values(shot)
    bundle = {
        "template.yaml": _yaml(_template(shot)),
        "parameter_values.yaml": _yaml(
            {"parameterValues": [{"name": name, "value": value} for name, value in values.items()]}
        ),
        "asset_references.yaml": _yaml(_assets(shot)),
        # the form that openjd-cli reads
        "parameters.json": json.dumps(values, indent=2) + "\n",
    }
    for name, text in bundle.items():
        write_text(folder / name, text)
    last = _steps(shot)[-1].name
    return FarmResult(
        bundle=str(folder),
        files=tuple(bundle),
        frames=shot.range,
        tasks=shot.tasks,
        submit=(
            f"openjd run {folder / 'template.yaml'} --step {last} --run-dependencies "
            f"-p file://{folder / 'parameters.json'}"
        ),
    )


def _steps(shot: FarmShot) -> list[Step]:
    return steps(shot, Words(_token, "{{Param.Frames}}", "{{Task.Param.Frame}}", "openjd"))


def _token(place: Place) -> str:
    return f"{{{{Param.{place.name}}}}}" + (f"/{place.tail}" if place.tail else "")


def _template(shot: FarmShot) -> dict[str, Any]:
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"Faceplate {shot.name}",
        "parameterDefinitions": [
            {"name": "Frames", "type": "STRING", "description": "Frames of the shot."},
            {"name": "ChunkSize", "type": "INT", "minValue": 1, "description": "Frames a task."},
            *(_definition(place) for place in shot.places),
        ],
        "steps": [_step(shot, step) for step in _steps(shot)],
    }


def _definition(place: Place) -> dict[str, Any]:
    return {
        "name": place.name,
        "type": "PATH",
        "objectType": place.kind,
        "dataFlow": place.flow,
    }


def _step(shot: FarmShot, step: Step) -> dict[str, Any]:
    command, *words = step.words
    run = {
        "command": command,
        "args": words,
        "cancelation": {
            "mode": "NOTIFY_THEN_TERMINATE",
            "notifyPeriodInSeconds": _NOTIFY_S,
        },
    }
    made: dict[str, Any] = {"name": step.name}
    if step.after:
        made["dependencies"] = [{"dependsOn": step.after}]
    if step.chunked:
        made["parameterSpace"] = {"taskParameterDefinitions": [_chunks(shot)]}
    return made | {"script": {"actions": {"onRun": run}}}


def _chunks(shot: FarmShot) -> dict[str, Any]:
    """Return the frames as a parameter of tasks; a range with gaps is not torn apart by them."""
    whole = shot.frames[-1] - shot.frames[0] + 1 == len(shot.frames)
    return {
        "name": "Frame",
        "type": "CHUNK[INT]",
        "range": "{{Param.Frames}}",
        "chunks": {
            "defaultTaskCount": "{{Param.ChunkSize}}",
            "rangeConstraint": "CONTIGUOUS" if whole else "NONCONTIGUOUS",
        },
    }


def _values(shot: FarmShot) -> dict[str, Any]:
    paths = {place.name: str(place.path) for place in shot.places}
    return {"Frames": shot.range.replace("x", ":"), "ChunkSize": shot.job.chunk, **paths}


def _assets(shot: FarmShot) -> dict[str, Any]:
    """Return which files a farm without a shared disk sends and fetches."""
    files = [str(p.path) for p in shot.places if p.kind == "FILE" and p.flow == "IN"]
    files += [str(path) for path in shot.assets if not path.is_dir()]
    folders = [str(p.path) for p in shot.places if p.kind == "DIRECTORY" and p.flow == "IN"]
    folders += [str(path) for path in shot.assets if path.is_dir()]
    results = {str(p.path if p.kind == "DIRECTORY" else p.path.parent) for p in shot.places
               if p.flow == "OUT"}  # fmt: skip
    return {
        "assetReferences": {
            "inputs": {"filenames": files, "directories": folders},
            "outputs": {"directories": sorted(results)},
        }
    }


def _yaml(values: Any) -> str:
    text: str = yaml.safe_dump(values, sort_keys=False, width=1000, allow_unicode=True)
    return text
