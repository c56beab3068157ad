"""The node: its knobs and its inside, what an artist has that it must leave alone, and scripts."""

import doctest
import hashlib
import importlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.nuke import pixels
from tests.support.nuke.session import Session
from tests.support.nuke.tclscript import read_script
from tests.support.nuke.verbs import Room, layered
from tests.support.paths import MINI, REPO

from faceplate.io.image import read_frame, write_frame
from faceplate.merge.recipe import Recipe
from faceplate.merge.settings import settings_of

ANSWER = Room(None).list_models()


@pytest.fixture
def node(gui: Session, tmp_path: Path) -> Any:
    """A node behind a plate, filled, of a script that was saved."""
    from faceplate_nuke import node as nodes

    gui.host.script = str(tmp_path / "comp.nk")
    gui.plate()
    made = nodes.create()
    nodes.fill(made, ANSWER)
    gui.host.undo.clear()
    return made


def attached(node: Any, gui: Session, version: Path, name: str = "comp") -> None:
    """Let a node show a version as if it had just been made."""
    from faceplate_nuke import results

    order = replace(order_of(node, gui), name=name)
    gui.jobs.write_papers("FP_FaceSwap1", order, str(version))
    gui.host.undo.clear()
    results.attach(node, str(version))


def order_of(node: Any, gui: Session, only: int | None = None) -> Any:
    from faceplate_nuke.order import take_order

    return take_order(node, only)


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


def test_animated_knobs_are_sampled_into_a_table(gui: Session, node: Any) -> None:
    for frame, value in ((1001, 0.0), (1003, 1.0)):
        node["fp_r_opacity"].setAnimated() if frame == 1001 else None
        node["fp_r_opacity"].setValueAt(value, frame)
    node["fp_r_opacity"]._keys.pop(1.0)
    node["fp_r_feather"].setExpression("frame - 1000")
    recipe = order_of(node, gui).recipe

    opacity = {key["frame"]: key["value"] for key in recipe["keys"]["opacity"]}
    assert {frame: opacity[frame] for frame in (1001, 1002, 1003, 1012)} == {
        1001: 0.0, 1002: 0.5, 1003: 1.0, 1012: 1.0,
    }  # fmt: skip
    assert len(recipe["keys"]["feather"]) == 12
    assert order_of(node, gui, 1002).recipe == {"opacity": 0.5, "feather": 2.0}


def test_ranges_and_handles(gui: Session, node: Any) -> None:
    from faceplate_nuke.order import frames_of

    def found() -> tuple[int, int]:
        frames = frames_of(node, node.input(0))
        return frames[0], frames[-1]

    assert found() == (1001, 1012)
    node["fp_handles"].setValue(8)
    assert found() == (1001, 1012)  # the input has none
    node["fp_range"].setValue("custom")
    node["fp_first"].setValue(1004)
    node["fp_last"].setValue(1005)
    assert found() == (1001, 1012)
    node["fp_handles"].setValue(2)
    assert found() == (1002, 1007)
    node["fp_range"].setValue("global")
    gui.host.root_node["first_frame"].setValue(1003)
    gui.host.root_node["last_frame"].setValue(1004)
    assert found() == (1001, 1006)
    node["fp_range"].setValue("custom")
    node["fp_last"].setValue(1)
    with pytest.raises(Exception, match="ends before it begins"):
        found()


