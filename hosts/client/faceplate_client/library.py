"""What the helper asks about models, consent records and the server itself."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from faceplate_client.errors import usage
from faceplate_client.messages import (
    consent_values,
    description_values,
    loaded_values,
    model_values,
    status_values,
)
from faceplate_client.output import Output
from faceplate_client.transport import Transport
from faceplate_protos.v1 import likenesses_pb2, models_pb2, status_pb2

__all__ = ["COMMANDS"]


def describe_model(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Tell everything about a model."""
    request = models_pb2.DescribeModelRequest(model=_model(options.model))
    answer = transport.call(transport.models.DescribeModel, request)
    output("model", **description_values(answer))
    return 0


def load(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Bring a model into the server's memory."""
    request = models_pb2.LoadModelRequest(model=_model(options.model))
    answer = transport.call(transport.models.LoadModel, request, None)
    values = {"milliseconds": answer.milliseconds, "was_read": answer.was_read}
    output("loaded", **loaded_values(answer.model), **values)
    return 0


def unload(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Free a model's memory."""
    request = models_pb2.UnloadModelRequest(model=_model(options.model))
    answer = transport.call(transport.models.UnloadModel, request, None)
    output("unloaded", model=options.model, was_loaded=answer.was_loaded)
    return 0


def import_model(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Take a model over."""
    request = models_pb2.ImportModelRequest(
        source=os.path.abspath(options.source),
        out=os.path.abspath(options.out),
        likeness=options.likeness,
        performer=options.performer,
        name=options.name,
        consent_id=options.consent_id,
    )
    answer = transport.call(transport.models.ImportModel, request, None)
    output("imported", **model_values(answer.model))
    return 0


def consents(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """List consent records, show one, or take one in."""
    use = likenesses_pb2.Use(use=options.use, shot=options.shot, on=options.on)
    stub = transport.likenesses
    if options.record:
        taken = likenesses_pb2.ImportConsentRequest(record_json=_record(options.record))
        output("consent", **consent_values(transport.call(stub.ImportConsent, taken).consent))
        return 0
    if options.consent:
        named = os.path.abspath(options.consent) if "/" in options.consent else options.consent
        shown = likenesses_pb2.ShowConsentRequest(consent=named, use=use)
        output("consent", **consent_values(transport.call(stub.ShowConsent, shown).consent))
        return 0
    listed = likenesses_pb2.ListConsentsRequest(use=use, likeness=options.likeness)
    answer = transport.call(stub.ListConsents, listed)
    output("consents", consents=[consent_values(consent) for consent in answer.consents])
    return 0


def status(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Tell what the server does."""
    answer = transport.call(transport.server.GetStatus, status_pb2.GetStatusRequest())
    output("status", **status_values(answer))
    return 0


def _model(text: str) -> str:
    """Return a name as it is, a path in full."""
    return os.path.abspath(os.path.expanduser(text)) if "/" in text else text


def _record(name: str) -> str:
    try:
        return json.dumps(json.loads(Path(name).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise usage(f"--import: {name} is no consent record: {error}") from error


COMMANDS = {
    "describe-model": describe_model,
    "load": load,
    "unload": unload,
    "import": import_model,
    "consents": consents,
    "status": status,
}
