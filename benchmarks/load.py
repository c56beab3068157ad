"""Clients and jobs on a real server while clients, workers and servers die and a disk fills.

N clients (processes of faceplate-client) submit M swaps each of the rendered shot. First in peace,
then while faults come: a client is killed, a worker, the server itself with -9 and started again.
Last, a job whose disk fills up (a small tmpfs of the server's own, where mounting is allowed), and
goes on when there is room. Nothing may be lost, nothing done twice, every file alike bit for bit.
"""

import argparse
import hashlib
import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.paths import MINI
from tests.support.swaps import consent_file, tiny_model, truth_track

from benchmarks.harness import Outcome
from faceplate.provenance.decisions import verify_log

__all__ = ["Report", "disk_full", "disturbed", "main", "undisturbed"]

SERVE = "import sys; from faceplate_server.app import main; sys.exit(main(sys.argv[1:]))"
FAULTS = ("client", "worker", "server")
PATIENCE = "120"


@dataclass
class Report:
    """What a run came to."""

    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    """Jobs that clients asked for, with those asked for again after their worker was killed."""
    doubled: int = 0
    """Jobs in the server's table beyond these."""
    lost: int = 0
    """Swaps that never came to their end."""
    frames: dict[str, str] = field(default_factory=dict)
    """File to sha256."""
    leftovers: int = 0
    """Half-written files."""
    decisions: int = 0
    """Lines of the log of decisions, whose chain is whole."""


