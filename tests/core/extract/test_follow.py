"""The follower, with a finder that knows where the faces are and can be told to be blind."""

from dataclasses import dataclass, field

import numpy as np
from tests.support.shots import known_landmarks

from faceplate.extract.appearance import Signature
from faceplate.extract.finder import Found
from faceplate.extract.follow import Follower, Following
from faceplate.extract.sighting import Sighting, box_of, overlap

FACE = known_landmarks("A", 1004)
FACE = FACE - FACE.mean(axis=0)


def face_at(x: float) -> np.ndarray:
    return FACE + np.array([x, 0.0])


@dataclass
class View:
    """Where the faces of a frame are."""

    index: int
    faces: dict[str, float]
    """Name to x of the middle."""


@dataclass
class KnowingFinder:
    """Sees what a view holds: a face in a box that meets it."""

    looks: dict[str, float] = field(default_factory=lambda: {"amy": 0.0, "ben": 0.25})
    unseen_by_detector: set[int] = field(default_factory=set)
    detections: list[int] = field(default_factory=list)
    identities: dict[str, float] = field(default_factory=dict)
    """Name to the one number that an embedder would see; none: there is no embedder."""
    tracked: list[int] = field(default_factory=list)

    def detect(self, view: View) -> list[Found]:
        self.detections.append(view.index)
        if view.index in self.unseen_by_detector:
            return []
        return [Found(box_of(face_at(x)), 0.99) for x in view.faces.values()]

    def look(self, view, box, score, source, roll=None):
        self.tracked.append(view.index)
        near = {name: overlap(box, box_of(face_at(x))) for name, x in view.faces.items()}
        name = max(near, key=near.__getitem__, default=None)
        if name is None or near[name] < 0.2:
            return Sighting(FACE, box, 0.01, score, source, self._look("amy"))
        points = face_at(view.faces[name])
        return Sighting(points, box_of(points), 0.98, score, source, self._look(name))

    @property
    def identifies(self) -> bool:
        return bool(self.identities)

    def identity(self, view, points):
        if not self.identities:
            return None
        x = float(points[:, 0].mean())
        name = min(view.faces, key=lambda one: abs(view.faces[one] - x))
        return np.array([self.identities[name]])

    def _look(self, name: str) -> Signature:
        return Signature(np.full((8, 8, 3), self.looks[name], np.float32), 0.0)


def follow(
    shot: list[dict[str, float]], finder: KnowingFinder, cuts: tuple[int, ...] = (), **settings
) -> Follower:
    views = [View(index, faces) for index, faces in enumerate(shot)]
    follower = Follower(finder, Following(**settings), len(views), lambda at: views[at])
    for view in views:
        follower.step(view.index, view, view.index in cuts)
    return follower


def frames_of(follower: Follower) -> dict[int, list[int]]:
    return {number: sorted(who.sightings) for number, who in follower.people.numbers().items()}


def test_the_detector_runs_every_few_frames_and_on_the_last() -> None:
    finder = KnowingFinder()
    follower = follow([{"amy": 100.0 + i} for i in range(20)], finder, every=8)
    assert finder.detections == [0, 8, 16, 19]
    assert frames_of(follower) == {1: list(range(20))}
    assert follower.detections == 4


def test_sources_tell_what_was_detected_and_what_was_tracked() -> None:
    follower = follow([{"amy": 100.0}] * 5, KnowingFinder(), every=2)
    person = follower.people.everybody[0]
    sources = [person.sightings[i].source for i in range(5)]
    assert sources == ["detected", "tracked", "detected", "tracked", "detected"]


def test_a_face_that_comes_between_two_detections_is_followed_back_to_where_it_came_in() -> None:
    shot = [{"amy": 100.0} if i >= 3 else {} for i in range(10)]
    finder = KnowingFinder()
    assert frames_of(follow(shot, finder, every=8)) == {1: list(range(3, 10))}
    assert finder.detections[:2] == [0, 8]


def test_a_face_that_comes_after_the_last_regular_detection_is_found() -> None:
    shot = [{"amy": 100.0} if i >= 10 else {} for i in range(14)]
    assert frames_of(follow(shot, KnowingFinder(), every=8)) == {1: list(range(10, 14))}


def test_a_face_that_jumps_is_found_again_at_once_by_the_detector() -> None:
    shot = [{"amy": 100.0 if i < 3 else 900.0} for i in range(6)]
    finder = KnowingFinder()
    assert frames_of(follow(shot, finder, every=8)) == {1: list(range(6))}
    assert 3 in finder.detections


