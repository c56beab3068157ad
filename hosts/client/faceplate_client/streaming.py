"""One frame to the server and back as bytes, for a server that shares no disk with this machine."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceplate_client.commands import read_object, settings_of
from faceplate_client.errors import NO_FACE, ClientError, usage
from faceplate_client.output import Output
from faceplate_client.transport import Transport
from faceplate_protos.v1 import frames_pb2

__all__ = ["swap_bytes"]

CHUNK = 1 << 20
"""Bytes of a piece; the quickest for gRPC, and far from what one message may hold."""


def swap_bytes(options: argparse.Namespace, transport: Transport, output: Output) -> int:
    """Send an EXR file, and write the layered one that comes back."""
    answers = transport.exchange(transport.frames.SwapStream, _requests(options))
    result = next(answers).result
    out = Path(options.out)
    _write(out, (answer.frame for answer in answers), result)
    output(
        "frame",
        path=os.path.abspath(out),
        milliseconds=result.milliseconds,
        faces=result.faces,
        network_runs=result.network_runs,
        bytes=result.frame_bytes,
        sha256=result.sha256,
    )
    return 0 if result.faces else NO_FACE


def _requests(options: argparse.Namespace) -> Iterator[frames_pb2.SwapStreamRequest]:
    """Return the messages; files are looked at before the first is sent."""
    frame, track = Path(options.frame), Path(options.track)
    is_sent = not options.remote_track
    settings = frames_pb2.SwapStreamSettings(
        number=options.number,
        model=options.model or "",
        track="" if is_sent else options.track,
        recipe_json=json.dumps(read_object(options.recipe)) if options.recipe else "",
        settings_json=json.dumps(settings_of(options.json, options.settings)),
        frame_bytes=_size(frame),
        track_bytes=_size(track) if is_sent else 0,
    )
    return _messages(settings, frame, track if is_sent else None)


def _messages(
    settings: frames_pb2.SwapStreamSettings, frame: Path, track: Path | None
) -> Iterator[frames_pb2.SwapStreamRequest]:
    yield frames_pb2.SwapStreamRequest(settings=settings)
    for piece in _pieces(track) if track else ():
        yield frames_pb2.SwapStreamRequest(track=piece)
    for piece in _pieces(frame):
        yield frames_pb2.SwapStreamRequest(frame=piece)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise usage(f"{path} cannot be read: {error}") from error


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _write(path: Path, pieces: Iterator[bytes], result: Any) -> None:
    """Write a file whole or not at all."""
    digest, size = hashlib.sha256(), 0
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        if (size, digest.hexdigest()) != (result.frame_bytes, result.sha256):
            raise ClientError("Damaged", f"{path}: not all of it arrived", "Try again.", 3)
        part.replace(path)
    except OSError as error:
        raise usage(f"{path} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
