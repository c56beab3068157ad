"""A fake Resolve with a clip of real frames, a stand-in for the helper, and both scripts."""

import importlib
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.resolve.fake_media import FakeItem
from tests.hosts.resolve.fake_resolve import FakeResolve
from tests.hosts.resolve.lua_bridge import Lua
from tests.support.paths import REPO

PLUGIN = REPO / "hosts" / "resolve"

HELPER = '''#!{python} -ISE
"""Stands in for faceplate-client: `behave` beside it says how."""
import json, os, sys, time
here = os.path.dirname(__file__) + "/"
words = sys.argv[1:]
words = words[words.index("--home") + 2:]
while words[0].startswith("--"):
    words = words[2:]
behave = json.load(open(here + "behave"))
with open(here + "commands", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
def say(event, **values):
    print(json.dumps(dict(values, event=event)), flush=True)
def path(pattern, number):
    folder, name = os.path.split(pattern)
    return os.path.join(folder, name % number)
def work(verb, job, values):
    if behave.get("error") == verb:
        say("error", job=job, code="OutsideRoots", message="the plate is outside of the roots",
            hint="Ask whoever runs the server.", request_id="abc123", exit_code=6)
        sys.exit(6)
    if behave.get("away") == verb:
        say("error", code="Unreachable", message="no Faceplate server answers", exit_code=8)
        sys.exit(8)
    if behave.get("die") == verb:
        sys.stderr.write("Segmentation fault\\n")
        sys.exit(139)
    first, last = map(int, values["frames"].split("-"))
    count = last - first + 1
    for _ in range(1000 if behave.get("hold") == verb else 0):
        if os.path.exists(here + "gate"):
            break
        say("heartbeat", job=job, state="running")
        if os.path.exists(here + "cancelled"):
            say("cancelled", job=job, code="Cancelled", message="cancelled")
            sys.exit(130)
        time.sleep(0.02)
    say("progress", job=job, title=verb, done=count, total=count)
    if verb == "analyse":
        open(values["out"], "w").write("track")
        return dict(frames=count, frames_with_face=count)
    os.makedirs(os.path.dirname(values["out"]), exist_ok=True)
    for number in range(first, last + 1 - behave.get("lose", 0)):
        with open(path(values["out"], number), "wb") as out:
            out.write(open(path(values["plate"], number), "rb").read())
    return dict(swapped=count)
if words[0] == "cancel":
    open(here + "cancelled", "w")
    say("job", job=words[1])
elif words[0] == "submit":
    verb, values = words[1], json.load(open(words[3]))
    job = "%s-%d" % (verb, sum(name.endswith(".job") for name in os.listdir(here)))
    with open(here + job + ".job", "w") as kept:
        kept.write(json.dumps([verb, values]))
    say("submitted", job=job)
    say("done", job=job, result=work(verb, job, values))
elif words[0] == "watch":
    verb, values = json.load(open(here + words[1] + ".job"))
    say("done", job=words[1], result=work(verb, words[1], values))
'''


class Stage:
    """A fake Resolve, a home folder and a helper, for scripts in either language."""

    def __init__(self, folder: Path, language: str, resolve: FakeResolve) -> None:
        self.folder, self.language, self.resolve = folder, language, resolve
        self.home = folder / "home"
        self.lines: list[str] = []
        self.fast_clock = False
        """A second of Lua lasts ten milliseconds."""
        self.quick = True
        """Wait for less than the plug-in would."""
        self.environ = {
            "FACEPLATE_HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
        }
        self.helper = folder / "bin" / "faceplate-client"
        self.helper.parent.mkdir()
        self.helper.write_text(HELPER.format(python=sys.executable))
        self.helper.chmod(self.helper.stat().st_mode | stat.S_IXUSR)
        self.behave()
        self.set(model=str(folder / "model"), client=str(self.helper), handles=0)

    def set(self, **values: Any) -> None:
        """Write settings over those that are there."""
        path = self.home / "resolve" / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        before = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**before, **values}))

    def behave(self, **how: Any) -> None:
        """Say how the helper behaves."""
        (self.helper.parent / "behave").write_text(json.dumps(how))

    @property
    def commands(self) -> list[list[str]]:
        """What the helper was called with, without the words that say where the server is."""
        lines = (self.helper.parent / "commands").read_text().splitlines()
        return [words[words.index("--home") + 2 :] for words in map(json.loads, lines)]

    @property
    def shot(self) -> Path:
        """Folder of the shot."""
        return self.home / "resolve" / "shots" / "Feature_One" / "SH010"

    @property
    def state(self) -> dict[str, Any]:
        """What job.json says."""
        return dict(json.loads((self.shot / "job.json").read_text()))

    def submitted(self, verb: str) -> dict[str, Any]:
        """Return the settings with which a job was submitted."""
        return self.submitted_in(self.home / "resolve" / "shots", verb)

    def submitted_in(self, work: Path, verb: str) -> dict[str, Any]:
        """Return the same, where another folder holds the work."""
        text = (work / "Feature_One" / "SH010" / f"{verb}.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    def __call__(self) -> bool:
        """Run the script as Resolve's menu does; returns whether it is all done."""
        self.lines.clear()
        done = run_lua(self) if self.language == "lua" else run_python(self)
        assert self.resolve.trouble.broken == []
        return done

    @property
    def said(self) -> str:
        """All lines of the last run."""
        return "\n".join(self.lines)


def run_python(stage: Stage) -> bool:
    """Run the Python plug-in."""
    swap = python_plugin("swap")
    python_plugin("client").POLL_S = python_plugin("render").POLL_S = 0.02
    return bool(swap.main(stage.resolve, stage.lines.append, stage.environ))


def run_lua(stage: Stage) -> bool:
    """Run the script in Lua."""
    lua = Lua(stage.environ, stage.lines)
    lua.give("resolve", stage.resolve)
    if stage.quick:
        lua.give("bmd", {"wait": lambda seconds: time.sleep(min(seconds, 0.02))})
    if stage.fast_clock:
        lua.runtime.globals().os.time = lambda: int(time.time() * 100)
    return bool(lua.run(PLUGIN / "Faceplate Swap.lua"))


def python_plugin(name: str) -> Any:
    """Import a module of the plug-in."""
    if str(PLUGIN) not in sys.path:
        sys.path.append(str(PLUGIN))
    return importlib.import_module(f"faceplate_resolve.{name}")


@pytest.fixture(params=["python", "lua"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(tmp_path: Path, language: str) -> Iterator[Stage]:
    """Twelve frames of the rendered shot under the playhead of Studio."""
    made = Stage(tmp_path, language, FakeResolve())
    yield made
    assert made.resolve.trouble.broken == []


@pytest.fixture
def plate(tmp_path: Path) -> str:
    """A pattern of twelve files from frame 1001; nobody here looks into them."""
    folder = tmp_path / "plates"
    folder.mkdir()
    for number in range(1001, 1013):
        (folder / f"B.{number}.exr").write_text(f"frame {number}")
    return str(folder / "B.%04d.exr")


@pytest.fixture
def clip(stage: Stage, plate: str) -> FakeItem:
    """The clip under the playhead: frames 1003 to 1010 of the plate."""
    return stage.resolve.clip(plate, (1001, 1012), left=2, length=8)


@pytest.fixture
def plugin() -> Callable[[str], Any]:
    return python_plugin
