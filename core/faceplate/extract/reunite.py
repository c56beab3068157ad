"""Second thoughts on who is who, when all of a plate has been read.

Somebody who comes back half hidden does not look like himself in that frame, and gets a new number.
What he looked like over all the frames that followed tells better: those who are never in one frame
and look alike then are one person.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from faceplate.extract.appearance import difference
from faceplate.extract.people import Looks, Person

__all__ = ["reunited"]


def reunited(everybody: Sequence[Person], looks: Looks) -> list[Person]:
    """Return the people of a plate, those of two numbers joined under the first one.

    Args:
        everybody: In the order in which they appeared; the first of two takes in the other.
        looks: How far appearance is trusted.
    """
    found: list[Person] = []
    for person in everybody:
        costs = [_unlike(earlier, person, looks) for earlier in found]
        nearest = int(np.argmin(costs)) if costs else 0
        if costs and costs[nearest] < 1:
            _join(found[nearest], person)
        else:
            found.append(person)
    return found


def _unlike(one: Person, other: Person, looks: Looks) -> float:
    """Return how unlike two people are: below 1 they are one."""
    if one.sightings.keys() & other.sightings.keys() or (one.label and other.label):
        return math.inf
    if one.identities and other.identities:
        pairs = itertools.product(one.identities.values(), other.identities.values())
        return min(float(np.linalg.norm(a - b)) for a, b in pairs) / looks.identity
    ours, theirs = one.gallery.seen, other.gallery.seen
    alike = (difference(ours[turn], theirs[turn]) for turn in ours.keys() & theirs.keys())
    return min(alike, default=math.inf) / looks.same


def _join(one: Person, other: Person) -> None:
    one.sightings |= other.sightings
    one.label = one.label or other.label
    one.last = max(one.last, other.last)
    one.identities = other.identities | one.identities
    one.gallery.seen = other.gallery.seen | one.gallery.seen
