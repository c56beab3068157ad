"""The work: preview, swap, reload. Each runs beside the GUI and tells the node how it goes."""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faceplate_nuke import node as nodes
from faceplate_nuke import results
from faceplate_nuke.client import Client, Watched
from faceplate_nuke.errors import Cancelled, PluginError
from faceplate_nuke.host import Bar, in_background, on_main, temp_folder
from faceplate_nuke.order import Order
from faceplate_nuke.tracks import kept_track, needs_track, track_of
from faceplate_nuke.versions import new_version

__all__ = [
    "Run", "preview", "refuse_busy", "reload", "running", "start", "stop_all", "swap",
    "write_papers",
]  # fmt: skip

logger = logging.getLogger(__name__)

_PREVIEW = {"layers": "none", "compression": "none"}
"""Of a preview: its picture alone, stored, is there in a quarter of the time of all layers."""

_RUNS: list[Run] = []
"""What is at work."""


@dataclass
class Run:
    """One piece of work of one node."""

    node: Any
    name: str
    client: Client
    title: str
    bar: Bar
    watched: Watched = field(default_factory=Watched)
    stopped: bool = False
    error: PluginError | None = None
    """What it ended with."""
    result: dict[str, Any] = field(default_factory=dict)
    shown: tuple[float, str] = (0.0, "")
    """Share that is done, and of what."""

    def submit(self, verb: str, settings: dict[str, Any], span: tuple[float, float]) -> Any:
        """Run a job whose progress is a part of the bar, from `span[0]` to `span[1]`."""
        self._say(f"{verb} ...")

        def listener(event: dict[str, Any]) -> bool:
            share, text = _progress(event, verb)
            if share is not None:
                self.shown = span[0] + (span[1] - span[0]) * share, text
            return self._goes_on()

        self.shown = span[0], verb
        return self.client.submit(verb, settings, listener, self.watched)

    def ask(self, words: list[str]) -> dict[str, Any]:
        """Ask what has one answer; one that comes after all when it was stopped is not used."""
        answer = self.client.ask(words, lambda event: self._goes_on(), self.watched)
        if self.stopped:
            raise Cancelled("it was stopped")
        return answer

    def _goes_on(self) -> bool:
        """Return whether nobody stopped it, or deleted the node that it is for."""
        wanted = self.bar.show(*self.shown) and not self.stopped
        return wanted and bool(on_main(_name_now, self))

    def _say(self, text: str) -> None:
        on_main(nodes.say, self.node, f"{self.title}: {text}")


def running(node: Any) -> Run | None:
    """Return what a node is doing, whatever it was called when that began; main thread only."""
    name = str(node.fullName())
    return next((run for run in list(_RUNS) if _name_now(run) == name), None)


def refuse_busy(node: Any) -> None:
    """Raise PluginError where a node is at work; main thread only."""
    run = running(node)
    if run is not None:
        raise PluginError("Busy", f"{node.name()} is at work: {run.title}", "Cancel it first.", 2)


def start(node: Any, title: str, client: Client, work: Callable[[Run], str]) -> Run:
    """Begin a piece of work; main thread only.

    Args:
        node: Our node; it does one thing at a time.
        title: What it is called in the progress bar.
        client: How to reach the server.
        work: Does it, in a thread of its own where there is a GUI; returns what to show then.

    Raises:
        PluginError: The node is at work.
    """
    refuse_busy(node)
    run = Run(node, str(node.name()), client, title, Bar(f"Faceplate {title}: {node.name()}"))
    _RUNS.append(run)

    def whole() -> None:
        try:
            said = work(run)
            on_main(nodes.say, node, said, said)
        except PluginError as error:
            run.error = error
            _tell(run, error)
        except Exception as error:  # whatever it is, the node must be free again, and say so
            logger.exception("%s failed", title)
            run.error = PluginError("Internal", f"{type(error).__name__}: {error}")
            _tell(run, run.error)
        finally:
            _RUNS.remove(run)
            run.bar.close()

    in_background(whole, f"faceplate {title}")
    return run


def reload(run: Run) -> str:
    """Ask for models and settings, and make knobs of them."""
    answer = run.ask(["models"])
    on_main(nodes.fill, run.node, answer)
    models = [each for each in answer.get("models", []) if not each.get("problem")]
    spoilt = [each["name"] for each in answer.get("models", []) if each.get("problem")]
    extra = f"; damaged: {', '.join(spoilt)}" if spoilt else ""
    return f"{len(models)} models, {len(nodes_specs(run))} settings{extra}"


def swap(run: Run, order: Order) -> str:
    """Follow the faces where need be, swap the range into a new version, and show it."""
    try:
        return _swap(run, order)
    finally:
        drop_rendered(order)


