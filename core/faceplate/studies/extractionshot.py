"""One shot of `evaluate extract`: its plate, its truth, and the track that is or is made."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from faceplate import __version__
from faceplate.config import read_json, to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.extract.analyse import AnalyseJob, analyse
from faceplate.extract.shot import Shot, open_shot
from faceplate.io.atomic import write_text
from faceplate.io.plate import Plate
from faceplate.io.sequence import Sequence, format_frames, parse_frames
from faceplate.io.trackfile import Track
from faceplate.studies.extractionjob import AUTO, NONE, ExtractionJob
from faceplate.studies.extractiontruth import Truth, read_truth

__all__ = ["MeasuredShot", "ShotInputs", "check_inputs", "names_of", "open_measured"]

logger = logging.getLogger(__name__)

_MATTES = ("visible", "face")


@dataclass(frozen=True, eq=False)
class ShotInputs:
    """What is there of a shot, checked."""

    name: str
    plate: Plate
    frames: list[int]
    """Those that are measured."""
    truth: Path | None
    mattes: Sequence | None
    track: Path | None
    """None: it is analysed, or was."""


@dataclass(frozen=True, eq=False)
class MeasuredShot:
    """Everything that one shot is measured with."""

    name: str
    shot: Shot
    track: Track
    frames: list[int]
    """Those that are measured."""
    truth: Truth | None
    mattes: Sequence | None
    """True mattes of the visible face."""
    track_file: str
    analysed: bool
    """It had no track yet."""


def names_of(plates: list[Plate]) -> list[str]:
    """Return a short name for each plate, none twice: `pair1_B`, or a movie's own."""
    names: list[str] = []
    for plate in plates:
        name, number = _name(Path(plate.pattern).resolve()), 1
        while (numbered := name if number == 1 else f"{name}_{number}") in names:
            number += 1
        names.append(numbered)
    return names


def check_inputs(job: ExtractionJob, place: int, name: str, plate: Plate) -> ShotInputs:
    """Find and check what is there of a shot, before anything is analysed.

    Args:
        job: What was asked.
        place: Of the shot among the job's plates.
        name: Of its folder.
        plate: Opened with all its frames.

    Raises:
        NotFound: Truth, mattes, track or frames that are not there.
        BadSettings: A truth or a track that is none, or of another plate.
    """
    truth_file = _truth_file(_given(job.truths, place), plate)
    mattes = _mattes(_given(job.mattes, place), plate, truth_file is not None)
    frames = _wanted(job, plate)
    given = _given(job.tracks, place)
    if given == NONE:
        raise BadSettings(f"{plate.pattern}: a track, or auto, is needed; got none")
    file = None if given == AUTO else Path(given)
    if file is not None:
        track = Track.load(file)
        _check_track(track, file, plate)
        frames = [frame for frame in track.frames if frame in set(frames)]
        if not frames:
            raise NotFound(f"{file} has none of the frames asked for; widen --frames")
    if truth_file is not None:
        _check_truth(read_truth(truth_file), frames, plate)
    return ShotInputs(name, plate, frames, truth_file, mattes, file)


def open_measured(job: ExtractionJob, inputs: ShotInputs, context: Context) -> MeasuredShot:
    """Bring together what a shot is measured with; analyse it where it has no track.

    Raises:
        WeightsMissing: The networks of the analysis are not here.
        BadImage, UnknownColorSpace: Of the plate.
        Cancelled: An analysis that was stopped goes on with the next run.
    """
    file, analysed = _track_file(job, inputs, context)
    track = Track.load(file)
    truth = None
    if inputs.truth is not None:
        truth = read_truth(inputs.truth, track.plate.origin)
    shot = open_shot(
        inputs.plate.pattern, frames=inputs.frames, missing="error",
        color_space=job.color_space or track.plate.color_space or None,
        ocio=job.ocio or context.ocio,
    )  # fmt: skip
    return MeasuredShot(
        inputs.name, shot, track, inputs.frames, truth, inputs.mattes, str(file), analysed
    )


def _given(values: tuple[str, ...], place: int) -> str:
    return values[place] if values else AUTO


def _name(path: Path) -> str:
    head = path.name.split("%")[0] if "%" in path.name else path.stem
    head = head.strip("._-") or path.parent.name
    return f"{path.parent.parent.name}_{head}" if head == path.parent.name else head


def _truth_file(given: str, plate: Plate) -> Path | None:
    if given == NONE:
        return None
    if given != AUTO:
        return Path(given)
    folder = Path(plate.pattern).parent.resolve()
    beside = folder.parent / f"truth_{folder.name}.json"
    return beside if beside.is_file() else None


