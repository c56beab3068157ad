"""From messages to plain JSON values."""

from __future__ import annotations

import json
from typing import Any

from faceplate_protos.v1 import jobs_pb2, likenesses_pb2, models_pb2, status_pb2

__all__ = [
    "ENDED",
    "consent_values",
    "description_values",
    "job_values",
    "loaded_values",
    "model_values",
    "progress_values",
    "state_constant",
    "state_name",
    "status_values",
]

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
        "client": job.client,
        "priority": job.priority,
        "note": job.note or None,
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


def description_values(answer: models_pb2.DescribeModelResponse) -> dict[str, Any]:
    """Return everything about a model."""
    return {
        **model_values(answer.model),
        "resolution": answer.resolution,
        "architecture": answer.architecture,
        "face_type": answer.face_type,
        "people": list(answer.people),
        "loaded": answer.loaded,
        **json.loads(answer.details_json),
    }


def loaded_values(model: models_pb2.LoadedModel) -> dict[str, Any]:
    """Return a model in memory."""
    return {"path": model.path, "sha256": model.sha256, "bytes": model.bytes}


def consent_values(consent: likenesses_pb2.Consent) -> dict[str, Any]:
    """Return a consent record."""
    return {
        "consent_id": consent.consent_id or None,
        "path": consent.path,
        "likeness": consent.likeness or None,
        "record": json.loads(consent.record_json) if consent.record_json else None,
        "valid": consent.valid,
        "reason": consent.reason,
    }


def status_values(status: status_pb2.GetStatusResponse) -> dict[str, Any]:
    """Return what a server does."""
    workers = [{"role": w.role, "pid": w.pid, "bytes": w.bytes} for w in status.workers]
    return {
        "version": status.version,
        "started": status.started.ToMicroseconds() / 1e6,
        "address": status.address,
        "roots": list(status.roots),
        "devices": [{"name": d.name, "job": d.job or None} for d in status.devices],
        "jobs": [job_values(job) for job in status.jobs],
        "job_counts": dict(status.job_counts),
        "models": [loaded_values(model) for model in status.models],
        "bytes": status.bytes,
        "workers": workers,
        "frames_waiting": status.frames_waiting,
        "worker_deaths": status.worker_deaths,
    }


def _seconds(job: jobs_pb2.Job, field: str) -> float | None:
    if not job.HasField(field):
        return None
    return float(getattr(job, field).ToMicroseconds()) / 1e6
