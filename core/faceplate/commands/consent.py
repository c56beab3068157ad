"""``faceplate consent``: write, show and try consent records, and check the log of decisions."""

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from faceplate.config import to_json
from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.io.atomic import write_text
from faceplate.provenance.consent import (
    ConsentRecord,
    Decision,
    SourceFile,
    Use,
    check_consent,
    consent_schema,
    load_consent,
    today,
)
from faceplate.provenance.decisions import LogHead, append_decision, revocations, verify_log
from faceplate.provenance.hashing import sha256_file

__all__ = [
    "CheckLog",
    "ConsentSchema",
    "NewConsent",
    "NewRecord",
    "RevokeConsent",
    "Revoked",
    "Schema",
    "SchemaField",
    "ShowConsent",
    "TryConsent",
    "check_log",
    "new_consent",
    "revoke_consent",
    "show_consent",
    "show_schema",
    "try_consent",
]


@dataclass(frozen=True)
class NewConsent:
    """Write a consent record from the terms of a signed document.

    The record says what is in the document; the document itself is only hashed.
    """

    out: str
    """File of the record (JSON). An existing one is never overwritten."""
    likeness: str
    """Id of the likeness, such as p1A: a code, never a personal name."""
    rights_holder: str
    """Who gave the consent: the person or their estate."""
    production: str
    """The production that it was given to."""
    scope: str
    """What the likeness will be used for, reasonably specific, as in the document."""
    signed_by: str
    """Who signed the document, or its reference in the production's files."""
    document: str
    """The signed document: a file, of which the hash is recorded."""
    valid_until: date
    """Last day on which it holds."""
    valid_from: date | None = None
    """First day on which it holds; None means today (UTC)."""
    uses: tuple[Use, ...] = ("swap",)
    """What is allowed: train, swap or both."""
    shots: tuple[str, ...] = ()
    """Patterns of the shots in which it may be swapped, such as 'SQ010_*'; empty means all."""
    characters: tuple[str, ...] = ()
    """Characters that it may portray, or patterns of them; empty means all."""
    agent: str = ""
    """Who spoke for the rights holder, such as an agent, a guardian or a union."""
    replaces: tuple[str, ...] = ()
    """Ids of earlier records that this one takes the place of, for models trained under them."""
    media: str = "all"
    """Media of the release, as in the document."""
    territory: str = "world"
    """Territory of the release, as in the document."""
    sources: tuple[str, ...] = ()
    """Files of footage that the document names; their hashes are recorded."""
    consent_id: str = ""
    """Id of the record; empty makes one of production, likeness and first day."""


@dataclass(frozen=True)
class NewRecord:
    """A record that was written."""

    out: str
    """Where it lies."""
    consent_id: str
    """Its id, which every swapped frame will carry."""
    valid_until: date
    """Last day on which it holds."""


@dataclass(frozen=True)
class ShowConsent:
    """Tell what a consent record allows."""

    consent: str
    """File of the record."""


@dataclass(frozen=True)
class TryConsent:
    """Tell whether a record allows a use. A question only: nothing is logged."""

    consent: str
    """File of the record."""
    use: Use = "swap"
    """What would be done."""
    likeness: str = ""
    """Id of the likeness; empty takes the one of the record."""
    shot: str = ""
    """Name of the shot, for a record that is limited to shots."""
    character: str = ""
    """Whom it portrays, for a record that is limited to characters."""
    on: date | None = None
    """The day; None means today (UTC)."""


@dataclass(frozen=True)
class RevokeConsent:
    """Revoke a consent: in the record, and in the log, which older copies of it cannot undo."""

    consent: str
    """File of the record."""
    reason: str
    """Why, as it is to be found later."""
    on: date | None = None
    """Day from which it no longer holds; None means today (UTC)."""


@dataclass(frozen=True)
class Revoked:
    """A consent that was revoked."""

    consent_id: str
    """Its id."""
    revoked: date
    """Day from which it no longer holds; models trained under it are refused from then on too."""


@dataclass(frozen=True)
class ConsentSchema:
    """Tell what a consent record is made of; writes its JSON schema, for forms and databases."""

    out: str | None = None
    """File to write the JSON schema to."""


