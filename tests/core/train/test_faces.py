from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.training import tiny_faceset

from faceplate.errors import NotFound
from faceplate.io.faceset import Faceset
from faceplate.train.faces import FaceBank, Sampler


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tiny_faceset(tmp_path / "amy.faceset", "amy")


@pytest.fixture
def bank(path: Path) -> Iterator[FaceBank]:
    bank = FaceBank(path, 32, 2**20)
    yield bank
    bank.close()


def test_every_round_deals_every_face_once() -> None:
    sampler = Sampler([0.0] * 7, seed=3)
    rounds = [[sampler.face(7 * turn + place) for place in range(7)] for turn in range(4)]
    assert all(sorted(faces) == list(range(7)) for faces in rounds)
    assert len({tuple(faces) for faces in rounds}) > 1


def test_uniform_yaw_shows_a_rare_head_turn_as_often_as_a_common_one() -> None:
    sampler = Sampler([0.0] * 9 + [50.0], seed=3, uniform_yaw=True)
    counts = Counter(sampler.face(number) for number in range(180))
    assert counts[9] == 90
    assert {counts[index] for index in range(9)} == {10}


def test_head_turns_beyond_the_range_are_dealt_too() -> None:
    sampler = Sampler([-120.0, 0.0, 120.0], seed=0, uniform_yaw=True)
    assert {sampler.face(number) for number in range(3)} == {0, 1, 2}


def test_a_face_keeps_its_colours_within_half_a_16_bit_step(bank: FaceBank, path: Path) -> None:
    with Faceset.open(path, readonly=True) as faceset:
        face = faceset.read(faceset.ids()[0])
    got = bank.get(0)
    assert got.image.shape == (48, 48, 3)
    assert np.abs(got.image / 65535 - face.image).max() <= 0.5001 / 65535
    assert np.abs(got.mattes[..., 0] / 255 - face.mask).max() <= 0.5001 / 255


def test_eyes_and_mouth_lie_inside_the_face(bank: FaceBank) -> None:
    face, eyes_mouth = np.moveaxis(bank.get(0).mattes, -1, 0)
    assert eyes_mouth.max() > 200
    assert 0 < np.count_nonzero(eyes_mouth > 128) < 0.3 * np.count_nonzero(face > 128)
    assert not (eyes_mouth[face == 0]).any()


def test_large_faces_are_kept_at_one_and_a_half_times_the_models_size(tmp_path: Path) -> None:
    bank = FaceBank(tiny_faceset(tmp_path / "big.faceset", "amy", count=1, size=96), 32, 2**20)
    assert bank.get(0).image.shape == (48, 48, 3)
    assert bank.get(0).mattes.shape == (48, 48, 2)
    bank.close()


def test_faces_beyond_the_memory_limit_are_read_again(path: Path) -> None:
    one = 48 * 48 * (3 * 2 + 2)
    bank = FaceBank(path, 32, one)
    first, second = bank.get(0), bank.get(1)
    assert bank.get(0) is first
    again = bank.get(1)
    assert again is not second
    assert np.array_equal(again.image, second.image)
    bank.close()


def test_culled_faces_are_not_trained_on(path: Path) -> None:
    with Faceset.open(path) as faceset:
        faceset.set_keep(faceset.ids()[:4], keep=False)
    bank = FaceBank(path, 32, 2**20)
    assert len(bank) == 2
    bank.close()


def test_a_faceset_without_kept_faces_is_not_found(path: Path) -> None:
    with Faceset.open(path) as faceset:
        faceset.set_keep(faceset.ids(), keep=False)
    with pytest.raises(NotFound, match="no kept faces"):
        FaceBank(path, 32, 2**20)
