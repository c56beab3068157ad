"""The cast of a shot: who is swapped with which model, by which recipe, and in which order.

    {"cast": [
      {"person": 1, "model": "models/anna", "recipe": "anna.json", "consent": "anna.consent.json"},
      {"person": 2, "model": "models/ben", "recipe": "ben.json", "consent": "ben.consent.json",
       "order": 1}
    ]}

Paths are relative to the file itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faceplate.config import from_json
from faceplate.errors import BadSettings

__all__ = ["CastMember", "load_cast"]


@dataclass(frozen=True)
class CastMember:
    """One person of the plate and what becomes of them."""

    model: str
    """Folder of the swap model."""
    person: int | str = 0
    """Who in the track: number, name, FRAME:X,Y in one of the boxes, largest, left or right; 0 is
    the one with most face in the shot."""
    recipe: str | None = None
    """Recipe (JSON); the default recipe where it is left out."""
    consent: str | None = None
    """Consent record of whose face goes in."""
    order: int = 0
    """Who has a higher number is laid over who has a lower one; among equals, as they are listed.
    """
    mattes: str | None = None
    """Files of external mattes, as a plate is named; the plate's own layers where left out."""
    morph: float | None = None
    """Share of the likeness, 0 to 1, where the model's architecture has one (AMP)."""
    likeness: str | None = None
    """Id of whose face goes in, where the model holds several (comb); else the model's likeness."""
    performer: str | None = None
    """Id of who is in the plate, likewise; else the model's performer."""
    character: str | None = None
    """Character that the likeness portrays, for consent that is limited to characters."""

    def __post_init__(self) -> None:
        if self.morph is not None and not 0 <= self.morph <= 1:
            raise BadSettings(f"cast: morph must be from 0 to 1, got {self.morph!r}")


@dataclass(frozen=True)
class _CastFile:
    cast: tuple[CastMember, ...]


def load_cast(path: Path) -> tuple[CastMember, ...]:
    """Read a cast in the order in which its members are laid in, their paths made whole.

    Raises:
        NotFound: No such file.
        BadSettings: Not JSON, unknown or missing keys, nobody, or the same person twice.
    """
    members = from_json(_CastFile, path).cast
    people = [member.person for member in members]
    if not members or len(set(people)) != len(people):
        raise BadSettings(
            f"{path}: a cast names at least one person of the track, and nobody twice; got "
            f"persons {people}"
        )
    if len(members) > 1 and 0 in people:
        raise BadSettings(f"{path}: with several members each needs its own person, from 1 on")
    return tuple(_whole(member, path.parent) for member in _ordered(members))


def _ordered(members: Sequence[CastMember]) -> list[CastMember]:
    return sorted(members, key=lambda member: member.order)  # stable: equals stay as listed


def _whole(member: CastMember, folder: Path) -> CastMember:
    def path(text: str | None) -> str | None:
        return str(folder / text) if text else None

    return replace(
        member,
        model=str(folder / member.model),
        recipe=path(member.recipe),
        consent=path(member.consent),
        mattes=path(member.mattes),
    )
