"""Words and commands, compared with those of Tcl itself where it is here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.errors import BadSettings
from faceplate.io.tcl import commands, words

tkinter = pytest.importorskip("tkinter", reason="needs Python's Tcl")
TCL = tkinter.Tcl()

LISTS = [
    "", "a b  c", "{a b} c", '"a b" c', "{a {b c} d}", "a\\ b", "{}", '""', "{a\nb} c",
    'x1001 "p36" {curve x1 2 x2 3}', "{ { 1 31 2 } { {a} } }", "a{b", "{a\\}b}",
]  # fmt: skip


@pytest.mark.parametrize("text", LISTS)
def test_words_are_those_of_tcl(text: str) -> None:
    assert words(text) == list(TCL.splitlist(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text('ab {}"\\x1.', max_size=6), max_size=5))
def test_what_tcl_wrote_is_read_as_tcl_meant_it(items: list[str]) -> None:
    TCL.call("set", "written", "")
    for item in items:
        TCL.call("lappend", "written", item)
    assert words(TCL.eval("set written")) == items


def test_comments_and_lines_part_commands() -> None:
    text = "#! Nuke\nset a [stack 0]\nRoot {\n name x\n}\n\npush $a; Dot {}"
    assert commands(text) == [
        ["set", "a", "[stack", "0]"], ["Root", "\n name x\n"], ["push", "$a"], ["Dot", ""]
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["{a", "x {b {c}", '"a'])
def test_what_never_closes_is_told_with_its_line(text: str) -> None:
    with pytest.raises(BadSettings, match=r"line 2: .* never closed"):
        words(f"\n{text}")
