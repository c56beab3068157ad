"""What there is of a version: its frames, and the movie, timeline and sidecar that lie beside them.

Nothing is taken on trust: frames must be all there, and the bytes that their sidecar says.
"""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from faceplate import __version__
from faceplate.context import Context
from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.io.image import read_frame
from faceplate.io.plate import Plate, open_plate
from faceplate.io.sequence import Sequence, format_frames, sequences_in
from faceplate.merge.output import beside
from faceplate.merge.seal import our_strings
from faceplate.merge.sealing import frame_files, sidecar_path, sidecar_signature, split_strings
from faceplate.provenance.hashing import sha256_file
from faceplate.provenance.keys import trusted_roots
from faceplate.provenance.sidecar import SealedFile, Sidecar, parse_sidecar
from faceplate.provenance.signing import Signature, can_sign, read_embedded
from faceplate.review.record import Note, PublishedFile, PublishedFrames, PublishRecord
from faceplate.review.timeline import clip_notes

__all__ = ["Naming", "find_version", "version_of"]

logger = logging.getLogger(__name__)

_MOVIES = (".mov", ".mp4")
_VERSION = re.compile(r"(?:^|[._-])v(\d{1,6})$", re.IGNORECASE)


@dataclass(frozen=True)
class Naming:
    """What a person says of a version, besides its files."""

    shot: str = ""
    version: int | None = None
    status: str = ""
    notes: tuple[str, ...] = ()
    project: str = ""
    sequence: str = ""
    task: str = ""
    movie: str | None = None
    timeline: str | None = None


@dataclass(frozen=True)
class _Sealed:
    """The sidecar of a version, if there is one."""

    file: PublishedFile | None = None
    signature: Signature = field(default_factory=lambda: Signature("absent"))
    common: dict[str, str] = field(default_factory=dict)
    """What the headers of all frames say alike."""
    shot: str = ""


def find_version(
    result: str, frames: str | None, naming: Naming, check: bool, context: Context
) -> tuple[PublishRecord, str]:
    """Look at a version.

    Args:
        result: Its frames.
        frames: A range of them, or None for all.
        naming: What else is known.
        check: Hash the frames against their sidecar; else their sizes are compared.
        context: Home folder, progress.

    Returns:
        A record without hooks, and the name of its file without the ending.

    Raises:
        NotFound, MissingFrames: Frames, movie or timeline are not there.
        BadSettings: These are no EXR frames, or the version contradicts their name.
        Damaged: The frames are not those of their sidecar, or its signature is broken.
    """
    plate = open_plate(_one_of(Path(result)), frames=frames)
    files = Sequence.parse(plate.pattern)
    if not plate.pattern.lower().endswith(".exr"):
        raise BadSettings(f"result: a version is EXR frames, got {plate.pattern}")
    for number in plate.missing[:1]:
        plate.read(number)  # says which are missing
    stem = _stem(files)
    version, named = version_of(stem, files.folder, naming.version)
    sealed = _sealed(files, plate.frames, check, context)
    shot = naming.shot or sealed.shot or _VERSION.sub("", stem) or stem
    movie = _beside(files.folder, naming.movie, (stem, shot), _MOVIES)
    _require_whole(movie, context)
    timeline = _beside(files.folder, naming.timeline, (stem, shot), (".otio",))
    pinned = clip_notes(Path(timeline.path), shot) if timeline else []
    record = PublishRecord(
        name=stem if named else f"{stem}.v{version:03d}",
        shot=shot,
        version=version,
        status=naming.status,
        frames=_frames(plate, files),
        movie=movie,
        timeline=timeline,
        sidecar=sealed.file,
        signature=sealed.signature.state,
        signer=sealed.signature.signer,
        notes=(*map(Note, naming.notes), *(Note(text, frame) for frame, text in pinned)),
        provenance=sealed.common,
        project=naming.project,
        sequence=naming.sequence,
        task=naming.task,
        published=datetime.now(UTC).isoformat(timespec="seconds"),
        generator=f"Faceplate {__version__}",
    )
    return record, str(files.folder / record.name)


def version_of(stem: str, folder: Path, asked: int | None) -> tuple[int, bool]:
    """Return a version's number, and whether the files or their folder say it.

    Raises:
        BadSettings: They say another one than is asked for.

    Example:
        >>> version_of("sh010_v003", Path("swap"), None)
        (3, True)
        >>> version_of("sh010", Path("fp_v012"), None), version_of("sh010", Path("swap"), None)
        ((12, True), (1, False))
    """
    for name in (stem, folder.resolve().name):
        if match := _VERSION.search(name):
            said = int(match[1])
            if asked not in (None, said):
                raise BadSettings(f"{name} says version {said}, asked for is version {asked}")
            return said, True
    return (1 if asked is None else asked), False


