"""The verb `evaluate extract`: what analyse finds in shots, against the truth where it is known.

Each shot has a folder with its track, so that a second run measures what is there and an analysis
that was stopped goes on. All measures of all shots are one table, each measure is one plot.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.extract.sheet import write_sheet
from faceplate.io.atomic import write_bytes, write_text
from faceplate.io.plate import open_plate
from faceplate.io.sequence import format_frames
from faceplate.models.store import WeightStore
from faceplate.studies.extractionjob import ExtractionJob, ExtractionResult
from faceplate.studies.extractionlook import OVERLAY_NOTE, look_through
from faceplate.studies.extractionmasks import MaskError, MatteMaker, load_makers, mask_figures
from faceplate.studies.extractionmatch import Match, match_faces, switches_of
from faceplate.studies.extractionmeasures import (
    Bounds,
    Figures,
    counted,
    face_errors,
    jitter,
    jolts_of,
    landmark_errors,
    pose_errors,
    presence,
)
from faceplate.studies.extractionplots import PlottedShot, plots_of
from faceplate.studies.extractionshot import MeasuredShot, check_inputs, names_of, open_measured
from faceplate.studies.extractiontable import MEASURES, markdown, mask_key, rows_of

__all__ = ["ExtractionJob", "ExtractionResult", "extraction"]

logger = logging.getLogger(__name__)

_DIGITS = 4
_COLUMNS, _ROWS = 4, 5


@dataclass(frozen=True, eq=False)
class _Found:
    """All that is known of one shot."""

    measured: MeasuredShot
    matches: list[Match]
    masks: list[MaskError]
    figures: Figures
    sheets: list[Path]


def extraction(job: ExtractionJob, context: Context) -> ExtractionResult:
    """Measure what analyse finds in every shot; write the table, JSON, plots and overlay sheets.

    Raises:
        NotFound: A plate, truth, matte, track or frame that is not there.
        BadSettings: A truth or a track that is none, or of another plate.
        UnknownComponent: No such segmenter, detector or landmarker.
        WeightsMissing: The networks of the analysis are not here.
        Cancelled: Stopped on request; a second run goes on from there.
    """
    plates = [open_plate(path) for path in job.plates]
    patterns = [plate.pattern for plate in plates]
    twice = next((one for one in patterns if patterns.count(one) > 1), None)
    if twice:
        raise BadSettings(f"plates: {twice} is named twice")
    inputs = [
        check_inputs(job, place, name, plate)
        for place, (name, plate) in enumerate(zip(names_of(plates), plates, strict=True))
    ]
    not_measured: dict[str, str] = {}
    weights = WeightStore(context.home / "weights").path
    names = job.measured_segmenters
    makers = load_makers(names, weights, context.threads, not_measured)
    found = []
    context.progress.report("evaluate extract", 0, len(plates))
    for done, one in enumerate(inputs, 1):
        found.append(_measure(job, open_measured(job, one, context), makers, context))
        context.progress.report("evaluate extract", done, len(plates))
    return _write(job, found, not_measured)


def _measure(
    job: ExtractionJob, measured: MeasuredShot, makers: list[MatteMaker], context: Context
) -> _Found:
    track, frames, truth = measured.track, measured.frames, measured.truth
    aspect, bounds = track.plate.pixel_aspect, Bounds(job.most_yaw, job.least_visible)
    figures = presence(track, frames)
    if truth is None:
        matches = [Match(frame, None, face) for frame in frames for face in track.faces_at(frame)]
    else:
        matches = match_faces(track, truth, frames)
        figures |= counted(matches)
        figures |= landmark_errors(matches, aspect) | pose_errors(matches, aspect, bounds)
    figures |= jitter(track, matches, bounds)
    looked = look_through(measured, matches, makers, job.sheet_frames, context.progress)
    for (name, occluder), (iou, _) in mask_figures(looked.masks).items():
        figures[mask_key(name, occluder)] = iou
    sheets: list[Path] = []
    if looked.cells:
        folder = Path(job.out) / measured.name
        folder.mkdir(parents=True, exist_ok=True)
        height, width = looked.cells[0].image.shape[:2]
        sheets = write_sheet(
            folder / "overlay.png", looked.cells, (width, height), _COLUMNS, _ROWS, OVERLAY_NOTE
        )
    return _Found(measured, matches, looked.masks, figures, sheets)


def _write(
    job: ExtractionJob, found: list[_Found], not_measured: dict[str, str]
) -> ExtractionResult:
    folder = Path(job.out)
    folder.mkdir(parents=True, exist_ok=True)
    rows = rows_of({one.measured.name: _rounded(one.figures) for one in found})
    plots = plots_of([_plotted(one) for one in found])
    for name, picture in plots.items():
        write_bytes(folder / f"{name}.png", picture)
    result = ExtractionResult(
        rows=[{"measure": row.measure, "unit": row.unit, **row.values} for row in rows],
        shots=len(found),
        analysed=sum(one.measured.analysed for one in found),
        not_measured=not_measured,
        json=str(folder / "extract.json"),
        table=str(folder / "extract.md"),
        plots=tuple(str(folder / f"{name}.png") for name in plots),
        sheets=tuple(str(sheet) for one in found for sheet in one.sheets),
    )
    told = to_dict(result)
    del told["analysed"]  # of this run; the file is that of a run that was never stopped
    values = {
        "job": to_dict(job),
        "definitions": {one.title: one.definition for one in MEASURES.values()},
        **told,
        "by_shot": {one.measured.name: _record(one) for one in found},
    }
    write_text(Path(result.table), markdown(rows))
    write_text(Path(result.json), json.dumps(values, indent=1, allow_nan=False) + "\n")
    return result


def _plotted(found: _Found) -> PlottedShot:
    measured = found.measured
    return PlottedShot(
        measured.name,
        measured.frames,
        found.matches,
        measured.truth is not None,
        measured.track.plate.pixel_aspect,
        jolts_of(measured.track, found.matches),
        switches_of(found.matches) if measured.truth else (),
        found.masks,
    )


def _record(found: _Found) -> dict[str, Any]:
    """Return everything about a shot, frame by frame."""
    measured, matches = found.measured, found.matches
    known = measured.truth is not None
    return {
        "plate": measured.shot.plate.pattern,
        "track": measured.track_file,
        "truth": str(measured.truth.path) if measured.truth else None,
        "frames": format_frames(measured.frames),
        "missed": _frames_of(matches, lambda one: one.found is None),
        "false": _frames_of(matches, lambda one: known and one.true is None),
        "empty": format_frames(sorted(set(measured.frames) - {one.frame for one in matches})),
        "switches": [to_dict(switch) for switch in (switches_of(matches) if known else [])],
        "faces": [_face_record(one, measured.track.plate.pixel_aspect) for one in matches],
        "masks": [to_dict(mask) for mask in found.masks],
    }


def _frames_of(matches: list[Match], counts: Callable[[Match], bool]) -> str:
    return format_frames(sorted({one.frame for one in matches if counts(one)}))


def _face_record(one: Match, aspect: float) -> dict[str, Any]:
    record: dict[str, Any] = {"frame": one.frame}
    if one.true is not None:
        record |= {
            "true_person": one.true.person,
            "true_yaw": one.true.yaw,
            "visible": one.true.visible,
            "occluder": one.true.occluder,
        }
    if one.found is not None:
        record |= {
            "person": one.found.person,
            "source": one.found.source,
            "presence": one.found.presence,
            "confidence": one.found.confidence,
            "yaw": one.found.pose.yaw,
        }
    errors = face_errors(one, aspect)
    return record | {f"{name}_error": round(value, _DIGITS) for name, value in errors.items()}


def _rounded(figures: Figures) -> Figures:
    return {
        name: None if value is None else round(float(value), _DIGITS)
        for name, value in figures.items()
    }
