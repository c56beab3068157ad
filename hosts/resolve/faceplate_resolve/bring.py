"""The result, brought into the project: a bin always, and a take, a clip above or a Fusion comp.

The source is never replaced.
"""

from __future__ import annotations

from typing import Any

from faceplate_resolve.comp import build_comp, write_setting
from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.source import Plate, Result, Shot
from faceplate_resolve.spaces import returned

__all__ = ["bring", "check_files", "way_back"]


def check_files(result: Result) -> None:
    """See that every frame was written. Raises HostError."""
    missing = [
        number
        for number in result.plate.numbers
        if not result.path(number).is_file() or not result.path(number).stat().st_size
    ]
    if missing:
        raise HostError(f"Frame {missing[0]} of the result is missing: {result.path(missing[0])}")


def way_back(wanted: str, shot: Shot, plate: Plate) -> tuple[str, str]:
    """Return how a result comes back, and why otherwise than wanted.

    A take and a comp lie below the clip's sizing, speed and comps, which a render holds already.
    """
    if wanted not in ("take", "fusion"):
        return wanted, ""
    if not plate.is_file:
        return "track", "the plate was rendered with what the clip does to its picture"
    if not shot.is_whole_clip:
        return "track", "the marks hold only a part of the clip"
    return wanted, ""


def bring(host: Host, shot: Shot, result: Result, wanted: str) -> list[str]:
    """Bring a result in and return what was done, in sentences.

    Raises:
        HostError: Resolve did not do what it was asked; what was imported stays in its bin.
    """
    check_files(result)
    way, why = way_back(wanted, shot, result.plate)
    said = [f"A {wanted} is not possible, since {why}."] if why else []
    numbers = result.plate.numbers
    folder = host.open_bin(["Faceplate", shot.name])
    media = host.import_sequence(folder, str(result.pattern), numbers[0], numbers[-1])
    said.append(f"The result is in the bin Faceplate/{shot.name}.")
    said.append(returned(host, media, result.plate.space))
    if way == "take":
        way, more = _take(host, shot, media, result.plate)
        said += more
    if way == "track":
        said.append(_above(host, shot, media, result.plate))
    elif way == "fusion":
        setting = write_setting(result.pattern.parent / f"{result.pattern.stem}.setting", result)
        said += build_comp(host, shot.item, result)
        said.append(f"The same nodes to drag into Fusion: {setting}")
    return said


def _span(host: Host, media: Any, plate: Plate) -> tuple[int, int]:
    """Return the frames of the shot as the media counts them, without handles."""
    text = host.media_property(media, "Start")
    start = int(text) if text.lstrip("-").isdigit() else plate.numbers[0]
    first = start + plate.before
    return first, first + plate.last - plate.first


def _take(host: Host, shot: Shot, media: Any, plate: Plate) -> tuple[str, list[str]]:
    first, last = _span(host, media, plate)
    if not host.add_take(shot.item, media, first, last):
        return "track", ["Resolve made no take, as where it runs without a window."]
    count = host.takes(shot.item)[0]
    host.select_take(shot.item, count)
    return "take", [f"Take {count} of the clip is the result; take 1 is the plate."]


def _above(host: Host, shot: Shot, media: Any, plate: Plate) -> str:
    """Put the result above the shot.

    Whether frames count from the file's number or from 0, and whether the last one is counted,
    differs from version to version, so the clip that came of it is measured.
    """
    length = shot.last - shot.first + 1
    track = _free_track(host, shot)
    first, last = _span(host, media, plate)
    for start in (first, plate.before):
        for end in (start + last - first, start + last - first + 1):
            item = host.place(media, (start, end), track, shot.first)
            facts = host.item_facts(item)
            found = (facts["start"], facts["end"] - facts["start"], facts["left"])
            if found == (shot.first, length, plate.before):
                return f"The result lies on video track {track}, above the shot."
            host.remove(item)
    raise HostError(
        f"Resolve does not lay the result's frames where they belong: put it from its bin "
        f"onto frame {shot.first} by hand."
    )


def _free_track(host: Host, shot: Shot) -> int:
    """Return the lowest track above the shot that is empty where the shot is."""
    lowest = shot.facts["track"] if shot.facts else host.tracks()
    for track in range(lowest + 1, host.tracks() + 1):
        if all(end <= shot.first or start > shot.last for start, end in host.spans(track)):
            return track
    return host.add_track()
