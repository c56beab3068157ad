import os
import threading
import time
from collections.abc import Callable

import pytest

from faceplate import keys
from faceplate.control import Control
from faceplate.keys import key_help, listening

pty = pytest.importorskip("pty")


def until(done: Callable[[], bool]) -> None:
    for _ in range(1000):
        if done():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen within five seconds")


def test_keys_speak_without_enter_and_the_terminal_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import termios

    monkeypatch.setattr(keys, "is_foreground", lambda terminal: True)
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    control, heard, stops = Control(), [], []
    handlers = {"save": lambda: heard.append("save"), "preview": lambda: heard.append("preview")}
    with control.handling(handlers), listening(slave, control, lambda: stops.append(1)):
        assert termios.tcgetattr(slave)[3] != before[3]
        os.write(master, b"sxPqq")
        until(lambda: bool(stops) and len(control._sent) == 2)
        control.attend()
        os.write(master, b" ")
        until(lambda: bool(control._sent))
        threading.Timer(0.1, os.write, (master, b" ")).start()
        control.attend()  # waits until the second space is heard
    assert heard == ["save", "preview"]
    assert stops == [1]
    assert control.paused_s > 0
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_in_the_background_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "is_foreground", lambda terminal: False)
    master, slave = pty.openpty()
    control = Control()
    with listening(slave, control, lambda: None):
        os.write(master, b"sss")
    assert not control._sent
    assert os.read(slave, 3) == b"sss"
    os.close(master)
    os.close(slave)


def test_what_is_no_terminal_is_not_in_front() -> None:
    descriptor, other = os.pipe()
    assert not keys.is_foreground(descriptor)
    os.close(descriptor)
    os.close(other)


def test_the_help_names_what_the_work_can_do() -> None:
    assert key_help(("pause", "resume")) == "keys: space pause and go on, q stop"
