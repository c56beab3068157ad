import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.training import tiny_faceset

from faceplate.errors import BadSettings, Damaged, Exhausted
from faceplate.io.faceset import Faceset
from faceplate.train.faces import FaceBank
from faceplate.train.loader import Batch, Loader
from faceplate.train.presets import TrainSettings
from faceplate.train.workers import pick_workers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers share memory by POSIX means")

SETTINGS = TrainSettings(batch=3, performer_light=0.5, hsv_power=0.1, flip_likeness=True)
Banks = tuple[FaceBank, FaceBank]


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[Banks]:
    paths = [tiny_faceset(tmp_path / f"{n}.faceset", n, seed=s) for s, n in enumerate("ab")]
    pair = FaceBank(paths[0], 32, 2**20), FaceBank(paths[1], 32, 2**20)
    yield pair
    for bank in pair:
        bank.close()


def same(one: Batch, other: Batch) -> bool:
    return one.step == other.step and all(
        np.array_equal(getattr(mine, name), getattr(theirs, name))
        for mine, theirs in zip(one.sides, other.sides, strict=True)
        for name in ("image", "target", "mattes")
    )


def test_samples_do_not_depend_on_who_makes_them_nor_on_a_death(banks: Banks) -> None:
    with Loader(banks, SETTINGS, 32, 100, 1, workers=2) as loader:
        first = loader.pids
        for step in range(12):
            batch = loader.next()
            assert same(batch, loader.make(step))
            if step == 4:
                os.kill(first[0], signal.SIGKILL)
        replaced = loader.pids
        loader.seek(3)
        assert same(loader.next(), loader.make(3))
    assert replaced[0] != first[0]
    assert replaced[1] == first[1]
    for pid in replaced:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_thread_makes_the_same(banks: Banks) -> None:
    with Loader(banks, SETTINGS, 32, 100, 1) as loader:
        for step in range(8):
            assert same(loader.next(), loader.make(step))
        loader.seek(2)
        assert same(loader.next(), loader.make(2))


def test_workers_that_die_again_and_again_end_the_training(
    banks: Banks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceplate.train.workers.sys.executable", "/bin/false")
    with (
        Loader(banks, SETTINGS, 32, 100, 1, workers=1) as loader,
        pytest.raises(Exhausted, match=r"died 4 times in a row, the last one exit status 1"),
    ):
        loader.next()


def test_what_a_worker_meets_is_raised_by_the_step(banks: Banks) -> None:
    with sqlite3.connect(banks[0].path) as connection:
        connection.execute("UPDATE faces SET image = x'00'")
    with (
        Loader(banks, SETTINGS, 32, 100, 1, workers=1) as loader,
        pytest.raises(Damaged, match="its PNG cannot be decoded"),
    ):
        loader.next()


def test_a_faceset_that_changes_under_a_training_is_noticed(banks: Banks) -> None:
    with Faceset.open(banks[0].path) as faceset:
        faceset.set_keep(faceset.ids()[:1], keep=False)
    with (
        Loader(banks, SETTINGS, 32, 100, 1, workers=1) as loader,
        pytest.raises(Damaged, match="was changed while it is trained on"),
    ):
        loader.next()


def test_workers_are_picked_by_device_and_bounded() -> None:
    assert pick_workers(None, "cpu") == 0
    assert 1 <= pick_workers(None, "cuda") <= 12
    assert pick_workers(3, "cpu") == 3
    for wanted in (-1, 65):
        with pytest.raises(BadSettings, match=r"expected 0\.\.64"):
            pick_workers(wanted, "cpu")


@pytest.mark.slow
def test_colour_transfer_makes_no_difference_to_who_makes_a_sample(banks: Banks) -> None:
    settings = dataclasses.replace(SETTINGS, batch=1, ct_mode="rct")
    with Loader(banks, settings, 32, 100, 1, workers=1) as loader:
        assert same(loader.next(), loader.make(0))


def test_a_worker_loads_neither_the_network_s_library_nor_a_compiler() -> None:
    script = "import sys, faceplate.train.sampleworker; print({'torch', 'numba'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
