import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.training import tiny_faceset

from faceplate.train.faces import FaceBank
from faceplate.train.loader import Loader
from faceplate.train.presets import PRESETS, TrainSettings

SETTINGS = TrainSettings(batch=2)


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[tuple[FaceBank, FaceBank]]:
    paths = [tiny_faceset(tmp_path / f"{n}.faceset", n, seed=s) for s, n in enumerate("ab")]
    pair = FaceBank(paths[0], 32, 2**20), FaceBank(paths[1], 32, 2**20)
    yield pair
    for bank in pair:
        bank.close()


def test_the_batch_of_a_step_does_not_depend_on_where_the_training_began(
    banks: tuple[FaceBank, FaceBank],
) -> None:
    with Loader(banks, SETTINGS, 32, 100, seed=1) as whole:
        for _ in range(3):
            whole.next()
        fourth = whole.next()
    with Loader(banks, SETTINGS, 32, 100, seed=1, first_step=3) as resumed:
        again = resumed.next()
    assert fourth.step == again.step == 3
    assert np.array_equal(fourth.likeness.image, again.likeness.image)
    assert np.array_equal(fourth.performer.target, again.performer.target)


def test_another_seed_gives_other_samples(banks: tuple[FaceBank, FaceBank]) -> None:
    images = []
    for seed in (1, 2):
        with Loader(banks, SETTINGS, 32, 100, seed) as loader:
            images.append(loader.make(0).likeness.image)
    assert not np.array_equal(*images)


def test_a_batch_has_the_faces_of_both_people(banks: tuple[FaceBank, FaceBank]) -> None:
    with Loader(banks, SETTINGS, 32, 100, 0) as loader:
        batch = loader.make(0)
    for side in (batch.likeness, batch.performer):
        assert side.image.shape == side.target.shape == (2, 32, 32, 3)
        assert side.mattes.shape == (2, 32, 32, 2)
    assert not np.array_equal(batch.likeness.target, batch.performer.target)


def test_every_third_quick96_step_repeats_the_last_batch_without_warp(
    banks: tuple[FaceBank, FaceBank],
) -> None:
    settings = dataclasses.replace(PRESETS["quick96"].settings, batch=2)
    with Loader(banks, settings, 32, 100, 0) as loader:
        warped, plain = loader.make(1).likeness, loader.make(2).likeness
    assert np.array_equal(warped.target, plain.target)
    assert np.array_equal(plain.image, plain.target)
    assert not np.array_equal(warped.image, warped.target)


def test_late_in_the_schedule_the_warp_is_weaker(banks: tuple[FaceBank, FaceBank]) -> None:
    settings = dataclasses.replace(SETTINGS, batch=8, warp_until=0.5)

    def strength(step: int) -> float:
        batch = loader.make(step)
        return float(np.abs(batch.likeness.image - batch.likeness.target).mean())

    with Loader(banks, settings, 32, 100, 0) as loader:
        early = np.mean([strength(step) for step in range(45, 50)])
        late = np.mean([strength(step) for step in range(50, 55)])
    assert late < 0.5 * early


def test_an_error_in_the_background_reaches_the_step(
    banks: tuple[FaceBank, FaceBank], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(index: int) -> None:
        raise OSError(f"face {index} cannot be read")

    monkeypatch.setattr(banks[0], "get", broken)
    with (
        Loader(banks, SETTINGS, 32, 100, 0) as loader,
        pytest.raises(OSError, match="cannot be read"),
    ):
        loader.next()


def test_a_likeness_is_shown_in_the_performer_s_light_as_often_as_wanted(
    banks: tuple[FaceBank, FaceBank],
) -> None:
    still = {"random_warp": False, "transform": 0.0, "rotation_deg": 0.0, "shift": 0.0}
    own, lent = (
        dataclasses.replace(SETTINGS, performer_light=share, **still) for share in (0.0, 1.0)
    )
    with Loader(banks, own, 32, 100, 0) as plain, Loader(banks, lent, 32, 100, 0) as lit:
        first, second = plain.make(0), lit.make(0)
    assert not np.array_equal(first.likeness.target, second.likeness.target)
    assert np.array_equal(first.performer.target, second.performer.target)


def test_further_people_come_after_the_performer(
    banks: tuple[FaceBank, FaceBank], tmp_path: Path
) -> None:
    third = FaceBank(tiny_faceset(tmp_path / "c.faceset", "c", seed=7), 32, 2**20)
    with (
        Loader(banks, SETTINGS, 32, 100, 3) as pair,
        Loader((*banks, third), SETTINGS, 32, 100, 3) as three,
    ):
        two, batch = pair.make(1), three.make(1)
    assert len(two.sides) == 2
    assert len(batch.sides) == 3
    assert np.array_equal(two.performer.image, batch.performer.image)
    assert not np.array_equal(batch.sides[2].target, batch.performer.target)
    third.close()