class Place:
    """A folder with a shot, a model and a home, and the server that runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.out = folder, folder / "home", folder / "out"
        self.out.mkdir(parents=True)
        truth_track(folder / "B.json")
        tiny_model(folder / "tiny")
        consent_file(folder / "consent.json")
        self.server: subprocess.Popen[bytes] | None = None
        self.prefix: list[str] = []

    def start(self) -> None:
        """Start the server and wait until it listens."""
        words = ["--home", str(self.home), "--roots", str(self.folder), str(MINI)]
        words += ["--devices", "cpu", "cpu", "--threads", "1", "--address", f"unix:{self.home}/s"]
        words += ["--job-niceness", "0"]  # others share this machine
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self.folder / "serve.log").open("ab") as log:
            self.server = subprocess.Popen(
                [*self.prefix, sys.executable, "-c", SERVE, *words], stderr=log, env=environment
            )
        while not (self.home / "address").exists():
            time.sleep(0.05)
            if self.server.poll() is not None:
                raise RuntimeError((self.folder / "serve.log").read_text()[-2000:])

    def kill(self) -> None:
        """Kill the server outright."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()
        (self.home / "address").unlink(missing_ok=True)

    def stop(self) -> None:
        """Ask the server to stop."""
        assert self.server is not None
        self.server.terminate()
        self.server.wait()

    def words(self, name: str, feather: float, frames: str, out: Path) -> list[str]:
        """Return the settings of a swap as the helper takes them."""
        recipe = self.folder / f"{name}.recipe.json"
        recipe.write_text(json.dumps({"feather": feather}))
        given = {"plate": MINI / "B" / "B.%04d.exr", "track": self.folder / "B.json",
                 "model": self.folder / "tiny", "consent": self.folder / "consent.json",
                 "recipe": recipe, "out": out / "B.%04d.exr"}  # fmt: skip
        return [f"{key}={value}" for key, value in given.items()] + [f"frames={frames}"]

    def helper(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        """Start the helper."""
        command = [sys.executable, "-m", "faceplate_client.main", "--home", str(self.home)]
        command += ["--server", f"unix:{self.home}/s", "--patience", PATIENCE, "--client", name]
        return subprocess.Popen([*command, *words], stdout=subprocess.PIPE)

    def hashes(self) -> dict[str, str]:
        """Return the hash of every result."""
        files = sorted(self.out.rglob("*.exr"))
        return {str(f.relative_to(self.out)): _sha256(f) for f in files if f.name[0] != "."}

    def report(self, report: Report) -> Report:
        """Fill in what the folder says at the end."""
        report.frames = self.hashes()
        report.leftovers = len(list(self.out.rglob("*.part")))
        report.decisions = verify_log(self.home / "consent.log").lines
        with sqlite3.connect(self.home / "jobs.sqlite") as store:
            rows = store.execute("SELECT count(*) FROM jobs").fetchone()[0]
        report.doubled = rows - report.jobs
        return report


class Clients:
    """Threads, each of which has its swaps made one after the other, whatever happens."""

    def __init__(self, place: Place, clients: int, jobs: int, frames: str) -> None:
        self.place, self.report, self.frames = place, Report(), frames
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(f"client{n}", jobs)) for n in range(clients)
        ]
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether any is at work."""
        return any(thread.is_alive() for thread in self._threads)

    def run(self, disturb: Callable[["Clients"], None] | None = None) -> Report:
        """Let them work to the end."""
        began = time.monotonic()
        for thread in self._threads:
            thread.start()
        if disturb is not None:
            disturb(self)
        for thread in self._threads:
            thread.join()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _work(self, name: str, jobs: int) -> None:
        for number in range(jobs):
            if not self._swap(name, number):
                with self._lock:
                    self.report.lost += 1

    def _swap(self, name: str, number: int) -> bool:
        out = self.place.out / f"{name}-{number}"
        words = self.place.words(f"{name}-{number}", 3.0 + number, self.frames, out)
        for attempt in range(20):  # a new key only where a worker was killed: that job has ended
            with self._lock:
                self.report.jobs += 1
            code = self._to_the_end(name, f"{name}-{number}-{attempt}", words)
            if code == 0:
                return True
        return False

    def _to_the_end(self, name: str, key: str, words: list[str]) -> int:
        """Ask for one job until a helper lives to see its end."""
        while True:
            helper = self.place.helper(name, "submit", "swap", "--key", key, *words)
            self.running[name] = helper
            helper.communicate()
            if helper.returncode >= 0:
                return helper.returncode


def undisturbed(folder: Path, clients: int, jobs: int, frames: str) -> Report:
    """Run everything in peace."""
    place = Place(folder)
    place.start()
    report = Clients(place, clients, jobs, frames).run()
    place.stop()
    return place.report(report)


def disturbed(
    folder: Path, clients: int, jobs: int, frames: str, every_s: float, most: int = 6
) -> Report:
    """Run everything while a fault comes every few seconds, `most` of them."""
    place, rng = Place(folder), random.Random(1)
    place.start()

    def disturb(all_of_them: Clients) -> None:
        for fault in itertools.cycle(FAULTS):
            until = time.monotonic() + every_s
            while time.monotonic() < until and all_of_them.alive:
                time.sleep(0.05)
            if not all_of_them.alive or all_of_them.report.faults.total() >= most:
                return
            if _inject(fault, all_of_them, rng):
                all_of_them.report.faults[fault] += 1

    report = Clients(place, clients, jobs, frames).run(disturb)
    place.stop()
    return place.report(report)


def disk_full(folder: Path) -> dict[str, Any] | None:
    """Fill the disk under a job, make room, and let it go on; None where nothing can be mounted."""
    place = Place(folder)
    mount = f'mount -t tmpfs -o size=3m tmpfs {place.out} && exec "$@"'
    place.prefix = ["unshare", "-rm", "sh", "-c", mount, "sh"]
    if subprocess.run([*place.prefix, "true"], capture_output=True, check=False).returncode:
        return None
    place.start()
    assert place.server is not None
    inside = Path(f"/proc/{place.server.pid}/root{place.out}")
    (inside / "filler").write_bytes(bytes(2 << 20))
    words = place.words("full", 3.0, "1001-1004", place.out)
    full = place.helper("artist", "submit", "swap", *words)
    said = json.loads(full.communicate()[0].splitlines()[-1])
    kept = {f.name: _sha256(f) for f in inside.glob("B.*.exr")}
    leftovers = len(list(inside.glob(".*")))
    (inside / "filler").unlink()
    again = place.helper("artist", "submit", "swap", *words)
    done = json.loads(again.communicate()[0].splitlines()[-1])
    frames = {f.name: _sha256(f) for f in sorted(inside.glob("B.*.exr"))}
    place.stop()
    return {"code": said.get("code"), "exit": full.returncode, "kept": kept, "frames": frames,
            "leftovers": leftovers, "again": again.returncode, "done": done["event"]}  # fmt: skip


def main() -> int:
    """Run the benchmark; 1 where anything was lost, done twice, or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=4, help="swaps of each client")
    parser.add_argument("--frames", default="1001-1012", help="of each swap")
    parser.add_argument("--faults", type=int, default=9, help="at most")
    parser.add_argument("--every", type=float, default=4.0, help="seconds between faults")
    options = parser.parse_args()
    asked = (options.clients, options.jobs, options.frames)
    with _folder() as calm, _folder() as wild, _folder() as small:
        still = undisturbed(calm / "p", *asked)
        rough = disturbed(wild / "p", *asked, every_s=options.every, most=options.faults)
        full = disk_full(small / "p")
    return 0 if _finish(still, rough, full).passed else 1


