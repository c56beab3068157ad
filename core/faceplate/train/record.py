"""What a run of a training was made from: code, facesets and consents, kept in every save."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from faceplate import __version__
from faceplate.io.faceset import Faceset

__all__ = ["FacesetRecord", "RunRecord", "record_run", "with_run"]


@dataclass(frozen=True)
class FacesetRecord:
    """A faceset that a run learnt from."""

    name: str
    """Whose faces it holds."""
    faces: int
    """Kept faces."""
    content_hash: str
    """sha256 of the kept faces."""
    consent_id: str = ""
    """Consent record that it names; empty where it names none."""


@dataclass(frozen=True)
class RunRecord:
    """One run, or several in a row that were made from the same."""

    from_step: int
    """Steps that the model had seen before."""
    began: str
    """Date and time, ISO 8601, UTC."""
    code_version: str
    """Version of Faceplate."""
    seed: int
    """Of every random choice."""
    consent_ids: list[str] = field(default_factory=list)
    """Consent records under which each person was trained, the likeness first; empty texts where
    the policy let it pass without."""
    facesets: list[FacesetRecord] = field(default_factory=list)
    """The likeness, the performer, further people."""


def record_run(
    step: int, seed: int, facesets: Sequence[str], consent_ids: Sequence[str | None]
) -> RunRecord:
    """Return the record of a run that begins now.

    Args:
        step: Steps that the model has seen.
        seed: Of every random choice.
        facesets: Their files.
        consent_ids: Of the likeness and further people; None where there is none.
    """
    return RunRecord(
        from_step=step,
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=__version__,
        seed=seed,
        consent_ids=[consent or "" for consent in consent_ids],
        facesets=[_record(Path(path)) for path in facesets],
    )


def with_run(runs: Sequence[RunRecord], run: RunRecord) -> list[RunRecord]:
    """Return the records with one more, unless the last was made from the same."""
    if runs and dataclasses.replace(run, from_step=0, began="") == dataclasses.replace(
        runs[-1], from_step=0, began=""
    ):
        return list(runs)
    return [*runs, run]


def _record(path: Path) -> FacesetRecord:
    with Faceset.open(path, readonly=True) as faceset:
        info = faceset.info
        return FacesetRecord(info.name, len(faceset.ids()), faceset.content_hash(), info.consent_id)
