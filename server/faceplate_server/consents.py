"""Finds, shows and takes in the consent records under the allowed roots."""

import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args

from faceplate.config import from_dict, from_json, to_dict, to_json
from faceplate.errors import BadSettings, ConsentRefused, FaceplateError, NotFound
from faceplate.io.atomic import write_text
from faceplate.provenance.consent import ConsentRecord, Use, check_consent, today
from faceplate.provenance.decisions import revocations
from faceplate_server.roots import Roots

__all__ = ["Question", "find_consents", "import_consent", "question_of", "show_consent"]

MAX_DEPTH = 5
MAX_FILES = 50_000
"""Looked at in a root at most."""
MAX_BYTES = 256 << 10
"""Of a record."""
FOLDER = "consents"
LONGEST_ID = 100
"""Characters, so that it can be a file's name."""

Question = tuple[Use, str | None, date, Mapping[str, date]]
"""A use, the shot's name, the day, and which records were revoked."""


def question_of(use: str, shot: str, on: str, home: Path) -> Question:
    """Return what is asked; empty texts mean swap, no shot, today (UTC).

    Raises:
        BadSettings: There is no such use or day.
        Damaged, NotReady: The log of revocations in the home folder cannot be read.
    """
    if use not in ("", *get_args(Use)):
        raise BadSettings(f"use: expected one of {', '.join(get_args(Use))}, got {use!r}")
    try:
        day = date.fromisoformat(on) if on else today()
    except ValueError as error:
        raise BadSettings(f"on: expected a day as YYYY-MM-DD, got {on!r}") from error
    return cast(Use, use or "swap"), shot or None, day, revocations(home / "consent.log")


def find_consents(roots: Roots, question: Question, likeness: str = "") -> list[dict[str, Any]]:
    """Describe every record under the roots, by path; one that cannot be read says why."""
    paths = sorted({path for root in roots.folders for path in _records(root)})
    found = [_described(path, question) for path in paths]
    return [one for one in found if likeness in ("", one["likeness"])]


def show_consent(roots: Roots, consent: str, question: Question) -> dict[str, Any]:
    """Describe the record of a file, or of an id that only one has.

    Raises:
        NotFound: There is no such record.
        BadSettings: The file is none, or several have the id.
        OutsideRoots: The path leads outside.
    """
    if not consent:
        raise BadSettings("consent: name a record by its file or its id")
    path = roots.check(consent, "consent")
    if "/" in consent or path.is_file():
        return _of_record(path, _read(path), question)
    named = [one for one in find_consents(roots, question) if one["consent_id"] == consent]
    if len(named) == 1:
        return named[0]
    if named:
        files = ", ".join(one["path"] for one in named)
        raise BadSettings(f"consent: {len(named)} records have the id {consent!r}: {files}")
    raise NotFound(f"no consent record under the allowed folders has the id {consent!r}")


def import_consent(roots: Roots, home: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a record below the roots, in the home folder if it lies there; the same again is fine.

    Raises:
        BadSettings: It is no record, or another of its id is there.
    """
    record = from_dict(ConsentRecord, values, "consent record")
    if len(record.consent_id) > LONGEST_ID:
        raise BadSettings(f"consent record: consent_id: at most {LONGEST_ID} characters")
    folder = next((home for root in roots.folders if home.is_relative_to(root)), roots.first)
    path = roots.check(str(folder / FOLDER / f"{record.consent_id}.json"), "consent")
    if path.exists() and _read(path) != record:
        raise BadSettings(
            f"another record {record.consent_id} is there already; a record is never overwritten: "
            "give the new one an id of its own"
        )
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, to_json(record))
    return _of_record(path, record, question_of("", "", "", home))


def _records(root: Path) -> Iterator[Path]:
    budget = MAX_FILES
    for folder, inner, files in os.walk(root):
        for name in files:
            path = Path(folder) / name
            if name.endswith(".json") and not path.is_symlink() and _looks_right(path):
                yield path
        budget -= len(files) + 1
        if len(Path(folder).relative_to(root).parts) >= MAX_DEPTH or budget <= 0:
            inner.clear()
        inner[:] = sorted(name for name in inner if not name.startswith("."))


def _looks_right(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return False
        content = path.read_bytes()
    except OSError:  # it went, or may not be read
        return False
    return b'"consent_id"' in content and b'"rights_holder"' in content


def _read(path: Path) -> ConsentRecord:
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise BadSettings(f"{path} is no consent record: it is larger than {MAX_BYTES >> 10} KiB")
    return from_json(ConsentRecord, path)


def _described(path: Path, question: Question) -> dict[str, Any]:
    try:
        return _of_record(path, _read(path), question)
    except FaceplateError as error:
        nothing = {"consent_id": "", "likeness": "", "record": None, "valid": False}
        return {**nothing, "path": str(path), "reason": str(error)}


def _of_record(path: Path, record: ConsentRecord, question: Question) -> dict[str, Any]:
    use, shot, on, revoked = question
    try:
        decision = check_consent(
            record,
            use=use,
            likeness=record.likeness,
            shot=shot,
            on=on,
            policy="refuse",
            log=None,
            revoked=revoked,
        )
        valid, reason = True, decision.reason
    except ConsentRefused as error:
        valid, reason = False, str(error)
    return {
        "consent_id": record.consent_id,
        "path": str(path),
        "likeness": record.likeness,
        "record": to_dict(record),
        "valid": valid,
        "reason": reason,
    }
