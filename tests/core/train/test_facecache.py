import numpy as np
import pytest

from faceplate.train.facecache import FaceCache, TrainingFace
from faceplate.train.faces import Sampler

ONE = 2 * 2 * (3 * 2 + 2)


def face() -> TrainingFace:
    return TrainingFace(np.zeros((2, 2, 3), np.uint16), np.zeros((2, 2, 2), np.uint8))


def hit_rate(cache: FaceCache, indices: list[int]) -> float:
    before = cache.hits
    for index in indices:
        if cache.get(index) is None:
            cache.offer(index, face())
    return (cache.hits - before) / len(indices)


def test_the_limit_is_never_exceeded() -> None:
    cache = FaceCache(10, 3 * ONE)
    rng = np.random.default_rng(0)
    for index in rng.integers(0, 10, 200).tolist():
        hit_rate(cache, [index])
        assert cache.used_bytes <= 3 * ONE
    assert cache.used_bytes == 3 * ONE
    assert cache.asked == 200


def test_a_face_larger_than_the_room_is_not_kept() -> None:
    cache = FaceCache(1, ONE - 1)
    cache.offer(0, face())
    assert cache.get(0) is None
    assert cache.used_bytes == 0


def test_in_shuffled_rounds_it_hits_as_often_as_it_has_room() -> None:
    cache, sampler = FaceCache(100, 30 * ONE), Sampler([0.0] * 100, seed=1)
    hit_rate(cache, [sampler.face(number) for number in range(100)])
    rate = hit_rate(cache, [sampler.face(number) for number in range(100, 1100)])
    assert rate == pytest.approx(0.3)


def test_faces_that_are_shown_often_push_their_way_in() -> None:
    cache = FaceCache(100, 4 * ONE)
    hit_rate(cache, list(range(100)))  # the first four are kept
    often = [97, 98, 99]
    hit_rate(cache, often * 3)
    assert hit_rate(cache, often * 10) == 1


def test_of_faces_asked_for_alike_the_least_recently_used_goes() -> None:
    cache = FaceCache(3, 2 * ONE)
    hit_rate(cache, [0, 1, 0])
    hit_rate(cache, [2, 2, 2])
    assert cache.get(0) is not None
    assert cache.get(1) is None
