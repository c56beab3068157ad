"""The fake refuses what Nuke refuses: only so do tests with it say anything."""

import threading
from typing import Any

import pytest
from tests.support.nuke.host import Host, Module
from tests.support.nuke.table import TABLE, ApiError
from tests.support.nuke.tclscript import ScriptError, read_script


@pytest.fixture(autouse=True)
def _forget() -> Any:
    yield
    ApiError.seen.clear()


@pytest.fixture
def nuke(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = Module()
    Host(module, gui=True)
    monkeypatch.setitem(__import__("sys").modules, "nuke", module)
    return module


def test_the_table_is_that_of_the_stubs() -> None:
    assert len(TABLE.functions) > 250
    assert len(TABLE.classes) > 90
    assert {"GUI", "NO_ANIMATION", "EXE_PATH"} <= TABLE.values


@pytest.mark.parametrize(
    "code",
    [
        "nuke.executeInMainThreadd(print)",
        "nuke.createNode('Read', panel=False)",
        "nuke.createNode()",
        "nuke.createNode('Reed')",
        "nuke.nodes.Read().setInputs(0, None)",
        "nuke.nodes.Read()['file'].setVal('x')",
        "nuke.nodes.Dot().setInput(1, None)",
        "nuke.Double_Knob('a b')",
        "nuke.Enumeration_Knob('a', 'b')",
        "nuke.nodes.Read()['on_error'].setValue('ignore')",
        "nuke.ProgressTask()",
        "nuke.ProgressTask('x').isCanceled()",
        "nuke.executeInMainThread(print)",
        "nuke.executeInMainThreadWithResult(print)",
        "nuke.toNode('x', 'y')",
        "nuke.nodes.Shuffle2()['in1'].setValue('fp')",
        "nuke.nodes.Copy()['from0'].setValue('rgba.cyan')",
    ],
)
def test_what_nuke_does_not_have_raises(nuke: Any, code: str) -> None:
    with pytest.raises(ApiError):
        exec(code, {"nuke": nuke})  # noqa: S102


def test_values_of_the_wrong_kind_raise(nuke: Any) -> None:
    read = nuke.nodes.Read()
    for knob, value in (("first", 1.5), ("file", 3), ("raw", "yes")):
        with pytest.raises(TypeError):
            read[knob].setValue(value)
    with pytest.raises(NameError):
        read["files"]
    with pytest.raises(NameError):
        nuke.nodes.Write()["datatype"]  # only there when the file type is exr


def test_another_thread_may_not_touch_nuke(nuke: Any) -> None:
    seen: list[BaseException] = []

    def touch() -> None:
        try:
            nuke.frame()
        except ApiError as error:
            seen.append(error)

    thread = threading.Thread(target=touch)
    thread.start()
    thread.join()
    assert "was called from the thread" in str(seen[0])


def test_without_a_gui_nobody_answers_and_nothing_is_shown() -> None:
    module: Any = Module()
    Host(module, gui=False)
    for call in (lambda: module.message("x"), lambda: module.menu("Nodes"),
                 lambda: module.ProgressTask("x")):  # fmt: skip
        with pytest.raises(ApiError, match="without a GUI"):
            call()


def test_create_node_takes_over_the_selection_and_nodes_does_not(nuke: Any) -> None:
    first = nuke.createNode("ColorBars")
    dot = nuke.createNode("Dot")
    assert dot.input(0) is first
    assert (first.isSelected(), dot.isSelected()) == (False, True)
    other = nuke.nodes.Dot()
    assert other.input(0) is None
    assert nuke.selectedNodes() == [dot]


def test_a_deleted_node_is_gone(nuke: Any) -> None:
    node = nuke.nodes.Dot()
    nuke.delete(node)
    with pytest.raises(ValueError, match="not attached"):
        node["label"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("push $N9", "N9"),
        ("Reed {\n}", "unknown class Reed"),
        ("Dot {\n inputs 1\n}", "wants 1 inputs"),
        ("Read {\n inputs 0\n file\n}", "file has no value"),
        ("Read {\n inputs 0\n files x\n}", "has no knob"),
        ("Group {\n inputs 0\n}\n", "not closed"),
        ("end_group", "end_group without"),
    ],
)
def test_tcl_finds_what_is_wrong_in_a_script(text: str, reason: str) -> None:
    with pytest.raises(ScriptError, match=reason):
        read_script(text)
