"""What the helper can be told to do. Each command says events and returns the exit code."""

from __future__ import annotations

import argparse
import json
import os
import uuid
from pathlib import Path
from typing import Any

from faceplate_client.errors import CANCELLED, NO_FACE, ClientError, usage
from faceplate_client.messages import (
    ENDED,
    job_values,
    model_values,
    progress_values,
    state_constant,
    state_name,
)
from faceplate_client.output import Output
from faceplate_client.transport import Transport
from faceplate_protos.v1 import frames_pb2, jobs_pb2, models_pb2

__all__ = ["COMMANDS", "read_object", "settings_of", "submit"]


def submit(options: argparse.Namespace, transport: Transport, output: Output) -> str:
    """Submit a job; returns its id."""
    request = jobs_pb2.SubmitJobRequest(
        verb=options.verb,
        settings_json=json.dumps(settings_of(options.json, options.settings)),
        key=options.key or uuid.uuid4().hex,  # so that a retry never runs it twice
        cancel_on_disconnect=options.cancel_on_disconnect,
        priority=options.priority,
    )
    job = transport.call(transport.jobs.SubmitJob, request).job
    output("submitted", **job_values(job))
    return job.id


def watch(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Follow a job to its end."""
    for message in transport.watch(options.job):
        job, state = message.job, state_name(message.job.state)
        if state in ENDED:
            return _say_end(job_values(job), output)
        if message.heartbeat:
            output("heartbeat", job=job.id, state=state)
        else:
            output("progress", job=job.id, state=state, **progress_values(job.progress))
    raise ClientError("Internal", "the server ended the report of a job that goes on", "", 1)


def cancel(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Cancel a job."""
    request = jobs_pb2.CancelJobRequest(id=options.job)
    output("job", **job_values(transport.call(transport.jobs.CancelJob, request).job))
    return 0


def control(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Tell a running job something."""
    command = f"JOB_COMMAND_{options.what.upper()}"
    request = jobs_pb2.ControlJobRequest(id=options.job, command=command)
    output("job", **job_values(transport.call(transport.jobs.ControlJob, request).job))
    return 0


def show(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Tell where a job is."""
    request = jobs_pb2.GetJobRequest(id=options.job)
    output("job", **job_values(transport.call(transport.jobs.GetJob, request).job))
    return 0


def list_jobs(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """List jobs, newest first."""
    try:
        states = [state_constant(name) for name in options.state]
        request = jobs_pb2.ListJobsRequest(states=states, limit=options.limit)
    except ValueError as error:
        raise usage(f"--state or --limit: {error}") from error
    answer = transport.call(transport.jobs.ListJobs, request)
    output("jobs", jobs=[job_values(job) for job in answer.jobs])
    return 0


def list_models(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """List the swap models that the server can reach."""
    answer = transport.call(transport.models.ListModels, models_pb2.ListModelsRequest())
    output(
        "models",
        models=[model_values(model) for model in answer.models],
        recipe_schema=json.loads(answer.recipe_schema_json),
    )
    return 0


def swap_frame(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Swap one frame by path."""
    request = frames_pb2.SwapFrameRequest(
        plate=os.path.abspath(options.plate),
        track=os.path.abspath(options.track),
        model=os.path.abspath(options.model) if options.model else "",
        out=os.path.abspath(options.out),
        frame=options.frame,
        recipe_json=json.dumps(read_object(options.recipe)) if options.recipe else "",
        settings_json=json.dumps(settings_of(options.json, options.settings)),
    )
    answer = transport.call(transport.frames.SwapFrame, request, None)
    output(
        "frame",
        path=answer.path,
        milliseconds=answer.milliseconds,
        faces=answer.faces,
        network_runs=answer.network_runs,
    )
    return 0 if answer.faces else NO_FACE


def tweak_frame(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Look at one frame with changed recipe values."""
    request = frames_pb2.TweakFrameRequest(
        plate=os.path.abspath(options.plate),
        track=os.path.abspath(options.track),
        model=os.path.abspath(options.model) if options.model else "",
        frame=options.frame,
        changes_json=json.dumps(read_object(options.changes)) if options.changes else "",
        settings_json=json.dumps(settings_of(options.json, options.settings)),
        view=os.path.abspath(options.view) if options.view else "",
        out=os.path.abspath(options.out) if options.out else "",
    )
    answer = transport.call(transport.frames.TweakFrame, request, None)
    output(
        "tweak",
        view=answer.view,
        out=answer.out,
        milliseconds=answer.milliseconds,
        faces=answer.faces,
        network_runs=answer.network_runs,
    )
    return 0 if answer.faces else NO_FACE


def health(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Ask whether the server works."""
    status = transport.health()
    output("health", status=status)
    return 0 if status == "SERVING" else 1


def settings_of(text: str | None, pairs: list[str]) -> dict[str, Any]:
    """Return settings from ``--json`` and from words.

    ``key=text`` gives a text, from which the server makes a number or a switch where it wants one;
    a text with a slash is a path and is made absolute, as the server's own folder is another.
    ``key:=json`` gives any JSON value, untouched. A dot in a key leads into an object.

    Example:
        >>> settings_of(None, ["frames=1001", "net.resolution=64", "steps:=[1, 2]"])
        {'frames': '1001', 'net': {'resolution': '64'}, 'steps': [1, 2]}
    """
    settings = read_object(text) if text else {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        *folders, name = key.rstrip(":").split(".")
        if not name or not equals or key.startswith("-"):
            raise usage(f"expected key=value or key:=json, got {pair!r}")
        target = settings
        for folder in folders:
            target = target.setdefault(folder, {})
        target[name] = _json(key, text) if key.endswith(":") else _full(text)
    return settings


def _json(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise usage(f"{key}= wants JSON, got {text!r}: {error}") from error


def _full(text: str) -> str:
    is_path = "/" in text and "://" not in text
    return os.path.abspath(os.path.expanduser(text)) if is_path else text


def read_object(name: str) -> dict[str, Any]:
    """Read a JSON object from a file, ``-`` for standard input, or the text itself."""
    try:
        values = json.loads(_text(name))
    except OSError as error:
        raise usage(f"{name} cannot be read: {error}") from error
    except ValueError as error:
        raise usage(f"{name} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise usage(f"{name}: expected a JSON object, got {type(values).__name__}")
    return values


def _text(name: str) -> str:
    if name.lstrip().startswith("{"):
        return name
    return Path("/dev/stdin" if name == "-" else name).read_text(encoding="utf-8")


def _say_end(job: dict[str, Any], output: Output) -> int:
    state = job["state"]
    if state == "done":
        output("done", **job)
        return NO_FACE if _without_face(job["result"] or {}) else 0
    error = job["error"] or {"code": "Cancelled", "message": "cancelled", "hint": ""}
    code = CANCELLED if state == "cancelled" else int(error.get("exit_code", 1)) or 1
    output("cancelled" if state == "cancelled" else "error", **{**job, **error, "exit_code": code})
    return code


def _without_face(result: dict[str, Any]) -> bool:
    """Return whether a job is done and no frame had a face; kept frames may have had one."""
    if result.get("kept"):
        return False
    return any(result.get(name) == 0 for name in ("swapped", "frames_with_face", "faces"))


COMMANDS = {
    "watch": watch,
    "cancel": cancel,
    "control": control,
    "show": show,
    "list": list_jobs,
    "models": list_models,
    "swap-frame": swap_frame,
    "tweak-frame": tweak_frame,
    "health": health,
}
