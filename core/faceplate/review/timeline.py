"""The verb `review timeline`: shots in an OpenTimelineIO file, for players and editors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opentimelineio as otio

from faceplate import __version__
from faceplate.context import Context
from faceplate.errors import BadImage, BadSettings
from faceplate.io.atomic import write_text
from faceplate.io.plate import open_plate
from faceplate.io.sequence import MOVIE_SUFFIXES, Sequence
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE, PREFIX

__all__ = ["TimelineJob", "TimelineResult", "clip_notes", "timeline"]

_FPS = 24.0
_TRACK = "Faceplate"


@dataclass(frozen=True)
class TimelineJob:
    """A shot as a clip whose media are the swap, the plate and a movie to look at.

    A timeline that is there is added to: a clip of the same name is replaced where it stands,
    and keeps its markers.
    """

    result: str
    """The swapped frames."""
    out: str
    """The timeline, .otio."""
    plate: str | None = None
    """The plate, as a second medium of the clip."""
    movie: str | None = None
    """A movie of the result, as a third one."""
    shot: str = ""
    """Name of the clip; by default that of the files."""
    frames: str | None = None
    """Such as ``1001-1100``; None takes all."""
    fps: float | None = None
    """Frames per second; None takes what the files say, else 24."""

    def __post_init__(self) -> None:
        if Path(self.out).suffix.lower() != ".otio":
            raise BadSettings(f"out: a timeline ends in .otio, got {self.out!r}")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise BadSettings(f"fps must be above 0 and at most 1000, got {self.fps}")


@dataclass(frozen=True)
class TimelineResult:
    """What was written."""

    timeline: str
    shot: str
    first: int
    last: int
    """Frames of the clip."""
    fps: float
    clips: int
    """In the timeline now."""


def timeline(job: TimelineJob, context: Context) -> TimelineResult:
    """Write or add to a timeline.

    Raises:
        NotFound, BadSequence: No frame of result or plate.
        BadSettings: `out` is there and is no timeline.
        DiskFull: The timeline is as it was.
    """
    result = open_plate(job.result, frames=job.frames, missing="black")
    fps = job.fps or result.fps or _FPS
    shot = job.shot or Path(result.pattern).name.split(".")[0]
    first, last = result.frames[0], result.frames[-1]
    media = {"swap": _reference(result.pattern, first, last, fps)}
    if job.plate:
        media["plate"] = _reference(open_plate(job.plate).pattern, first, last, fps)
    if job.movie:
        media["movie"] = _movie(Path(job.movie), first, last, fps)
    clip = otio.schema.Clip(name=shot, source_range=_range(first, last, fps))
    clip.set_media_references(media, "swap")
    clip.metadata["faceplate"] = {"created_by": f"faceplate {__version__}"} | _provenance(result)
    whole, track = _opened(Path(job.out))
    names = [child.name for child in track]
    if shot in names:
        there = names.index(shot)
        clip.markers.extend(marker.deepcopy() for marker in track[there].markers)
        track[there] = clip
    else:
        track.append(clip)
    Path(job.out).parent.mkdir(parents=True, exist_ok=True)
    write_text(Path(job.out), whole.to_json_string(indent=2) + "\n")
    context.progress.report("review timeline", 1, 1)
    return TimelineResult(job.out, shot, first, last, fps, len(track))


def clip_notes(path: Path, shot: str) -> list[tuple[int, str]]:
    """Return the notes on a shot in a timeline: frames and texts, in order.

    Raises:
        BadSettings: It is no timeline.
    """
    clips = [clip for clip in _read(path).find_clips() if clip.name == shot]
    markers = [marker for clip in clips for marker in clip.markers]
    notes = [
        (marker.marked_range.start_time.to_frames(), marker.comment or marker.name)
        for marker in markers
    ]
    return sorted((frame, text) for frame, text in notes if text)


def _read(path: Path) -> Any:
    try:
        whole = otio.adapters.read_from_file(str(path), adapter_name="otio_json")
    except (otio.exceptions.OTIOError, ValueError, KeyError) as error:
        raise BadSettings(f"{path} is no timeline of OpenTimelineIO: {error}") from error
    if not isinstance(whole, otio.schema.Timeline):
        raise BadSettings(f"{path} holds a {type(whole).__name__}, not a timeline")
    return whole


def _opened(path: Path) -> tuple[Any, Any]:
    """Return the timeline of a file, or a new one, and our track in it."""
    whole = _read(path) if path.exists() else otio.schema.Timeline(name=path.stem)
    for track in whole.tracks:
        if track.name == _TRACK:
            return whole, track
    track = otio.schema.Track(name=_TRACK, kind=otio.schema.TrackKind.Video)
    whole.tracks.append(track)
    return whole, track


def _reference(pattern: str, first: int, last: int, fps: float) -> Any:
    sequence = Sequence.parse(pattern)
    if sequence.padding is None and Path(pattern).suffix.lower() in MOVIE_SUFFIXES:
        return _movie(Path(pattern), first, last, fps)
    return otio.schema.ImageSequenceReference(
        target_url_base=sequence.folder.resolve().as_uri() + "/",
        name_prefix=sequence.head,
        name_suffix=sequence.tail,
        start_frame=first,
        frame_step=1,
        rate=fps,
        frame_zero_padding=sequence.padding or 0,
        missing_frame_policy=otio.schema.ImageSequenceReference.MissingFramePolicy.error,
        available_range=_range(first, last, fps),
    )


def _movie(path: Path, first: int, last: int, fps: float) -> Any:
    return otio.schema.ExternalReference(path.resolve().as_uri(), _range(first, last, fps))


def _range(first: int, last: int, fps: float) -> Any:
    start = otio.opentime.RationalTime(first, fps)
    return otio.opentime.TimeRange(start, otio.opentime.RationalTime(last - first + 1, fps))


def _provenance(result: Any) -> dict[str, str]:
    """Return what the first readable frame says of how it was made."""
    there = {"digitalSourceType": DIGITAL_SOURCE_TYPE}
    for number in result.frames:
        try:
            frame = result.read(number)
        except BadImage:
            continue
        found = {
            name.removeprefix(PREFIX): str(value)
            for name, value in frame.attributes.items()
            if name.startswith(PREFIX) and not name.endswith(("frame", "inputSha256"))
        }
        if found:
            return there | found
    return there
