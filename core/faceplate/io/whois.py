"""Which person of a track somebody means: by number, name, click, size or order."""

import re
from collections.abc import Callable, Sequence

from faceplate.errors import BadSettings, NotFound
from faceplate.io.sequence import format_frames
from faceplate.io.tracked import Box, PersonTrack, TrackedFace
from faceplate.io.trackfile import Track

__all__ = ["ORDERS", "WHO", "find_person", "ordered", "parse_click", "person_at", "told_people"]

WHO = "its number, its name, FRAME:X,Y in one of its boxes, largest, left or right"
"""How a person can be named, for messages."""

_CLICK = re.compile(r"(-?\d+):(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")

ORDERS: dict[str, Callable[[PersonTrack], float]] = {
    "appearance": lambda person: person.person,
    "largest": lambda person: -person.amount,
    "left": lambda person: _middle(person),
    "right": lambda person: -_middle(person),
}
"""What people are ordered by, the smallest first: who came first, who has most face in the plate,
whose face is on the average furthest to the left, or to the right."""


def find_person(track: Track, who: int | str) -> PersonTrack | None:
    """Return the person whom a setting names; None only for 0 in a track without anybody.

    Args:
        track: The track.
        who: See `WHO`; 0 is the largest.

    Raises:
        NotFound: There is nobody like that; the message tells who there is.
        BadSettings: A click in a frame that is not in the track.
    """
    text = str(who).strip()
    if text in ("0", ""):
        return track.person(0)
    click = parse_click(text)
    if click is not None:
        return person_at(track, *click)
    if text in ORDERS and track.people:
        return ordered(track.people, text)[0]
    for person in track.people:
        if text == str(person.person) or (person.name and text == person.name):
            return person
    raise NotFound(f"no person {text}; {told_people(track.people)}. A person is named by {WHO}")


def parse_click(text: str) -> tuple[int, float, float] | None:
    """Return frame, x and y (plate pixels) of ``FRAME:X,Y``; None for another text."""
    match = _CLICK.fullmatch(text.replace(" ", ""))
    return None if match is None else (int(match[1]), float(match[2]), float(match[3]))


def person_at(track: Track, frame: int, x: float, y: float) -> PersonTrack:
    """Return the person in whose box a point of the plate lies; the nearest where boxes overlap.

    Raises:
        BadSettings: The frame is not in the track.
        NotFound: Nobody is there; the message tells where the faces of the frame are.
    """
    if frame not in track.frames:
        raise BadSettings(
            f"{frame}:{x:g},{y:g}: frame {frame} is not among the track's frames, "
            f"{format_frames(track.frames)}"
        )
    faces = track.faces_at(frame)
    hit = [face for face in faces if _inside(face.box, x, y)]
    if not hit:
        there = "; ".join(_told_face(face) for face in faces) or "no face at all"
        raise NotFound(
            f"nobody is at {x:g},{y:g} in frame {frame}; there is: {there}. Draw a box by hand "
            "where a face was missed (docs/tracks.md)"
        )
    nearest = min(hit, key=lambda face: _apart(face.box, x, y))
    person = track.person(nearest.person)
    if person is None:  # a face always belongs to one of the people
        raise NotFound(f"person {nearest.person} is not in the track")
    return person


def ordered(people: Sequence[PersonTrack], order: str) -> list[PersonTrack]:
    """Return people in one of `ORDERS`. Raises BadSettings for another."""
    if order not in ORDERS:
        raise BadSettings(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
    return sorted(people, key=ORDERS[order])


def told_people(people: Sequence[PersonTrack]) -> str:
    """Return one line that tells who there is."""
    told = [
        f"{person.person}{f' ({person.name})' if person.name else ''} in {len(person.faces)} frames"
        for person in people
    ]
    return f"there is: {', '.join(told)}" if told else "nobody is in the track"


def _told_face(face: TrackedFace) -> str:
    x0, y0, x1, y1 = face.box
    return f"person {face.person} in {x0:.0f},{y0:.0f} to {x1:.0f},{y1:.0f}"


def _middle(person: PersonTrack) -> float:
    middles = [(face.box[0] + face.box[2]) / 2 for face in person.faces]
    return sum(middles) / len(middles) if middles else 0.0


def _inside(box: Box, x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _apart(box: Box, x: float, y: float) -> float:
    return (x - (box[0] + box[2]) / 2) ** 2 + (y - (box[1] + box[3]) / 2) ** 2