def test_the_files_of_an_unmodified_read_are_sent_and_anything_else_is_rendered(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    read = node.input(0)
    plate = order_of(node, gui).plate
    assert (plate.path, plate.color_space, plate.rendered) == (
        f"{MINI}/B/B.%04d.exr", "", False,
    )  # fmt: skip
    read["colorspace"].setValue("sRGB")  # a curve of Nuke's own, which the files are without
    assert order_of(node, gui, 1002).plate.rendered
    read["colorspace"].setValue("linear")
    grade = gui.nuke.nodes.Multiply()
    grade["value"].setValue(0.5)
    grade.setInput(0, read)
    node.setInput(0, grade)
    gui.host.root_node["colorManagement"].setValue("OCIO")
    gui.host.root_node["OCIO_config"].setValue("custom")
    config = tmp_path / "c.ocio"
    config.write_text("ocio_profile_version: 2\n")
    gui.host.root_node["customOCIOConfigPath"].setValue(str(config))
    gui.host.root_node["workingSpaceLUT"].setValue("ACEScg")
    node["fp_render"].setValue(True)
    read["colorspace"].setValue("ACEScg")
    before, selected = len(node.nodes()), gui.nuke.selectedNodes()
    gui.host.undo.clear()
    order = order_of(node, gui, 1002)

    assert order.plate.rendered
    assert order.plate.path.startswith(str(tmp_path / "t" / "faceplate"))
    assert order.plate.color_space == "ACEScg"
    assert order.colors.path == str(config)
    seen = hashlib.sha256(config.read_bytes()).hexdigest()
    assert order.shot_settings["ocio_sha256"] == seen
    made = read_frame(Path(order.plate.path % 1002), 1002)
    true = read_frame(MINI / "B/B.1002.exr", 1002).rgb() * 0.5
    assert np.abs(made.rgb() - true).max() < 2e-3 * true.max()
    assert len(node.nodes()) == before  # the Write is gone
    assert gui.nuke.selectedNodes() == selected
    assert gui.host.undo == []


@pytest.mark.parametrize(
    ("knob", "value"),
    [("premultiplied", True), ("frame", "frame-10"), ("auto_alpha", True), ("disable", True)],
)
def test_a_read_that_changes_its_files_is_no_unmodified_one(
    gui: Session, node: Any, knob: str, value: Any
) -> None:
    from faceplate_nuke.source import unmodified_read

    dot = gui.nuke.nodes.Dot()
    dot.setInput(0, node.input(0))
    assert unmodified_read(dot) is node.input(0)
    node.input(0)[knob].setValue(value)
    assert unmodified_read(dot) is None


def test_a_version_is_shown_in_one_step_and_nothing_else_is_touched(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    version = tmp_path / "fp_v001"
    version.mkdir()
    for frame in (1001, 1002):
        plate = read_frame(MINI / f"B/B.{frame}.exr", frame)
        write_frame(layered(plate, 1.0), version / f"comp.{frame}.exr")
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


def test_an_unsaved_script_has_no_place_for_results(gui: Session, node: Any) -> None:
    gui.host.script = ""
    assert gui.actions.swap(node) is None

    assert "was never saved" in gui.host.messages[-1]
    assert node["tile_color"].value() == 0xB03030FF
    assert "NoOutput" in node["fp_status"].value()
    assert order_of(node, gui, 1002).output == ""  # a preview needs none
    node["fp_output"].setValue("/shows/out/")
    assert order_of(node, gui).output == "/shows/out"


def test_paths_may_hold_tcl_and_lie_beside_the_script(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOW", "/shows/ä b")
    node["fp_output"].setValue("[file dirname [value root.name]]/../renders")
    node["fp_consent"].setValue("[getenv SHOW]/consent.json")
    node["fp_mattes"].setValue("mattes/[getenv SHOW]/m.%04d.exr")
    node["fp_track"].setValue("~/x.json")
    order = order_of(node, gui)

    assert order.output == f"{tmp_path}/../renders"
    assert order.options["consent"] == "/shows/ä b/consent.json"
    assert order.options["mattes"] == f"{tmp_path}/mattes//shows/ä b/m.%04d.exr"
    assert order.track == f"{Path.home()}/x.json"
    node["fp_output"].setValue("[getenv NOT_THERE]")
    assert gui.actions.swap(node) is None
    assert "the Tcl in fp_output cannot be worked out" in gui.host.messages[-1]


def test_a_path_beside_the_project_is_sent_whole_and_one_that_moves_is_rendered(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    read = node.input(0)
    read["file"].setValue("B/B.####.exr")
    gui.host.root_node["project_directory"].setValue(str(MINI))
    assert order_of(node, gui, 1002).plate.path == f"{MINI}/B/B.####.exr"

    from faceplate_nuke.source import read_plate

    for path in ("%v/B.%04d.exr", "%V/B.%04d.exr", "[python nuke.frame()].exr", "B/B.exr"):
        read["file"].setValue(path)
        gui.host.root_node["project_directory"].setValue("")
        assert read_plate(read, [1002], "") is None


def test_a_track_of_the_same_files_will_do_however_they_are_spelled(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    from faceplate_nuke.tracks import kept_track, needs_track

    track = tmp_path / "t.json"
    order = order_of(node, gui)

    def known(pattern: str, last: int = 1012) -> None:
        track.write_text(json.dumps({"plate": {"pattern": pattern}, "frames": [[1001, last]]}))

    known(f"{MINI}/B/B.%04d.exr")
    assert not needs_track(order, str(track))
    for spelled in ("B.####.exr", "B.@@@@.exr", "../B/B.%04d.exr"):
        plate = replace(order.plate, path=f"{MINI}/B/{spelled}")
        assert not needs_track(replace(order, plate=plate), str(track))
    assert needs_track(replace(order, analyse=True), str(track))
    known(f"{MINI}/A/A.%04d.exr")
    assert needs_track(order, str(track))
    assert not needs_track(replace(order, track=str(track)), str(track))  # the artist's own
    known(f"{MINI}/B/B.%04d.exr", last=1011)
    assert needs_track(order, str(track))
    with pytest.raises(Exception, match="has just followed other frames"):
        kept_track(order, str(track), str(tmp_path))  # another Nuke was quicker
    track.write_text("{")
    with pytest.raises(Exception, match="cannot be read"):
        needs_track(order, str(track))


@pytest.mark.parametrize("name", ["source", "tracks"])
def test_the_examples_of_what_needs_nuke_run(gui: Session, name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"faceplate_nuke.{name}"))

    assert (done.attempted > 0, done.failed) == (True, 0)


def test_of_a_stereo_script_one_view_is_rendered(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    gui.host.views = ["left", "right"]
    node["fp_render"].setValue(True)

    assert Path(order_of(node, gui, 1002).plate.path % 1002).is_file()


def test_a_status_holds_nothing_that_a_label_would_evaluate(gui: Session, node: Any) -> None:
    from faceplate_nuke import node as nodes

    nodes.say(node, "a [python nuke.scriptClear()] $x", "b")
    assert node["fp_status"].value() == "a  python nuke.scriptClear()   x"
    assert gui.host.undo == []


@pytest.mark.parametrize(("channels", "others"), [("rgba", False), ("all", True)])
def test_chosen_channels_are_rendered(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    channels: str, others: bool,
) -> None:  # fmt: skip
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    write_frame(layered(read_frame(MINI / "B/B.1002.exr", 1002), 1.0), tmp_path / "s.1002.exr")
    node.setInput(0, gui.read(f"{tmp_path}/s.%04d.exr", 1002, 1002))
    node["fp_render"].setValue(True)
    node["fp_channels"].setValue(channels)
    order = order_of(node, gui)

    assert order.plate.color_space == "lin_rec709_scene"
    made = read_frame(Path(order.plate.path % 1002), 1002)
    assert ("fp_mask.A" in made.channels) is others


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
