"""``faceplate track``: look at a track, correct it elsewhere, and let one correction go further."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.retrack import apply_points, refit
from faceplate.io.atomic import write_text
from faceplate.io.sequence import format_frames, parse_frames
from faceplate.io.trackcsv import csv_text, read_csv
from faceplate.io.tracked import PersonTrack
from faceplate.io.trackfile import Track
from faceplate.io.tracknuke import SHAPES, STABLE, read_nuke, roto_text, tracker_text
from faceplate.io.whois import find_person

__all__ = [
    "ExportTrack",
    "Exported",
    "ImportTrack",
    "Imported",
    "JoinPeople",
    "Listed",
    "ListedPerson",
    "NamePerson",
    "Refitted",
    "RefitTrack",
    "ShowTrack",
    "export_track",
    "import_track",
    "join_people",
    "name_person",
    "refit_track",
    "show_track",
]

Format = Literal["nuke-tracker", "nuke-roto", "csv"]


@dataclass(frozen=True)
class ShowTrack:
    """Tell who is in a track, where, and what an artist corrected."""

    track: str
    """The track file."""


@dataclass(frozen=True)
class ListedPerson:
    """One person of a track."""

    person: int
    name: str
    frames: str
    corrected: str
    """Frames that an artist corrected."""
    drawn: str
    """Frames with a box that an artist drew and no points yet."""
    confidence: float
    """The least."""


@dataclass(frozen=True)
class Listed:
    """A track."""

    track: str
    plate: str
    frames: str
    cuts: str
    """Frames that begin another camera shot."""
    empty: str
    """Frames without a face."""
    people: list[ListedPerson]


@dataclass(frozen=True)
class ExportTrack:
    """Write the points of one person for another program to correct."""

    track: str
    """The track file."""
    out: str
    """The file to write: a script for Nuke (``.nk``) or a table (``.csv``)."""
    format: Format = "nuke-tracker"
    """``nuke-tracker``: a Tracker4 node; ``nuke-roto``: a Roto node with shapes of the outline, the
    eyes and the lips; ``csv``: a table."""
    person: int | str = 0
    """Number, name, FRAME:X,Y, largest, left or right; 0 is the one with most face."""
    points: str = "stable"
    """Landmarks for tracker and table: ``stable`` (corners of eyes and mouth, nose), ``all``, or
    numbers such as ``27,30,36-47``."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    out: str
    person: int
    frames: int
    points: int


@dataclass(frozen=True)
class ImportTrack:
    """Take points over that were corrected in another program."""

    track: str
    """The track file; corrections go into it."""
    file: str
    """The script or table, as `track export` writes it."""
    person: int | str = 0
    """Whose points they are; 0 takes what the file says, else the one with most face."""
    frames: str | None = None
    """Take only these frames, such as ``1010,1020-1025``; None takes every frame whose points were
    moved."""
    refit: bool = True
    """Pull the frames around after the corrections (see `track refit`)."""
    out: str | None = None
    """Write to another track file."""


@dataclass(frozen=True)
class Imported:
    """What was taken over."""

    track: str
    person: int
    corrected: str
    """Frames whose points were taken over."""
    drawn: str
    """Frames without this person that got a box; the next analyse finds the points in it."""
    unchanged: int
    """Frames in the file whose points had not been moved."""
    refitted: int
    """Faces around the corrections that followed."""


@dataclass(frozen=True)
class RefitTrack:
    """Smooth a track again and pull the frames around corrected faces after them."""

    track: str
    """The track file."""
    reach: int | None = None
    """Frames beyond the outer corrections over which the pull fades out, from 0; None takes what
    the track was analysed with."""
    out: str | None = None
    """Write to another track file."""


@dataclass(frozen=True)
class Refitted:
    """What a fit changed."""

    track: str
    corrected: int
    """Faces that an artist corrected; they stay as they are."""
    refitted: int
    """Other faces whose points moved."""


@dataclass(frozen=True)
class NamePerson:
    """Give a person of a track a name, by which extract and swap find it too."""

    track: str
    """The track file."""
    person: int | str
    """Number, old name, FRAME:X,Y, largest, left or right."""
    name: str
    """The name; empty takes it away."""


@dataclass(frozen=True)
class JoinPeople:
    """Make two people of a track one, where analyse did not know somebody again."""

    track: str
    """The track file."""
    person: int | str
    """Who stays."""
    other: int | str
    """Who becomes the same person."""


def show_track(job: ShowTrack, context: Context) -> Listed:
    """Return who is in a track. Raises NotFound or BadSettings."""
    track = Track.load(Path(job.track))
    return Listed(
        job.track,
        track.plate.pattern,
        format_frames(track.frames),
        format_frames(track.cuts),
        format_frames(track.empty_frames()),
        [_listed(person) for person in track.people],
    )


