"""The plug-in compiles, imports and does its own work in each Python of Nuke, 3.9 to 3.13."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.paths import REPO

PLUGIN = REPO / "hosts" / "nuke"
FILES = sorted(PLUGIN.rglob("*.py"))
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")

IMPORT_ALL = """
import importlib, pkgutil, sys, types
sys.path.insert(0, sys.argv[1])
sys.modules["nuke"] = types.ModuleType("nuke")
import faceplate_nuke
names = [each.name for each in pkgutil.iter_modules(faceplate_nuke.__path__)]
for name in names: importlib.import_module("faceplate_nuke." + name)
inside = {"nuke", "faceplate_nuke", "__main__"}
tops = {name.partition(".")[0] for name, module in sys.modules.items()
        if getattr(module, "__file__", None) and "site-packages" in module.__file__}
print(len(names), sorted(tops - inside))
"""


def interpreter(version: str) -> str:
    """Return a Python of a version, or skip and say which is absent."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(root.glob(f"{version}.*/bin/python"))
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    on_path = shutil.which(f"python{version}")
    if not found and not on_path:
        pytest.skip(f"Python {version} is not on this machine (neither pyenv nor PATH)")
    return str(found[-1]) if found else str(on_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_compiles_and_imports_without_a_warning(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    shutil.copytree(PLUGIN, tmp_path / "nuke", ignore=shutil.ignore_patterns("__pycache__"))
    compiled = subprocess.run(
        [python, "-W", "error", "-m", "compileall", "-q", "-f", tmp_path / "nuke"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stdout
    done = subprocess.run(
        [python, "-W", "error", "-I", "-S", "-c", IMPORT_ALL, tmp_path / "nuke"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    count, others = done.stdout.split(maxsplit=1)
    assert int(count) == len(FILES) - 3  # without init.py, menu.py and __init__.py
    assert others.strip() == "[]"


@pytest.mark.parametrize(
    "version",
    ["3.9", "3.13", *(pytest.param(each, marks=pytest.mark.slow) for each in ("3.10", "3.12"))],
)
def test_its_pure_parts_work_in_this_python(version: str) -> None:
    done = subprocess.run(
        [interpreter(version), "-W", "error", Path(__file__).with_name("test_pure.py")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    ran = re.search(r"Ran (\d+) tests", done.stderr)
    assert ran is not None
    assert int(ran[1]) >= 28


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_but_the_standard_library_is_imported(path: Path) -> None:
    allowed = {"nuke", "faceplate_nuke"} | (sys.stdlib_module_names - {"tkinter", "pickle"})
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add((node.module or "").partition(".")[0])

    assert found - allowed == set()
    assert not re.search(r"PySide|PyQt|QtWidgets|QtCore|QtGui", path.read_text())


def test_files_stay_short_enough_to_read() -> None:
    assert {path.name: len(path.read_text().splitlines()) for path in FILES if
            len(path.read_text().splitlines()) > 400} == {}  # fmt: skip


def test_only_its_own_folder_is_put_on_the_path() -> None:
    found = [
        (path.name, line.strip())
        for path in FILES
        for line in path.read_text().splitlines()
        if "sys.path" in line
    ]

    assert sorted(name for name, _ in found) == ["batch.py", "init.py", "init.py"]
    assert all("_here" in line or "__file__" in line for _, line in found)
