"""Consent: what a person, or who speaks for them, has allowed to be done with their likeness.

A production keeps one JSON record per likeness. Without a valid one nothing is trained or swapped;
a facility can set the policy to ``warn``, never to silence. Every decision is logged.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from faceplate.config import from_json, json_schema
from faceplate.errors import BadSettings, ConsentRefused
from faceplate.provenance.decisions import append_decision, revocations

__all__ = [
    "ConsentRecord",
    "Decision",
    "SourceFile",
    "Use",
    "check_consent",
    "consent_schema",
    "load_consent",
    "today",
]

logger = logging.getLogger(__name__)

Use = Literal["train", "swap"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXT = re.compile(r".*\S.*", re.DOTALL)
_LEAST_SCOPE_WORDS = 3
# Words that narrow nothing: a scope of these alone is a blanket release.
_BLANKET = frozenset({
    "a", "all", "and", "any", "anything", "as", "desired", "everything", "for", "in", "kind",
    "likeness", "media", "of", "on", "or", "other", "purpose", "purposes", "the", "to", "tbd",
    "unlimited", "unrestricted", "use", "uses", "whatsoever", "work", "works",
})  # fmt: skip


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
    """Who gave the consent: the person or their estate, as the production names them."""
    production: str
    """The production that it was given to."""
    scope: str
    """What the likeness will be used for, reasonably specific, as in the document: a text that
    names no use, such as "all purposes", is refused."""
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
    characters: tuple[str, ...] = ()
    """Characters of the production that it may portray, or patterns of them; empty means all."""
    agent: str = ""
    """Who spoke for the rights holder: agent, guardian or union, as the production names them."""
    replaces: tuple[str, ...] = ()
    """Ids of earlier records that this one takes the place of: models that were trained under them
    may be used under this one."""
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
            _require_match(name, getattr(self, name), _TEXT, "some text")
        _require_specific(self.scope)
        for earlier in self.replaces:
            _require_match("replaces", earlier, _ID, "ids of records")
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


def today() -> date:
    """Return the day on which a consent must hold: that of UTC, on every machine of a farm."""
    return datetime.now(UTC).date()


def load_consent(path: Path) -> ConsentRecord:
    """Read a record. Raises NotFound, or BadSettings which names the wrong field."""
    return from_json(ConsentRecord, path)


def consent_schema() -> dict[str, Any]:
    """Return the JSON schema of a record (draft 2020-12), with what each field means."""
    return json_schema(ConsentRecord)


def check_consent(
    record: ConsentRecord | None,
    *,
    use: Use,
    likeness: str,
    shot: str | None,
    on: date,
    policy: Literal["refuse", "warn"],
    log: Path | None,
    character: str | None = None,
    trained_under: str | None = None,
    revoked: Mapping[str, date] | None = None,
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
        character: Whom it portrays. Only a record that is limited to characters needs it.
        trained_under: Id of the record that the model names as its own; empty where it names none,
            None where no model is used.
        revoked: Ids of records that were revoked, and from which day; None takes what the log says.

    Raises:
        ConsentRefused: There is no valid consent; the message says why and what to do.
        DiskFull, NotReady: The decision cannot be logged, so the use cannot go on.
    """
    if revoked is None:
        revoked = revocations(log) if log is not None else {}
    asked = _Question(use, likeness, shot, character, on, trained_under, revoked)
    objection = _objection(record, asked)
    warned = objection is not None and policy == "warn"
    decision = Decision(
        allowed=objection is None or warned,
        reason=objection or _permission(asked),
        consent_id=record.consent_id if record else None,
        warned=warned,
    )
    if log is not None:
        append_decision(log, {**asked.plain(), "policy": policy, **asdict(decision)})
    if not decision.allowed:
        raise ConsentRefused(decision.reason)
    if warned:
        logger.warning("going on without valid consent (policy warn): %s", decision.reason)
    return decision