def export_track(job: ExportTrack, context: Context) -> Exported:
    """Write the points of one person for another program.

    Raises:
        NotFound: No such track or person.
        BadSettings: Points that are none, or a track that is broken.
    """
    track = Track.load(Path(job.track))
    person = _person(track, job.person, job.track)
    points = _points(job.points)
    if job.format == "nuke-roto":
        points = [index for shape in SHAPES.values() for index in shape]
    if job.format == "csv":
        text = csv_text(person, points)
    elif job.format == "nuke-roto":
        text = roto_text(track.plate, person)
    else:
        text = tracker_text(track.plate, person, points)
    write_text(Path(job.out), text)
    return Exported(job.out, person.person, len(person.faces), len(points))


def import_track(job: ImportTrack, context: Context) -> Imported:
    """Take corrected points over into a track.

    Raises:
        NotFound: No such track, file or person.
        BadSettings: A file that means nothing, or points outside track or plate; nothing is
            written.
    """
    track = Track.load(Path(job.track))
    text = _text(job.file)
    if Path(job.file).suffix.lower() == ".csv":
        said, moved = read_csv(text, job.file)
    else:
        said, moved = read_nuke(text, track.plate, job.file)
    person = _person(track, said or 0 if job.person == 0 else job.person, job.track)
    frames = frozenset(parse_frames(job.frames)) if job.frames else None
    applied = apply_points(track, person, moved, frames)
    changed = _with_person(track, applied.person)
    fitted = refit(changed) if job.refit else changed
    fitted.save(Path(job.out or job.track))
    return Imported(
        job.out or job.track,
        person.person,
        format_frames(applied.corrected),
        format_frames(applied.drawn),
        applied.unchanged,
        _moved(changed, fitted),
    )


def refit_track(job: RefitTrack, context: Context) -> Refitted:
    """Fit a track anew around its corrections. Raises NotFound or BadSettings."""
    track = Track.load(Path(job.track))
    fitted = refit(track, job.reach)
    fitted.save(Path(job.out or job.track))
    sources = [face.source for person in track.people for face in person.faces]
    return Refitted(job.out or job.track, sources.count("corrected"), _moved(track, fitted))


def name_person(job: NamePerson, context: Context) -> ListedPerson:
    """Name a person. Raises NotFound, or BadSettings for a name that means something else."""
    track = Track.load(Path(job.track))
    person = _person(track, job.person, job.track)
    others = [one.name for one in track.people if one.person != person.person]
    if job.name in others or job.name.isdigit() or job.name in ("largest", "left", "right"):
        raise BadSettings(f"{job.name!r} means somebody else already; choose another name")
    named = replace(person, name=job.name)
    _with_person(track, named).save(Path(job.track))
    return _listed(named)


def join_people(job: JoinPeople, context: Context) -> ListedPerson:
    """Make two people one. Raises NotFound, or BadSettings where both are in one frame."""
    track = Track.load(Path(job.track))
    person, other = (_person(track, who, job.track) for who in (job.person, job.other))
    frames, others = ({*one.frames, *one.boxes} for one in (person, other))
    both = sorted(frames & others)
    if person.person == other.person or both:
        where = f" in frame {both[0]}" if both else ""
        raise BadSettings(f"{job.person} and {job.other} are two people, or one already{where}")
    moved = [replace(face, person=person.person) for face in other.faces]
    faces = sorted([*person.faces, *moved], key=lambda face: face.frame)
    boxes = {**person.boxes, **other.boxes}
    joined = replace(person, faces=tuple(faces), boxes=boxes, name=person.name or other.name)
    rest = tuple(one for one in track.people if one.person != other.person)
    _with_person(replace(track, people=rest), joined).save(Path(job.track))
    return _listed(joined)


def _person(track: Track, who: int | str, path: str) -> PersonTrack:
    person = find_person(track, who)
    if person is None:
        raise NotFound(f"{path} has nobody in it")
    return person


def _points(text: str) -> Sequence[int]:
    if text == "stable":
        return STABLE
    points = range(68) if text == "all" else parse_frames(text)
    if not points or points[0] < 0 or points[-1] > 67:
        raise BadSettings(f"points: expected stable, all or numbers from 0 to 67, got {text!r}")
    return points


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{file} does not exist") from error
    except UnicodeDecodeError as error:
        raise BadSettings(f"{file} is not text: {error}") from error


def _with_person(track: Track, person: PersonTrack) -> Track:
    people = [person if one.person == person.person else one for one in track.people]
    return replace(track, people=tuple(people))


def _moved(before: Track, after: Track) -> int:
    pairs = zip(before.people, after.people, strict=True)
    return sum(
        bool((one.landmarks != other.landmarks).any())
        for old, new in pairs
        for one, other in zip(old.faces, new.faces, strict=True)
    )


def _listed(person: PersonTrack) -> ListedPerson:
    corrected = [face.frame for face in person.faces if face.source == "corrected"]
    return ListedPerson(
        person.person,
        person.name,
        format_frames(person.frames),
        format_frames(corrected),
        format_frames(sorted(person.boxes)),
        min((face.confidence for face in person.faces), default=0.0),
    )
