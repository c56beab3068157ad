from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.filled import ANSWER
from tests.support.nuke.session import Session, client_program, session
from tests.support.paths import MINI
from tests.support.servers import fake_settings, running_server


@pytest.fixture
def gui() -> Iterator[Session]:
    """Nuke with a GUI, the plug-in in it."""
    with session() as found:
        yield found


@pytest.fixture
def terminal() -> Iterator[Session]:
    """`nuke -t`, the plug-in in it."""
    with session(gui=False) as found:
        yield found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("n")


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Any]:
    """A real server, whose verbs are those of `tests.support.nuke.verbs`."""
    settings = fake_settings(root, roots=(str(root), str(MINI)), watch_grace_s=2.0)
    verbs, engine = "tests.support.nuke.verbs:VERBS", "tests.support.nuke.verbs:Room"
    with running_server(settings, verbs, engine) as client:
        yield client


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch, root: Path, server: Any, tmp_path: Path) -> Path:
    """The environment of a Nuke whose helper reaches that server; returns a folder of its own."""
    monkeypatch.setenv("FACEPLATE_CLIENT", str(client_program()))
    monkeypatch.setenv("FACEPLATE_HOME", str(root / "home"))
    monkeypatch.setenv("FACEPLATE_SERVER", str(server.address))
    monkeypatch.delenv("OCIO", raising=False)
    own = root / tmp_path.name
    own.mkdir()
    monkeypatch.setenv("NUKE_TEMP_DIR", str(own / "temp"))
    return own


@pytest.fixture
def node(gui: Session, tmp_path: Path) -> Any:
    """A node behind a plate, filled, of a script that was saved."""
    from faceplate_nuke import node as nodes

    gui.host.script = str(tmp_path / "comp.nk")
    gui.plate()
    made = nodes.create()
    nodes.fill(made, ANSWER)
    gui.host.undo.clear()
    return made
