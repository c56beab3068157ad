"""What is swapped: frames of the timeline, and the file or the render that is their plate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.settings import Settings

__all__ = [
    "Plate",
    "Result",
    "Shot",
    "SIZING",
    "choose",
    "file_plate",
    "first_number",
    "why_not_file",
    "why_retimed",
]

READABLE = (".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".mov", ".mp4", ".m4v")
MOVIES = (".mov", ".mp4", ".m4v")

SIZING = {
    "Pan": 0, "Tilt": 0, "ZoomX": 1, "ZoomY": 1, "RotationAngle": 0, "AnchorPointX": 0,
    "AnchorPointY": 0, "Pitch": 0, "Yaw": 0, "FlipX": 0, "FlipY": 0, "CropLeft": 0, "CropRight": 0,
    "CropTop": 0, "CropBottom": 0, "Distortion": 0,
}  # fmt: skip
"""What changes a clip's picture, and the value that leaves it alone."""


@dataclass(frozen=True)
class Shot:
    """Frames of the timeline. `item` and `facts` are None where they are more than one clip."""

    name: str
    first: int
    last: int
    """Last frame, itself included."""
    item: Any
    facts: dict[str, Any] | None

    @property
    def is_whole_clip(self) -> bool:
        """Whether these are all frames of one clip."""
        facts = self.facts
        return facts is not None and (facts["start"], facts["end"] - 1) == (self.first, self.last)


@dataclass(frozen=True)
class Plate:
    """Files that the server reads."""

    path: str
    """Pattern or movie."""
    first: int
    """Frame of the file for the first frame of the shot."""
    last: int
    before: int
    """Handles in front."""
    after: int
    is_file: bool
    """The clip's own file, rather than a render."""
    space: str = ""

    @property
    def frames(self) -> str:
        """The frames to work on, handles included."""
        return f"{self.first - self.before}-{self.last + self.after}"

    @property
    def numbers(self) -> range:
        """The same."""
        return range(self.first - self.before, self.last + self.after + 1)


@dataclass(frozen=True)
class Result:
    """Frames that the server writes."""

    pattern: Path
    plate: Plate

    def path(self, number: int) -> Path:
        """Return the file of a frame; folders may have a per cent sign in their names."""
        head, width, suffix = re.fullmatch(r"(.*)%0(\d+)d([^%]*)", str(self.pattern)).groups()  # type: ignore[union-attr]  # our own pattern
        return Path(f"{head}{number:0{width}d}{suffix}")


def choose(host: Host, settings: Settings) -> Shot:
    """Return what the artist means: the clip under the playhead, or what is between the marks.

    Raises:
        HostError: No clip, or no marks.
    """
    item = host.current_item()
    facts = host.item_facts(item) if item is not None else None
    if settings.range == "marks":
        marks = host.marks()
        if marks is None:
            raise HostError(f'Set an in and an out mark, or "range" to "clip" in {settings.path}.')
        inside = facts is not None and facts["start"] <= marks[0] and marks[1] < facts["end"]
        name = str(settings.shot) or (facts["name"] if facts and inside else "marks")
        return Shot(name, *marks, item if inside else None, facts if inside else None)
    if facts is None or item is None:
        raise HostError("No clip is under the playhead: move it onto the shot.")
    media = host.media(item)
    path = host.media_property(media, "File Path") if media is not None else ""
    if settings.work_folder in Path(path).parents:
        raise HostError(
            "The clip under the playhead is a result of Faceplate: hide its track, so that the "
            "plate is on top."
        )
    return Shot(settings.shot or facts["name"], facts["start"], facts["end"] - 1, item, facts)


def why_not_file(host: Host, shot: Shot) -> str:
    """Return why the clip's own file is not its plate; empty where it is."""
    if shot.facts is None:
        return "the marks hold more than one clip"
    media = host.media(shot.item)
    if media is None:
        return "it has no media, as a title or a compound clip"
    path = host.media_property(media, "File Path")
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if suffix not in READABLE:
        return f"the server reads no {suffix or 'such'} files"
    if suffix not in MOVIES and not _sequence(path):
        return "it is a single picture"
    if shot.facts["comps"]:
        return "it has a Fusion comp"
    sizing = host.sizing(shot.item)
    changed = [name for name, none in SIZING.items() if float(sizing.get(name, none)) != none]
    if changed:
        return "its sizing is changed: " + ", ".join(changed)
    return why_retimed(host, shot, media)


def why_retimed(host: Host, shot: Shot, media: Any) -> str:
    """Return what tells that frames of the clip are not those of its file; empty where they are."""
    facts = shot.facts or {}
    duration = facts["end"] - facts["start"]
    span = facts["source_last"] - facts["source_first"]
    # Resolve's last source frame is the end in some versions, and the last frame in others
    if span not in (duration, duration - 1):
        return "its speed is changed"
    start = first_number(host, media)
    if facts["source_first"] not in (facts["left"], start + facts["left"]):
        return "Resolve does not say which frames of the file it shows"
    rates = [
        re.match(r"[\d.]+", text)
        for text in (host.media_property(media, "FPS"), host.setting("timelineFrameRate"))
    ]
    if all(rates) and float(rates[0].group()) != float(rates[1].group()):  # type: ignore[union-attr]  # all() says so
        return "its frame rate is not the timeline's"
    return ""


def file_plate(host: Host, shot: Shot, settings: Settings, space: str) -> Plate:
    """Return the clip's own file as the plate."""
    facts, media = shot.facts or {}, host.media(shot.item)
    path = host.media_property(media, "File Path")
    sequence = _sequence(path)
    inside = shot.first - facts["start"]
    number = int(sequence.group(2)) if sequence else 1  # the server counts a movie from 1
    first = number + facts["left"] + inside
    handles = int(settings.handles)
    return Plate(
        path=_pattern(path),
        first=first,
        last=first + shot.last - shot.first,
        before=min(handles, facts["left"] + inside),
        after=min(handles, facts["right"] + facts["end"] - 1 - shot.last),
        is_file=True,
        space=space,
    )


def first_number(host: Host, media: Any) -> int:
    """Return the number of the first frame of media, as Resolve counts it; 0 for a movie."""
    text = host.media_property(media, "Start")
    return int(text) if re.fullmatch(r"-?\d+", text) else 0


def _sequence(path: str) -> re.Match[str] | None:
    """Match what Resolve calls a sequence: ``/plates/B.[1001-1012].exr``."""
    return re.fullmatch(r"(.*)\[(\d+)-(\d+)\](\.\w+)", path)


def _pattern(path: str) -> str:
    sequence = _sequence(path)
    if not sequence:
        return path
    head, number, _, suffix = sequence.groups()
    return f"{head}%0{len(number)}d{suffix}"
