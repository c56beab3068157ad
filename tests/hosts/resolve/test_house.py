"""What the plug-in is made of: the standard library, Python 3.9 to 3.13, Lua 5.1."""

import ast
import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lupa import lua51, luajit21
from tests.hosts.resolve.conftest import PLUGIN, python_plugin
from tests.hosts.resolve.lua_bridge import Lua
from tests.hosts.resolve.recorded import API

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
PYTHON_FILES = sorted(PLUGIN.rglob("*.py"))
CLASSES = [one for one in API.values() if isinstance(one, dict)]
LUA_FILES = sorted(PLUGIN.rglob("*.lua"))

UNIT_RUN = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from faceplate_resolve import swap, spaces, comp, render, client, job, bring
from faceplate_resolve.edition import check_python, read_edition
from faceplate_resolve.errors import HostError
from faceplate_resolve.settings import load_settings, safe_name
from faceplate_resolve.source import Plate, Result
assert read_edition("DaVinci Resolve Studio", [21, 1, 0, 7, ""]).studio
try:
    check_python(read_edition("DaVinci Resolve", [21, 1, 0, 7, ""]))
except HostError as error:
    assert "Lua" in str(error)
else:
    raise SystemExit("not refused")
environ = {"FACEPLATE_HOME": sys.argv[2], "FACEPLATE_RESOLVE_MODEL": "/m"}
settings = load_settings("A/B", environ)
assert settings.handles == 8 and settings.full("x").endswith("/resolve/x")
plate = Plate("p.%04d.exr", 1001, 1004, 2, 1, True, "ACEScg")
assert plate.frames == "999-1005" and len(plate.numbers) == 7
result = Result(pathlib.Path("o.%04d.exr"), plate)
assert comp.loader_inputs(result, 0)["GlobalIn"] == -2
work = job.Work(pathlib.Path(sys.argv[2]) / "shot", "key")
work.keep_plate(plate)
assert json.loads((work.folder / "job.json").read_text())["plate"]["first"] == 1001
lines = []
assert not swap.main(None, lines.append, environ)
print(lines[0])
"""


def interpreter(version: str) -> str | None:
    """Return a Python of a version: of pyenv, on the PATH, or this one."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted((root / "versions").glob(f"{version}.*/bin/python")):
        return str(path)
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    return shutil.which(f"python{version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_compiles_imports_and_runs_it(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    compiled = "import sys; [compile(open(p, 'rb').read(), p, 'exec') for p in sys.argv[1:]]"
    for words in (
        [python, "-c", compiled, *map(str, PYTHON_FILES)],
        [python, "-W", "error", "-ISB", "-c", UNIT_RUN, str(PLUGIN), str(tmp_path)],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    assert "Resolve does not answer" in done.stdout


@pytest.mark.parametrize("name", ["settings"])
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    done = doctest.testmod(python_plugin(name))

    assert done.attempted > 0
    assert done.failed == 0


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level name of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module).partition(".")[0]


def test_it_imports_nothing_but_the_standard_library_and_itself() -> None:
    own = {"faceplate_resolve", "DaVinciResolveScript"}  # the latter is the host's
    found = {name for path in PYTHON_FILES for name in imported(path)}

    assert found - own - set(sys.stdlib_module_names) == set()
    assert found & {"socket", "socketserver", "http", "asyncio", "threading", "ctypes"} == set()


def test_only_the_adapter_calls_the_host() -> None:
    names = {name for kind in CLASSES for name in kind}
    found = [
        f"{path.name}: {node.attr}"
        for path in PYTHON_FILES
        if path.name not in ("host.py", "Faceplate Swap.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in names
    ]
    found += [
        f"{path.name}: {name}"
        for path in LUA_FILES
        if path.name != "host.lua"
        for name in re.findall(r":(\w+)\(", path.read_text())
        if name in names
    ]

    assert found == []


def test_both_adapters_call_the_same_functions() -> None:
    def called(name: str) -> set[str]:
        text = (PLUGIN / "faceplate_resolve" / name).read_text()
        return set(re.findall(r"[.:]([A-Z]\w+)\(", text))

    assert called("host.py") == called("host.lua")


def test_no_function_that_studio_alone_has_is_called() -> None:
    studio = {name for kind in CLASSES for name, one in kind.items() if one.get("studio")}
    used = {
        word
        for path in (*PYTHON_FILES, *LUA_FILES)
        for word in re.findall(r"\w+", path.read_text())
    }

    assert len(studio) >= 20
    assert used & studio == set()
    assert used & {"UIManager", "UIDispatcher", "ReplaceClip"} == set()


@pytest.mark.parametrize("lua", [lua51, luajit21], ids=["Lua 5.1", "LuaJIT 2.1"])
def test_every_lua_file_is_lua_5_1(lua: object) -> None:
    load = lua.LuaRuntime().eval(  # type: ignore[attr-defined]  # a module of lupa
        "function(text) local part, problem = loadstring(text) return problem end"
    )

    assert [load(path.read_text()) for path in LUA_FILES] == [None] * len(LUA_FILES)


def test_the_lua_files_leave_no_global_behind(tmp_path: Path) -> None:
    lua = Lua({"FACEPLATE_HOME": str(tmp_path)}, [])
    before = set(lua.runtime.globals())
    lua.run(PLUGIN / "Faceplate Swap.lua")

    assert set(lua.runtime.globals()) - before == set()


def test_files_stay_short_enough_to_read() -> None:
    long = [p.name for p in (*PYTHON_FILES, *LUA_FILES) if len(p.read_text().splitlines()) > 400]

    assert long == []


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, -3e7], "b": {"c": 'ü"\\\n\t€𝄞'}, "d": True, "e": False, "f": ""},
        [],
        "text",
        {"deep": [[{"x": [1]}], "y"]},
    ],
)
def test_lua_reads_and_writes_json(value: object, tmp_path: Path) -> None:
    lua = luajit21.LuaRuntime()
    path = PLUGIN / "faceplate_resolve" / "json.lua"
    codec = lua.globals().dofile(str(path))
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=3)):
        back = json.loads(codec.encode(codec.decode(text)))
        assert back == (value or {})  # Lua's empty list is an empty object