def _finish(still: Report, rough: Report, full: dict[str, Any] | None) -> Outcome:
    differing = _differing(still.frames, rough.frames)
    for name, report in (("undisturbed", still), ("with faults", rough)):
        print(f"{name}: {report.seconds:.0f} s, {report.jobs} jobs, {len(report.frames)} frames")
        faults = ", ".join(f"{what} killed {count}x" for what, count in report.faults.items())
        print(f"  {faults or 'no fault'}; swaps lost {report.lost}, jobs doubled {report.doubled},")
        print(f"  half-written files {report.leftovers}, log of {report.decisions} decisions whole")
    print(f"frames that differ from the undisturbed run, or lack: {differing}")
    bad = differing + rough.lost + rough.doubled + rough.leftovers + still.lost + still.doubled
    if full is None:
        print("disk full: not run, as nothing can be mounted here")
    else:
        same = {name: sha for name, sha in full["frames"].items() if full["kept"].get(name) == sha}
        wrong = (full["code"], full["exit"], full["again"]) != ("DiskFull", 7, 0)
        wrong = wrong or len(full["frames"]) != 4 or same != full["kept"] or full["leftovers"] > 0
        print(
            f"disk full (tmpfs of 3 MiB): {full['code']}, exit {full['exit']}; then room: exit ",
            end="",
        )
        print(f"{full['again']}, {len(full['kept'])} frames kept, {len(full['frames'])} there")
        bad += wrong
    kinds = sum(count > 0 for count in rough.faults.values())
    passed = not bad and kinds == len(FAULTS)  # a run that was over sooner has shown less
    outcome = Outcome("load", kinds, len(FAULTS), bad, 0, passed)
    print(json.dumps(outcome.__dict__))
    return outcome


def _differing(one: dict[str, str], other: dict[str, str]) -> int:
    return sum(one.get(name) != other.get(name) for name in {*one, *other})


def _inject(fault: str, clients: Clients, rng: random.Random) -> bool:
    place = clients.place
    if fault == "server":
        place.kill()
        place.start()
        return True
    if fault == "client":
        alive = [helper for helper in clients.running.values() if helper.poll() is None]
        return bool(alive) and _kill(rng.choice(alive).pid)
    workers = [pid for pid in _workers(place)]
    return bool(workers) and _kill(rng.choice(workers))


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _workers(place: Place) -> list[int]:
    asked = place.helper("faults", "status")
    status = json.loads(asked.communicate()[0].splitlines()[-1])
    return [each["pid"] for each in status.get("workers", ()) if each["role"] != "engine room"]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fp") as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
