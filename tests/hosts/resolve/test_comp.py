"""The Fusion comp, by the rules of its lock, and its nodes as a file."""

from pathlib import Path
from typing import Any

import pytest
from lupa import luajit21
from tests.hosts.resolve.conftest import Stage
from tests.hosts.resolve.fake_comp import FakeComp
from tests.hosts.resolve.fake_media import FakeItem
from tests.hosts.resolve.recorded import FakeError, Trouble


@pytest.fixture
def comp(stage: Stage, clip: FakeItem) -> FakeComp:
    """The comp that a run with handles builds; the clip is shown from comp frame 0."""
    stage.set(bring_back="fusion", handles=2)
    assert stage()
    assert "FP_Swap, FP_Matte and FP_Merge" in stage.said
    return clip.comps[0]


def test_media_out_descends_from_media_in(comp: FakeComp) -> None:
    assert comp.is_rendered()
    names = {tool.name: tool for tool in comp.tools}
    assert names["MediaOut1"].sources == {"Input": names["FP_Merge"]}
    assert names["FP_Merge"].sources == {
        "Background": names["MediaIn1"],
        "Foreground": names["FP_Matte"],
    }
    assert names["FP_Matte"].sources == {"Background": names["FP_Swap"]}


def test_all_values_are_set_after_the_lock_and_in_one_step(comp: FakeComp, stage: Stage) -> None:
    (loader,) = comp.loaders()
    assert loader.rendered == loader.shown == {
        "Clip": str(stage.shot / "v001" / "SH010_v001.1001.exr"),
        "GlobalIn": -2,
        "GlobalOut": 9,
        "Clip1.OpenEXRFormat.RedName": "fp.R",
        "Clip1.OpenEXRFormat.GreenName": "fp.G",
        "Clip1.OpenEXRFormat.BlueName": "fp.B",
        "Clip1.OpenEXRFormat.AlphaName": "fp.A",
    }  # fmt: skip
    assert (comp.steps, comp.undo, comp.locked) == (["Faceplate swap"], [], False)
    assert comp.tools[3].rendered == {"PostMultiply": 0}


def test_the_still_shows_that_the_comp_is_rendered(comp: FakeComp, stage: Stage) -> None:
    assert "The picture changed" in stage.said


def test_channels_that_are_not_taken_are_left_to_the_artist(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.hosts.resolve.fake_comp import FakeTool

    real = FakeTool.SetInput
    monkeypatch.setattr(
        FakeTool,
        "SetInput",
        lambda self, name, value: None if "EXR" in name else real(self, name, value),
    )
    stage.set(bring_back="fusion")

    assert stage()
    assert "Choose the channels fp.R, fp.G, fp.B and fp.A on the Format tab" in stage.said


def test_a_tool_that_cannot_be_made_ends_the_lock_and_the_step(
    stage: Stage, clip: FakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FakeComp.AddTool
    monkeypatch.setattr(
        FakeComp, "AddTool", lambda self, kind, x, y: kind != "Merge" and real(self, kind, x, y)
    )
    stage.set(bring_back="fusion")

    assert not stage()
    assert "Resolve did not add a Merge to the Fusion comp" in stage.said
    assert (clip.comps[0].locked, clip.comps[0].undo) == (False, [])


def test_a_rendered_plate_becomes_no_comp(stage: Stage, clip: FakeItem) -> None:
    stage.set(bring_back="fusion", plate="render")

    assert stage()
    assert "A fusion is not possible" in stage.said
    assert clip.comps == []


def test_the_nodes_load_as_a_lua_table_without_a_dangling_source(
    comp: FakeComp, stage: Stage
) -> None:
    (path,) = stage.shot.rglob("*.setting")
    tools = load_setting(path)

    assert {name: kind for name, (kind, _) in tools.items()} == {
        "FP_Swap": "Loader",
        "FP_Matte": "MatteControl",
        "FP_Merge": "Merge",
    }
    clip = tools["FP_Swap"][1]["Clips"][1]
    assert clip["Filename"] == str(stage.shot / "v001" / "SH010_v001.1001.exr")
    assert (clip["Length"], clip["GlobalStart"], clip["GlobalEnd"]) == (12, -2, 9)
    assert clip["TrimOut"] == 11


def test_a_path_with_quotes_and_backslashes_survives(plugin: Any, tmp_path: Path) -> None:
    source = plugin("source")
    name = 'C:\\plates\\a "b".%04d.exr'
    plate = source.Plate("p", 1, 2, 0, 0, True)
    path = plugin("comp").write_setting(tmp_path / "a.setting", source.Result(Path(name), plate))

    assert load_setting(path)["FP_Swap"][1]["Clips"][1]["Filename"] == name % 1


def load_setting(path: Path) -> dict[str, Any]:
    """Load a .setting as Fusion does, a Lua table; every source must be one of its tools."""
    lua = luajit21.LuaRuntime()
    run = lua.eval(
        """function(text)
          local function kind(name)
            return function(body) body.kind = name return body end
          end
          local env = setmetatable({ ordered = function() return function(t) return t end end },
            { __index = function(_, name) return kind(name) end })
          return setfenv(assert(loadstring("return " .. text)), env)()
        end"""
    )
    tools = run(path.read_text())["Tools"]
    found = {name: (tool["kind"], tool) for name, tool in tools.items()}
    for _, tool in found.values():
        for source in tool["Inputs"].values():
            assert source["kind"] == "Input"
            assert source["SourceOp"] is None or source["SourceOp"] in found
    return found


def test_the_fake_loses_what_is_first_set_under_a_lock() -> None:
    trouble = Trouble()
    comp = FakeComp(trouble)
    comp.StartUndo("x")
    comp.Lock()
    loader = comp.AddTool("Loader")
    loader.SetInput("Clip", "a.exr")

    assert loader.GetInput("Clip") == "a.exr"
    assert loader.rendered == {}
    comp.Unlock()
    with pytest.raises(FakeError, match="outside of a lock opens a dialog"):
        comp.AddTool("Loader")
