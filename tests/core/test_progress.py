from pathlib import Path

import pytest

from faceplate import progress as module
from faceplate.errors import Cancelled
from faceplate.progress import Progress, Report


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_report_carries_everything_that_was_said() -> None:
    seen: list[Report] = []
    Progress(seen.append).report("train", 3, None, preview=Path("p.png"), loss=0.5)

    assert seen == [Report("train", 3, None, None, None, Path("p.png"), {"loss": 0.5})]


def test_the_time_left_comes_from_the_speed_of_this_run(clock: Clock) -> None:
    seen: list[Report] = []
    progress = Progress(seen.append)
    progress.report("train", 500, 600)  # resumed at 500: those 500 cost nothing now
    clock.now += 10
    progress.report("train", 520, 600)

    assert [report.seconds_left for report in seen] == [None, 40.0]


def test_each_title_has_its_own_clock(clock: Clock) -> None:
    seen: list[Report] = []
    progress = Progress(seen.append)
    progress.report("detect", 1, 3)
    clock.now += 4
    progress.report("smooth", 1, 3)
    clock.now += 1
    progress.report("smooth", 2, 3)

    assert seen[-1].seconds_left == 1.0


def test_work_of_a_kind_that_begins_again_is_estimated_anew(clock: Clock) -> None:
    seen: list[Report] = []
    progress = Progress(seen.append)
    progress.report("train", 1, 3)
    clock.now += 100
    progress.report("train", 3, 3)
    clock.now += 100
    progress.report("train", 1, 3)
    clock.now += 2
    progress.report("train", 2, 3)
    assert [report.seconds_left for report in seen] == [None, 0.0, None, 2.0]


def test_work_stops_at_the_next_report_once_somebody_asked() -> None:
    asked: list[bool] = []
    progress = Progress(cancelled=lambda: bool(asked))
    progress.report("train", 1, 2)
    asked.append(True)

    with pytest.raises(Cancelled, match="what was finished is kept"):
        progress.report("train", 2, 2)
    with pytest.raises(Cancelled):
        progress.check()


def test_the_last_report_is_delivered_before_the_work_stops() -> None:
    seen: list[Report] = []

    with pytest.raises(Cancelled):
        Progress(seen.append, lambda: True).report("train", 1, 2)
    assert seen[0].done == 1
