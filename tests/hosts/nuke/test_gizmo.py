"""The gizmo is the node of the menu as a file, and defaults of a studio stand in new nodes."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.session import FOLDER, Session
from tests.support.nuke.tclscript import ScriptError, load_gizmo, read_script
from tests.support.nuke.verbs import Room
from tests.support.paths import REPO

GIZMO = FOLDER / "gizmos" / "FP_FaceSwap.gizmo"
PLACES = {"name", "selected", "xpos", "ypos"}


@pytest.fixture
def quiet(gui: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in which no server is asked, as there is none."""
    monkeypatch.setattr(gui.actions, "reload", lambda node: None)
    return gui


def told(session: Session) -> None:
    """Run init.py, as every Nuke does."""
    session.run("init.py")


def knobs_of(node: Any) -> dict[str, Any]:
    return {
        name: (
            knob.Class(), knob.label(), knob.tooltip(), knob.value(), knob._expression,
            sorted(knob._flags - {"NO_ANIMATION"}), knob._enabled,
            getattr(knob, "_choices", None) if knob.Class() == "Enumeration_Knob" else None,
        )
        for name, knob in node.knobs().items() if name not in PLACES
    }  # fmt: skip


def graph_of(group: Any) -> dict[str, Any]:
    return {
        node.name(): (node.Class(), [one and one.name() for one in node._inputs], knobs_of(node),
                      (node.xpos(), node.ypos()))
        for node in group.nodes()
    }  # fmt: skip


def test_the_file_is_what_the_description_says() -> None:
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c",
         "import sys; sys.path.insert(0, sys.argv[1]); import faceplate_nuke.gizmo as g; "
         "sys.stdout.reconfigure(newline=''); sys.stdout.write(g.gizmo_text())", FOLDER],
        capture_output=True, check=True,
    ).stdout  # fmt: skip

    assert said == GIZMO.read_bytes(), "run python -m faceplate_nuke.gizmo in hosts/nuke"


def test_tcl_reads_the_file_and_finds_a_group_in_it() -> None:
    (group,) = read_script(GIZMO.read_text(), gizmo=True)

    assert group.kind == "Group"  # so that scripts hold the node whole
    assert len(group.user) > 35
    kinds = [each.kind for each in group.children]
    assert (kinds[0], kinds[-1]) == ("Input", "Output")
    names = [words[1] for words in group.user]
    assert len(set(names)) == len(names)
    assert set(group.knobs) - {"name", "label", "onCreate"} <= set(names)


def test_a_true_gizmo_is_refused_by_the_fake(gui: Session) -> None:
    text = GIZMO.read_text().replace("\nGroup {", "\nGizmo {")
    with pytest.raises(ScriptError, match="unknown class Gizmo"):
        load_gizmo(gui.host, text, gui.host.root_node)


def test_a_node_of_the_gizmo_is_one_of_the_menu(quiet: Session) -> None:
    told(quiet)
    plate = quiet.plate()
    menu = quiet.actions.create()
    for each in quiet.nuke.allNodes():
        each.setSelected(each is plate)
    gizmo = quiet.nuke.createNode("FP_FaceSwap")

    assert (menu.name(), gizmo.name()) == ("FP_FaceSwap1", "FP_FaceSwap2")
    assert gizmo.Class() == "Group"
    assert gizmo.input(0) is plate
    assert knobs_of(gizmo) == knobs_of(menu)
    assert graph_of(gizmo) == graph_of(menu)
    assert list(gizmo.knobs()) == list(menu.knobs())


