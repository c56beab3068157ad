"""The log of what was allowed and refused: JSON lines that can only be appended to.

Each line holds the hash of the line before it and its own, so a line that was changed, dropped or
put in between is found. Lines cut off at the end are found by comparing the head with one that was
written down elsewhere.
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from faceplate.errors import Damaged, DiskFull, NotFound, NotReady

__all__ = ["LogHead", "append_decision", "revocations", "verify_log"]

_REVOKED = b'"revoked_from"'
_FIRST = "0" * 64
"""What stands for the hash of the line before the first."""


@dataclass(frozen=True)
class LogHead:
    """Where a log ends."""

    lines: int
    """Number of decisions."""
    sha256: str
    """Hash of the last one; 64 zeros where there is none."""


def append_decision(log: Path, values: Mapping[str, Any]) -> None:
    """Append one decision with the time (UTC), on the disk when this returns.

    Safe under several processes: an exclusive lock is held from reading the last line to fsync.

    Raises:
        DiskFull: No room for the line.
        NotReady: The log cannot be written. What cannot be logged must not be done.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _append(file, values)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no room for the decision log {log}; free some and repeat") from error
        raise NotReady(f"the decision log {log} cannot be written ({error}); mend that") from error


def verify_log(log: Path) -> LogHead:
    """Check every line of a log and return where it ends.

    Raises:
        NotFound: There is no log.
        Damaged: A line was changed, dropped, put in between or torn; the message names the first.
    """
    try:
        lines = log.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise NotFound(f"{log} does not exist: nothing has been decided there") from error
    previous = _FIRST
    for number, line in enumerate(lines, start=1):
        entry = _parse(line)
        if entry is None or entry.get("sha256") != _digest(entry):
            raise Damaged(f"{log}: line {number} was changed or torn; compare it with a backup")
        if entry.get("previous") != previous:
            raise Damaged(f"{log}: before line {number} a line was dropped, changed or put in")
        previous = str(entry["sha256"])
    return LogHead(len(lines), previous)


def revocations(log: Path) -> dict[str, date]:
    """Return the consent records that were revoked, and from which day each.

    An older copy of a record cannot undo it. Empty where there is no log.

    Raises:
        Damaged: A line that revokes cannot be read.
        NotReady: The log cannot be read.
    """
    try:
        lines = log.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NotReady(f"the decision log {log} cannot be read ({error}); mend that") from error
    found: dict[str, date] = {}
    for line in lines:
        if _REVOKED not in line:
            continue
        entry = _parse(line)
        try:
            name, day = str(entry["consent_id"]), date.fromisoformat(entry["revoked_from"])  # type: ignore[index]  # TypeError is caught
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"{log}: a line that revokes a consent was changed or torn") from error
        found[name] = min(day, found.get(name, day))
    return found


def _append(file: FileIO, values: Mapping[str, Any]) -> None:
    before = file.seek(0, os.SEEK_END)
    last, torn = _last_line(file, before)
    entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **values}
    entry["previous"] = _hash_of(last)
    entry["sha256"] = _digest(entry)
    text = json.dumps(entry, sort_keys=True).encode() + b"\n"
    # a torn line of a crashed process is closed, kept, and found by verify_log
    text = b"\n" + text if torn else text
    try:
        if file.write(text) < len(text):
            raise OSError(errno.ENOSPC, "only a part of the line was written")
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):  # what failed first is what is reported
            file.truncate(before)
        raise


def _last_line(file: FileIO, size: int) -> tuple[bytes | None, bool]:
    """Return the last line, and whether it lacks its newline."""
    if size == 0:
        return None, False
    reach = 4096
    while True:
        file.seek(max(0, size - reach))
        tail = file.readall()
        lines = tail.rstrip(b"\n").splitlines()
        if len(lines) > 1 or reach >= size:
            return (lines[-1] if lines else None), not tail.endswith(b"\n")
        reach *= 4


def _hash_of(line: bytes | None) -> str:
    if line is None:
        return _FIRST
    entry = _parse(line)
    return str(entry["sha256"]) if entry and "sha256" in entry else hashlib.sha256(line).hexdigest()


def _digest(entry: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in entry.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
