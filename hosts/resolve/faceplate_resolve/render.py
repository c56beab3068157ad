"""The plate as a render of the timeline: EXR, half float, the clip's track alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faceplate_resolve.edition import Edition
from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.settings import Settings
from faceplate_resolve.source import SIZING, Plate, Shot, first_number, why_retimed
from faceplate_resolve.spaces import tags

__all__ = ["pick_codec", "render", "rendered_files"]

POLL_S = 0.5
HALF_CODECS = ("RGBHalfZIP", "RGBHalfPIZ", "RGBHalf")
"""Lossless ones, in the order in which they are wanted."""


def render(
    host: Host,
    edition: Edition,
    shot: Shot,
    settings: Settings,
    folder: Path,
    space: str,
    say: Callable[[str], None],
) -> Plate:
    """Render the frames of a shot into an empty folder; everything in Resolve is as before.

    Frames beyond the cut come from a timeline of the clip alone, which is deleted again. They are
    left out where there is no such thing: a clip whose speed is changed, or several clips.

    Raises:
        HostError: Resolve did not do what it was asked, or did not write what it said.
    """
    width, height = (
        int(host.timeline_setting(f"timelineResolution{side}") or 0) for side in ("Width", "Height")
    )
    edition.check_render(width, height)
    before, after = _handles(host, shot, settings)
    page, choice = host.page(), host.render_choice()
    host.show_page("deliver")
    try:
        with _shown(host, shot, before, after) as (first, last):
            _run(host, folder, first, last, space)
    finally:
        for what in host.put_back(choice, page):
            say(f"Resolve did not take back {what}: choose it again on the Deliver page.")
    count = shot.last - shot.first + 1 + before + after
    pattern, number = rendered_files(folder, count)
    return Plate(
        path=pattern,
        first=number + before,
        last=number + before + shot.last - shot.first,
        before=before,
        after=after,
        is_file=False,
        space=space,
    )


def pick_codec(codecs: dict[str, str]) -> str:
    """Return the id of a lossless half-float codec; Resolve takes no descriptions.

    Raises:
        HostError: There is none.
    """
    for wanted in HALF_CODECS:
        if wanted in codecs.values():
            return wanted
    raise HostError(
        "This Resolve renders no lossless EXR in half float; it has: "
        + (", ".join(sorted(codecs)) or "no EXR at all")
    )


def rendered_files(folder: Path, count: int) -> tuple[str, int]:
    """Return pattern and first number of the frames in a folder, all there and none empty.

    Raises:
        HostError: They are not; says which.
    """
    found = {}
    for path in folder.glob("*.exr"):
        match = re.fullmatch(r"(.*?)(\d+)\.exr", path.name)
        if match:
            found[int(match.group(2))] = (match.group(1), len(match.group(2)), path)
    numbers = sorted(found)
    if len(numbers) != count:
        raise HostError(
            f"Resolve rendered {len(numbers)} of {count} frames into {folder}: is there room?"
        )
    if numbers[-1] - numbers[0] != count - 1:
        raise HostError(f"Frames are missing between those rendered into {folder}.")
    empty = [number for number in numbers if not found[number][2].stat().st_size]
    if empty:
        raise HostError(f"Frame {empty[0]} rendered into {folder} is empty: is there room?")
    name, width, _ = found[numbers[0]]
    return str(folder / f"{name}%0{width}d.exr"), numbers[0]


def _handles(host: Host, shot: Shot, settings: Settings) -> tuple[int, int]:
    handles = int(settings.handles)
    if not handles or not shot.is_whole_clip or shot.facts is None:
        return 0, 0
    media = host.media(shot.item)
    if media is None or shot.facts["comps"] or why_retimed(host, shot, media):
        return 0, 0
    return min(handles, shot.facts["left"]), min(handles, shot.facts["right"])


@contextmanager
def _shown(host: Host, shot: Shot, before: int, after: int) -> Iterator[tuple[int, int]]:
    """Bring the timeline into the state to render; yields its first and last frame."""
    if not before and not after:
        with _soloed(host, shot.facts["track"] if shot.facts else None):
            yield shot.first, shot.last
        return
    kept, clip = _laid_out(host, shot, before, after)
    try:
        _copy_sizing(host, shot.item, clip)
        facts = host.item_facts(clip)
        yield facts["start"], facts["end"] - 1
    finally:
        host.drop_layout(kept)


def _laid_out(host: Host, shot: Shot, before: int, after: int) -> tuple[Any, Any]:
    """Lay the clip out with its handles; returns what was shown before, and the clip.

    Whether Resolve counts frames from the file's number or from 0, and the last one or not, differs
    from version to version, so what came of it is measured.
    """
    facts, media = shot.facts or {}, host.media(shot.item)
    left, length = facts["left"] - before, facts["end"] - facts["start"] + before + after
    for start in (first_number(host, media) + left, left):
        for end in (start + length - 1, start + length):
            name = f"Faceplate {shot.name} {time.time_ns()}"
            kept, clip = host.lay_out(name, media, start, end)
            laid = host.item_facts(clip) if clip is not None else {"start": 0, "end": 0, "left": -1}
            if (laid["end"] - laid["start"], laid["left"]) == (length, left):
                return kept, clip
            host.drop_layout(kept)
    raise HostError('Resolve does not lay the clip out with handles: set "handles" to 0.')


def _copy_sizing(host: Host, item: Any, other: Any) -> None:
    sizing, is_now = host.sizing(item), host.sizing(other)
    for name in SIZING:
        if name in sizing and sizing[name] != is_now.get(name):
            host.set_sizing(other, name, sizing[name])


@contextmanager
def _soloed(host: Host, track: int | None) -> Iterator[None]:
    """Hide all video tracks but one; None hides none. They are as before afterwards."""
    others = [index for index in range(1, host.tracks() + 1) if track not in (None, index)]
    hidden = []
    try:
        for index in others:
            if host.track_enabled(index):
                hidden.append(index)
                host.enable_track(index, False)
        yield
    finally:
        for index in hidden:
            host.enable_track(index, True)


def _run(host: Host, folder: Path, first: int, last: int, space: str) -> None:
    folder.mkdir(parents=True, exist_ok=False)
    host.choose_render("exr", pick_codec(host.codecs()), 1)
    job = host.add_render(
        {
            "SelectAllFrames": False,
            "MarkIn": first,
            "MarkOut": last,
            "TargetDir": str(folder),
            "CustomName": "plate_",
            "ExportVideo": True,
            "ExportAudio": False,
            **tags(space),
        }
    )
    try:
        host.start_render(job)
        while host.rendering():
            time.sleep(POLL_S)
        status = host.render_status(job)
        if status.get("JobStatus") != "Complete":
            raise HostError(
                f"Resolve's render ended as {status.get('JobStatus')}: "
                f"{status.get('Error') or 'it says no more'}."
            )
    finally:
        host.drop_render(job)