def test_frames_without_the_face_are_empty_and_the_number_comes_back() -> None:
    shot = [{"amy": 100.0} if not 4 <= i < 11 else {} for i in range(20)]
    assert frames_of(follow(shot, KnowingFinder(), every=8)) == {1: [*range(4), *range(11, 20)]}


def test_two_who_cross_keep_their_numbers() -> None:
    shot = [{"amy": 100.0 + 30 * i, "ben": 640.0 - 30 * i} for i in range(19)]
    shot[9].pop("amy")
    follower = follow(shot, KnowingFinder(), every=8)
    places = {
        number: {i: face.points.mean(axis=0)[0] for i, face in who.sightings.items()}
        for number, who in follower.people.numbers().items()
    }
    assert len(places) == 2
    amy = min(places, key=lambda number: places[number][0])
    assert all(abs(x - shot[i]["amy"]) < 1 for i, x in places[amy].items())
    assert all(abs(x - shot[i]["ben"]) < 1 for i, x in places[3 - amy].items())


def test_a_thing_that_the_detector_never_confirms_is_dropped() -> None:
    finder = KnowingFinder(unseen_by_detector=set(range(1, 60)))
    frames = frames_of(follow([{"amy": 100.0}] * 60, finder, every=4))[1]
    assert 8 <= len(frames) < 20


def test_a_face_given_by_an_artist_is_taken_and_followed_on() -> None:
    views = [View(i, {"amy": 100.0}) for i in range(6)]
    points = face_at(104)
    given = Sighting(
        points, box_of(points), 0.2, 1.0, "corrected",
        Signature(np.zeros((8, 8, 3), np.float32), 0.0), person=4,
    )  # fmt: skip
    follower = Follower(
        KnowingFinder(), Following(), 6, lambda at: views[at],
        lambda view: [given] if view.index == 2 else [],
    )  # fmt: skip
    for view in views:
        follower.step(view.index, view)
    assert frames_of(follower) == {4: list(range(6))}
    assert (follower.people.numbers()[4].sightings[2].points == points).all()


def places_of(follower: Follower) -> dict[int, list[float]]:
    return {
        number: [round(float(who.sightings[i].points[:, 0].mean())) for i in sorted(who.sightings)]
        for number, who in follower.people.numbers().items()
    }


def test_a_cut_ends_what_goes_by_motion_and_looks_tell_who_is_who() -> None:
    # after the cut each stands where the other one stood
    shot = [{"amy": 100.0, "ben": 400.0}] * 5 + [{"amy": 400.0, "ben": 100.0}] * 5
    follower = follow(shot, KnowingFinder(), cuts=(5,), every=20)
    amy, ben = [100] * 5 + [400] * 5, [400] * 5 + [100] * 5
    assert sorted(places_of(follower).values()) == [amy, ben]


def test_somebody_else_on_the_same_place_after_a_cut_is_somebody_else() -> None:
    shot = [{"amy": 100.0}] * 5 + [{"ben": 100.0}] * 5
    follower = follow(shot, KnowingFinder(), cuts=(5,), every=20)
    assert frames_of(follower) == {1: list(range(5)), 2: list(range(5, 10))}


def test_the_detector_runs_on_the_first_frame_of_a_shot() -> None:
    finder = KnowingFinder()
    follow([{"amy": 100.0}] * 10, finder, cuts=(5,), every=20)
    assert finder.detections == [0, 5, 9]


def test_a_face_is_never_followed_back_over_a_cut() -> None:
    # Ben comes three frames after the cut; whoever was there before it is not him.
    shot = [{"amy": 100.0}] * 5 + [{"amy": 400.0}] * 3 + [{"amy": 400.0, "ben": 100.0}] * 4
    follower = follow(shot, KnowingFinder(), cuts=(5,), every=11)
    assert frames_of(follower) == {1: list(range(12)), 2: [8, 9, 10, 11]}


def test_identities_decide_where_looks_are_the_same() -> None:
    finder = KnowingFinder(looks={"amy": 0.0, "ben": 0.0}, identities={"amy": 0.0, "ben": 1.0})
    shot = [{"amy": 100.0, "ben": 400.0}] * 5 + [{"amy": 400.0, "ben": 100.0}] * 5
    follower = follow(shot, finder, cuts=(5,), every=20)
    amy, ben = [100] * 5 + [400] * 5, [400] * 5 + [100] * 5
    assert sorted(places_of(follower).values()) == [amy, ben]