@dataclass(frozen=True)
class SchemaField:
    """A field of a record."""

    field: str
    """Its name."""
    needed: bool
    """Whether every record must have it."""
    meaning: str
    """What it says."""


@dataclass(frozen=True)
class Schema:
    """What a record is made of."""

    fields: tuple[SchemaField, ...]
    """Each field."""
    out: str | None = None
    """File of the JSON schema, where one was asked for."""


@dataclass(frozen=True)
class CheckLog:
    """Check the hash chain of the log of decisions."""

    log: str = ""
    """The log; empty means consent.log in the home folder."""


def new_consent(job: NewConsent, context: Context) -> NewRecord:
    """Write a record. Raises BadSettings for wrong terms or where the file is there already."""
    out = Path(job.out)
    if out.exists():
        raise BadSettings(f"{out} is there already; a record is never overwritten: name another")
    first = job.valid_from or today()
    words = f"{job.production}-{job.likeness}-{first:%Y%m%d}"
    record = ConsentRecord(
        consent_id=job.consent_id or re.sub(r"[^A-Za-z0-9._-]+", "_", words).lstrip("._-"),
        likeness=job.likeness,
        rights_holder=job.rights_holder,
        production=job.production,
        scope=job.scope,
        valid_from=first,
        valid_until=job.valid_until,
        signed_by=job.signed_by,
        document_sha256=sha256_file(Path(job.document)),
        uses=job.uses,
        training_allowed="train" in job.uses,
        shots=job.shots,
        characters=job.characters,
        agent=job.agent,
        replaces=job.replaces,
        media=job.media,
        territory=job.territory,
        sources=tuple(SourceFile(name, sha256_file(Path(name))) for name in job.sources),
    )
    write_text(out, to_json(record))
    return NewRecord(str(out), record.consent_id, record.valid_until)


def show_consent(job: ShowConsent, context: Context) -> ConsentRecord:
    """Read a record."""
    return load_consent(Path(job.consent))


def try_consent(job: TryConsent, context: Context) -> Decision:
    """Decide as a job would, without logging. Raises ConsentRefused unless the policy is warn."""
    record = load_consent(Path(job.consent))
    return check_consent(
        record,
        use=job.use,
        likeness=job.likeness or record.likeness,
        shot=job.shot or None,
        on=job.on or today(),
        policy=context.consent_policy,
        log=None,
        character=job.character or None,
        revoked=revocations(_log(context)),
    )


def revoke_consent(job: RevokeConsent, context: Context) -> Revoked:
    """Revoke a consent in its record and in the log.

    Raises:
        BadSettings: No reason, or it is revoked already from an earlier day.
        DiskFull, NotReady: It cannot be logged; the record stays as it is.
    """
    path = Path(job.consent)
    record, day = load_consent(path), job.on or today()
    if not job.reason.strip():
        raise BadSettings("reason: say why, for whoever finds it later")
    if record.revoked is not None and record.revoked <= day:
        raise BadSettings(f"consent {record.consent_id} is revoked already, from {record.revoked}")
    entry = {
        "use": "revoke",
        "consent_id": record.consent_id,
        "likeness": record.likeness,
        "revoked_from": day.isoformat(),
        "reason": job.reason,
    }
    append_decision(_log(context), entry)  # first: the log is what counts
    write_text(path, to_json(replace(record, revoked=day)))
    return Revoked(record.consent_id, day)


def show_schema(job: ConsentSchema, context: Context) -> Schema:
    """Tell the fields of a record. Raises NotFound or DiskFull where it cannot be written."""
    schema = consent_schema()
    if job.out:
        write_text(Path(job.out), json.dumps(schema, indent=2) + "\n")
    needed = set(schema["required"])
    rows = (
        SchemaField(name, name in needed, str(values["description"]))
        for name, values in schema["properties"].items()
    )
    return Schema(tuple(rows), job.out)


def check_log(job: CheckLog, context: Context) -> LogHead:
    """Verify the log. Raises Damaged, which names the first wrong line."""
    return verify_log(Path(job.log) if job.log else _log(context))


def _log(context: Context) -> Path:
    return context.home / "consent.log"
