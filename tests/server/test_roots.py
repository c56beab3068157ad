import os
from pathlib import Path

import pytest

from faceplate.errors import BadSettings, OutsideRoots
from faceplate_server.roots import Roots


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    for name in ("show", "cache", "other"):
        (tmp_path / name).mkdir()
    return Roots([tmp_path / "show", tmp_path / "cache"])


@pytest.mark.parametrize("path", ["a/b.exr", "new/deep/%04d.exr", "ACEScg", "a/../b", "."])
def test_relative_paths_start_from_the_first_root(roots: Roots, path: str) -> None:
    assert roots.check(path, "plate").is_relative_to(roots.first)


def test_every_root_is_allowed_with_all_below(roots: Roots) -> None:
    for folder in roots.folders:
        assert folder / "a" / "b" == roots.check(f"{folder}/a/b", "plate")


@pytest.mark.parametrize("path", ["../other/a", "/", "/etc/passwd", "a/../../other", "../showcase"])
def test_what_lies_outside_is_refused_and_the_setting_named(roots: Roots, path: str) -> None:
    with pytest.raises(OutsideRoots, match="plate: "):
        roots.check(path, "plate")


@pytest.mark.parametrize(
    "path", ["https://host/a.mov", "file:/etc/passwd", "concat:/a|/b", "~/a", "~root/a", "a\0b"]
)
def test_addresses_of_other_kinds_are_no_paths(roots: Roots, path: str) -> None:
    with pytest.raises(BadSettings, match="plain path"):
        roots.check(path, "plate")


def test_links_are_followed_before_they_are_judged(roots: Roots, tmp_path: Path) -> None:
    (roots.first / "out").symlink_to(tmp_path / "other")
    (roots.first / "in").symlink_to(tmp_path / "cache")

    assert tmp_path / "cache" / "x" == roots.check("in/x", "plate")
    with pytest.raises(OutsideRoots):
        roots.check("out/x", "plate")


@pytest.mark.parametrize("pattern", ["f.%04d.exr", "f.####.exr", "f.@@@@.exr", "f.%d.exr"])
def test_frames_that_are_links_to_the_outside_are_refused(
    roots: Roots, tmp_path: Path, pattern: str
) -> None:
    (roots.first / "f.1001.exr").touch()
    (roots.first / "f.1002.exr").symlink_to(tmp_path / "other" / "f.exr")
    (roots.first / "f.mov").symlink_to(tmp_path / "other" / "f.mov")

    with pytest.raises(OutsideRoots, match=r"f\.exr"):
        roots.check(pattern, "plate")


def test_entries_of_a_folder_that_are_links_to_the_outside_are_refused(
    roots: Roots, tmp_path: Path
) -> None:
    (roots.first / "plate").mkdir()
    (roots.first / "plate" / "a.exr").symlink_to(tmp_path / "other" / "a.exr")

    with pytest.raises(OutsideRoots):
        roots.check("plate", "plate")


def test_a_root_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert tmp_path / "real" / "a" == Roots([tmp_path / "link"]).check("a", "plate")


def test_settings_are_checked_all_the_way_down(roots: Roots) -> None:
    roots.check_settings({"a": "x", "b": ["y", {"c": ""}], "ocio": "ocio://default", "n": 1})
    for settings in ({"a": "/etc"}, {"a": ["x", "/etc"]}, {"a": {"b": {"c": "/etc"}}}):
        with pytest.raises(OutsideRoots):
            roots.check_settings(settings)


def test_roots_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="at least one"):
        Roots([])
    with pytest.raises(BadSettings, match="not a folder"):
        Roots([tmp_path / "absent"])


def test_what_is_neither_file_nor_folder_is_refused_before_anybody_waits_for_it(
    tmp_path: Path,
) -> None:
    roots = Roots([tmp_path])
    os.mkfifo(tmp_path / "pipe.json")
    os.mkfifo(tmp_path / "p.0001.exr")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    for name in ("pipe.json", "p.%04d.exr", "", "loop", "n" * 300, "d/" * 3000):
        with pytest.raises(BadSettings):
            roots.check(name, "plate")


def test_every_link_in_a_tree_stays_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "model" / "saves").mkdir(parents=True)
    roots = Roots([root])
    assert roots.check_tree(root / "model", "model") == root / "model"
    (root / "model" / "saves" / "w").symlink_to(tmp_path / "outside")
    with pytest.raises(OutsideRoots):
        roots.check_tree(root / "model", "model")


@pytest.mark.parametrize(
    "path",
    [
        "/proc/self/root/etc/passwd", "//etc/passwd", "/./etc/passwd", "a/./../../other",
        "link/../../other", "a//../..//other",
    ],
)  # fmt: skip
def test_detours_lead_outside_as_plain_ways_do(roots: Roots, path: str) -> None:
    (roots.first / "link").symlink_to(roots.first)
    with pytest.raises(OutsideRoots):
        roots.check(path, "plate")


def test_a_link_to_the_process_own_files_is_no_way_out(roots: Roots) -> None:
    (roots.first / "root").symlink_to("/proc/self/root")
    with pytest.raises(OutsideRoots):
        roots.check("root/etc/passwd", "plate")


@pytest.mark.parametrize("path", ["\\\\server\\share\\a.exr", "C:\\plates\\a.exr", "C:/plates/a"])
def test_names_of_another_system_are_plain_names_here(roots: Roots, path: str) -> None:
    assert roots.check(path, "plate").is_relative_to(roots.first)


def test_a_link_that_is_turned_is_judged_anew(roots: Roots, tmp_path: Path) -> None:
    link = roots.first / "out"
    link.symlink_to(tmp_path / "cache")
    assert roots.check("out/x", "out") == tmp_path / "cache" / "x"
    link.unlink()
    link.symlink_to(tmp_path / "other")

    with pytest.raises(OutsideRoots):
        roots.check("out/x", "out")
