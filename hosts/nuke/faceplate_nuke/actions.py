"""What the buttons and the menu do. Nothing that goes wrong here reaches Nuke: it is told."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import Any

import nuke

from faceplate_nuke import defaults, jobs, ocio, results
from faceplate_nuke import farm as farming
from faceplate_nuke import node as nodes
from faceplate_nuke.errors import Cancelled, PluginError
from faceplate_nuke.fields import refresh_choices
from faceplate_nuke.host import on_main, show_error, text_in
from faceplate_nuke.order import FROM_INPUT, client_of, take_order

__all__ = ["cancel", "create", "farm", "made", "preview", "reload",
           "show_version", "swap", "unpack"]  # fmt: skip

logger = logging.getLogger(__name__)


def _guarded(action: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Show an error on the node, and in a box where somebody pressed a button."""

    @functools.wraps(action)
    def guarded(node: Any) -> Any:
        try:
            return action(node)
        except Cancelled:  # whoever asked for that needs no box
            nodes.say(node, f"{action.__name__}: cancelled", f"{action.__name__}: cancelled")
        except PluginError as error:
            nodes.say_error(node, error)
            show_error(error)
        except Exception as error:  # a plug-in must not break its host
            logger.exception("%s failed", action.__name__)
            wrapped = PluginError("Internal", f"{type(error).__name__}: {error}")
            nodes.say_error(node, wrapped)
            show_error(wrapped)
        return None

    return guarded


def create() -> Any:
    """Make a node, and ask the server for its models."""
    node = nodes.create()
    _ask_first(node)
    return node


@_guarded
def made(node: Any) -> Any:
    """Finish a node that Nuke made from the gizmo, so that it is like one from the menu."""
    node["onCreate"].setValue("")  # it runs when a script is opened, too
    nodes.know_layers()
    defaults.apply(node)
    return _ask_first(node)


def _ask_first(node: Any) -> Any:
    run = reload(node)
    defaults.apply(node, ["fp_color_space"])
    return run


@_guarded
def reload(node: Any) -> Any:
    """Ask the server again."""
    refresh_choices(node["fp_color_space"], [FROM_INPUT, *_spaces(node)])
    return jobs.start(node, "reload", client_of(node), jobs.reload)


@_guarded
def preview(node: Any) -> Any:
    """Swap the current frame."""
    jobs.refuse_busy(node)
    client = client_of(node)  # first, as an order may have to be rendered
    order = take_order(node, int(nuke.frame()))
    return jobs.start(node, "preview", client, lambda run: jobs.preview(run, order))


@_guarded
def swap(node: Any) -> Any:
    """Swap the range."""
    jobs.refuse_busy(node)
    client = client_of(node)
    order = take_order(node)
    return jobs.start(node, "swap", client, lambda run: jobs.swap(run, order))


@_guarded
def farm(node: Any) -> Any:
    """Write the range as a job for a farm; the node shows its results as they come."""
    jobs.refuse_busy(node)
    client = client_of(node)
    order = take_order(node)
    scheduler, chunk = str(node["fp_scheduler"].value()), int(node["fp_chunk"].value())
    submit, program = str(node["fp_submit"].value() or ""), text_in(node["fp_program"])

    def work(run: Any) -> str:
        said = farming.send(run, order, scheduler, chunk, submit, program)
        on_main(results.attach, node, run.result["version"])
        return str(said)

    return jobs.start(node, "farm", client, work)


@_guarded
def cancel(node: Any) -> None:
    """Ask what runs to stop."""
    run = jobs.running(node)
    if run is None:
        nodes.say(node, "nothing is running")
    else:
        run.stopped = True


@_guarded
def show_version(node: Any) -> None:
    """Show the version that is chosen."""
    results.show_version(node)


@_guarded
def unpack(node: Any) -> Any:
    """Lay the layers out beside the node."""
    return results.unpack(node)


def _spaces(node: Any) -> list[str]:
    """Return the colour spaces to choose from: those of Nuke's Read, where they are OCIO's."""
    if ocio.discover(os.environ, ocio.root_values(nuke.root(), text_in)).is_nuke:
        return list(ocio.INTEROP)
    with node:
        read = nuke.toNode(nodes.READ)
    return [str(value) for value in read["colorspace"].values()] if read is not None else []
