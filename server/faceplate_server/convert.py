"""From the store's records to messages, and back. Pure functions."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from faceplate.errors import BadSettings
from faceplate_protos.v1 import jobs_pb2, likenesses_pb2, models_pb2
from faceplate_server.status import Fault
from faceplate_server.store import JobRecord, State

__all__ = [
    "command_name",
    "consent_message",
    "described_message",
    "job_message",
    "loaded_message",
    "model_message",
    "progress_message",
    "state_names",
    "timestamp",
]

_STATES: dict[State, jobs_pb2.JobState] = {
    "queued": jobs_pb2.JOB_STATE_QUEUED,
    "running": jobs_pb2.JOB_STATE_RUNNING,
    "done": jobs_pb2.JOB_STATE_DONE,
    "failed": jobs_pb2.JOB_STATE_FAILED,
    "cancelled": jobs_pb2.JOB_STATE_CANCELLED,
    "interrupted": jobs_pb2.JOB_STATE_INTERRUPTED,
}
_NAMES: dict[int, State] = {number: name for name, number in _STATES.items()}
_COMMANDS: dict[int, str] = {
    jobs_pb2.JOB_COMMAND_PAUSE: "pause",
    jobs_pb2.JOB_COMMAND_RESUME: "resume",
    jobs_pb2.JOB_COMMAND_SAVE: "save",
    jobs_pb2.JOB_COMMAND_PREVIEW: "preview",
}


def job_message(job: JobRecord) -> jobs_pb2.Job:
    """Return a job as the wire says it."""
    message = jobs_pb2.Job(
        id=job.id,
        verb=job.verb,
        settings_json=json.dumps(job.settings),
        state=_STATES[job.state],
        progress=progress_message(job.progress),
        result_json="" if job.result is None else json.dumps(job.result),
        error=None if job.error is None else _error_message(job.error),
        attempt=job.attempt,
        created=timestamp(job.created),
        started=timestamp(job.started),
        finished=timestamp(job.finished),
        client=job.client,
        priority=job.priority,
        note=job.note,
    )
    return message


def progress_message(report: Mapping[str, Any]) -> jobs_pb2.Progress:
    """Return a worker's report as the wire says it; figures that are not finite stay so."""
    return jobs_pb2.Progress(
        title=report.get("title", ""),
        done=report.get("done", 0),
        total=report.get("total"),
        seconds_left=report.get("seconds_left"),
        rate=report.get("rate", 0.0),
        frame=report.get("frame"),
        preview=report.get("preview") or "",
        figures=report.get("figures", {}),
        paused=report.get("paused", False),
    )


def state_names(states: Sequence[int]) -> list[State]:
    """Return the store's words for states. Raises BadSettings for a number without a meaning."""
    unknown = [number for number in states if number not in _NAMES]
    if unknown:
        raise BadSettings(f"states: there is no job state {unknown[0]}")
    return [_NAMES[number] for number in states]


def command_name(command: int) -> str:
    """Return the engine's word for a command. Raises BadSettings for one without a meaning."""
    if command not in _COMMANDS:
        raise BadSettings(f"command {command}: expected one of {', '.join(_COMMANDS.values())}")
    return _COMMANDS[command]


def model_message(model: Mapping[str, Any]) -> models_pb2.Model:
    """Return the engine's description of a model as the wire says it."""
    config = model["config"]
    return models_pb2.Model(
        name=model["name"],
        path=model["path"],
        likeness=str(config.get("likeness", "")),
        performer=str(config.get("performer", "")),
        config_json=json.dumps(config),
        sha256=model["sha256"],
        step=model["step"],
        problem=model["problem"],
    )


def described_message(answer: Mapping[str, Any]) -> models_pb2.DescribeModelResponse:
    """Return everything about a model as the wire says it."""
    return models_pb2.DescribeModelResponse(
        model=model_message(answer["model"]),
        resolution=answer["resolution"],
        architecture=answer["architecture"],
        face_type=answer["face_type"],
        people=answer["people"],
        details_json=json.dumps(answer["details"]),
        loaded=answer["loaded"],
    )


def loaded_message(model: Mapping[str, Any]) -> models_pb2.LoadedModel:
    """Return a model in memory as the wire says it."""
    return models_pb2.LoadedModel(path=model["path"], sha256=model["sha256"], bytes=model["bytes"])


def consent_message(consent: Mapping[str, Any]) -> likenesses_pb2.Consent:
    """Return a consent record as the wire says it."""
    record = consent["record"]
    return likenesses_pb2.Consent(
        consent_id=consent["consent_id"],
        path=consent["path"],
        likeness=consent["likeness"],
        record_json="" if record is None else json.dumps(record),
        valid=consent["valid"],
        reason=consent["reason"],
    )


def _error_message(error: Fault) -> jobs_pb2.JobError:
    return jobs_pb2.JobError(
        code=error.code, message=error.message, hint=error.hint, exit_code=error.exit_code
    )


def timestamp(seconds: float | None) -> Timestamp | None:
    """Return seconds since 1970 as the wire says them."""
    if seconds is None:
        return None
    fraction, whole = math.modf(seconds)
    return Timestamp(seconds=int(whole), nanos=int(fraction * 1e9))
