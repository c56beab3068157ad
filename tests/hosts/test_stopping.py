"""A signal stops the helper between its calls, never in the midst of one."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from faceplate_client.stopping import Work


@pytest.fixture(autouse=True)
def _signals_of_the_test_runner() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def stopped() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_command_that_ends_gives_its_code() -> None:
    work = Work(lambda _: 4, held=False)

    assert work.wait() is None
    assert work.result() == 4


def test_its_error_is_raised_where_its_result_is_asked_for() -> None:
    def fails(_: Work) -> int:
        raise KeyError("lost")

    work = Work(fails, held=False)
    assert work.wait() is None
    with pytest.raises(KeyError, match="lost"):
        work.result()


def test_a_signal_is_told_while_the_command_goes_on() -> None:
    over = threading.Event()
    work = Work(lambda _: over.wait(20) and 0, held=False)
    stopped()

    assert work.wait() == signal.SIGTERM
    over.set()
    work.end_within(20)
    assert work.result() == 0


def test_a_signal_before_the_job_has_an_id_is_told_once_it_has() -> None:
    has_id, over = threading.Event(), threading.Event()
    told: list[bool] = []

    def submits(work: Work) -> int:
        assert has_id.wait(20)
        told.append(True)
        work.submitted()
        return over.wait(20) and 0

    work = Work(submits, held=True)
    stopped()
    threading.Timer(0.05, has_id.set).start()

    assert work.wait() == signal.SIGTERM
    assert told
    over.set()


def test_a_job_that_was_refused_says_so_whatever_signal_came() -> None:
    has_id = threading.Event()

    def refused(_: Work) -> int:
        has_id.wait(20)
        raise ValueError("refused")

    work = Work(refused, held=True)
    stopped()
    has_id.set()

    assert work.wait() is None
    with pytest.raises(ValueError, match="refused"):
        work.result()


def test_the_next_signal_ends_the_process() -> None:
    over = threading.Event()
    work = Work(lambda _: over.wait(20) and 0, held=False)
    stopped()
    work.wait()
    over.set()

    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_signals_never_break_into_the_command() -> None:
    """A lock that the command takes and gives back all the time is free in the end."""
    lock, over, many = threading.Lock(), threading.Event(), 200

    def locks(_: Work) -> int:
        while not over.is_set():
            with lock:
                pass
        return 0

    for _ in range(many):
        over.clear()
        work = Work(locks, held=False)
        stopped()
        assert work.wait() == signal.SIGTERM
        over.set()
        work.end_within(20)
        assert work.result() == 0
        assert lock.acquire(timeout=5)
        lock.release()
