import os
import signal
import threading

import pytest

from faceplate.control import COMMANDS, Control, drop_after
from faceplate.errors import Cancelled
from faceplate.jobs import JOBS
from faceplate.progress import Progress, Report


def test_commands_are_carried_out_in_order_at_the_next_report() -> None:
    progress, done = Progress(), []
    with progress.control.handling(
        {"save": lambda: done.append("s"), "preview": lambda: done.append("p")}
    ):
        progress.control.send("preview")
        progress.control.send("save")
        assert done == []
        progress.report("train", 1, 2)
    assert done == ["p", "s"]


def test_what_a_verb_cannot_do_is_said_and_nothing_happens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    progress = Progress()
    progress.control.send("save")
    progress.report("swap", 1, 2)
    assert "this work cannot save" in caplog.text


def test_paused_work_waits_hears_commands_and_goes_on() -> None:
    seen: list[Report] = []
    control, saved = Control(), threading.Event()
    progress = Progress(seen.append, control=control)

    def go_on() -> None:
        control.send("save")
        assert saved.wait(10)
        control.send("resume")

    with control.handling({"save": saved.set}):
        control.send("pause")
        other = threading.Thread(target=go_on)
        other.start()
        progress.report("train", 3, 9)
        other.join()
    assert [report.paused for report in seen] == [False, True, False]
    assert {report.done for report in seen} == {3}
    assert control.paused_s > 0


def test_paused_work_can_be_stopped() -> None:
    control = Control()
    asked = iter([False, False, True, True, True])
    control.send("pause")
    with pytest.raises(Cancelled):
        Progress(None, lambda: next(asked), control).report("train", 1, 2)


def test_every_verb_pauses_and_training_does_all() -> None:
    for verb in JOBS.values():
        assert {"pause", "resume"} <= set(verb.commands) <= set(COMMANDS)
    assert set(JOBS["train"].commands) == set(COMMANDS)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_work_that_ends_within_its_grace_is_not_dropped() -> None:
    dropped: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with drop_after(5.0, dropped.append):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert dropped == []
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_work_that_goes_on_after_its_grace_is_dropped_from_another_thread() -> None:
    dropped: list[int] = []
    gone = threading.Event()

    def drop(number: int) -> None:
        dropped.append(number)
        gone.set()

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with drop_after(0.01, drop):
            signal.raise_signal(signal.SIGTERM)
            assert gone.wait(5)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert dropped == [signal.SIGTERM]
