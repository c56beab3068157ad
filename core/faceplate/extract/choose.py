"""Which of the people who were found are kept, and in which order they are numbered."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from faceplate.embed import Embedding
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.appearance import Signature
from faceplate.extract.people import Person
from faceplate.io.tracked import PersonTrack
from faceplate.io.trackfile import Track
from faceplate.io.whois import ordered, parse_click, person_at, told_people

__all__ = ["Choice", "Likeness", "Order", "choose"]

logger = logging.getLogger(__name__)

Order = Literal["appearance", "largest", "left", "right"]

_APPEARANCE_SAME = 0.2
"""Of `appearance.difference`: a reference is seldom in the plate's light, so that this is more
than between two frames of one plate and less than between most strangers."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """The face of a reference picture."""

    file: str
    signature: Signature
    identity: Embedding | None = None
    """None where no embedder is present."""
    same: float = 0.0
    """Of the embedder."""


@dataclass(frozen=True)
class Choice:
    """Who is wanted."""

    at: tuple[str, ...] = ()
    """Clicks, ``FRAME:X,Y``."""
    references: tuple[Likeness, ...] = ()
    order: Order = "appearance"
    most: int = 0
    """Keep only so many, the first ones in that order; 0: all."""


def choose(
    track: Track, choice: Choice, found: Mapping[int, Person], corrected: frozenset[int]
) -> tuple[PersonTrack, ...]:
    """Return the people who are wanted, numbered anew.

    Those whom an artist corrected keep their numbers and are never left out.

    Args:
        track: All people, by the numbers of `found`.
        choice: Who is wanted.
        found: What is known of their looks.
        corrected: Numbers of those whom an artist corrected.

    Raises:
        BadSettings: A click that is none, or in a frame that is not in the track.
        NotFound: Nobody is there, or nobody looks like the reference; says who there is.
    """
    wanted = _named(track, choice, found)
    if not wanted:
        wanted = ordered(track.people, choice.order)
        if choice.most:
            kept = sorted(wanted, key=lambda person: -person.amount)[: choice.most]
            wanted = [person for person in wanted if person in kept]
    kept_anyway = [one for one in track.people if one.person in corrected]
    named = {one.person for one in wanted}
    everybody = [*wanted, *(one for one in kept_anyway if one.person not in named)]
    return _renumbered(everybody, corrected)


def _named(track: Track, choice: Choice, found: Mapping[int, Person]) -> list[PersonTrack]:
    """Return those who are clicked on or shown, each once."""
    wanted: dict[int, PersonTrack] = {}
    for text in choice.at:
        click = parse_click(text)
        if click is None:
            raise BadSettings(f"at: expected FRAME:X,Y such as 1010:412,230, got {text!r}")
        person = person_at(track, *click)
        wanted.setdefault(person.person, person)
    for reference in choice.references:
        person = _like(track, reference, found)
        named = person if person.name else replace(person, name=Path(reference.file).stem)
        wanted[person.person] = named
    return list(wanted.values())


def _like(track: Track, reference: Likeness, found: Mapping[int, Person]) -> PersonTrack:
    if not track.people:
        raise NotFound(f"{reference.file}: nobody was found in the plate to compare it with")
    by, same, apart = _measure(reference, found)
    distances = {person.person: apart(found[person.person]) for person in track.people}
    nearest = min(track.people, key=lambda person: distances[person.person])
    told = ", ".join(f"person {number} {far:.2f}" for number, far in sorted(distances.items()))
    if distances[nearest.person] >= same:
        raise NotFound(
            f"nobody looks like {reference.file} by {by} (the same below {same:.2f}): {told}; "
            f"{told_people(track.people)}. Choose by --at FRAME:X,Y instead"
        )
    logger.warning("%s is person %d by %s: %s", reference.file, nearest.person, by, told)
    return nearest


def _measure(
    reference: Likeness, found: Mapping[int, Person]
) -> tuple[str, float, Callable[[Person], float]]:
    """Return what is compared, below what it is the same, and how far a person is."""
    identity = reference.identity
    if identity is not None and any(person.identities for person in found.values()):
        return "embedding", reference.same, lambda person: _identity_apart(person, identity)
    return (
        "appearance (no embedder is present)",
        _APPEARANCE_SAME,
        lambda person: person.gallery.difference(reference.signature),
    )


def _identity_apart(person: Person, identity: Embedding) -> float:
    known = list(person.identities.values())
    return float(np.linalg.norm(np.array(known) - identity, axis=1).min()) if known else np.inf


def _renumbered(
    people: Sequence[PersonTrack], corrected: frozenset[int]
) -> tuple[PersonTrack, ...]:
    taken = {one.person for one in people if one.person in corrected}
    free = (number for number in range(1, len(people) + len(taken) + 1) if number not in taken)
    numbered = [one if one.person in taken else _with_number(one, next(free)) for one in people]
    return tuple(sorted(numbered, key=lambda one: one.person))


def _with_number(person: PersonTrack, number: int) -> PersonTrack:
    if person.person == number:
        return person
    faces = tuple(replace(face, person=number) for face in person.faces)
    return replace(person, person=number, faces=faces)
