"""Follows the faces of a shot, frame after frame.

A face that was there in the last frame is looked for where it should be by now, which costs one run
of the landmarker. The detector runs every few frames, where a face was lost, and where one was lost
a moment ago; a face that it finds anew is followed backwards to the frame that it came in, so that
nothing is missed between two runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faceplate.extract.finder import Found, roll_of_face
from faceplate.extract.people import People, Person, distinct, same_place
from faceplate.extract.recall import RecallingFinder
from faceplate.extract.sighting import Sighting, centre_of, eye_distance, overlap, side_of
from faceplate.extract.view import FrameView

__all__ = ["Follower", "Following"]

_SEARCH_AFTER_LOSS = 3
"""Frames after a loss in which the detector runs on every one."""
_UNCONFIRMED = 0.6
"""What a tracked face keeps of its score where the detector, asked, does not see it."""


@dataclass(frozen=True)
class Following:
    """How faces are followed."""

    every: int = 12
    """The detector runs on every so many frames."""
    min_presence: float = 0.5
    """The landmarker's least presence."""
    min_confidence: float = 0.5
    """Least confidence, of score and presence together."""


@dataclass
class Follower:
    """Reads a shot in order and knows where its people are.

    Args:
        finder: Detector, landmarker and perhaps an embedder.
        settings: How faces are followed.
        frames: Length of the shot; the detector looks at the last one too.
        read: Gives an earlier frame of the shot again, by its index; None where there is none.
        given: Gives the faces of a frame that are known before: an artist's.
    """

    finder: RecallingFinder
    settings: Following
    frames: int
    read: Callable[[int], FrameView | None]
    given: Callable[[FrameView], list[Sighting]] = lambda view: []
    people: People = field(default_factory=People)
    detections: int = 0
    """Runs of the detector so far."""

    def step(self, index: int, view: FrameView, cut: bool = False) -> list[tuple[Person, Sighting]]:
        """Find the faces of the next frame and whose they are.

        Args:
            index: Of the frame.
            view: The frame.
            cut: Whether another camera shot begins with it.
        """
        if cut:
            self.people.cut(index)
        given = self.given(view)
        present = self.people.present(index)
        tracked = [self._track(index, view, person) for person in present]
        faces = distinct([*given, *(face for face in tracked if face is not None)])
        if cut or self._due(index) or len(faces) < len(present):
            faces = self._detected(view, faces)
        if len(faces) > len(present):
            faces = [self._identified(view, face) for face in faces]
        known = {id(person): person.last for person in self.people.everybody}
        placed = self.people.place(index, faces)
        for person, face in zip(placed, faces, strict=True):
            if known.get(id(person)) != index - 1:
                self._follow_back(index, person, known.get(id(person), -1))
            self._learn(view, person, face)
        return list(zip(placed, faces, strict=True))

    def _due(self, index: int) -> bool:
        lost = self.people.lost_within(index, _SEARCH_AFTER_LOSS)
        return index % self.settings.every == 0 or index + 1 == self.frames or lost

    def _identified(self, view: FrameView, face: Sighting) -> Sighting:
        return replace(face, identity=self.finder.identity(view, face.points))

    def _learn(self, view: FrameView, person: Person, face: Sighting) -> None:
        """Keep one identity for each turn of a person's head, for when the person comes back."""
        if self.finder.identifies and person.lacks_identity(face):
            identity = face.identity
            if identity is None:
                identity = self.finder.identity(view, face.points)
            if identity is not None:
                person.identify(face, identity)

    def _track(self, index: int, view: FrameView, person: Person) -> Sighting | None:
        last = person.sightings[person.last]
        roll = roll_of_face(last.points)
        face = self.finder.look(view, person.predicted(index), last.score, "tracked", roll)
        return face if face is not None and self._continues(face, last) else None

    def _continues(self, face: Sighting, last: Sighting) -> bool:
        growth = eye_distance(face.points) / max(eye_distance(last.points), 1e-6)
        size = side_of(face.box) / max(side_of(last.box), 1e-6)
        apart = float(np.linalg.norm(centre_of(face.box) - centre_of(last.box))) / side_of(last.box)
        steady = 0.3 < growth < 3 and 0.6 < size < 1.6 and apart < 1
        return steady and self._believed(face)

    def _believed(self, face: Sighting) -> bool:
        sure = face.confidence >= self.settings.min_confidence
        return sure and face.presence >= self.settings.min_presence

    def _detected(self, view: FrameView, faces: Sequence[Sighting]) -> list[Sighting]:
        """Run the detector: confirm or doubt the faces that are known, and add new ones."""
        self.detections += 1
        found = self.finder.detect(view)
        kept = [self._confirmed(face, found) for face in faces]
        new = []
        for one in found:
            if any(
                overlap(one.box, face.box) > 0.3 or same_place(one.box, face.box) for face in faces
            ):
                continue
            face = self.finder.look(view, one.box, one.score, "detected", one.roll)
            if face is not None:
                new.append(face)
        return distinct([face for face in [*kept, *new] if _given(face) or self._believed(face)])

    def _confirmed(self, face: Sighting, found: Sequence[Found]) -> Sighting:
        if _given(face):
            return face
        scores = [one.score for one in found if overlap(one.box, face.box) > 0.3]
        if scores:
            return face.scored(max(scores))
        return face.doubted(_UNCONFIRMED)

    def _follow_back(self, index: int, person: Person, seen: int) -> None:
        """Track a face that was just found backwards, to where it came in."""
        first = max(seen + 1, index - self.settings.every + 1, self.people.since)
        following = person.sightings[index]
        for earlier in range(index - 1, first - 1, -1):
            view = self.read(earlier)
            face = view and self.finder.look(
                view, following.box, following.score, "tracked", roll_of_face(following.points)
            )
            if not face or not self._continues(face, following) or self._taken(earlier, face):
                return
            person.see_before(earlier, face)
            following = face

    def _taken(self, index: int, face: Sighting) -> bool:
        others = (person.sightings.get(index) for person in self.people.everybody)
        return any(other is not None and same_place(other.box, face.box) for other in others)


def _given(face: Sighting) -> bool:
    return face.source == "corrected"
