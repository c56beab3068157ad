import numpy as np

from faceplate.facesets.best import best_faces


def looks_of(count: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, 16), dtype=np.float32)


def test_head_turns_give_alike_however_many_faces_they_have() -> None:
    yaw = np.array([0.0] * 90 + [20.0] * 9 + [40.0])
    chosen = best_faces(yaw, np.zeros(100), np.arange(100.0), looks_of(100), 13)[:13]
    turns, counts = np.unique(yaw[chosen], return_counts=True)
    assert dict(zip(turns, counts, strict=True)) == {0.0: 6, 20.0: 6, 40.0: 1}


def test_the_sharpest_of_a_cell_comes_first_and_the_blurred_are_not_taken() -> None:
    blur = np.random.default_rng(0).permutation(200).astype(float)
    order = best_faces(np.zeros(200), np.zeros(200), blur, looks_of(200), 5)
    assert blur[order[0]] == 0
    assert blur[order[:5]].max() < 50  # ten times as many as wanted


def test_of_the_sharp_those_are_taken_that_differ() -> None:
    looks = np.zeros((20, 16), np.float32)
    looks[13] = 1
    order = best_faces(np.zeros(20), np.zeros(20), np.arange(20.0), looks, 2)
    assert order[:2].tolist() == [0, 13]


def test_every_face_comes_once_and_the_first_few_are_even_too() -> None:
    yaw = np.repeat([-40.0, 0.0, 40.0], 50)
    order = best_faces(yaw, np.zeros(150), np.random.default_rng(2).random(150), looks_of(150), 60)
    assert sorted(order) == list(range(150))
    assert sorted(yaw[order[:3]]) == [-40, 0, 40]


def test_no_faces_and_none_wanted_are_no_trouble() -> None:
    nothing = np.zeros(0)
    assert len(best_faces(nothing, nothing, nothing, looks_of(0), 10)) == 0
    assert len(best_faces(np.zeros(3), np.zeros(3), np.zeros(3), looks_of(3), 0)) == 3
