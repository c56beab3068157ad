from dataclasses import replace

import numpy as np
import pytest

from faceplate.errors import BadSettings, NotFound
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.io.whois import find_person, ordered, parse_click

PLATE = PlateInfo("b.%04d.exr", 384, 216, 1001, 1005, 24.0)


def person(number: int, x: float, side: float, name: str = "", frames=(1001, 1002)) -> PersonTrack:
    points = np.random.default_rng(number).uniform(0, 9, (68, 2))
    box = (x, 20.0, x + side, 20.0 + side)
    faces = [
        TrackedFace(number, frame, box, points, points, Pose(0, 0, 0), 1, 1, "tracked")
        for frame in frames
    ]
    return PersonTrack(number, tuple(faces), name)


TRACK = Track(
    PLATE, tuple(range(1001, 1006)),
    (person(1, 200, 40, "Amy"), person(2, 20, 90), person(5, 100, 60, "Ben")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("who", "number"),
    [
        (0, 2), (1, 1), ("5", 5), ("Ben", 5), ("largest", 2), ("left", 2), ("right", 1),
        ("1001:210,30", 1), ("1002: 50, 60.5", 2), ("1001:105,70", 5), ("1001:95,70", 2),
    ],
)  # fmt: skip
def test_a_person_is_named_in_many_ways(who: int | str, number: int) -> None:
    assert find_person(TRACK, who).person == number


def test_people_come_in_an_order() -> None:
    numbers = {order: [one.person for one in ordered(TRACK.people, order)]
               for order in ("appearance", "largest", "left", "right")}  # fmt: skip
    assert numbers == {
        "appearance": [1, 2, 5], "largest": [2, 5, 1], "left": [2, 5, 1], "right": [1, 5, 2],
    }  # fmt: skip
    with pytest.raises(BadSettings, match="appearance, largest, left, right"):
        ordered(TRACK.people, "top")


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (3, r"no person 3; there is: 1 \(Amy\) in 2 frames, 2 in 2 frames, 5 \(Ben\)"),
        ("Carl", "FRAME:X,Y in one of its boxes, largest, left or right"),
        ("1001:300,200", r"nobody is at 300,200 in frame 1001; there is: person 1 in 200,20 to"),
        ("1005:30,30", "no face at all"),
    ],
)
def test_an_error_tells_who_there_is(who: int | str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        find_person(TRACK, who)


def test_a_click_in_a_frame_that_is_not_there_is_told() -> None:
    with pytest.raises(BadSettings, match=r"frame 900 is not among .* 1001-1005"):
        find_person(TRACK, "900:3,3")


def test_nobody_is_found_in_an_empty_track() -> None:
    empty = replace(TRACK, people=())
    assert find_person(empty, 0) is None
    for who in (1, "largest"):
        with pytest.raises(NotFound, match="nobody is in the track"):
            find_person(empty, who)


def test_a_click_is_frame_x_and_y() -> None:
    assert parse_click("-5:1.5,-2") == (-5, 1.5, -2.0)
    assert parse_click("1001") is None
