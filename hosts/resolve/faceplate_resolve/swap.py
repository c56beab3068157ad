"""The whole way: from the clip under the playhead to its take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate_resolve.bring import bring
from faceplate_resolve.client import Client, Following, find_client
from faceplate_resolve.edition import check_python, read_edition
from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.job import Work, key_of
from faceplate_resolve.render import render
from faceplate_resolve.settings import Settings, load_settings, safe_name
from faceplate_resolve.source import Plate, Result, Shot, choose, file_plate, why_not_file
from faceplate_resolve.spaces import clip_space, render_space

__all__ = ["main", "swap_shot"]

Say = Callable[[str], None]


def main(
    resolve: Any, say: Say, environ: dict[str, str] | None = None, installed_client: str = ""
) -> bool:
    """Swap the clip under the playhead and tell the artist; returns whether it is all done.

    Args:
        resolve: What Resolve gives its scripts.
        say: Shows a line.
        environ: Environment; None takes this process's.
        installed_client: Helper that `faceplate install` wrote into the script.
    """
    try:
        swap_shot(resolve, say, dict(os.environ) if environ is None else environ, installed_client)
    except HostError as error:
        say(f"Faceplate: {error}")
        return False
    return True


def swap_shot(resolve: Any, say: Say, environ: dict[str, str], installed_client: str = "") -> None:
    """Swap the clip under the playhead. Raises HostError with a sentence for the artist."""
    host = Host(resolve)
    edition = read_edition(host.product(), host.version())
    say(edition.sentence)
    check_python(edition)
    host.open()
    settings = load_settings(host.project_name(), environ)
    program = find_client(settings, installed_client, environ)
    with _PlateShown(host) as shown:
        shot = choose(host, settings)
        folder = settings.work_folder / safe_name(host.project_name()) / safe_name(shot.name)
        work = Work(folder, key_of(shot, settings))
        plate = work.plate
        if plate is None:
            plate = _plate(host, edition, shot, settings, work, say)
            work.keep_plate(plate)
        result = Result(work.pattern(safe_name(shot.name)), plate)
        _serve(work, shot, result, settings, Client(program, settings, folder), say)
        still = _still(host, settings, work, "before")
        for sentence in bring(host, shot, result, str(settings.bring_back)):
            say(sentence)
        shown.keep = True
        work.done("bring")
    if still:
        say(_compare(still, _still(host, settings, work, "after")))


@dataclass
class _PlateShown:
    """While it is entered, the clip shows its first take: the plate and no earlier result."""

    host: Host
    keep: bool = False
    """Leave the takes as they are then."""

    def __post_init__(self) -> None:
        self._item: Any = None
        self._take = 0

    def __enter__(self) -> _PlateShown:
        item = self.host.current_item()
        if item is not None:
            count, take = self.host.takes(item)
            if count > 1 and take > 1:
                self._item, self._take = item, take
                self.host.select_take(item, 1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._item is not None and not self.keep:
            self.host.select_take(self._item, self._take)


def _plate(host: Host, edition: Any, shot: Shot, settings: Settings, work: Work, say: Say) -> Plate:
    why = why_not_file(host, shot)
    if settings.plate == "file" and why:
        raise HostError(f'"plate" is "file" in {settings.path}, but {why}.')
    if not why and settings.plate != "render":
        plate = file_plate(host, shot, settings, clip_space(host, host.media(shot.item), settings))
        say(f"The plate is the clip's own file, frames {plate.frames}: {plate.path}")
        return plate
    say(f"The plate is rendered, since {why or 'the settings ask for it'}.")
    space = render_space(host, settings)
    folder = work.folder / f"plate_{time.strftime('%Y%m%d_%H%M%S')}_{time.time_ns() % 1000:03d}"
    plate = render(host, edition, shot, settings, folder, space, say)
    say(f"The plate is rendered in {space}, frames {plate.frames}: {plate.path}")
    return plate


def _serve(
    work: Work, shot: Shot, result: Result, settings: Settings, client: Client, say: Say
) -> None:
    """Have the server do what is left of its steps."""
    following = Following(
        until=time.monotonic() + settings.wait_s,
        cancel=work.folder / "cancel",
        say=say,
        submitted=lambda job: None,
    )
    plate = result.plate
    common: dict[str, Any] = {"plate": plate.path, "frames": plate.frames}
    if plate.space:
        common["color_space"] = plate.space
    say(f"To cancel, make a file named {following.cancel}")
    if work.state["step"] == "analyse":
        values = {**common, **settings.analyse, "out": str(work.track)}
        found = work.run("analyse", values, client, following)
        work.done("analyse")
        say(f"A face is in {found.get('frames_with_face')} of {found.get('frames')} frames.")
    if work.state["step"] == "swap":
        values = {
            **common,
            "shot": shot.name,
            "model": settings.full(settings.model),
            **settings.swap,
        }
        for name in ("consent", "recipe"):
            if settings.values[name]:
                values[name] = settings.full(settings.values[name])
        values.update(track=str(work.track), out=str(result.pattern))
        found = work.run("swap", values, client, following)
        work.done("swap")
        say(f"{found.get('swapped', 0)} frames are swapped: {result.pattern}")


def _still(host: Host, settings: Settings, work: Work, name: str) -> Path | None:
    if not settings.verify:
        return None
    path = work.results / f"still_{name}.png"
    return path if host.still(str(path)) and path.is_file() and path.stat().st_size else None


def _compare(before: Path, after: Path | None) -> str:
    """Say whether the picture changed: what Resolve reads back proves nothing."""
    if after is None:
        return "Resolve exported no still of the result: look at the viewer."
    if before.read_bytes() == after.read_bytes():
        return f"The picture is as before: look at the viewer, and at {before.parent}."
    return f"The picture changed; stills before and after are in {before.parent}."
