"""The process of one job: `python -m faceplate_server.worker`.

It reads one order from standard input, runs the verb and writes JSON lines to what was standard
output: ``report``, then one of ``done``, ``failed``, ``cancelled``. Further lines of standard input
are commands (``pause``, ``resume``, ``save``, ``preview``), SIGTERM asks it to stop; it hears both
at its next report. When standard input closes, the server is gone: it stops too, so that a
restarted server can go on with the job alone. It is safe to kill it at any moment, as every verb
writes atomically and resumes.
"""

import contextlib
import fcntl
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from faceplate.config import from_dict
from faceplate.context import Context
from faceplate.control import Control
from faceplate.errors import Cancelled
from faceplate.jobs import run_verb
from faceplate.progress import Progress, Report
from faceplate_server.channel import Writer, claim_output, read_line, watch_parent
from faceplate_server.rate import Rate
from faceplate_server.shrink import foreseen
from faceplate_server.status import Fault, fault_of
from faceplate_server.verbs import find_verb, parse_job

__all__ = ["Order", "main"]

PACE_S = 0.05
"""Reports that follow sooner are left out, but for previews and the last."""

GRACE_S = 10.0
"""How long work may go on after the server has died."""


@dataclass(frozen=True)
class Order:
    """What the server asks a worker to do."""

    job_id: str
    verbs: str
    """Where the table of verbs is."""
    verb: str
    settings: Mapping[str, Any]
    home: str
    device: str
    consent_policy: Literal["refuse", "warn"]
    threads: int = 0
    ocio: str = ""
    niceness: int = 0
    """How far it stands back for others on the processor, 0 to 19."""
    roots: tuple[str, ...] = ()
    """The only folders that paths inside the files of a job may lead to."""


def main() -> int:
    """Run one job; the exit status is the job's."""
    writer = claim_output()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    line = read_line()
    if line is None:
        return 1
    order = from_dict(Order, line, "order")
    _stand_back(order.niceness)
    control = Control()
    watch_parent(stop.set, GRACE_S, lambda told: control.send(told["command"]))
    with (Path(order.home) / "jobs" / f"{order.job_id}.log").open("a") as log:
        fcntl.flock(log, fcntl.LOCK_EX)  # a worker of a server that died may still be stopping
        return _answer(order, writer, Progress(_Sink(writer), stop.is_set, control))


def _stand_back(niceness: int) -> None:
    """Let single frames go first. Where the system groups sessions, the group counts as well."""
    os.nice(niceness)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def _answer(order: Order, writer: Writer, progress: Progress) -> int:
    try:
        result = _run(order, progress)
    except Cancelled as error:
        writer("cancelled", message=str(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the border of the process: logged, and answered
        traceback.print_exc()
        fault = _fault(error)
        writer("failed", error=asdict(fault))
        return fault.exit_code
    writer("done", result=result)
    return 0


def _fault(error: Exception) -> Fault:
    fault = fault_of(foreseen(error))
    if fault.code != "Internal":
        return fault
    # a job's owner may read the reason: unlike a call's, it cannot be told from its request id
    summary = "".join(traceback.format_exception_only(error)).strip()
    return Fault("Internal", f"nobody foresaw this: {summary}", fault.hint, fault.exit_code)


def _run(order: Order, progress: Progress) -> dict[str, Any]:
    verb = find_verb(order.verbs, order.verb)
    context = Context(
        home=Path(order.home),
        progress=progress,
        device=order.device,
        consent_policy=order.consent_policy,
        threads=order.threads,
        ocio=order.ocio or None,
        allowed_roots=tuple(Path(root) for root in order.roots),
    )
    return run_verb(verb, parse_job(verb, order.settings), context)


class _Sink:
    """Sends reports on, not faster than anybody looks."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._rate, self._sent, self._paused = writer, Rate(), 0.0, False

    def __call__(self, report: Report) -> None:
        rate, now = self._rate.of(report.title, report.done), time.monotonic()
        weighty = report.preview or report.done == report.total or report.paused != self._paused
        if now - self._sent > PACE_S or weighty:
            self._sent, self._paused = now, report.paused
            self._writer("report", **_plain(report, rate))


def _plain(report: Report, rate: float) -> dict[str, Any]:
    return {
        "title": report.title,
        "done": report.done,
        "total": report.total,
        "seconds_left": report.seconds_left,
        "rate": rate,
        "frame": report.frame,
        "preview": None if report.preview is None else str(report.preview),
        "figures": {name: float(value) for name, value in report.figures.items()},
        "paused": report.paused,
    }


if __name__ == "__main__":
    sys.exit(main())
