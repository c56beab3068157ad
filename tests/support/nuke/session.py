"""A session of the fake Nuke with the real plug-in in it, and a shot of the repository."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.nuke.host import Host, Module
from tests.support.nuke.table import ApiError
from tests.support.paths import MINI, REPO

__all__ = ["FOLDER", "Session", "session"]

FOLDER = REPO / "hosts" / "nuke"


class Session:
    """A Nuke that runs, its plug-in loaded as init.py does."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.actions: Any = importlib.import_module("faceplate_nuke.actions")
        self.jobs: Any = importlib.import_module("faceplate_nuke.jobs")
        self.nuke: Any = sys.modules["nuke"]

    def run(self, name: str) -> None:
        """Run init.py or menu.py as Nuke does."""
        path = FOLDER / name
        exec(compile(path.read_text(), str(path), "exec"), {"__file__": str(path)})  # noqa: S102

    def read(self, pattern: str, first: int, last: int, space: str = "linear") -> Any:
        """Make a Read and select it."""
        node = self.nuke.nodes.Read()
        node["file"].setValue(pattern)
        for knob, value in (("first", first), ("last", last)):
            node[knob].setValue(value)
        node["colorspace"].setValue(space)
        for each in self.host.root_node.nodes():
            each.setSelected(each is node)
        return node

    def plate(self, last: int = 1012) -> Any:
        """Make a Read of the bundled plate."""
        return self.read(f"{MINI}/B/B.%04d.exr", 1001, last)

    def wait(self, run: Any, seconds: float = 240.0) -> Any:
        """Be the GUI until a piece of work is over; returns it."""
        assert run is not None, self.host.messages
        if self.host.gui:
            self.host.pump(lambda: run not in self.jobs._RUNS, seconds)
            self.host.pump(lambda: self.host._calls.empty())
        return run


@contextmanager
def session(gui: bool = True) -> Iterator[Session]:
    """Run a session; whatever Nuke would have refused in it fails the test."""
    ApiError.seen.clear()
    module = Module()
    kept = {name: found for name, found in sys.modules.items() if name.startswith("faceplate_nuke")}
    for name in kept:
        del sys.modules[name]
    sys.modules["nuke"] = module
    sys.path.insert(0, str(FOLDER))
    try:
        yield Session(Host(module, gui))
        assert ApiError.seen == []
    finally:
        sys.path.remove(str(FOLDER))
        del sys.modules["nuke"]
        for name in [name for name in sys.modules if name.startswith("faceplate_nuke")]:
            del sys.modules[name]


def client_program() -> Path:
    """Return the helper of this environment."""
    return Path(sys.executable).parent / "faceplate-client"
