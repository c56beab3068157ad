"""Checks that an artist runs inside Nuke, and a report of them; the script stays as it is.

`faceplate selftest nuke` writes a script that calls this, for the Script Editor or ``nuke -t``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import nuke

from faceplate_nuke import __version__, actions, fields, ocio
from faceplate_nuke import node as nodes
from faceplate_nuke.client import Client
from faceplate_nuke.errors import PluginError
from faceplate_nuke.graph import inside_parts
from faceplate_nuke.host import (
    host_folder,
    in_background,
    on_main,
    path_in,
    quietly,
    temp_folder,
    text_in,
)
from faceplate_nuke.panel import KIND, PANEL, SHOWS
from faceplate_nuke.programs import clean_environment, find_program
from faceplate_nuke.source import render_plate

__all__ = ["CHECKS", "report_text", "run", "show"]


def show(folder: str = "") -> None:
    """Run every check and write report.json and report.txt; says where, and never raises."""
    folder = folder or f"{temp_folder()}/selftest-{uuid.uuid4().hex[:8]}"
    report = run()

    def finish() -> None:
        # in the GUI this is another thread, as the main one must be free to answer it
        report["checks"].append(_checked("threads", _threads))
        report["passed"] = all(check["passed"] for check in report["checks"])
        text = _write(report, folder)
        if nuke.GUI:
            on_main(nuke.message, text)
        else:
            sys.stdout.write(text + "\n")

    in_background(finish, "faceplate selftest")


def run() -> dict[str, Any]:
    """Run the checks of the main thread and return what they found."""
    selected, modified = nuke.selectedNodes(), nuke.modified()
    checks = [_checked(name, check) for name, check in CHECKS]
    for node in nuke.allNodes():
        node.setSelected(node in selected)
    nuke.root().setModified(bool(modified))
    return {
        "faceplate_nuke": __version__,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "checks": checks,
    }


def report_text(report: dict[str, Any]) -> str:
    """Return a report as lines."""
    lines = [f"Faceplate self test, {report['when']}"]
    for check in report["checks"]:
        mark = "ok    " if check["passed"] else "FAILED"
        lines.append(f"{mark}  {check['name']}: {check['said']}")
    passed = sum(check["passed"] for check in report["checks"])
    lines.append(f"{passed} of {len(report['checks'])} checks passed")
    return "\n".join(lines)


def _checked(name: str, check: Callable[[], str]) -> dict[str, Any]:
    began = time.monotonic()
    try:
        said, passed = check(), True
    except Exception as error:  # noqa: BLE001 - the next check is made whatever this one found
        said, passed = f"{type(error).__name__}: {error}", False
    seconds = round(time.monotonic() - began, 3)
    return {"name": name, "passed": passed, "said": said, "seconds": seconds}


def _versions() -> str:
    python = platform.python_version()
    if not (3, 9) <= sys.version_info[:2] <= (3, 13):
        raise PluginError("Version", f"Python {python} is none of 3.9 to 3.13")
    mode = "GUI" if nuke.GUI else "terminal"
    return f"Nuke {nuke.NUKE_VERSION_STRING} ({mode}), Python {python}, {platform.platform()}"


def _client() -> Client:
    environment = clean_environment(os.environ, host_folder())
    program = find_program("faceplate-client", "", "FACEPLATE_CLIENT", os.environ)
    return Client(program, "", environment)


def _helper() -> str:
    return _client().program


def _server() -> str:
    answer = _client().ask(["health"])
    return f"{answer.get('status')}"


def _models() -> str:
    answer = _client().ask(["models"])
    settings = answer["recipe_schema"]["properties"]
    return f"{len(answer['models'])} models, {len(settings)} settings"


def _colors() -> str:
    choice = ocio.discover(os.environ, ocio.root_values(nuke.root(), text_in))
    return ", ".join(f"{name} {value}" for name, value in choice.record().items() if value)


def _node() -> str:
    """Make a node with its knobs and its graph, and delete it."""
    with quietly():
        node = nuke.nodes.Group()
        try:
            fields.add_fixed_knobs(node)
            nodes.fill_group(node)
            inside = {each.name() for each in node.nodes()}
            wanted = {part.name for part in inside_parts(SHOWS)}
            if wanted - inside:
                raise PluginError("Graph", f"these were not made: {sorted(wanted - inside)}")
            return f"{len(node.knobs())} knobs, {len(inside)} nodes inside"
        finally:
            nuke.delete(node)


def _gizmo() -> str:
    """Make a node of the gizmo, as the Tab menu does, without asking a server; and delete it."""
    asks, actions.made = actions.made, lambda node: None
    try:
        with quietly():
            node = nuke.createNode(KIND, inpanel=False)
            try:
                names, inside = set(node.knobs()), {each.name() for each in node.nodes()}
                lost = {field.name for field in PANEL} - names
                lost |= {part.name for part in inside_parts(SHOWS)} - inside
                if lost or node.Class() != "Group":
                    raise PluginError("Gizmo", f"a {node.Class()} that lacks {sorted(lost)}")
                return f"{node.name()}, a {node.Class()} of {len(names)} knobs"
            finally:
                nuke.delete(node)
    finally:
        actions.made = asks


def _defaults() -> str:
    """Tell Nuke a default and ask for it; work out the Tcl in a path."""
    nuke.knobDefault(f"{KIND}.fp_selftest", "here")
    knob = nuke.File_Knob("fp_selftest", "")
    knob.setValue("[file dirname /a/b]/[file tail /x/y].%04d.exr")
    found = [nuke.knobDefault(f"{KIND}.fp_selftest"), nuke.knobDefault(f"{KIND}.fp_none") or None,
             path_in(knob)]  # fmt: skip
    if found[:2] != ["here", None] or not found[2].endswith("/a/y.%04d.exr"):
        raise PluginError("Defaults", f"Nuke answers {found}")
    return f"defaults are kept, paths are worked out: {found[2]}"


def _round_trip() -> str:
    """Render a frame of ColorBars as the plug-in renders, and read it back."""
    with quietly():
        bars, group = nuke.nodes.ColorBars(), nuke.nodes.Group()
        read = nuke.nodes.Read()
        try:
            with group:
                nuke.nodes.Input().setName("Plate")
            group.setInput(0, bars)
            plate = render_plate(group, [1], "rgba", "scene_linear", "")
            path = plate.path % 1
            if not os.path.getsize(path):
                raise PluginError("Render", f"{path} is empty")
            read["file"].setValue(path)
            read["raw"].setValue(True)
            worst = max(_differences(bars, read))
            if worst > 0.01:
                raise PluginError("RoundTrip", f"a sample differs by {worst:.4f}")
            return f"{path}, {os.path.getsize(path)} bytes, samples differ by {worst:.5f} at most"
        finally:
            for node in (read, group, bars):
                nuke.delete(node)


def _differences(one: Any, other: Any) -> list[float]:
    width, height = int(one.width()), int(one.height())
    points = [(width * at // 8 + 3, height // 3) for at in range(8)]
    return [
        abs(nuke.sample(one, channel, x, y) - nuke.sample(other, channel, x, y))
        for channel in ("rgba.red", "rgba.green", "rgba.blue")
        for x, y in points
    ]


def _threads() -> str:
    """Ask the main thread something from another one, as every job does."""
    begun = time.monotonic()
    frame = on_main(nuke.frame)
    name = threading.current_thread().name
    return f"frame {frame} told to {name} in {1000 * (time.monotonic() - begun):.0f} ms"


def _write(report: dict[str, Any], folder: str) -> str:
    text = report_text(report)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    with open(os.path.join(folder, "report.txt"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return f"{text}\n\nreport: {folder}"


CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("versions", _versions),
    ("helper", _helper),
    ("server", _server),
    ("models", _models),
    ("OCIO", _colors),
    ("node", _node),
    ("gizmo", _gizmo),
    ("defaults and paths", _defaults),
    ("render and read", _round_trip),
)
"""In order; ``threads`` is made last, beside the main thread."""
