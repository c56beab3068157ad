"""`faceplate status`: what the server of this home folder does, for people and for scripts."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from faceplate_client.address import find_server
from faceplate_client.errors import ClientError, usage
from faceplate_client.messages import status_values
from faceplate_client.transport import Transport
from faceplate_protos.v1 import status_pb2

__all__ = ["main", "text_of"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceplate status`; returns the exit code (docs/exit-codes.md)."""
    options = _parser().parse_args(argv)
    try:
        values = _ask(options)
    except ClientError as error:
        sys.stderr.write(f"faceplate status: {error}\n")
        return error.exit_code
    text = json.dumps(values) if options.json else text_of(values, time.time())
    sys.stdout.write(text + "\n")
    return 0


def text_of(status: dict[str, Any], now: float) -> str:
    """Return the table that people read.

    Args:
        status: As `status_values` gives it.
        now: Seconds since 1970.
    """
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status["job_counts"].items()))
    up, deaths = _span(now - status["started"]), status["worker_deaths"]
    lines = [
        f"server    {status['version']} at {status['address']}, up {up}",
        f"roots     {', '.join(status['roots'])}",
        f"memory    server {_mib(status['bytes'])}"
        + "".join(f", {each['role']} {_mib(each['bytes'])}" for each in status["workers"]),
        f"jobs      {counts or 'none yet'}",
        f"frames    {status['frames_waiting']} waiting; {deaths} workers have died",
        "",
        *_table("device", "job", rows=[(d["name"], d["job"] or "idle") for d in status["devices"]]),
    ]
    if status["models"]:
        rows = [(model["path"], _mib(model["bytes"])) for model in status["models"]]
        lines += ["", *_table("model in memory", "size", rows=rows)]
    if status["jobs"]:
        named = ("job", "verb", "state", "progress", "left", "client", "priority")
        lines += ["", *_table(*named, rows=[_job_row(job) for job in status["jobs"]])]
    return "\n".join(lines)


def _ask(options: argparse.Namespace) -> dict[str, Any]:
    home = Path(options.home or Path.home() / ".faceplate")
    if not (options.server or (home / "address").is_file()):
        raise ClientError(
            "Unreachable", f"no server runs with the home folder {home}",
            "Start one with `faceplate serve`, or name another with --home.", 8,
        )  # fmt: skip
    if options.patience < 0:
        raise usage("--patience: seconds, 0 or more")
    transport = Transport(find_server(options.server, None, home), options.patience)
    try:
        request = status_pb2.GetStatusRequest()
        return status_values(transport.call(transport.server.GetStatus, request, 30.0))
    finally:
        transport.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faceplate status", description=__doc__)
    environment = os.environ
    parser.add_argument("--home", default=environment.get("FACEPLATE_HOME"), metavar="DIR")
    parser.add_argument("--server", default=environment.get("FACEPLATE_SERVER"), metavar="ADDRESS")
    parser.add_argument("--patience", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _job_row(job: dict[str, Any]) -> tuple[str, ...]:
    progress = job["progress"] or {}
    done, total = progress.get("done"), progress.get("total")
    share = "" if done is None else f"{done}/{total}" if total else str(done)
    left = progress.get("seconds_left")
    left_text = "" if left is None or job["state"] != "running" else _span(left)
    state = "paused" if progress.get("paused") else job["state"]
    return (job["job"], job["verb"], state, share, left_text, job["client"], str(job["priority"]))


def _table(*titles: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = [titles, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(titles))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.0f} MiB"


def _span(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