@dataclass(frozen=True)
class _Question:
    """What is asked of a record."""

    use: Use
    likeness: str
    shot: str | None
    character: str | None
    on: date
    trained_under: str | None
    revoked: Mapping[str, date]

    def plain(self) -> dict[str, str | None]:
        """Return it as it is logged."""
        return {
            "use": self.use,
            "likeness": self.likeness,
            "shot": self.shot,
            "character": self.character,
            "on": self.on.isoformat(),
            "trained_under": self.trained_under,
        }

    def revoked_from(self, consent_id: str) -> date | None:
        """Return the day from which a record is revoked, if that day has come."""
        day = self.revoked.get(consent_id)
        return day if day is not None and day <= self.on else None


def _permission(asked: _Question) -> str:
    said = f"{asked.use} of {asked.likeness} is allowed"
    return f"{said}; its model names no consent record" if asked.trained_under == "" else said


def _objection(record: ConsentRecord | None, asked: _Question) -> str | None:
    """Return why the use is not allowed and what to do, or None where it is."""
    if record is None:
        return (
            f"no consent record was given to {asked.use} {asked.likeness!r}: name one with "
            "--consent, or write one with `faceplate consent new`"
        )
    name = f"consent {record.consent_id}"
    if record.likeness != asked.likeness:
        return (
            f"{name} is for the likeness {record.likeness!r}, not for {asked.likeness!r}: name "
            "the record of that likeness"
        )
    return (
        _date_objection(record, name, asked)
        or _scope_objection(record, name, asked)
        or _model_objection(record, name, asked)
    )


def _date_objection(record: ConsentRecord, name: str, asked: _Question) -> str | None:
    days = (record.revoked, asked.revoked_from(record.consent_id))
    revoked = [day for day in days if day is not None and asked.on >= day]
    if revoked:
        return f"{name} was revoked on {min(revoked)}: stop using {record.likeness!r}"
    if asked.on < record.valid_from:
        return f"{name} is valid from {record.valid_from}, not yet on {asked.on}: wait until then"
    if asked.on > record.valid_until:
        return f"{name} expired on {record.valid_until}: ask the rights holder to renew it"
    return None


def _scope_objection(record: ConsentRecord, name: str, asked: _Question) -> str | None:
    if asked.use not in record.uses:
        allowed = ", ".join(record.uses) or "nothing"
        return f"{name} allows {allowed}, not {asked.use}: ask the rights holder for it"
    if asked.use == "train":
        return None
    return _limit_objection(name, "shot", record.shots, asked.shot) or _limit_objection(
        name, "character", record.characters, asked.character
    )


def _limit_objection(
    name: str, kind: str, patterns: tuple[str, ...], given: str | None
) -> str | None:
    """Return what is against a shot or a character, where a record is limited to some."""
    if not patterns:
        return None
    if not given:
        return f"{name} is limited to the {kind}s {', '.join(patterns)}: name the {kind}"
    if not any(fnmatchcase(given, pattern) for pattern in patterns):
        return (
            f"{name} covers the {kind}s {', '.join(patterns)}, not {given!r}: ask the rights "
            f"holder, or check the name of the {kind}"
        )
    return None


def _model_objection(record: ConsentRecord, name: str, asked: _Question) -> str | None:
    """Return what is against the consent that a model was trained under."""
    trained = asked.trained_under
    if not trained:
        return None
    day = asked.revoked_from(trained)
    if day is not None:
        return (
            f"the model was trained under consent {trained}, which was revoked on {day}: do not "
            "use what was trained under it"
        )
    if trained not in (record.consent_id, *record.replaces):
        return (
            f"the model was trained under consent {trained}, which {name} neither is nor replaces: "
            f"name that record, or one that lists {trained} in `replaces`"
        )
    return None


def _require_specific(scope: str) -> None:
    words = re.findall(r"\w+", scope.casefold())
    if len(words) < _LEAST_SCOPE_WORDS or _BLANKET.issuperset(words):
        raise BadSettings(
            "consent record: scope: expected a reasonably specific description of the use, as the "
            f"document has it, such as 'the face of X on the stunt double in reel 3', got {scope!r}"
        )


def _require_match(name: str, value: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(value):
        raise BadSettings(f"consent record: {name}: expected {expected}, got {value!r}")
