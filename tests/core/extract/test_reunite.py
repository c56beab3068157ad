import numpy as np
from tests.core.extract.test_people import AMY, BEN, seen

from faceplate.extract.people import Looks, People, Person
from faceplate.extract.reunite import reunited

HALF_HIDDEN = 0.2
"""A look that is neither Amy's nor Ben's."""


def who(people: People) -> list[list[int]]:
    """Return the frames of each person."""
    return [sorted(person.sightings) for person in reunited(people.everybody, people.looks)]


def shot(*looks: float) -> People:
    """Return one who is seen with a look for five frames each, and away between them."""
    people = People()
    for part, look in enumerate(looks):
        for index in range(40 * part, 40 * part + 5):
            people.place(index, [seen(100 + 700 * (part % 2), look)])
    return people


def with_identity(person: Person, *values: float) -> Person:
    person.identities = {0: np.array(values)}
    return person


def test_who_comes_back_half_hidden_is_known_by_the_frames_that_follow() -> None:
    people = shot(AMY)
    for index in range(40, 60):
        people.place(index, [seen(800, HALF_HIDDEN if index < 42 else AMY)])
    assert len(people.everybody) == 2
    assert who(people) == [[*range(5), *range(40, 60)]]


def test_somebody_else_stays_somebody_else() -> None:
    assert who(shot(AMY, BEN)) == [[*range(5)], [*range(40, 45)]]


def test_two_in_one_frame_are_two_however_alike() -> None:
    people = People()
    for index in range(5):
        people.place(index, [seen(100, AMY), seen(500, AMY)])
    assert who(people) == [[*range(5)]] * 2


def test_two_whom_an_artist_named_stay_two() -> None:
    people = shot(AMY, BEN)
    for label, person in enumerate(people.everybody, 1):
        person.label = label
        person.gallery = people.everybody[0].gallery
    assert len(who(people)) == 2
    people.everybody[0].label = 0
    (one,) = reunited(people.everybody, people.looks)
    assert one.label == 2


def test_identities_decide_where_both_have_one() -> None:
    looks = Looks(identity=0.45)
    for apart, count in ((0.3, 1), (0.6, 2)):
        one, other = shot(AMY, BEN).everybody
        with_identity(one, 0, 0)
        assert len(reunited([one, with_identity(other, apart, 0)], looks)) == count


def test_the_likest_of_several_takes_him_in() -> None:
    people = shot(AMY, BEN)
    people.place(100, [seen(100, HALF_HIDDEN + 0.18)])
    people.place(101, [seen(100, BEN)])
    people.everybody[-1].gallery.add(seen(100, BEN).signature, weight=1.0)
    assert who(people) == [[*range(5)], [*range(40, 45), 100, 101]]
