"""A shot as work for a farm: steps, each a command line, whatever the scheduler.

    analyse (the whole shot, once) -> swap (chunks of frames) -> seal, movie, timeline, publish

Commands are lists of words. Paths in them are made by a function of the scheduler, which may put a
token there that each machine replaces by its own path.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.farm.allowed import require_allowed
from faceplate.farm.assets import assets_inside
from faceplate.io.plate import open_plate
from faceplate.io.sequence import Sequence as Files
from faceplate.io.sequence import format_frames
from faceplate.merge.making import members_of

__all__ = [
    "FarmJob",
    "FarmResult",
    "FarmShot",
    "Place",
    "Step",
    "Words",
    "farm_shot",
    "path_text",
    "require_no_gaps",
    "steps",
]


_NAME = re.compile(r"[\w .+@-]+")


@dataclass(frozen=True, kw_only=True)
class FarmJob:
    """A shot as a job of a farm: analyse, then swap in chunks, then a movie and a timeline.

    Writes files that the scheduler takes; submits nothing by itself. Any task may be killed and run
    again: whole frames of the same settings are kept.
    """

    plate: str
    """A sequence, folder or movie, where the farm's machines see it."""
    out: str
    """Pattern of the results, such as `/shots/sh010/swap/sh010.%04d.exr`."""
    bundle: str
    """Folder for the files of the job; it is made."""
    model: str | None = None
    """Folder of the swap model; with a cast, the cast names the models."""
    cast: str | None = None
    """Cast (JSON) of several people."""
    consent: str | None = None
    """Consent record of whose face goes in."""
    recipe: str | None = None
    """Recipe (JSON); the default recipe where it is left out."""
    mattes: str | None = None
    """Files of external mattes, as a plate is named; a cast names its own."""
    track: str | None = None
    """Track file; by default beside the results. One that is there and is not to be made anew needs
    --no-analyse."""
    analyse: bool = True
    """Analyse the plate first."""
    shot: str = ""
    """Name of the shot; by default that of the results."""
    frames: str | None = None
    """Such as ``1001-1100x2,1110``; None takes all of the plate."""
    chunk: int = 20
    """Frames of one task, 1 to 100000."""
    color_space: str | None = None
    """The plate's OCIO space; where left out, what its files say."""
    ocio: str | None = None
    """OCIO config: a path or the name of a built-in one; None: what ``$OCIO`` says on each machine.
    """
    ocio_sha256: str | None = None
    """Hash of the config's file: a machine that has another one refuses the task."""
    options: str = ""
    """Further options of each task as `faceplate batch` knows them, in one text with an equals sign
    before it: `--options="--layers=beside --require-face"`."""
    seal: bool = True
    """Write and sign the sidecar of the shot when all its frames are there."""
    movie: bool = True
    """Make a movie and a timeline of the results in the end."""
    publish: str | None = None
    """Publish the version in the last step with these settings (JSON, as those of `faceplate review
    publish`), which may name a command: it runs as whoever the farm runs the job."""
    publish_options: str = ""
    """Further options of that step, in one text: `--publish-options="--status=ip --task=Comp"`."""
    command: str = "faceplate"
    """The program on the farm's machines."""
    farm_home: str | None = None
    """Folder of weights on the farm's machines; None: their own ``$FACEPLATE_HOME``."""

    def __post_init__(self) -> None:
        if not 1 <= self.chunk <= 100_000:
            raise BadSettings(f"chunk must be from 1 to 100000 frames, got {self.chunk}")
        if bool(self.model) == bool(self.cast):
            raise BadSettings("name either a model or a cast, and not both")
        if self.cast and self.mattes:
            raise BadSettings("mattes: with a cast, each of its members names its own")
        if self.publish_options and not self.publish:
            raise BadSettings("publish_options need --publish, the settings to publish with")
        for option in [*_split(self.options), *_split(self.publish_options)]:
            if not option.startswith("--"):
                raise BadSettings(f"options are written as --name=value, got {option}")


@dataclass(frozen=True)
class FarmResult:
    """What was written."""

    bundle: str
    """Folder of the files."""
    files: tuple[str, ...]
    frames: str
    """Of the shot."""
    tasks: int
    """Tasks of the swap."""
    submit: str
    """What to type to submit it."""