@pytest.mark.parametrize(
    "text", ["", "{", '{"a" 1}', "[1,]", '{"a": 1} x', '"a', "nul", "[1 2]", "-"]
)
def test_lua_refuses_what_is_no_json(text: str) -> None:
    lua = luajit21.LuaRuntime()
    codec = lua.globals().dofile(str(PLUGIN / "faceplate_resolve" / "json.lua"))

    with pytest.raises(luajit21.LuaError, match=r"line 1: expected|bad argument"):
        assert codec.decode(text) is not None


def test_a_name_of_a_folder_is_the_same_in_both_languages() -> None:
    lua = luajit21.LuaRuntime()
    load = lua.eval(
        """function(folder)
          local function part(name)
            return loadfile(folder .. name .. ".lua")(part, folder)
          end
          return part("files")
        end"""
    )
    files = load(f"{PLUGIN}/faceplate_resolve/")
    for name in ("A001: C002/x.mov", "..", "", "ünïcode", "SH_010-v2", "a\\b"):
        assert files.safe_name(name) == python_plugin("settings").safe_name(name)


def test_the_script_for_studio_finds_its_package_and_says_what_lacks(tmp_path: Path) -> None:
    script = tmp_path / "Faceplate Swap.py"
    shutil.copy(PLUGIN / "Faceplate Swap.py", script)
    environ = {"PATH": "", "FACEPLATE_HOME": str(tmp_path)}
    words = [sys.executable, "-I", str(script)]
    lost = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    environ["FACEPLATE_RESOLVE"] = str(PLUGIN)
    found = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)

    assert "faceplate_resolve is not there" in lost.stdout
    assert "Resolve does not answer" in found.stdout
