"""Single keys of a terminal, for work that is told something while it runs."""

import os
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from faceplate.control import Control

__all__ = ["is_foreground", "key_help", "listening"]

_KEYS = {"s": "save", "p": "preview"}
_PAUSE, _STOP = " ", "q"
_LOOK_S = 0.3


def key_help(commands: Sequence[str]) -> str:
    """Return one line that says which keys do what.

    Example:
        >>> key_help(("pause", "resume", "save", "preview"))
        'keys: s save, p preview, space pause and go on, q stop'
    """
    named = [f"{key} {command}" for key, command in _KEYS.items() if command in commands]
    return "keys: " + ", ".join([*named, "space pause and go on", f"{_STOP} stop"])


@contextmanager
def listening(terminal: int, control: Control, stop: Callable[[], object]) -> Iterator[None]:
    """Pass on the keys that are pressed while the context lasts.

    Keys are heard without Enter and not shown; Ctrl-C stays a signal. In the background nothing is
    read, as that would stop the process.

    Args:
        terminal: Descriptor of the terminal.
        control: Gets the commands.
        stop: Called for `q`, at most once.
    """
    import termios  # not on every system; the caller has a terminal
    import tty

    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    over, wake = os.pipe()
    thread = threading.Thread(
        target=_listen, args=(terminal, over, control, stop), name="keys", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        os.write(wake, b"x")
        thread.join()
        os.close(over)
        os.close(wake)
        if is_foreground(terminal):  # else the shell has taken the terminal back by itself
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def is_foreground(terminal: int) -> bool:
    """Return whether this process may read from the terminal; False where it is none."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False


def _listen(terminal: int, over: int, control: Control, stop: Callable[[], object]) -> None:
    stopped = False
    while True:
        heard, _, _ = select.select([terminal, over], [], [], None)
        if over in heard:
            return
        if not is_foreground(terminal):
            if select.select([over], [], [], _LOOK_S)[0]:
                return
            continue
        pressed = os.read(terminal, 16).decode("ascii", "ignore")
        if not pressed:
            return  # the terminal is gone
        for key in pressed.lower():
            if key == _PAUSE:
                control.send("resume" if control.paused else "pause")
            elif key in _KEYS:
                control.send(_KEYS[key])
            elif key == _STOP and not stopped:
                stopped = True
                stop()
