"""The self test is written as a script that a host can run."""

from pathlib import Path

import pytest

from faceplate.cli import main
from faceplate.commands.install import hosts_folder
from faceplate.commands.selftest import SELFTESTS, SelfTest, self_test
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, UnknownComponent


def test_a_script_is_written_that_finds_the_plug_in(tmp_path: Path) -> None:
    out = tmp_path / "check.py"
    result = self_test(SelfTest("nuke", str(out)), Context(home=tmp_path))

    text = out.read_text()
    compile(text, str(out), "exec")
    assert hosts_folder("nuke").as_posix() in text
    assert result.script == str(out)
    assert any(f"nuke -t {out}" in way for way in result.run)


def test_it_can_be_shown_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["selftest", "nuke", "--show"]) == 0
    assert "selftest.show(" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert main(["selftest", "nuke"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [SELFTESTS["nuke"].file]


def test_what_cannot_be_is_an_error(tmp_path: Path) -> None:
    context = Context(home=tmp_path)
    with pytest.raises(UnknownComponent, match="nuke"):
        self_test(SelfTest("maya"), context)
    with pytest.raises(BadSettings, match=r"ends in \.py"):
        self_test(SelfTest("nuke", str(tmp_path / "x.txt")), context)
    with pytest.raises(NotFound):
        self_test(SelfTest("nuke", str(tmp_path / "no" / "x.py")), context)
