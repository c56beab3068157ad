"""A range as a job for a farm: `faceplate farm` writes it, the artist or a command submits it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faceplate_nuke.errors import PluginError
from faceplate_nuke.host import host_folder
from faceplate_nuke.jobs import write_papers
from faceplate_nuke.order import Order
from faceplate_nuke.programs import clean_environment, find_program
from faceplate_nuke.versions import new_version

__all__ = ["farm_command", "find_faceplate", "send"]

_LIMIT_S = 300.0
_PASSED = ("person", "mattes", "likeness")
"""Options of a swap that `faceplate farm` hands on."""


def send(run: Any, order: Order, scheduler: str, chunk: int, submit: str, program: str) -> str:
    """Write the job of a range, and submit it where a command is named. Returns what to show."""
    version = new_version(order.output)
    order = _kept(order, version)
    run.result = {"version": version, "out": write_papers(run.name, order, version)}
    environment = clean_environment(os.environ, host_folder())
    program = find_faceplate(program, run.client.program)
    command = farm_command(program, order, version, scheduler, chunk)
    words = command_line(command, environment)
    written = json.loads(words.strip().splitlines()[-1])
    run.result.update(written)
    said = f"{scheduler} job of {order.frame_text} in {written['bundle']}"
    if not submit:
        return f"{said}; submit with: {written['submit']}"
    answer = command_line([*shlex.split(submit), written["bundle"]], environment)
    return f"{said}; submitted: {' '.join(answer.split())[-200:]}"


def _kept(order: Order, version: str) -> Order:
    """Return an order whose plate stays: what was rendered moves to the version."""
    if not order.plate.rendered:
        return order
    folder, name = os.path.split(order.plate.path)
    shutil.move(folder, f"{version}/plate")
    return replace(order, plate=replace(order.plate, path=f"{version}/plate/{name}"))


def farm_command(program: str, order: Order, version: str, scheduler: str, chunk: int) -> list[str]:
    """Return the command line that writes the job."""
    options = dict(order.options)
    named = {
        **order.shot_settings, "model": order.model, "frames": order.frame_text,
        "out": f"{version}/{order.name}.%04d.exr", "bundle": f"{version}/farm",
        "recipe": f"{version}/recipe.json", "chunk": str(chunk),
        "shot": options.get("shot", order.name),
    }  # fmt: skip
    if options.get("consent"):
        named["consent"] = options["consent"]
    words = [program, "--json", "farm", scheduler]
    for name, value in named.items():
        words.append(f"--{name.replace('_', '-')}={value}")
    if order.track and os.path.isfile(order.track):
        words += [f"--track={order.track}", "--no-analyse"]
    passed = [f"--{name}={options[name]}" for name in _PASSED if options.get(name)]
    if passed:
        words.append(f"--options={shlex.join(passed)}")
    return words


def find_faceplate(asked: str, client: str) -> str:
    """Return the path of `faceplate`: what the knob says, the environment, beside the helper."""
    beside = os.path.join(os.path.dirname(client), "faceplate" + os.path.splitext(client)[1])
    if not asked and not os.environ.get("FACEPLATE_PROGRAM") and os.path.isfile(beside):
        return beside
    return find_program("faceplate", asked, "FACEPLATE_PROGRAM", os.environ)


def command_line(words: list[str], environment: Mapping[str, str]) -> str:
    """Run a program to its end and return its output. Raises PluginError where it fails."""
    try:
        done = subprocess.run(
            words, env=dict(environment), capture_output=True, text=True, timeout=_LIMIT_S,
            check=False, stdin=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PluginError("FarmFailed", f"{words[0]}: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip())[-500:]
        raise PluginError("FarmFailed", f"{words[0]} ended with code {done.returncode}: {reason}",
                          "", done.returncode)  # fmt: skip
    return done.stdout
