"""Faults under load, in small: what `python -m benchmarks.load` does with more of everything."""

from pathlib import Path

import pytest
from benchmarks.load import disk_full, disturbed, undisturbed

pytestmark = pytest.mark.slow


def test_nothing_is_lost_doubled_or_different_under_faults(tmp_path: Path) -> None:
    still = undisturbed(tmp_path / "calm", 2, 1, "1001-1003")
    rough = disturbed(tmp_path / "wild", 2, 1, "1001-1003", every_s=4.0, most=3)

    assert rough.faults.total() >= 1
    assert (still.lost, still.doubled, still.leftovers) == (0, 0, 0)
    assert (rough.lost, rough.doubled, rough.leftovers) == (0, 0, 0)
    assert len(still.frames) == 6
    assert rough.frames == still.frames
    assert rough.decisions >= 2


def test_a_full_disk_fails_the_job_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    full = disk_full(tmp_path / "p")
    if full is None:
        pytest.skip("needs the right to mount a tmpfs in a namespace of its own")

    assert (full["code"], full["exit"], full["again"]) == ("DiskFull", 7, 0)
    assert full["leftovers"] == 0
    assert len(full["frames"]) == 4
    assert {name: full["frames"][name] for name in full["kept"]} == full["kept"]
