"""A child process that speaks JSON lines."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from faceplate.errors import FaceplateError, OutOfMemory
from faceplate_server.faults import WorkerDied
from faceplate_server.memory import oom_kills

__all__ = ["Child"]

LINE_LIMIT = 16 * 1024 * 1024
"""Longest line that a child may write, in bytes: a result holds lists of paths."""

LOG_LIMIT = 16 << 20
"""Bytes of a log that is written on; a longer one is put aside."""

_VARIABLES = {"OMP_WAIT_POLICY": "PASSIVE"}  # docs/decisions/008


class Child:
    """One running module of ours, in a session and process group of its own.

    Args:
        process: The started process.
        log: File that its standard error goes to.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._oom_kills, self._killed = oom_kills(), False
        self._reaper = asyncio.create_task(self._reap())

    @classmethod
    async def start(
        cls, module: str, folder: Path, log: Path, variables: Mapping[str, str] | None = None
    ) -> "Child":
        """Start ``python -m module`` with `folder` as its working folder.

        ``-P`` keeps that folder, in which anybody may put files, off the module path.

        Args:
            module: What runs.
            folder: Where.
            log: File that its standard error goes to.
            variables: Of its environment, where the server's own does not name them.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".1.log"))
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={**_VARIABLES, **(variables or {}), **os.environ},
                start_new_session=True,
                limit=LINE_LIMIT,
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True until it has ended."""
        return self._process.returncode is None

    async def send(self, message: Mapping[str, Any]) -> None:
        """Write one line to it. Raises WorkerDied or OutOfMemory."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            raise await self.death() from None

    async def receive(self) -> dict[str, Any] | None:
        """Return its next line; None at the end."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield its lines to the end."""
        while (line := await self.receive()) is not None:
            yield line

    async def death(self) -> FaceplateError:
        """Wait for its end and return an error that says how it died."""
        status = await self._process.wait()
        by_others = status == -signal.SIGKILL and not self._killed
        if by_others and oom_kills() > self._oom_kills:
            return OutOfMemory(
                f"memory ran out and the system killed the worker; {self._last_words()}"
            )
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return WorkerDied(f"the worker process ended early ({how}); {self._last_words()}")

    def ask_to_stop(self) -> None:
        """Send SIGTERM: it stops at its next report."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    async def stop(self, grace_s: float) -> None:
        """Ask it to stop, and kill it with all its children where that takes too long."""
        self.ask_to_stop()
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill it and its children at once."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def _reap(self) -> None:
        """Kill what it leaves behind: its children would hold its output open for ever.

        In a thread, as asyncio's own `wait` waits for that output too.
        """
        pid = self._process.pid
        with contextlib.suppress(ChildProcessError):  # asyncio has seen its end first
            await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            tail = self._log.read_bytes()[-2000:].decode("utf-8", "replace").strip().splitlines()
            if tail:
                return f"its log {self._log} ends with: {tail[-1][:300]}"
        return f"it wrote nothing to {self._log}"
