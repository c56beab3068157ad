"""The track of a node: where it is kept, whether it will do, and a copy for every version."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import Any

from faceplate_nuke.errors import PluginError
from faceplate_nuke.order import Order

__all__ = ["kept_track", "needs_track", "track_frames", "track_of"]


def track_of(order: Order) -> str:
    """Return where the track is that a node keeps; empty where the node has no place yet."""
    if order.track:
        return order.track
    return f"{order.output}/{order.name}.track.json" if order.output else ""


def needs_track(order: Order, track: str) -> bool:
    """Return whether the faces must be followed: no track of these files with all the frames.

    A track that the artist named is only made where it is not there.
    """
    if order.analyse or not os.path.isfile(track):
        return True
    if order.track:
        return False
    known = _read(track)
    pattern = str(known.get("plate", {}).get("pattern") or "")
    return not (_files(pattern) == _files(order.plate.path)
                and set(order.frames) <= track_frames(known))  # fmt: skip


def track_frames(track: dict[str, Any]) -> set[int]:
    """Return the frames that a track tells of, with a face or without."""
    return {frame for first, last in track.get("frames", []) for frame in range(first, last + 1)}


def kept_track(order: Order, track: str, version: str) -> str:
    """Return a copy of the track in the version, which nobody else writes.

    Another Nuke may follow other frames of the shot from now on, into the track that both keep.
    """
    copy = f"{version}/{order.name}.track.json"
    shutil.copyfile(track, copy)
    if not set(order.frames) <= track_frames(_read(copy)):
        raise PluginError(
            "Busy", f"another program has just followed other frames into {track}",
            "Swap again, or give each a folder of its own in the knob `output`.", 3,
        )  # fmt: skip
    return copy


def _read(track: str) -> dict[str, Any]:
    try:
        with open(track, encoding="utf-8") as file:
            known = json.load(file)
    except (OSError, ValueError) as error:
        raise PluginError(
            "Damaged", f"the track {track} cannot be read: {error}", "Move it away.", 3
        ) from error
    return known if isinstance(known, dict) else {}


def _files(pattern: str) -> str:
    """Return one spelling of a pattern: ``####`` and ``%04d`` are the same files.

    Example:
        >>> _files("/p/../p/b.####.exr") == _files("/p/b.%04d.exr"), _files("/p/b.mov")
        (True, '/p/b.mov')
    """
    text = re.sub(r"#+|@+", lambda found: f"%0{len(found.group())}d", pattern)
    text = re.sub(r"%0*(\d*)d", lambda found: f"%0{int(found.group(1) or 1)}d", text)
    return os.path.normcase(os.path.abspath(text))
