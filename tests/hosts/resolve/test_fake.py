"""The fake is as strict as it says: otherwise the tests that use it prove nothing."""

import ast
from pathlib import Path

import pytest
from lupa import luajit21
from tests.hosts.resolve.conftest import PLUGIN
from tests.hosts.resolve.fake_media import FakeMedia
from tests.hosts.resolve.fake_resolve import FakeResolve
from tests.hosts.resolve.lua_bridge import Lua
from tests.hosts.resolve.make_api import functions_of
from tests.hosts.resolve.recorded import API, FakeError, Recorded


def test_a_name_outside_of_the_table_fails() -> None:
    resolve = FakeResolve()

    with pytest.raises(FakeError, match=r"there is no Project\.GetCurrentTimelime"):
        resolve.project.GetCurrentTimelime()
    with pytest.raises(FakeError, match=r"Timeline\.GrabStill is not part of the fake"):
        resolve.project.timeline.GrabStill()
    assert len(resolve.trouble.broken) == 2


def test_a_wrong_count_of_arguments_fails() -> None:
    resolve = FakeResolve()

    with pytest.raises(FakeError, match=r"Resolve\.OpenPage takes 1 to 1 arguments, got 0"):
        resolve.OpenPage()  # type: ignore[call-arg]  # that is the point
    with pytest.raises(FakeError, match="takes 2 to 2 arguments, got 3"):
        resolve.project.SetCurrentRenderFormatAndCodec("exr", "RGBHalf", 1)  # type: ignore[call-arg]  # likewise


def test_the_same_from_lua(tmp_path: Path) -> None:
    resolve = FakeResolve()
    lua = Lua({}, [])
    lua.give("resolve", resolve)
    for line in ("resolve:GetProduct()", "resolve:OpenPage()", "resolve.GetProductName()"):
        with pytest.raises((FakeError, luajit21.LuaError)):
            lua.runtime.execute(line)
    assert lua.runtime.execute("return resolve:GetProductName()") == "DaVinci Resolve Studio"


def test_a_function_that_is_not_in_the_table_cannot_be_modelled() -> None:
    with pytest.raises(FakeError, match="is not in the table"):
        type("Bad", (Recorded,), {"kind": "Project", "GetEverything": lambda self: None})


def test_a_call_that_studio_alone_has_spoils_all_that_follow_on_the_free_edition() -> None:
    resolve = FakeResolve(studio=False)

    assert resolve.project.ResetIntellisearchAnalysis() is False
    assert resolve.GetCurrentPage() is None
    assert resolve.project.GetName() is None


def test_media_goes_into_the_bin_that_is_open(tmp_path: Path) -> None:
    resolve = FakeResolve()
    (tmp_path / "a.0001.exr").write_text("x")
    pool = resolve.project.pool
    meant = pool.AddSubFolder(pool.root, "Meant")
    info = {"FilePath": str(tmp_path / "a.%04d.exr"), "StartIndex": 1, "EndIndex": 1}

    (media,) = pool.ImportMedia([info])
    assert pool.root.clips == [media]
    assert meant is not None
    assert meant.clips == []
    assert pool.ImportMedia([{**info, "EndIndex": 2}]) == []


def test_codecs_are_taken_by_id_and_not_by_description() -> None:
    project = FakeResolve().project
    codecs = project.GetRenderCodecs("exr")

    assert not project.SetCurrentRenderFormatAndCodec("exr", "RGB half (ZIP Compression)")
    assert project.SetCurrentRenderFormatAndCodec("exr", codecs["RGB half (ZIP Compression)"])


def test_unknown_render_settings_fail() -> None:
    with pytest.raises(FakeError, match="no such render settings"):
        FakeResolve().project.SetRenderSettings({"Compression": "zip"})


def test_the_input_space_is_taken_in_managed_projects_only() -> None:
    resolve = FakeResolve()
    media = FakeMedia(resolve.trouble, resolve.project, {"File Path": "a.mov"})

    assert media.SetClipProperty("Input Color Space", "ACEScg")
    resolve.project.settings["colorScienceMode"] = "davinciYRGB"
    assert not media.SetClipProperty("Input Color Space", "ACEScct")


def test_the_table_is_made_of_stubs() -> None:
    source = """
class Project:
    def A(self, name: str, more: Optional[str]) -> bool:
        "x"
    @overload
    def B(self, one: str, *rest: str) -> bool: ...
    @overload
    def B(self) -> bool: ...
    def C(self, flag: bool=False) -> bool:
        "Refer to section Studio and AI Scripting APIs for prerequisites."
    def GetSetting(self, name: str) -> str: ...
"""
    (made,) = ast.parse(source).body
    assert isinstance(made, ast.ClassDef)
    functions = [part for part in made.body if isinstance(part, ast.FunctionDef)]

    assert functions_of("Project", functions) == {
        "A": {"arguments": [1, 2]},
        "B": {"arguments": [0, 99]},
        "C": {"arguments": [0, 1], "studio": True},
        "GetSetting": {"arguments": [0, 1]},
    }


def test_the_table_holds_what_the_stubs_held() -> None:
    kinds = {name: one for name, one in API.items() if isinstance(one, dict)}

    assert API["source"].startswith("fusionscript-stubs 21.0.0")
    assert sum(map(len, kinds.values())) == 384
    assert kinds["TimelineItem"]["AddTake"] == {"arguments": [1, 3]}
    assert kinds["MediaPool"]["ImportMedia"] == {"arguments": [1, 1]}


def test_lua_starts_a_batch_file_on_windows(tmp_path: Path) -> None:
    """Read, not run: there is no Windows here."""
    lua = luajit21.LuaRuntime()
    ran: list[str] = []
    lua.globals().os.execute = ran.append
    lua.globals().package.config = "\\\n;\n?\n!\n-\n"
    load = lua.eval(
        """function(folder)
          local function part(name) return loadfile(folder .. name .. ".lua")(part, folder) end
          return part("files")
        end"""
    )
    files = load(f"{PLUGIN}/faceplate_resolve/")
    out = tmp_path / "swap.1.jsonl"
    files.start('"C:/a b/faceplate-client.exe" "100%"', str(out), str(tmp_path / "e"))

    lines = (tmp_path / "swap.1.jsonl.bat").read_bytes().split(b"\r\n")
    assert lines[0] == b"@echo off"
    assert lines[1].startswith(b'"C:/a b/faceplate-client.exe" "100%%" >"')
    assert lines[2].startswith(b'echo {"event": "exit", "code": %errorlevel%}>>"')
    assert ran[-1] == 'start "" /b "' + f"{out}.bat".replace("/", "\\") + '"'