def test_a_node_of_the_gizmo_asks_the_server_once_and_never_when_a_script_is_opened(
    gui: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceplate_nuke import node as nodes

    asked: list[str] = []

    def reload(node: Any) -> None:
        asked.append(node.name())
        nodes.fill(node, Room(None).list_models())

    monkeypatch.setattr(gui.actions, "reload", reload)
    told(gui)
    node = gui.nuke.createNode("FP_FaceSwap")
    assert asked == ["FP_FaceSwap1"]
    assert node["fp_model"].value() == "anna (a into b)"
    assert node["onCreate"].value() == ""
    script = str(tmp_path / "a.nk")
    gui.nuke.scriptSave(script)
    gui.host.root_node._children.clear()
    gui.nuke.scriptOpen(script)

    assert asked == ["FP_FaceSwap1"]
    assert [each.name() for each in nodes.ours()] == ["FP_FaceSwap1"]


def test_without_a_gui_starting_makes_and_asks_nothing(
    terminal: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: 1 / 0)
    for name in [name for name in sys.modules if name.startswith("faceplate_nuke")]:
        monkeypatch.delitem(sys.modules, name)
    told(terminal)
    loaded = {name for name in sys.modules if name.startswith("faceplate_nuke.")}

    assert terminal.nuke.allNodes() == []
    assert loaded == {
        f"faceplate_nuke.{name}"
        for name in ("defaults", "gizmo", "graph", "nkfile", "panel", "schema")
    }  # none of what spawns, draws or asks


def test_defaults_of_the_studio_stand_in_new_nodes(
    quiet: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceplate_nuke import node as nodes

    file = tmp_path / "studio.json"
    values = {"fp_handles": 8, "fp_render": True, "fp_submit": "submit {it}", "fp_range": "global",
              "fp_r_feather": 12.5, "fp_r_mode": "seamless", "fp_model": "ben"}  # fmt: skip
    file.write_text(json.dumps(values))
    monkeypatch.setenv("FACEPLATE_NUKE_DEFAULTS", str(file))
    monkeypatch.setenv("FACEPLATE_NUKE_OUTPUT", "[file dirname [value root.name]]/renders")
    monkeypatch.setenv("FACEPLATE_NUKE_HANDLES", "4")  # over the file
    quiet.nuke.knobDefault("FP_FaceSwap.fp_chunk", "5")  # in an init.py before ours
    told(quiet)
    quiet.nuke.knobDefault("FP_FaceSwap.fp_submit", "mine")  # in an init.py after ours
    answer = Room(None).list_models()
    answer["models"].append({**answer["models"][0], "name": "ben", "path": "/m/ben"})
    for node in (quiet.actions.create(), quiet.nuke.createNode("FP_FaceSwap")):
        nodes.fill(node, answer)
        said = {name: node[name].value() for name in (*values, "fp_output", "fp_chunk")}
        assert said == {**values, "fp_handles": 4, "fp_submit": "mine", "fp_chunk": 5,
                        "fp_model": "ben (a into b)",
                        "fp_output": "[file dirname [value root.name]]/renders"}  # fmt: skip
        node["fp_r_feather"].setValue(3.0)
        nodes.fill(node, answer)
        assert node["fp_r_feather"].value() == 3  # a default is for what is new
    group = quiet.nuke.nodes.Group()
    assert "fp_handles" not in group.knobs()  # what Nuke calls Group has none of these defaults


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("HANDLES", "many", "fp_handles is passed over"),
        ("RANGE", "all", "none of input, global, custom"),
        ("RENDER", "perhaps", "expected true or false"),
        ("HANDLESS", "8", "is it fp_handles?"),
        ("DEFAULTS", "/nowhere/d.json", "cannot be used"),
    ],
)
def test_a_default_that_does_not_fit_is_said_and_passed_over(
    quiet: Session, name: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv(f"FACEPLATE_NUKE_{name}", value)
    with caplog.at_level(logging.WARNING, "faceplate_nuke"):
        told(quiet)
        node = quiet.actions.create()

    assert reason in caplog.text
    assert (node["fp_handles"].value(), node["fp_range"].value()) == (0, "input")


def test_the_fake_gives_defaults_as_nuke_does(gui: Session) -> None:
    nuke = gui.nuke
    before = nuke.nodes.Multiply()
    nuke.knobDefault("Multiply.value", "0.5")
    nuke.knobDefault("Write.exr.compression", "2")

    assert (before["value"].value(), nuke.nodes.Multiply()["value"].value()) == (1, 0.5)
    assert nuke.knobDefault("Multiply.value") == "0.5"
    assert nuke.knobDefault("Multiply.mix") is None
    write = nuke.nodes.Write()
    write["file_type"].setValue("exr")
    assert write["compression"].value() == "Zip (16 scanlines)"
    with pytest.raises(TypeError):
        nuke.knobDefault("Multiply.value", 2)


def test_the_page_tells_of_the_gizmo_and_the_defaults() -> None:
    page = (REPO / "docs" / "nuke.md").read_text()

    assert "FACEPLATE_NUKE_DEFAULTS" in page
    assert 'nuke.createNode("FP_FaceSwap")' in page
