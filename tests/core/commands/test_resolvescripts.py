"""The scripts that Resolve's menu shows, and where they go."""

import subprocess
import sys
from pathlib import Path

import pytest
from lupa import luajit21
from tests.support.paths import REPO

from faceplate.cli import main
from faceplate.commands.install import TARGETS, Install, Uninstall, install, uninstall
from faceplate.commands.resolvescripts import (
    resolve_pieces,
    scripts_folder,
    shared_scripts_folder,
)
from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged, Refused


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(home=tmp_path / "home")


@pytest.mark.parametrize(
    ("platform", "own", "shared"),
    [
        ("linux", "/u/.local/share/DaVinciResolve/Fusion/Scripts", "/opt/resolve/Fusion/Scripts"),
        (
            "darwin",
            "/u/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
            "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
        ),
        (
            "win32",
            "R:/app/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
            "P:/data/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
        ),
    ],
)
def test_each_system_has_its_folders(platform: str, own: str, shared: str) -> None:
    environ = {"APPDATA": "R:/app", "PROGRAMDATA": "P:/data"}

    assert scripts_folder(platform, environ, Path("/u")) == Path(own)
    assert shared_scripts_folder(platform, environ) == Path(shared)


def test_both_scripts_are_written_and_know_where_they_come_from(
    tmp_path: Path, context: Context
) -> None:
    result = install(Install("resolve", str(tmp_path / "Scripts")), context)

    utility = tmp_path / "Scripts" / "Utility"
    assert result.done == (
        f"wrote {utility}/Faceplate Swap.lua",
        f"wrote {utility}/Faceplate Swap.py",
    )
    assert sorted(path.name for path in utility.iterdir()) == [
        "Faceplate Swap.lua",
        "Faceplate Swap.py",
    ]
    for path in utility.iterdir():
        assert f'FOLDER = "{REPO.as_posix()}/hosts/resolve"' in path.read_text()
        assert f'CLIENT = "{Path(sys.executable).parent}/faceplate-client"' in path.read_text()
    assert "Workspace > Scripts > Faceplate Swap" in result.next


def test_the_installed_scripts_find_the_plug_in(tmp_path: Path, context: Context) -> None:
    install(Install("resolve", str(tmp_path)), context)
    script = tmp_path / "Utility" / "Faceplate Swap.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script)], capture_output=True, text=True, check=True
    )
    lines: list[str] = []
    lua = luajit21.LuaRuntime()
    lua.globals().print = lines.append
    lua.globals().dofile(str(tmp_path / "Utility" / "Faceplate Swap.lua"))

    assert "Resolve does not answer" in done.stdout
    assert "Resolve does not answer" in lines[0]


def test_uninstalling_leaves_nothing_and_nothing_else_is_touched(
    tmp_path: Path, context: Context
) -> None:
    (tmp_path / "Utility").mkdir()
    mine = tmp_path / "Utility" / "Mine.lua"
    mine.write_text("print(1)\n")
    install(Install("resolve", str(tmp_path)), context)
    install(Install("resolve", str(tmp_path)), context)
    result = uninstall(Uninstall("resolve", str(tmp_path)), context)

    assert list((tmp_path / "Utility").iterdir()) == [mine]
    assert [line.split()[0] for line in result.done] == ["removed", "removed"]
    assert "no file of ours" in uninstall(Uninstall("resolve", str(tmp_path)), context).done[0]


def test_a_script_of_the_same_name_that_is_not_ours_is_left_alone(
    tmp_path: Path, context: Context
) -> None:
    (tmp_path / "Utility").mkdir()
    mine = tmp_path / "Utility" / "Faceplate Swap.py"
    mine.write_text("print('mine')\n")

    with pytest.raises(Refused, match="is not ours"):
        install(Install("resolve", str(tmp_path)), context)
    assert not (tmp_path / "Utility" / "Faceplate Swap.lua").exists()
    assert mine.read_text() == "print('mine')\n"


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "resolve", "--dir", str(tmp_path / "new"), "--dry-run"]) == 0
    assert "(dry run) wrote" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


def test_all_users_have_a_folder_where_the_host_has_one(context: Context) -> None:
    result = install(Install("resolve", all_users=True, dry_run=True), context)

    assert result.dir == str(shared_scripts_folder())
    with pytest.raises(BadSettings, match="has no folder that all users share"):
        install(Install("nuke", all_users=True, dry_run=True), context)


def test_a_script_that_was_changed_is_said(tmp_path: Path) -> None:
    for name in ("Faceplate Swap.lua", "Faceplate Swap.py"):
        (tmp_path / name).write_text('FOLDER = "x"  # `faceplate install resolve` fills it in\n')

    with pytest.raises(Damaged, match="install Faceplate again"):
        resolve_pieces(tmp_path, tmp_path)
    assert TARGETS["resolve"].shared is shared_scripts_folder
