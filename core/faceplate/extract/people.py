"""Who is who: gives each face of a frame to a person, and keeps people's numbers through a plate.

Faces and people are matched all at once (Hungarian algorithm) by where a person should be by now
and, where that does not settle it, by how they look. So two people who cross keep their numbers,
and one who leaves and comes back gets the old number. A cut ends all motion: after it people are
known by their looks alone, or by their identity where an embedder gives it.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from faceplate.embed import Embedding
from faceplate.extract.appearance import Gallery, turn_of
from faceplate.extract.sighting import Sighting, centre_of, overlap, side_of
from faceplate.extract.view import SquareBox, SquarePoints

__all__ = ["Looks", "People", "Person", "distinct", "same_place"]

_COAST = 24
"""Frames for which the motion of a lost face is still believed."""
_REACH = 0.6
"""How far from its prediction a face may be, in face sides, when it was seen in the last frame."""
_REACH_PER_FRAME = 0.15
_GROWTH = 0.35
"""Natural logarithm of how much larger or smaller a face may be than it was in the last frame."""
_GROWTH_PER_FRAME = 0.05
_GROWTH_AWAY = 0.9
_IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class Looks:
    """How far appearance is trusted; differences as of `appearance.difference`."""

    same: float = 0.14
    """Below it a face may be a person who was away, wherever it turns up."""
    other: float = 0.35
    """Above it a face is not a person who was lost, however near it is."""
    weight: float = 6.0
    """Of the difference in the cost, against a distance of one reach."""
    identity: float = 0.45
    """Below it the identities of two faces are of one person who was away, in the embedder's units:
    three quarters of what it was made to tell strangers by. One person with two numbers is mended
    by hand; two with one number are not noticed."""


@dataclass(eq=False)
class Person:
    """One person as far as the shot has been read."""

    label: int = 0
    """The number that an artist's correction gave; 0: none."""
    sightings: dict[int, Sighting] = field(default_factory=dict)
    """By index of the frame in the shot."""
    gallery: Gallery = field(default_factory=Gallery)
    identities: dict[int, Embedding] = field(default_factory=dict)
    """One for each turn of the head (see `appearance.turn_of`)."""
    last: int = -1
    """Index of the last frame with this person."""
    velocity: SquarePoints = field(default_factory=lambda: np.zeros(2))
    """Square pixels per frame."""

    def see(self, index: int, sighting: Sighting, since: int = 0) -> None:
        """Take in where this person is in a later frame.

        Args:
            index: Of the frame.
            sighting: The face.
            since: Index of the first frame of the camera shot: motion begins anew with it.
        """
        if self.last < since:
            self.velocity = np.zeros(2)
        elif self.sightings:
            gap = index - self.last
            step = centre_of(sighting.box) - centre_of(self.sightings[self.last].box)
            self.velocity = 0.5 * self.velocity + 0.5 * step / gap if gap == 1 else step / gap
        self.last = index
        self.sightings[index] = sighting
        self.gallery.add(sighting.signature)

    def see_before(self, index: int, sighting: Sighting) -> None:
        """Take in where this person was in an earlier frame."""
        self.sightings[index] = sighting
        self.gallery.add(sighting.signature)

    def identify(self, sighting: Sighting, identity: Embedding) -> None:
        """Take in the identity of a face of this person."""
        self.identities[turn_of(sighting.signature)] = identity

    def lacks_identity(self, sighting: Sighting) -> bool:
        """Return whether no identity is known of this person's head turned like this."""
        return turn_of(sighting.signature) not in self.identities

    def gap(self, index: int) -> int:
        """Return how many frames ago this person was seen; 1 is the frame before."""
        return index - self.last

    def predicted(self, index: int) -> SquareBox:
        """Return where the face should be."""
        gap = min(self.gap(index), _COAST)
        # Half a step for each frame: heads turn round sooner than they run on.
        shift = self.velocity * (0.5 * gap if gap > 1 else 1.0)
        x0, y0, x1, y1 = self.sightings[self.last].box
        dx, dy = shift.tolist()
        return x0 + dx, y0 + dy, x1 + dx, y1 + dy

    def predicted_points(self, index: int) -> SquarePoints:
        """Return the last points, moved to where the face should be."""
        last = self.sightings[self.last]
        return last.points + centre_of(self.predicted(index)) - centre_of(last.box)


