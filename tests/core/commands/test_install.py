"""A plug-in goes into a host's folder as one line, and comes out leaving every byte as it was."""

from pathlib import Path

import pytest
from tests.support.paths import REPO

from faceplate.cli import main
from faceplate.commands.install import TARGETS, Install, Uninstall, hosts_folder, install, uninstall
from faceplate.commands.pieces import MarkedLine, OwnFile
from faceplate.context import Context
from faceplate.errors import NotFound, Refused, UnknownComponent


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(home=tmp_path / "home")


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_one_line_points_nuke_at_the_plug_in(tmp_path: Path, context: Context) -> None:
    (tmp_path / "init.py").write_text("import mine\n")

    result = install(Install("nuke", str(tmp_path)), context)

    first, line = lines(tmp_path / "init.py")
    assert first == "import mine"
    assert f"nuke.pluginAddPath('{REPO.as_posix()}/hosts/nuke')" in line
    assert line.endswith("# faceplate install nuke")
    assert result.done == (f"added one line to {tmp_path}/init.py: {line}",)
    assert (hosts_folder("nuke") / "menu.py").is_file()


def test_installing_twice_is_installing_once(tmp_path: Path, context: Context) -> None:
    install(Install("nuke", str(tmp_path)), context)
    once = (tmp_path / "init.py").read_bytes()
    result = install(Install("nuke", str(tmp_path)), context)

    assert (tmp_path / "init.py").read_bytes() == once
    assert "already" in result.done[0]


def test_a_moved_installation_changes_its_own_line_only(tmp_path: Path) -> None:
    path = tmp_path / "init.py"
    path.write_text("a = 1\n")
    MarkedLine(path, "old", "# mark").put(dry_run=False)
    path.write_text(path.read_text() + "b = 2\n")
    MarkedLine(path, "new", "# mark").put(dry_run=False)

    assert lines(path) == ["a = 1", "new  # mark", "b = 2"]


def test_a_dry_run_says_and_writes_nothing(tmp_path: Path, context: Context) -> None:
    result = install(Install("nuke", str(tmp_path / "new"), dry_run=True), context)

    assert result.done[0].startswith("(dry run) made ")
    assert not (tmp_path / "new").exists()


def test_a_file_that_was_made_for_the_line_goes_with_it(tmp_path: Path, context: Context) -> None:
    install(Install("nuke", str(tmp_path / "new")), context)
    assert (tmp_path / "new" / "init.py").is_file()
    uninstall(Uninstall("nuke", str(tmp_path / "new")), context)

    assert not (tmp_path / "new" / "init.py").exists()


def test_an_empty_file_that_was_there_stays(tmp_path: Path, context: Context) -> None:
    (tmp_path / "init.py").touch()
    install(Install("nuke", str(tmp_path)), context)
    result = uninstall(Uninstall("nuke", str(tmp_path)), context)

    assert (tmp_path / "init.py").read_bytes() == b""
    assert "removed one line" in result.done[0]
    assert "no line of ours" in uninstall(Uninstall("nuke", str(tmp_path)), context).done[0]


@pytest.mark.parametrize(
    "before",
    [b"", b"a", b"a\n", b"\n\n", b"a\r\n", b"a\r\nb", b"a\r", b"\xff\x00\n\r\nx", b"# faceplate\n"],
)
def test_every_file_comes_back_byte_for_byte(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "any.txt"
    path.write_bytes(before)
    line = MarkedLine(path, "text", "# mark")
    line.put(dry_run=False)
    assert path.read_bytes() != before
    line.take_out(dry_run=False)

    assert path.read_bytes() == before


def test_a_hand_edited_file_keeps_all_that_is_the_artist_s(
    tmp_path: Path, context: Context
) -> None:
    path = tmp_path / "init.py"
    install(Install("nuke", str(tmp_path)), context)  # makes the file
    (line,) = lines(path)
    path.write_bytes(f"# mine\r\nif x:\r\n    y()\r\n{line}  \t\r\n  # after".encode())
    result = install(Install("nuke", str(tmp_path)), context)
    assert "up to date" in result.done[0]
    assert path.read_bytes().count(b"faceplate install nuke") == 1
    uninstall(Uninstall("nuke", str(tmp_path)), context)

    assert path.read_bytes() == b"# mine\r\nif x:\r\n    y()\r\n  # after"


def test_a_line_that_was_copied_or_switched_off_goes_whole(
    tmp_path: Path, context: Context
) -> None:
    path = tmp_path / "init.py"
    path.write_text("import mine\n")
    install(Install("nuke", str(tmp_path)), context)
    line = lines(path)[1]
    path.write_text(f"{line}\nimport mine\n# {line}\n\n")
    uninstall(Uninstall("nuke", str(tmp_path)), context)

    assert path.read_text() == "import mine\n\n"
    path.write_text(f"import mine\n{line.partition('#')[0]}\n")  # without its mark it is theirs
    assert "no line of ours" in uninstall(Uninstall("nuke", str(tmp_path)), context).done[0]


def test_a_link_stays_a_link_and_modes_stay(tmp_path: Path, context: Context) -> None:
    (tmp_path / "dotfiles").write_text("import mine")
    (tmp_path / "dotfiles").chmod(0o640)
    (tmp_path / "init.py").symlink_to(tmp_path / "dotfiles")
    install(Install("nuke", str(tmp_path)), context)

    assert (tmp_path / "init.py").is_symlink()
    assert "pluginAddPath" in (tmp_path / "dotfiles").read_text()
    assert (tmp_path / "dotfiles").stat().st_mode & 0o777 == 0o640


def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "Faceplate.lua"
    path.write_text("-- theirs")
    ours = OwnFile(path, "-- ours\n-- faceplate mark", "faceplate mark")
    with pytest.raises(Refused, match="is not ours"):
        ours.put(dry_run=True)
    assert "no file of ours" in ours.take_out(dry_run=False)
    path.unlink()

    assert ours.put(dry_run=False).startswith("wrote")
    assert "already" in ours.put(dry_run=False)
    assert ours.take_out(dry_run=False).startswith("removed")
    assert not path.exists()


def test_an_unknown_host_is_named_with_those_that_there_are(context: Context) -> None:
    with pytest.raises(UnknownComponent, match="nuke"):
        install(Install("maya"), context)


def test_a_lost_plug_in_is_an_error_that_says_where_it_was_looked_for() -> None:
    with pytest.raises(NotFound, match="hosts/absent"):
        hosts_folder("absent")


def test_every_target_has_its_plug_in_here() -> None:
    assert all(hosts_folder(name).is_dir() for name in TARGETS)


def test_the_command_line_installs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "nuke", "--dir", str(tmp_path), "--dry-run"]) == 0
    assert "(dry run) made" in capsys.readouterr().out
    assert main(["install", "nuke", "--dir", str(tmp_path)]) == 0
    assert main(["uninstall", "nuke", "--dir", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == []
