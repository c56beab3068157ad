"""The node: its knobs and its inside, what an artist has that it must leave alone, and scripts."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.nuke import pixels
from tests.support.nuke.filled import ANSWER, attached
from tests.support.nuke.session import Session
from tests.support.nuke.tclscript import read_script
from tests.support.nuke.verbs import layered
from tests.support.paths import MINI, REPO

from faceplate.io.image import read_frame, write_frame
from faceplate.merge.recipe import Recipe
from faceplate.merge.settings import settings_of


def test_start_up_adds_the_menu_and_listens_for_the_end_of_the_script(gui: Session) -> None:
    gui.run("init.py")
    gui.run("menu.py")

    assert "Nodes/Faceplate/FP_FaceSwap" in gui.host.menu_items
    assert gui.host.plugin_paths == [f"{REPO.as_posix()}/hosts/nuke/gizmos"]
    run = gui.jobs.Run(None, "x", None, "x", None)
    gui.jobs._RUNS.append(run)
    gui.host.close_script()
    gui.jobs._RUNS.remove(run)
    assert run.stopped


@pytest.mark.parametrize("name", ["init.py", "menu.py"])
def test_what_fails_at_the_start_is_logged_and_nuke_goes_on(
    gui: Session, name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gui.host, "do_addOnScriptClose", lambda call: 1 / 0)
    monkeypatch.setattr(gui.host, "do_menu", lambda name: 1 / 0)
    with caplog.at_level(logging.ERROR, "faceplate_nuke"):
        gui.run(name)

    assert "Nuke goes on" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_new_node_stands_behind_what_is_selected_and_is_one_step(gui: Session) -> None:
    from faceplate_nuke import node as nodes

    plate = gui.plate()
    gui.host.undo.clear()
    one, two = nodes.create(), nodes.create()

    assert one.input(0) is plate
    seen, true = pixels.evaluate(one, 1002), read_frame(MINI / "B/B.1002.exr", 1002)
    assert np.array_equal(seen["rgba.green"], true.rgb()[..., 1])  # until there is a version
    assert (one.name(), two.name()) == ("FP_FaceSwap1", "FP_FaceSwap2")
    assert gui.host.undo == ["Faceplate: new node"]
    assert nodes.ours() == [one, two]


def test_every_setting_of_the_recipe_has_a_knob_with_its_range_and_text(node: Any) -> None:
    knobs = node.knobs()
    for name, setting in settings_of(Recipe).items():
        knob = knobs[f"fp_r_{name}"]
        assert knob.value() == setting.default, name
        assert knob.tooltip().startswith(setting.text)
        kind = {"number": "Double_Knob", "whole number": "Int_Knob", "on or off": "Boolean_Knob",
                "choice": "Enumeration_Knob", "text": "String_Knob"}[setting.kind]  # fmt: skip
        assert knob.Class() == kind
        if kind == "Enumeration_Knob":
            assert ", ".join(knob.values()) == setting.values
    assert "NO_ANIMATION" not in knobs["fp_r_feather"]._flags
    assert "NO_ANIMATION" in knobs["fp_r_matte"]._flags


def test_models_that_cannot_be_used_are_not_offered(node: Any) -> None:
    from faceplate_nuke.node import model_of

    assert node["fp_model"].values() == ["anna (a into b)"]
    assert model_of(node) == "/m/anna"


def test_reloading_keeps_what_the_artist_set(node: Any) -> None:
    from faceplate_nuke import node as nodes

    node["fp_r_feather"].setValue(20.0)
    node["fp_r_mode"].setValue("seamless")
    models = [{**ANSWER["models"][0], "name": "ben", "path": "/m/ben"}]
    schema = json.loads(json.dumps(ANSWER["recipe_schema"]))
    schema["properties"]["mode"]["enum"] = ["overlay", "newer"]
    schema["properties"]["added"] = {"type": "number", "default": 1.0, "minimum": 0, "maximum": 2}
    nodes.fill(node, {"models": models, "recipe_schema": schema})

    assert node["fp_r_feather"].value() == 20
    assert node["fp_r_mode"].value() == "seamless"  # a server without it will say so
    assert node["fp_r_added"].value() == 1
    assert node["fp_model"].values() == ["ben (a into b)", "anna (a into b)"]
    with pytest.raises(Exception, match="none that the server has"):
        nodes.model_of(node)


def test_knobs_and_graph_survive_saving_and_loading(gui: Session, node: Any) -> None:
    node["fp_consent"].setValue("/c [odd] $name {x}.json")
    node["fp_r_opacity"].setAnimated()
    node["fp_r_opacity"].setValueAt(0.25, 1010)
    path = f"{gui.host.script}"
    gui.nuke.scriptSave(path)
    before = {name: knob.value() for name, knob in node.knobs().items() if name != "selected"}
    inside = sorted(each.name() for each in node.nodes())
    text = Path(path).read_text()
    gui.host.root_node._children.clear()
    gui.nuke.scriptOpen(path)
    (again,) = gui.nuke.allNodes("Group")

    assert {name: knob.value() for name, knob in again.knobs().items() if name in before} == before
    assert again["fp_r_opacity"].getValueAt(1010) == 0.25
    assert sorted(each.name() for each in again.nodes()) == inside
    assert [each.kind for each in read_script(text)] == ["Root", "Read", "Group"]


def test_a_version_is_shown_in_one_step_and_nothing_else_is_touched(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    version = tmp_path / "fp_v001"
    version.mkdir()
    for frame in (1001, 1002):
        plate = read_frame(MINI / f"B/B.{frame}.exr", frame)
        write_frame(layered(plate, 1.0), version / f"comp.{frame}.exr")
    gui.nuke.nodes.Viewer().setInput(0, node.input(0))
    others = {each.name(): each._inputs[:] for each in gui.host.root_node.nodes()}
    selected, panels = gui.nuke.selectedNodes(), list(gui.host.panels)
    attached(node, gui, version)

    assert gui.host.undo == ["Faceplate: fp_v001"]
    assert gui.nuke.selectedNodes() == selected
    assert gui.host.panels == panels
    assert {each.name(): each._inputs for each in gui.host.root_node.nodes()} == others
    assert node["fp_show"].value() == "result"
    seen = {}
    for show in ("result", "blend by hand", "plate", "raw swap", "matte", "ST map"):
        node["fp_show"].setValue(show)
        seen[show] = pixels.evaluate(node, 1002)
    true = read_frame(version / "comp.1002.exr", 1002)
    assert np.array_equal(seen["result"]["rgba.red"], true.channel("R"))
    assert np.array_equal(seen["result"]["fp_mask.alpha"], true.channel("fp_mask.A"))
    assert np.array_equal(seen["matte"]["rgba.red"], true.channel("fp_mask.A"))
    assert np.array_equal(seen["raw swap"]["rgba.green"], true.channel("fp.G"))
    by_hand = seen["blend by hand"]["rgba.red"]
    assert np.abs(by_hand - true.channel("R")).max() < 2e-3
    plate_red = read_frame(MINI / "B/B.1002.exr", 1002).rgb()[..., 0]
    assert np.array_equal(seen["plate"]["rgba.red"], plate_red)
    node["disable"].setValue(True)
    assert np.array_equal(pixels.evaluate(node, 1002)["rgba.red"], plate_red)
    node["disable"].setValue(False)
    gui.read(f"{version}/comp.%04d.exr", 1001, 1002)  # as the node's own Read holds them
    node.node("FP_Read")["first"].setValue(1002)
    before = read_frame(MINI / "B/B.1001.exr", 1001).rgb()[..., 0]
    for show in ("result", "blend by hand"):  # beyond the version it is the plate
        node["fp_show"].setValue(show)
        assert np.array_equal(pixels.evaluate(node, 1001)["rgba.red"], before)


def test_an_older_version_is_shown_again_in_one_step(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    for number, opacity in ((1, 1.0), (2, 0.0), (10, 0.5)):
        version = tmp_path / f"fp_v{number:03d}"
        version.mkdir()
        write_frame(layered(read_frame(MINI / "B/B.1002.exr", 1002), opacity),
                    version / "comp.1002.exr")  # fmt: skip
        attached(node, gui, version)
    assert node["fp_shown"].values() == ["fp_v001", "fp_v002", "fp_v010"]
    newest = pixels.evaluate(node, 1002)["fp_mask.alpha"].max()
    gui.host.undo.clear()
    node["fp_shown"].setValue("fp_v001")
    gui.host.undo.clear()
    node["fp_show_version"].execute()

    assert gui.host.undo == ["Faceplate: fp_v001"]
    assert pixels.evaluate(node, 1002)["fp_mask.alpha"].max() == 2 * newest
    assert node["fp_version"].value() == str(tmp_path / "fp_v001")
    (tmp_path / "fp_v002/request.json").unlink()
    node["fp_shown"].setValue("fp_v002")
    assert gui.actions.show_version(node) is None
    assert "does not say what the version is" in gui.host.messages[-1]
    assert node["fp_version"].value() == str(tmp_path / "fp_v001")


def test_the_script_beside_the_frames_is_tcl_and_holds_the_same_graph(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    (tmp_path / "a b [x] $é").mkdir()
    attached(node, gui, tmp_path / "a b [x] $é")
    text = (tmp_path / "a b [x] $é/comp.nk").read_text()
    parsed = {each.knobs["name"]: each for each in read_script(text)}

    assert parsed["FP_Read"].knobs["file"] == f"{tmp_path}/a b [x] $é/comp.%04d.exr"
    assert parsed["FP_Read"].knobs["raw"] == "true"
    blend = parsed["FP_Blend"]
    assert [each.knobs["name"] for each in blend.inputs if each] == ["FP_Plate", "FP_Premult"]
    matte = parsed["FP_SetMatte"]
    assert [each.knobs["name"] for each in matte.inputs if each] == ["FP_Unpremult", "FP_Read"]
    assert matte.knobs["from0"] == "fp_mask.alpha"


def test_the_blend_graph_lies_beside_the_node_and_is_one_step(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    from faceplate_nuke import results

    with pytest.raises(Exception, match="no version yet"):
        results.unpack(node)
    attached(node, gui, tmp_path)
    write_frame(layered(read_frame(MINI / "B/B.1002.exr", 1002), 1.0), tmp_path / "comp.1002.exr")
    gui.host.undo.clear()
    selected = gui.nuke.selectedNodes()
    results.unpack(node)

    assert gui.host.undo == ["Faceplate: blend graph"]
    assert gui.nuke.selectedNodes() == selected
    blend = gui.nuke.toNode("FP_Blend")
    true = read_frame(tmp_path / "comp.1002.exr", 1002).channel("R")
    assert np.abs(pixels.evaluate(blend, 1002)["rgba.red"] - true).max() < 2e-3


def test_a_plate_in_another_space_is_converted_behind_the_read(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    root = gui.host.root_node
    config = tmp_path / "c.ocio"
    config.write_text("ocio_profile_version: 2\n")
    root["colorManagement"].setValue("OCIO")
    root["OCIO_config"].setValue("custom")
    root["customOCIOConfigPath"].setValue(str(config))
    root["workingSpaceLUT"].setValue("scene_linear (ACEScg)")
    node.input(0)["colorspace"].setValue("ACES2065-1")
    attached(node, gui, tmp_path)

    fp = node.node("FP_Read_fp")
    assert fp["in_colorspace"].value() == "ACES2065-1"
    assert fp["out_colorspace"].value() == "ACEScg"
    assert (fp["channels"].value(), fp.input(0).name()) == ("fp", "FP_Read_rgb")
    assert node.node("FP_RawSwap").input(0) is fp
    assert node.node("FP_Copy").input(1) is fp
    node.input(0)["colorspace"].setValue("ACEScg")
    attached(node, gui, tmp_path)
    assert fp["disable"].value() is True


def test_a_status_holds_nothing_that_a_label_would_evaluate(gui: Session, node: Any) -> None:
    from faceplate_nuke import node as nodes

    nodes.say(node, "a [python nuke.scriptClear()] $x", "b")
    assert node["fp_status"].value() == "a  python nuke.scriptClear()   x"
    assert gui.host.undo == []


def test_the_page_names_every_knob(node: Any) -> None:
    page = (REPO / "docs" / "nuke.md").read_text()
    others = ("fp_r_", "fp_group_", "fp_end_", "fp_line_", "fp_tab")
    ours = [
        name
        for name, knob in node.knobs().items()
        if name.startswith("fp_") and not name.startswith(others)
        and "INVISIBLE" not in knob._flags
    ]  # fmt: skip

    assert len(ours) > 25
    assert [name for name in ours if f"| `{name}` |" not in page] == []
