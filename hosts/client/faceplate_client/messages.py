"""From messages to plain JSON values."""

from __future__ import annotations

import json
from typing import Any

from faceplate_protos.v1 import jobs_pb2, models_pb2

__all__ = ["ENDED", "job_values", "model_values", "progress_values", "state_name", "state_constant"]

_PREFIX = "JOB_STATE_"

ENDED = ("done", "failed", "cancelled", "interrupted")


def state_name(state: int) -> str:
    """Return ``queued``, ``running`` and so on."""
    return jobs_pb2.JobState.Name(state)[len(_PREFIX) :].lower()


def state_constant(name: str) -> str:
    """Return the wire's name of a state; a message refuses an unknown one with ValueError."""
    return _PREFIX + name.upper()


def progress_values(progress: jobs_pb2.Progress) -> dict[str, Any]:
    """Return a report."""
    return {
        "title": progress.title,
        "done": progress.done,
        "total": progress.total if progress.HasField("total") else None,
        "seconds_left": progress.seconds_left if progress.HasField("seconds_left") else None,
        "rate": progress.rate,
        "frame": progress.frame if progress.HasField("frame") else None,
        "preview": progress.preview or None,
        "figures": dict(progress.figures),
        "paused": progress.paused,
    }


def job_values(job: jobs_pb2.Job) -> dict[str, Any]:
    """Return a job."""
    error = None
    if job.HasField("error"):
        error = {
            "code": job.error.code,
            "message": job.error.message,
            "hint": job.error.hint,
            "exit_code": job.error.exit_code,
        }
    return {
        "job": job.id,
        "verb": job.verb,
        "state": state_name(job.state),
        "settings": json.loads(job.settings_json),
        "progress": progress_values(job.progress) if job.progress.title else None,
        "result": json.loads(job.result_json) if job.result_json else None,
        "error": error,
        "attempt": job.attempt,
        "created": _seconds(job, "created"),
        "started": _seconds(job, "started"),
        "finished": _seconds(job, "finished"),
    }


def model_values(model: models_pb2.Model) -> dict[str, Any]:
    """Return a model."""
    return {
        "name": model.name,
        "path": model.path,
        "likeness": model.likeness,
        "performer": model.performer,
        "config": json.loads(model.config_json),
        "sha256": model.sha256 or None,
        "step": model.step,
        "problem": model.problem or None,
    }


def _seconds(job: jobs_pb2.Job, field: str) -> float | None:
    if not job.HasField(field):
        return None
    return float(getattr(job, field).ToMicroseconds()) / 1e6
