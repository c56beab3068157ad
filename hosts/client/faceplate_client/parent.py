"""A host that is killed cannot stop its helper: the pipe between them says that it is gone."""

from __future__ import annotations

import os
import signal
import threading

__all__ = ["end_with_parent"]


def end_with_parent(pipe: int = 0) -> None:
    """From now on, end as by SIGTERM when a pipe ends whose other end the parent holds open.

    Every system closes the pipes of a process that ends, however it ends, and a number of a
    process that is watched instead could soon be another one's.

    Args:
        pipe: The descriptor; what comes in is read and thrown away.
    """
    threading.Thread(target=_wait, args=(pipe,), name="parent", daemon=True).start()


def _wait(pipe: int) -> None:
    # not through sys.stdin: a thread that waits in its buffer holds its lock while Python ends
    try:
        while os.read(pipe, 4096):
            pass
    except OSError:  # there is no such pipe, so nobody is behind it
        pass
    _stop()


def _stop() -> None:
    """Raise SIGTERM where Python listens to it: in the main thread, out of a sleep, too."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGTERM)
    else:  # Windows: the handler is called by the main thread, at its next step
        signal.raise_signal(signal.SIGTERM)
