import threading

import pytest

from faceplate.control import COMMANDS, Control
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
