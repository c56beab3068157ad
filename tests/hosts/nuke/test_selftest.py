"""The self test finds what holds and what does not, and leaves the script as it was."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.session import Session

from faceplate.commands.selftest import SelfTest, self_test
from faceplate.context import Context


def run_script(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write the script as an artist does, run it as Nuke does, and return its report."""
    monkeypatch.setenv("FACEPLATE_REPORT", str(tmp_path / "report"))
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "temp"))
    written = self_test(SelfTest("nuke", str(tmp_path / "t.py")), Context(home=tmp_path))
    exec(compile(Path(written.script).read_text(), "t.py", "exec"), {})  # noqa: S102
    report = tmp_path / "report" / "report.json"
    if session.host.gui:
        session.host.pump(lambda: bool(session.host.messages))
    assert "checks passed" in (tmp_path / "report" / "report.txt").read_text()
    return json.loads(report.read_text())


def test_without_a_helper_everything_else_is_still_checked(
    terminal: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_CLIENT", "/nowhere/faceplate-client")
    terminal.run("init.py")
    terminal.host.is_modified = False
    report = run_script(terminal, tmp_path, monkeypatch)
    checks = {check["name"]: check["passed"] for check in report["checks"]}

    assert checks == {
        "versions": True, "helper": False, "server": False, "models": False, "OCIO": True,
        "node": True, "gizmo": True, "defaults and paths": True, "render and read": True,
        "threads": True,
    }  # fmt: skip
    assert report["passed"] is False
    assert terminal.nuke.allNodes() == []
    assert terminal.host.is_modified is False
    assert terminal.host.undo == []


@pytest.mark.slow
def test_with_a_server_all_of_it_passes(
    gui: Session, reached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gui.run("init.py")
    plate = gui.plate()
    gui.host.undo.clear()
    gui.host.is_modified = False
    report = run_script(gui, tmp_path, monkeypatch)

    assert [check["said"] for check in report["checks"] if not check["passed"]] == []
    assert report["passed"] is True
    assert "10 of 10 checks passed" in gui.host.messages[-1]
    assert gui.nuke.allNodes() == [plate]
    assert gui.nuke.selectedNodes() == [plate]
    assert gui.host.is_modified is False
    assert gui.host.undo == []