def _mattes(given: str, plate: Plate, truth: bool) -> Sequence | None:
    if given == NONE or (given == AUTO and not truth):
        return None
    if given != AUTO:
        if not truth:
            raise BadSettings(
                f"{plate.pattern}: true mattes are given ({given}), but no true faces to tell "
                "whose they are: give --truths too"
            )
        found = Sequence.parse(given)
        if not found.existing():
            raise NotFound(found.why_empty())
        return found
    folder = Path(plate.pattern).parent.resolve()
    for kind in _MATTES:
        beside = folder.parent / f"{folder.name}_masks" / kind
        if beside.is_dir():
            return Sequence.parse(beside)
    return None


def _wanted(job: ExtractionJob, plate: Plate) -> list[int]:
    """Return the frames to measure, of those that the plate has."""
    if job.frames is None:
        return plate.frames
    asked = set(parse_frames(job.frames))
    wanted = [frame for frame in plate.frames if frame in asked]
    if not wanted:
        raise NotFound(
            f"{plate.pattern} has none of the frames {job.frames}: it has "
            f"{format_frames(plate.frames)}; widen --frames"
        )
    return wanted


def _track_file(job: ExtractionJob, inputs: ShotInputs, context: Context) -> tuple[Path, bool]:
    """Return the track of a plate, made where there is none of these settings."""
    if inputs.track is not None:
        return inputs.track, False
    folder = Path(job.out) / inputs.name
    folder.mkdir(parents=True, exist_ok=True)
    track, record = folder / "track.json", folder / "analysis.json"
    asked = _analysis(job, inputs, track, context)
    wanted = {
        "faceplate": __version__,
        "analysis": to_dict(asked),
        "files": _files(inputs.plate, inputs.frames),
    }
    if track.is_file() and record.is_file() and read_json(record) == wanted:
        logger.info("%s has its track: %s", inputs.name, track)
        return track, False
    record.unlink(missing_ok=True)  # an analysis that is stopped leaves none
    analyse(asked, context)
    write_text(record, json.dumps(wanted, indent=1) + "\n")
    return track, True


def _analysis(job: ExtractionJob, inputs: ShotInputs, track: Path, context: Context) -> AnalyseJob:
    return AnalyseJob(
        plate=inputs.plate.pattern,
        out=str(track),
        frames=format_frames(inputs.frames),
        color_space=job.color_space,
        ocio=job.ocio or context.ocio,
        detector=job.detector,
        landmarker=job.landmarker,
        landmarker_3d=job.landmarker_3d,
        looks=job.looks,
        every=job.every,
        embedder=job.embedder,
        smooth_window=job.smooth_window,
        smooth_method=job.smooth_method,
        sheet=False,
    )


def _files(plate: Plate, frames: list[int]) -> list[list[str | int]]:
    """Return name, size and time of the files of a plate: an analysis of others is another one."""
    paths = {plate.file(number) or Path(plate.pattern) for number in frames}
    stats = [(path, path.stat()) for path in sorted(paths)]
    return [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats]


def _check_track(track: Track, file: Path, plate: Plate) -> None:
    info = track.plate
    if Path(info.pattern).name != Path(plate.pattern).name:
        raise BadSettings(f"{file} is a track of {info.pattern}, not of {plate.pattern}")
    if (info.width, info.height) != plate.size:
        raise BadSettings(
            f"{file} is a track of a plate of {info.width} x {info.height} pixels, "
            f"{plate.pattern} has {plate.size[0]} x {plate.size[1]}"
        )
    strange = [frame for frame in track.frames if frame not in set(plate.frames)]
    if strange:
        raise BadSettings(
            f"{file} has frame {strange[0]}, which {plate.pattern} has not: is it a track of "
            "another plate?"
        )


def _check_truth(truth: Truth, frames: list[int], plate: Plate) -> None:
    if truth.size is not None and truth.size != plate.size:
        raise BadSettings(
            f"{truth.path} is the truth of pictures of {truth.size[0]} x {truth.size[1]} pixels, "
            f"{plate.pattern} has {plate.size[0]} x {plate.size[1]}"
        )
    unknown = [frame for frame in frames if frame not in truth.frames]
    if unknown:
        raise NotFound(
            f"{truth.path} has no frame {unknown[0]} of {plate.pattern}; narrow --frames, or name "
            "the truth of this plate"
        )