def preview(run: Run, order: Order) -> str:
    """Swap one frame and show it, and it alone."""
    try:
        return _preview(run, order)
    finally:
        drop_rendered(order)


def drop_rendered(order: Order) -> None:
    """Delete the frames that were rendered for an order: they were in passing."""
    if order.plate.rendered:
        shutil.rmtree(os.path.dirname(order.plate.path), ignore_errors=True)


def _swap(run: Run, order: Order) -> str:
    version = new_version(order.output)
    out = write_papers(run.name, order, version)
    begun, track = 0.0, track_of(order)
    if needs_track(order, track):
        begun = 0.4
        run.submit("analyse", {**order.shot_settings, "out": track,
                               "frames": order.frame_text}, (0.0, begun))  # fmt: skip
    if not order.track:
        track = kept_track(order, track, version)
    settings = {**order.shot_settings, **order.options, "track": track, "model": order.model,
                "out": out, "frames": order.frame_text,
                "recipe": f"{version}/recipe.json"}  # fmt: skip
    run.result = run.submit("swap", settings, (begun, 1.0))
    on_main(results.attach, run.node, version)
    faces = run.result.get("swapped")
    said = f"a face in {faces} frames" if faces else f"no face in any frame; look at {track}"
    return f"{os.path.basename(version)}: {order.frame_text}, {said}"


def _preview(run: Run, order: Order) -> str:
    (frame,) = order.frames
    folder = f"{temp_folder()}/{uuid.uuid4().hex}"
    os.makedirs(folder)
    track = track_of(order)
    if needs_track(order, track):
        track = f"{folder}/frame.track.json"
        run.submit("analyse", {**order.shot_settings, "out": track, "frames": str(frame)},
                   (0.0, 0.5))  # fmt: skip
    run.shown = 0.5, f"swap: frame {frame}"
    out = f"{folder}/preview.%04d.exr"
    options = {key: value for key, value in order.shot_settings.items() if key != "plate"}
    answer = run.ask([
        "swap-frame", "--plate", order.plate.path, "--track", track, "--model", order.model,
        "--out", out, "--frame", str(frame), "--recipe", json.dumps(dict(order.recipe)),
        "--json", json.dumps({**options, **order.options, **_PREVIEW}),
    ])  # fmt: skip
    run.result = answer
    on_main(results.show_preview, run.node, out, frame, order)
    faces = f"{answer['faces']} faces" if answer["faces"] else "no face of the person"
    return f"frame {frame}: {faces}, {answer['milliseconds']:.0f} ms"


def stop_all() -> None:
    """End every helper: the script is closed. Never waits: a thread may wait for this one."""
    for run in list(_RUNS):
        run.stopped = True
        run.watched.stop()


def nodes_specs(run: Run) -> list[Any]:
    """Return the settings of the run's node."""
    found: list[Any] = on_main(nodes.specs_of, run.node)
    return found


def _name_now(run: Run) -> str:
    try:
        return str(run.node.fullName())
    except ValueError:  # it was deleted
        return ""


def _tell(run: Run, error: PluginError) -> None:
    try:
        if isinstance(error, Cancelled):
            text = f"{run.title}: cancelled; finished frames are kept"
            on_main(nodes.say, run.node, text, text)
        else:
            on_main(nodes.say_error, run.node, error)
    except ValueError as gone:  # the node was deleted while it was at work
        logger.warning("%s: %s (%s)", run.name, error, gone)


def _progress(event: dict[str, Any], verb: str) -> tuple[float | None, str]:
    if event.get("event") != "progress" or not event.get("total"):
        return None, ""
    done, total = event["done"], event["total"]
    left = event.get("seconds_left")
    soon = f", {left:.0f} s left" if isinstance(left, (int, float)) else ""
    return done / total, f"{verb}: {event.get('title', '')} {done} of {total}{soon}"


def write_papers(name: str, order: Order, version: str) -> str:
    """Write beside the frames of a version what was asked for; returns the frames' pattern."""
    out = f"{version}/{order.name}.%04d.exr"
    _write_json(f"{version}/recipe.json", order.recipe)
    _write_json(f"{version}/request.json", {
        "node": name, "out": out, "plate": order.plate.path, "rendered": order.plate.rendered,
        "color_space": order.plate.color_space, "ocio": order.colors.record(),
        "frames": order.frame_text, "first": order.frames[0], "last": order.frames[-1],
        "model": order.model, **order.options,
    })  # fmt: skip
    return out


def _write_json(path: str, values: Any) -> None:
    part = f"{path}.part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(dict(values), file, indent=1, sort_keys=True)
    os.replace(part, path)