def _one_of(result: Path) -> Path:
    """Return the frames of a folder, in which movies and layers may lie too."""
    if not result.is_dir():
        return result
    found = [each for each in sequences_in(result) if each.tail.lower() == ".exr"]
    layers = {beside(each).pattern for each in found}
    frames = [Path(each.pattern) for each in found if each.pattern not in layers]
    return frames[0] if len(frames) == 1 else result  # else opening it lists what there is


def _require_whole(movie: PublishedFile | None, context: Context) -> None:
    """Raise Damaged where a movie is not the one that was signed."""
    if movie is None or not can_sign(Path(movie.path)):
        return
    if read_embedded(Path(movie.path), trusted_roots(context.home)).state == "broken":
        raise Damaged(f"{movie.path} is not what was signed: make it again")


def _stem(files: Sequence) -> str:
    head = Path(files.head).stem if files.padding is None else files.head
    return head.rstrip("._-") or "frames"


def _frames(plate: Plate, files: Sequence) -> PublishedFrames:
    first = read_frame(files.path(plate.frames[0]), channels=())
    layers = {name.rpartition(".")[0] for name in first.channel_types if "." in name}
    each = [file for number in plate.frames for file in frame_files(files, number)]
    return PublishedFrames(
        pattern=str(files.folder.resolve() / Path(files.pattern).name),
        frames=format_frames(plate.frames),
        count=len(plate.frames),
        size=plate.size,
        fps=plate.fps,
        color_space=plate.color_space or "",
        layers=tuple(sorted(layers)),
        bytes=sum(file.stat().st_size for file in each),
    )


def _beside(
    folder: Path, asked: str | None, stems: tuple[str, ...], endings: tuple[str, ...]
) -> PublishedFile | None:
    """Return a file that is asked for, or that lies beside the frames under one of their names."""
    if asked is not None and not Path(asked).is_file():
        raise NotFound(f"{asked} does not exist; leave it out, or make it first")
    names = [folder / f"{stem}{ending}" for stem in stems for ending in endings]
    there = [Path(asked)] if asked else [path for path in names if path.is_file()]
    return _file(there[0]) if there else None


def _file(path: Path) -> PublishedFile:
    return PublishedFile(str(path.resolve()), sha256_file(path), path.stat().st_size)


def _sealed(files: Sequence, frames: list[int], check: bool, context: Context) -> _Sealed:
    path = sidecar_path(files)
    if not path.is_file():
        logger.warning("%s has no sidecar: `faceplate seal` writes one", files.pattern)
        header = our_strings(files.path(frames[0]))
        return _Sealed(common=split_strings(header)[1])
    signature = sidecar_signature(path, trusted_roots(context.home))
    if signature.state == "broken":
        raise Damaged(f"the signature of {path} is broken: see `faceplate verify {files.folder}`")
    sidecar = parse_sidecar(path.read_bytes(), str(path))
    if files.padding is None and len(sidecar.frames) == 1:
        frames = [sidecar.frames[0].frame]  # a still's name may say no number: its header does
    _compare(sidecar, files, frames, check, context)
    used = {each.making for each in sidecar.frames if each.frame in frames}
    makings = [sidecar.makings[number] for number in sorted(used)]
    common = dict(set.intersection(*(set(making.header.items()) for making in makings)))
    shots = {making.shot for making in makings}
    shot = shots.pop() if len(shots) == 1 else ""
    return _Sealed(_file(path), signature, dict(sorted(common.items())), shot)


def _compare(
    sidecar: Sidecar, files: Sequence, frames: list[int], check: bool, context: Context
) -> None:
    """Raise Damaged where frames are not those of their sidecar."""
    known = {each.frame: each for each in sidecar.frames}
    strangers = [number for number in frames if number not in known]
    if strangers:
        raise Damaged(
            f"frames {format_frames(strangers)} are not in the sidecar of {files.pattern}: run "
            "`faceplate seal`, or name the --frames that are"
        )
    extra = [number for number in frames if beside(files).path(number).is_file()]
    sealed = [file for number in frames for file in known[number].files]
    names = {file.name for file in sealed}
    changed = [beside(files).path(number).name for number in extra]
    changed = [name for name in changed if name not in names]
    with ThreadPoolExecutor(context.threads or 4) as pool:
        right = pool.map(lambda file: _is(files.folder / file.name, file, check), sealed)
        for done, (file, same) in enumerate(zip(sealed, right, strict=True), start=1):
            changed += [] if same else [file.name]
            context.progress.report("publish: check", done, len(sealed))
    if changed:
        raise Damaged(
            f"{len(changed)} file(s) are not what was sealed: {', '.join(changed[:10])}: swap them "
            f"again, or run `faceplate seal`; `faceplate verify {files.folder}` tells more"
        )


def _is(path: Path, sealed: SealedFile, check: bool) -> bool:
    if not path.is_file() or path.stat().st_size != sealed.bytes:
        return False
    return not check or sha256_file(path) == sealed.sha256