class People:
    """All people of a shot.

    Args:
        looks: How far appearance is trusted.
    """

    def __init__(self, looks: Looks | None = None) -> None:
        self.everybody: list[Person] = []
        self.since = 0
        """Index of the first frame of the camera shot."""
        self.looks = looks or Looks()
        """How far appearance is trusted."""

    def cut(self, index: int) -> None:
        """Begin another camera shot: nobody is where the last one left them."""
        self.since = index

    def present(self, index: int) -> list[Person]:
        """Return those who were seen in the frame before, in the same camera shot."""
        shot = [person for person in self.everybody if person.last >= self.since]
        return [person for person in shot if person.gap(index) == 1]

    def lost_within(self, index: int, frames: int) -> bool:
        """Return whether somebody was lost in the last few frames."""
        return any(1 < person.gap(index) <= frames + 1 for person in self.everybody)

    def place(self, index: int, sightings: Sequence[Sighting]) -> list[Person]:
        """Give every face of a frame to a person, known or new; return them in that order."""
        placed = self._named(sightings)
        placed |= self._matched(index, sightings, placed)
        for i, sighting in enumerate(sightings):
            person = placed.get(i) or self._new()
            if sighting.person is not None:
                person.label = sighting.person
            person.see(index, sighting, self.since)
            placed[i] = person
        return [placed[i] for i in range(len(sightings))]

    def numbers(self) -> dict[int, Person]:
        """Return people by their numbers: a correction's, else the next free one, from 1."""
        numbered = {person.label: person for person in self.everybody if person.label}
        free = (number for number in itertools.count(1) if number not in numbered)
        rest = [person for person in self.everybody if not person.label]
        return dict(sorted([*numbered.items(), *zip(free, rest, strict=False)]))

    def _named(self, sightings: Sequence[Sighting]) -> dict[int, Person]:
        known = {person.label: person for person in self.everybody if person.label}
        named = {i: known.get(sighting.person or 0) for i, sighting in enumerate(sightings)}
        return {i: person for i, person in named.items() if person is not None}

    def _matched(
        self, index: int, sightings: Sequence[Sighting], placed: Mapping[int, Person]
    ) -> dict[int, Person]:
        faces = [i for i in range(len(sightings)) if i not in placed]
        free = [person for person in self.everybody if person not in placed.values()]
        if not faces or not free:
            return {}
        costs = np.array([[self._cost(index, who, sightings[i]) for who in free] for i in faces])
        pairs = zip(*linear_sum_assignment(costs), strict=True)
        return {faces[row]: free[at] for row, at in pairs if costs[row, at] < _IMPOSSIBLE}

    def _cost(self, index: int, person: Person, sighting: Sighting) -> float:
        if person.label and sighting.person:
            return _IMPOSSIBLE  # a correction of somebody else
        unlike = person.gallery.difference(sighting.signature)
        if person.last < self.since:
            return self._cost_of_looks(person, sighting, unlike)
        gap, where = person.gap(index), person.predicted(index)
        growth = abs(math.log(side_of(sighting.box) / side_of(where)))
        reach = _REACH + _REACH_PER_FRAME * (gap - 1)
        apart = float(np.linalg.norm(centre_of(where) - centre_of(sighting.box)))
        apart /= reach * side_of(where)
        near = gap <= _COAST and apart < 1 and growth < _GROWTH + _GROWTH_PER_FRAME * (gap - 1)
        if near and (gap == 1 or unlike < self.looks.other):
            return apart + self.looks.weight * unlike
        return (
            self._cost_of_looks(person, sighting, unlike) if growth < _GROWTH_AWAY else _IMPOSSIBLE
        )

    def _cost_of_looks(self, person: Person, sighting: Sighting, unlike: float) -> float:
        """Return the cost where motion tells nothing."""
        apart = self._identity_apart(person, sighting)
        if apart is not None:
            unlike = self.looks.same * apart / self.looks.identity
        return 2 + self.looks.weight * unlike if unlike < self.looks.same else _IMPOSSIBLE

    def _identity_apart(self, person: Person, sighting: Sighting) -> float | None:
        if sighting.identity is None or not person.identities:
            return None
        known = np.array(list(person.identities.values()))
        return float(np.linalg.norm(known - sighting.identity, axis=1).min())

    def _new(self) -> Person:
        self.everybody.append(Person())
        return self.everybody[-1]


def distinct(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Return the faces without doubles: two on one place are one, the surer one."""
    kept: list[Sighting] = []
    ranked = sorted(sightings, key=lambda face: (face.source == "corrected", face.presence))
    for face in reversed(ranked):
        if not any(same_place(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def same_place(one: SquareBox, other: SquareBox) -> bool:
    """Return whether two boxes are one face: what they share would hide one of two."""
    apart = float(np.linalg.norm(centre_of(one) - centre_of(other)))
    sides = side_of(one), side_of(other)
    return overlap(one, other) > 0.45 or (apart < 0.3 * min(sides) and max(sides) < 2 * min(sides))