@dataclass(frozen=True)
class Place:
    """A path of the shot and what the farm does with it."""

    name: str
    """Such as ``Plate``; also the name of a parameter."""
    path: Path
    kind: str
    """``FILE`` or ``DIRECTORY``."""
    flow: str
    """``IN`` or ``OUT``."""
    tail: str = ""
    """What stands behind it in commands: the pattern of files in a folder."""


@dataclass(frozen=True)
class Words:
    """How a scheduler says what differs between machines and tasks."""

    path: Callable[[Place], str]
    """Writes a place."""
    frames: str
    """Frames of the shot."""
    chunk: str
    """Frames of a task."""
    progress: str
    """Style of progress that it reads: ``plain``, ``openjd`` or ``tractor``."""


@dataclass(frozen=True)
class FarmShot:
    """A shot with all that its defaults stand for."""

    job: FarmJob
    name: str
    frames: tuple[int, ...]
    places: tuple[Place, ...]
    assets: tuple[Path, ...] = ()
    """What is read besides, as files inside the shot's files name it."""

    @property
    def range(self) -> str:
        """The frames as a text."""
        return format_frames(self.frames)

    @property
    def tasks(self) -> int:
        """How many tasks the swap has."""
        return -(-len(self.frames) // self.job.chunk)


@dataclass(frozen=True)
class Step:
    """One step: a command for the whole shot, or for each chunk of its frames."""

    name: str
    words: tuple[str, ...]
    after: str | None = None
    """The step that must be done before."""
    chunked: bool = False


def farm_shot(job: FarmJob, context: Context) -> FarmShot:
    """Look at what is there and fill in the defaults.

    Raises:
        NotFound, BadSequence: No plate, model, consent record or recipe like that.
        MissingFrames: Frames asked for that the plate has not.
        BadSettings: Results that are no .exr pattern.
        ConsentRefused: Its tasks would be refused.
    """
    plate = open_plate(job.plate, frames=job.frames)
    if plate.missing:
        # `open_plate` lets them pass: a swap would tell on the farm, hours later
        plate.read(plate.missing[0])
    out = Files.parse(job.out)
    if out.padding is None or out.tail.lower() != ".exr":
        raise BadSettings(f"out: expected a pattern such as swap/sh010.%04d.exr, got {job.out!r}")
    name = job.shot or out.head.rstrip("._-") or "shot"
    if not _NAME.fullmatch(name):  # it goes into scripts and job files
        raise BadSettings(f"shot: expected letters, digits, blanks and _ - . + @, got {name!r}")
    track = Path(job.track) if job.track else out.folder / f"{name}.track.json"
    if not job.analyse and not track.is_file():
        raise NotFound(f"{track} does not exist; leave --no-analyse out, and the farm makes it")
    pattern = Path(plate.pattern)
    places = [
        Place("Plate", pattern.parent.resolve(), "DIRECTORY", "IN", pattern.name),
        Place("Out", out.folder.resolve(), "DIRECTORY", "OUT", Path(out.pattern).name),
        Place("Track", track.resolve(), "FILE", "OUT" if job.analyse else "IN"),
        *_inputs(job),
    ]
    options = dict(word.removeprefix("--").partition("=")[::2] for word in _split(job.options))
    members = members_of(job.cast, job.model, job.consent, job.recipe)
    require_allowed(tuple(members), name, options, context)
    assets = assets_inside(members, cast=bool(job.cast))
    shot = FarmShot(job, name, tuple(plate.frames), tuple(places), assets)
    context.progress.report("farm", 1, 1)
    return shot


def _inputs(job: FarmJob) -> list[Place]:
    """Return the places of what is only read."""
    found = []
    for name, text in (("Model", job.model), ("Cast", job.cast), ("Consent", job.consent),
                       ("Recipe", job.recipe), ("Ocio", job.ocio),
                       ("Publish", job.publish)):  # fmt: skip
        if not text or (name == "Ocio" and not _is_file_name(text)):
            continue
        path = Path(text).resolve()
        if not path.exists():
            raise NotFound(f"{name.lower()}: {path} does not exist")
        found.append(Place(name, path, "DIRECTORY" if path.is_dir() else "FILE", "IN"))
    if job.mattes:
        pattern = Path(open_plate(job.mattes).pattern)
        found.append(Place("Mattes", pattern.parent.resolve(), "DIRECTORY", "IN", pattern.name))
    return found


def _is_file_name(text: str) -> bool:
    return "/" in text.removeprefix("ocio://") or text.endswith((".ocio", ".ocioz"))


def require_no_gaps(shot: FarmShot, scheduler: str) -> None:
    """Raise BadSettings where frames lack inside the range and tasks are longer than one."""
    if shot.job.chunk > 1 and len(shot.frames) != shot.frames[-1] - shot.frames[0] + 1:
        raise BadSettings(
            f"frames {shot.range}: {scheduler} tells a task only its first and last frame, so a "
            "range with gaps needs --chunk 1"
        )


def path_text(place: Place) -> str:
    """Return a place as it is on this machine: these schedulers map no paths."""
    return str(place.path / place.tail if place.tail else place.path)


def steps(shot: FarmShot, words: Words) -> list[Step]:
    """Return the steps of a shot.

    Args:
        shot: The shot.
        words: How the scheduler says what differs between machines and tasks.
    """
    job = shot.job
    texts = {place.name: words.path(place) for place in shot.places}
    common = [*_option("home", job.farm_home), f"--progress={words.progress}"]
    color = [
        *_option("color-space", job.color_space),
        *_option("ocio", texts.get("Ocio", job.ocio)),
    ]
    pinned = [*color, *_option("ocio-sha256", job.ocio_sha256)]
    found = []
    if job.analyse:
        files = [f"--plate={texts['Plate']}", f"--out={texts['Track']}"]
        whole = f"--frames={words.frames}"
        found.append(Step("Analyse", (job.command, "analyse", *files, whole, *pinned, *common)))
    named = [
        f"--{name.lower()}={texts[name]}"
        for name in ("Plate", "Track", "Model", "Cast", "Consent", "Recipe", "Mattes", "Out")
        if name in texts
    ]
    named += [f"--shot={shot.name}", f"--frames={words.chunk}"]
    task = (job.command, "batch", *named, *pinned, *_split(job.options), *common)
    found.append(Step("Swap", task, chunked=True))
    if job.seal:
        found.append(_seal_step(shot, texts, words.frames, common))
    if job.movie:
        found += _review_steps(shot, texts, words.frames, color, common)
    if job.publish:
        found.append(_publish_step(shot, texts, words.frames, common))
    return [
        replace(step, after=found[at - 1].name if at else None) for at, step in enumerate(found)
    ]


def _seal_step(shot: FarmShot, texts: dict[str, str], frames: str, common: Sequence[str]) -> Step:
    """Return the step that seals: alone, when nobody writes frames any more."""
    named = [
        f"--{name.lower()}={texts[name]}"
        for name in ("Out", "Plate", "Track", "Model", "Cast", "Consent", "Recipe")
        if name in texts
    ]
    return Step(
        "Seal", (shot.job.command, "seal", *named, f"--shot={shot.name}", f"--frames={frames}",
                 *common),
    )  # fmt: skip


def _publish_step(
    shot: FarmShot, texts: dict[str, str], frames: str, common: Sequence[str]
) -> Step:
    """Return the step that tells others: what it may run stands in a file of the person's own."""
    folder = texts["Out"].removesuffix(Path(shot.job.out).name)
    beside = (f"--movie={folder}{shot.name}.mov", f"--timeline={folder}{shot.name}.otio")
    return Step(
        "Publish",
        (shot.job.command, "review", "publish", f"--result={texts['Out']}", f"--shot={shot.name}",
         f"--frames={frames}", *(beside if shot.job.movie else ()), f"--config={texts['Publish']}",
         *_split(shot.job.publish_options), *common),
    )  # fmt: skip


def _review_steps(
    shot: FarmShot, texts: dict[str, str], frames: str, color: Sequence[str], common: Sequence[str]
) -> list[Step]:
    folder = texts["Out"].removesuffix(Path(shot.job.out).name)
    movie = f"{folder}{shot.name}.mov"
    named = [f"--result={texts['Out']}", f"--shot={shot.name}", f"--frames={frames}"]
    beside = f"--plate={texts['Plate']}"
    review = (shot.job.command, "review")
    return [
        Step("Movie", (*review, "movie", *named, beside, f"--out={movie}", *color, *common)),
        Step(
            "Timeline",
            (*review, "timeline", *named, beside, f"--movie={movie}",
             f"--out={folder}{shot.name}.otio", *common),
        ),
    ]  # fmt: skip


def _split(options: str) -> list[str]:
    """Return options one by one. Raises BadSettings where a quote is not closed."""
    try:
        return shlex.split(options)
    except ValueError as error:
        raise BadSettings(f"options {options!r}: {error}") from error


def _option(name: str, value: str | None) -> list[str]:
    return [f"--{name}={value}"] if value else []
