"""Consent: what a person, or who speaks for them, has allowed to be done with their likeness.

A production keeps one JSON record per likeness. Without a valid one nothing is trained or swapped;
a facility can set the policy to ``warn``, never to silence. Every decision is logged.
"""

import logging
import re
from dataclasses import asdict, dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from faceplate.config import from_json
from faceplate.errors import BadSettings, ConsentRefused
from faceplate.provenance.decisions import append_decision

__all__ = ["ConsentRecord", "Decision", "SourceFile", "Use", "check_consent", "load_consent"]

logger = logging.getLogger(__name__)

Use = Literal["train", "swap"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SourceFile:
    """A piece of footage that the consent is about."""

    name: str
    """Name or path, for people."""
    sha256: str
    """What it was when consent was given: 64 hex digits."""


@dataclass(frozen=True)
class ConsentRecord:
    """One consent record. It is the signed document that binds; this says what is in it."""

    consent_id: str
    """Id of the record, written into every frame: letters, digits, ``.``, ``_`` and ``-``."""
    likeness: str
    """Id of the likeness, such as ``p1A``: a code, never a personal name."""
    rights_holder: str
    """Who gave the consent: the person, agent or estate, as the production names them."""
    production: str
    """The production that it was given to."""
    scope: str
    """What the likeness will be used for, reasonably specific, as in the document."""
    valid_from: date
    """First day on which it holds."""
    valid_until: date
    """Last day on which it holds."""
    signed_by: str
    """Who signed the document, or its reference in the production's files."""
    document_sha256: str
    """Hash of the signed document (64 hex digits)."""
    uses: tuple[Use, ...] = ("swap",)
    """What is allowed: ``train``, ``swap`` or both."""
    training_allowed: bool = False
    """That a model may be trained on the likeness; ``train`` in `uses` needs it too."""
    shots: tuple[str, ...] = ()
    """Patterns of the shots in which it may be swapped, such as ``SQ010_*``; empty means all."""
    media: str = "all"
    """Media of the release, as in the document."""
    territory: str = "world"
    """Territory of the release, as in the document."""
    sources: tuple[SourceFile, ...] = ()
    """Footage of the person that may be used; empty where the document names none."""
    revoked: date | None = None
    """Day from which it no longer holds."""
    version: int = 1
    """Version of this format."""

    def __post_init__(self) -> None:
        for name in ("consent_id", "likeness"):
            _require_match(name, getattr(self, name), _ID, "letters, digits, '.', '_' and '-'")
        for name in ("rights_holder", "production", "scope", "signed_by"):
            _require_match(name, getattr(self, name), re.compile(r".*\S.*", re.DOTALL), "some text")
        for value in (self.document_sha256, *(source.sha256 for source in self.sources)):
            _require_match("sha256", value, _SHA256, "64 hex digits")
        if self.valid_until < self.valid_from:
            raise BadSettings(
                f"consent {self.consent_id}: valid_until {self.valid_until} lies before "
                f"valid_from {self.valid_from}"
            )
        if ("train" in self.uses) != self.training_allowed:
            raise BadSettings(
                f"consent {self.consent_id}: uses {list(self.uses)} and training_allowed "
                f"{self.training_allowed} contradict each other; say both or neither"
            )
        if self.version != 1:
            raise BadSettings(
                f"consent {self.consent_id}: version {self.version} is not known here; this is "
                "version 1: update Faceplate"
            )


@dataclass(frozen=True)
class Decision:
    """Whether a use was allowed, and why."""

    allowed: bool
    """The use may go on."""
    reason: str
    """One sentence."""
    consent_id: str | None
    """Id of the record that was shown; None where there was none."""
    warned: bool
    """It goes on only because the policy is ``warn``."""


def load_consent(path: Path) -> ConsentRecord:
    """Read a record. Raises NotFound, or BadSettings which names the wrong field."""
    return from_json(ConsentRecord, path)


def check_consent(
    record: ConsentRecord | None,
    *,
    use: Use,
    likeness: str,
    shot: str | None,
    on: date,
    policy: Literal["refuse", "warn"],
    log: Path | None,
) -> Decision:
    """Decide whether `likeness` may be used on the day `on`, and log the decision.

    Args:
        record: What the job names as its consent; None where it names nothing.
        use: What is about to be done.
        likeness: Id of the likeness whose face it is.
        shot: Name of the shot of a swap. Only a record that is limited to shots needs it;
            training belongs to no shot.
        on: The day on which it is done.
        policy: ``refuse`` raises without valid consent; ``warn`` logs a warning and goes on.
        log: Append-only log of decisions; None keeps none (a dry check).

    Raises:
        ConsentRefused: There is no valid consent; the message says why and what to do.
        DiskFull, NotReady: The decision cannot be logged, so the use cannot go on.
    """
    objection = _objection(record, use, likeness, shot, on)
    warned = objection is not None and policy == "warn"
    decision = Decision(
        allowed=objection is None or warned,
        reason=objection or f"{use} of {likeness} is allowed",
        consent_id=record.consent_id if record else None,
        warned=warned,
    )
    if log is not None:
        asked = {"use": use, "likeness": likeness, "shot": shot, "on": on.isoformat()}
        append_decision(log, {**asked, "policy": policy, **asdict(decision)})
    if not decision.allowed:
        raise ConsentRefused(decision.reason)
    if warned:
        logger.warning("going on without valid consent (policy warn): %s", decision.reason)
    return decision


def _objection(
    record: ConsentRecord | None, use: Use, likeness: str, shot: str | None, on: date
) -> str | None:
    """Return why the use is not allowed and what to do, or None where it is."""
    if record is None:
        return (
            f"no consent record was given to {use} {likeness!r}: name one with --consent, or write "
            "one with `faceplate consent new`"
        )
    name = f"consent {record.consent_id}"
    if record.likeness != likeness:
        return (
            f"{name} is for the likeness {record.likeness!r}, not for {likeness!r}: name the "
            "record of that likeness"
        )
    return _date_objection(record, name, on) or _scope_objection(record, name, use, shot)


def _date_objection(record: ConsentRecord, name: str, on: date) -> str | None:
    if record.revoked is not None and on >= record.revoked:
        return f"{name} was revoked on {record.revoked}: stop using {record.likeness!r}"
    if on < record.valid_from:
        return f"{name} is valid from {record.valid_from}, not yet on {on}: wait until then"
    if on > record.valid_until:
        return f"{name} expired on {record.valid_until}: ask the rights holder to renew it"
    return None


def _scope_objection(record: ConsentRecord, name: str, use: Use, shot: str | None) -> str | None:
    if use not in record.uses:
        allowed = ", ".join(record.uses) or "nothing"
        return f"{name} allows {allowed}, not {use}: ask the rights holder for it"
    if use == "train" or not record.shots:
        return None
    if not shot:
        return f"{name} is limited to the shots {', '.join(record.shots)}: name the shot"
    if not any(fnmatchcase(shot, pattern) for pattern in record.shots):
        return (
            f"{name} covers the shots {', '.join(record.shots)}, not {shot!r}: ask the rights "
            "holder, or check the name of the shot"
        )
    return None


def _require_match(name: str, value: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(value):
        raise BadSettings(f"consent record: {name}: expected {expected}, got {value!r}")
