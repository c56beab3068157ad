import numpy as np
import pytest

from faceplate.extract.appearance import Signature
from faceplate.extract.people import People, distinct, same_place
from faceplate.extract.sighting import Sighting

AMY, BEN = 0.0, 0.25
"""Looks that differ as two people's do (see `appearance.difference`)."""


def seen(x: float, look: float = AMY, side: float = 100.0, **changes: object) -> Sighting:
    points = np.random.default_rng(1).uniform(0, side, (68, 2))
    points[:, 0] += x - side / 2
    values: dict[str, object] = {
        "points": points,
        "box": (x - side / 2, 0.0, x + side / 2, side),
        "presence": 0.9,
        "score": 1.0,
        "source": "tracked",
        "signature": Signature(np.full((8, 8, 3), look, np.float32), 0.0),
    }
    return Sighting(**(values | changes))


def numbers_of(shot: list[list[Sighting]]) -> list[list[int]]:
    people = People()
    placed = [people.place(index, faces) for index, faces in enumerate(shot)]
    numbers = {id(person): number for number, person in people.numbers().items()}
    return [[numbers[id(person)] for person in row] for row in placed]


def test_people_are_numbered_in_the_order_in_which_they_appear() -> None:
    shot = [[seen(100, AMY)], [seen(600, BEN), seen(102, AMY)]]
    assert numbers_of(shot) == [[1], [2, 1]]


def test_two_who_cross_keep_their_numbers() -> None:
    shot = [[seen(100 + 40 * i, AMY), seen(500 - 40 * i, BEN)] for i in range(11)]
    shot[5] = [seen(300, BEN)]  # one hides the other
    assert numbers_of(shot) == [*[[1, 2]] * 5, [2], *[[1, 2]] * 5]


def test_two_who_meet_and_turn_back_keep_their_numbers() -> None:
    ways = [100, 160, 220, 260, 280, 260, 220, 160, 100]
    shot = [[seen(x, AMY), seen(600 - x, BEN)] for x in ways]
    shot[4] = [seen(300, AMY)]  # motion alone would say that they went past each other
    assert numbers_of(shot) == [*[[1, 2]] * 4, [1], *[[1, 2]] * 4]


def test_two_who_look_alike_are_told_apart_by_their_motion() -> None:
    shot = [[seen(100 + 30 * i), seen(100 + 30 * i + 150)] for i in range(6)]
    assert numbers_of(shot) == [[1, 2]] * 6


def test_who_leaves_and_comes_back_elsewhere_gets_the_old_number() -> None:
    away: list[list[Sighting]] = [[] for _ in range(60)]
    shot = [[seen(100, AMY)], *away, [seen(900, AMY)]]
    assert [row for row in numbers_of(shot) if row] == [[1], [1]]


def test_somebody_else_who_comes_gets_a_new_number() -> None:
    away: list[list[Sighting]] = [[] for _ in range(60)]
    assert numbers_of([[seen(100, AMY)], *away, [seen(110, BEN)]])[-1] == [2]


def test_the_one_who_stayed_is_not_given_to_the_one_who_comes() -> None:
    shot = [[seen(100, AMY)], [seen(100, AMY), seen(600, AMY)]]
    assert numbers_of(shot) == [[1], [1, 2]]


def test_a_correction_names_the_person_for_the_whole_shot() -> None:
    named = seen(300, AMY, source="corrected", person=5)
    shot = [[seen(100, BEN), seen(300, AMY)], [seen(100, BEN), named], [seen(302, AMY)]]
    assert numbers_of(shot) == [[1, 5], [1, 5], [5]]


def test_two_faces_on_one_place_are_one() -> None:
    sure, unsure, other = seen(100, presence=0.9), seen(110, presence=0.6), seen(300)
    assert set(map(id, distinct([unsure, sure, other]))) == {id(sure), id(other)}


def test_a_correction_wins_over_what_was_found_there() -> None:
    given = seen(100, presence=0.1, source="corrected", person=1)
    assert distinct([seen(104, presence=1.0), given]) == [given]


@pytest.mark.parametrize(("x", "same"), [(0, True), (30, True), (60, False), (200, False)])
def test_faces_side_by_side_are_two(x: float, same: bool) -> None:
    assert same_place(seen(100).box, seen(100 + x).box) is same
