"""What an artist asks for, as the knobs, the input and the script say it."""

import doctest
import hashlib
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.nuke.filled import order_of
from tests.support.nuke.session import Session
from tests.support.nuke.table import NODES
from tests.support.nuke.verbs import layered
from tests.support.paths import MINI, REPO

from faceplate.io.image import read_frame, write_frame


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
    gui.host.script = str(tmp_path / "comp.nk")
    gui.host.root_node["customOCIOConfigPath"].setValue("[file dirname [value root.name]]/c.ocio")
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


BETWEEN = sorted(
    name for name, said in NODES["classes"].items() if said["inputs"] and name not in ("Write",)
)


@pytest.mark.parametrize("kind", BETWEEN)
def test_any_node_in_between_but_a_dot_means_a_render(gui: Session, node: Any, kind: str) -> None:
    from faceplate_nuke.source import unmodified_read

    between = getattr(gui.nuke.nodes, kind)()
    between.setInput(0, node.input(0))

    found = unmodified_read(between)
    assert found is (node.input(0) if kind in ("Dot", "NoOp") else None)


def test_proxies_are_for_looking_and_not_for_plates(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    proxy = gui.host.root_node["proxy"]
    proxy.setValue(True)
    assert not order_of(node, gui, 1002).plate.rendered
    node["fp_render"].setValue(True)
    gui.host.undo.clear()
    made = read_frame(Path(order_of(node, gui, 1002).plate.path % 1002), 1002)

    assert made.pixels.shape[:2] == read_frame(MINI / "B/B.1002.exr", 1002).pixels.shape[:2]
    assert proxy.value() is True
    assert gui.host.undo == []


def test_of_a_stereo_script_one_view_is_rendered(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    gui.host.views = ["left", "right"]
    node["fp_render"].setValue(True)

    assert Path(order_of(node, gui, 1002).plate.path % 1002).is_file()


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


@pytest.mark.parametrize(("reason", "said"), [("Cancelled", "cancelled"), ("no disk", "no disk")])
def test_a_render_that_ends_early_leaves_nothing_behind(
    gui: Session, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, said: str
) -> None:
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "t"))
    monkeypatch.setenv("FACEPLATE_CLIENT", sys.executable)
    node["fp_render"].setValue(True)
    before = [each.name() for each in node.nodes()]

    def execute(write: Any, *_: Any, **__: Any) -> None:
        Path(write["file"].value() % 1001).touch()
        raise RuntimeError(reason)

    monkeypatch.setattr(gui.host, "do_execute", execute)
    assert gui.actions.swap(node) is None

    assert said in node["fp_status"].value()
    assert list((tmp_path / "t").rglob("*.exr")) == []
    assert [each.name() for each in node.nodes()] == before
    assert len(gui.host.messages) == (reason != "Cancelled")  # who cancels needs no box
    assert not (tmp_path / "faceplate").exists()


def test_a_node_in_a_group_is_found_and_has_a_folder_of_its_own(
    gui: Session, node: Any, tmp_path: Path
) -> None:
    from faceplate_nuke import node as nodes
    from faceplate_nuke.order import output_of

    group = gui.nuke.nodes.Group()
    with group:
        for each in gui.nuke.selectedNodes():
            each.setSelected(False)
        inner = nodes.create()
    inner.setName("FP_FaceSwap1")

    assert [each.fullName() for each in nodes.ours()] == ["FP_FaceSwap1", "Group1.FP_FaceSwap1"]
    assert output_of(node) == f"{tmp_path}/faceplate/FP_FaceSwap1"
    assert output_of(inner) == f"{tmp_path}/faceplate/Group1.FP_FaceSwap1"


def test_a_farm_is_told_which_config_it_must_be(gui: Session, node: Any) -> None:
    from faceplate_nuke.farm import farm_command
    from faceplate_nuke.ocio import OcioChoice

    colors = OcioChoice("/c/é x.ocio", "$OCIO", "ACEScg", "ab" * 32, "2.4")
    order = replace(order_of(node, gui), colors=colors, options={"person": "left one"})
    words = farm_command("faceplate", order, "/v", "openjd", 10)

    assert "--ocio=/c/é x.ocio" in words
    assert "--options='--person=left one'" in words
    assert f"--ocio-sha256={'ab' * 32}" in words


def test_nothing_is_rendered_where_there_is_no_helper(
    gui: Session, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node["fp_render"].setValue(True)
    node["fp_client"].setValue("/nowhere/faceplate-client")
    monkeypatch.setattr(gui.host, "do_execute", lambda *_, **__: 1 / 0)

    assert gui.actions.preview(node) is None
    assert "HelperMissing" in gui.host.messages[-1]


@pytest.mark.parametrize(
    ("text", "frames"), [("1001-1010", (1001, 1010)), ("-5--1", (-5, -1)), ("7", (7, 7))]
)
def test_frames_of_a_batch(text: str, frames: tuple[int, int]) -> None:
    sys.path.insert(0, str(REPO / "hosts" / "nuke"))
    try:
        from faceplate_nuke import batch
    finally:
        sys.path.remove(str(REPO / "hosts" / "nuke"))
    assert batch._frames(text) == frames
    with pytest.raises(Exception, match="expected FIRST-LAST"):
        batch._frames(f"{text}x2")
