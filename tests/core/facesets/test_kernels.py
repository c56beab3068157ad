import numpy as np
import pytest

from faceplate.facesets.kernels import chain, farthest_first, group, twins

RNG = np.random.default_rng(3)
VECTORS = RNG.normal(size=(120, 30)).astype(np.float32)


def test_chain_is_the_greedy_walk_to_the_nearest_left() -> None:
    order, steps = chain(VECTORS, 7)
    left, walk, lengths = set(range(120)) - {7}, [7], [0.0]
    while left:
        here = np.array(sorted(left))
        apart = ((VECTORS[here].astype(float) - VECTORS[walk[-1]]) ** 2).sum(axis=1)
        walk.append(int(here[apart.argmin()]))
        lengths.append(float(apart.min()))
        left.remove(walk[-1])
    assert order.tolist() == walk
    assert steps == pytest.approx(lengths, rel=1e-5)


def test_chain_leaves_what_it_is_given_alone() -> None:
    before = VECTORS.copy()
    chain(VECTORS, 0)
    assert (before == VECTORS).all()


def test_farthest_first_takes_the_one_farthest_from_all_picked() -> None:
    picked = farthest_first(VECTORS, 10)
    expected = [0]
    for _ in range(9):
        apart = np.linalg.norm(VECTORS[:, None].astype(float) - VECTORS[expected][None], axis=-1)
        expected.append(int(apart.min(axis=1).argmax()))
    assert picked.tolist() == expected


def test_farthest_first_takes_all_where_all_are_alike() -> None:
    same = np.ones((5, 9), np.float32)
    assert sorted(farthest_first(same, 5)) == [0, 1, 2, 3, 4]


def test_group_joins_what_is_near_and_of_one_kind() -> None:
    near = np.zeros((4, 9), np.float32)
    near[3, 0] = 5
    owner, leaders = group(near, np.array([0, 0, 1, 0]), np.float32(1))
    assert owner.tolist() == [0, 0, 1, 2]
    assert leaders.tolist() == [0, 2, 3]


def test_twins_need_like_prints_and_like_points() -> None:
    prints = np.array([0b1111, 0b1110, 0b0000, 0b1111], np.uint64)
    shapes = np.zeros((4, 9), np.float32)
    shapes[3, 8] = 1
    assert twins(prints, shapes, 1, 0.5).tolist() == [-1, 0, -1, -1]
    assert twins(prints, shapes, 4, 2.0).tolist() == [-1, 0, 0, 0]
    assert twins(prints, shapes, 0, 0.0).tolist() == [-1, -1, -1, -1]


def test_a_face_is_no_twin_of_one_that_was_culled() -> None:
    # a chain of small steps: the third is like the second, which is gone, and not like the first
    prints = np.array([0b000, 0b001, 0b011], np.uint64)
    assert twins(prints, np.zeros((3, 9), np.float32), 1, 0.1).tolist() == [-1, 0, -1]
