"""The verb `evaluate truth`: a panel of figures of a swap whose exact truth is known."""

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, NotReady
from faceplate.evaluate.identity import load_descriptor
from faceplate.evaluate.measure import Figure, FlickerMeter, FrameMeter, outside_of
from faceplate.evaluate.panel import FIGURES, eroded
from faceplate.evaluate.pictures import plot_png, sheet_png, sheet_row
from faceplate.evaluate.truthset import TruthFrame, TruthSet
from faceplate.io.atomic import write_bytes, write_text
from faceplate.landmarks import load_landmarker
from faceplate.models.store import WeightStore

__all__ = ["PanelRow", "TruthJob", "TruthResult", "truth"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SHEET_ROWS = 6


@dataclass(frozen=True)
class TruthJob:
    """Measure a swap against its rendered truth."""

    result: str
    """Pattern of the swap's layers, such as `out/swap.%04d.exr`."""
    plate: str
    """Pattern of the plate (B) that was swapped."""
    truth: str
    """Pattern of the exact swap (S)."""
    masks: str
    """Folder or pattern of the mattes of the plate's visible face."""
    truth_json: str
    """What is known about the plate's faces: landmarks, yaw, empty frames."""
    out: str
    """Folder for `panel.json`, `panel.png` (plot) and `sheet.png` (faces)."""
    frames: str | None = None
    """Frames to measure, such as `1001-1012`; those of the result where it is left out."""
    max_yaw: float = 40.0
    """Frames whose head is turned further than this many degrees are left out, 0 to 180."""
    color_space: str | None = None
    """The OCIO space of all pictures; where left out, what the plate's files say."""
    ocio: str | None = None
    """OCIO config: a path or the name of a built-in one."""
    working: str = "acescct"
    """Encoding in which light, detail, tone, SSIM, seam and flicker are measured."""
    landmarker: str = "facemesh"
    """Landmarker for the geometry."""


@dataclass(frozen=True)
class PanelRow:
    """The mean of one figure over the measured frames."""

    figure: str
    result: float | None
    """None where it was not measured."""
    plate: float | None
    """The plate's own."""
    truth: float | None
    """What the truth itself scores, where that is a fixed value."""
    unit: str


@dataclass(frozen=True)
class TruthResult:
    """The panel of a shot."""

    panel: list[PanelRow]
    per_frame: list[dict[str, float | None]]
    """The result's figures, one record per measured frame."""
    per_frame_plate: list[dict[str, float | None]]
    """The plate's own figures, likewise."""
    not_measured: dict[str, str]
    """Figures that could not be measured, and why."""
    frames: int
    """Frames in the means."""
    frames_left_out: int
    """Frames without a visible face, or turned too far; `outside` is measured there too."""
    json: str
    plot: str
    sheet: str


def truth(job: TruthJob, context: Context) -> TruthResult:
    """Measure the panel of a shot and write it as JSON, plot and picture sheet.

    Means are over the frames whose face is visible and within `max_yaw`; `outside` is the largest
    value over all frames.

    Raises:
        NotFound: Something is not there, or no frame is left to measure.
        BadShape: The pictures do not cover the same pixels.
        BadSettings: Settings or description that cannot be right.
    """
    if not 0 <= job.max_yaw <= 180:
        raise BadSettings(f"max_yaw must be from 0 to 180 degrees, got {job.max_yaw}")
    shot = TruthSet(
        result=job.result, plate=job.plate, truth=job.truth, masks=job.masks,
        truth_json=job.truth_json, frames=job.frames,
    )  # fmt: skip
    chosen = [number for number in shot.numbers if _counts(shot, number, job.max_yaw)]
    if not chosen:
        raise NotFound(
            f"none of the {len(shot.numbers)} frames shows a face within {job.max_yaw:g} degrees "
            "of yaw; raise --max-yaw or measure other frames"
        )
    not_measured: dict[str, str] = {}
    meter = _meter(job, context, shot, not_measured)
    rows, pictures = _measure(shot, chosen, meter, context)
    return _write(job, shot, rows, pictures, not_measured)


def _counts(shot: TruthSet, number: int, max_yaw: float) -> bool:
    face = shot.face(number)
    return not face.empty and abs(face.yaw) <= max_yaw


def _meter(
    job: TruthJob, context: Context, shot: TruthSet, not_measured: dict[str, str]
) -> FrameMeter:
    space = job.color_space or shot.plate.color_space
    if not space:
        raise BadSettings(
            f"the files of {shot.plate.pattern} do not say their colour space; name it with "
            "--color-space"
        )
    encodings = Encodings(load_config(job.ocio), space, job.working)
    store = WeightStore(context.home / "weights")
    landmarker = partial(load_landmarker, job.landmarker, store.path, threads=context.threads)
    return FrameMeter(
        encodings,
        _or_why_not("identity", load_descriptor, not_measured),
        _or_why_not("geometry", landmarker, not_measured),
    )


def _or_why_not(figure: str, load: Callable[[], T], not_measured: dict[str, str]) -> T | None:
    try:
        return load()
    except NotReady as error:
        logger.warning("%s is not measured: %s", figure, error)
        not_measured[figure] = str(error)
        return None


def _measure(
    shot: TruthSet, chosen: list[int], meter: FrameMeter, context: Context
) -> tuple[dict[int, dict[str, Figure]], bytes]:
    """Return the figures of all frames, and the sheet of some."""
    rows: dict[int, dict[str, Figure]] = {}
    shown = set(chosen[:: math.ceil(len(chosen) / _SHEET_ROWS)])
    flicker, pictures = FlickerMeter(), []
    for done, number in enumerate(shot.numbers, start=1):
        frame = shot.read(number)
        rows[number] = {}
        if number in chosen:
            rows[number] = meter.measure(frame, meter.known(frame))
            _add_flicker(rows, flicker, frame, meter)
        outside = outside_of(frame)
        if outside is not None:
            rows[number]["outside"] = outside
        if number in shown:
            pictures.append(sheet_row(frame, meter.encodings))
        context.progress.report("evaluate", done, len(shot.numbers), frame=number)
    return rows, sheet_png(pictures)


def _add_flicker(
    rows: dict[int, dict[str, Figure]], flicker: FlickerMeter, frame: TruthFrame, meter: FrameMeter
) -> None:
    truth = meter.working(frame.truth)
    result, plate = meter.working(frame.result) - truth, meter.working(frame.plate) - truth
    matte = eroded(frame.visible, frame.face.width)
    found = flicker.add(frame.number, result, plate, matte)
    if found is not None:
        number, figure = found
        rows[number]["flicker"] = figure


def _write(
    job: TruthJob,
    shot: TruthSet,
    rows: dict[int, dict[str, Figure]],
    sheet: bytes,
    not_measured: dict[str, str],
) -> TruthResult:
    measured = {number: row for number, row in rows.items() if set(row) - {"outside"}}
    _explain(rows, not_measured)
    folder = Path(job.out)
    folder.mkdir(parents=True, exist_ok=True)
    result = TruthResult(
        panel=[_mean_row(name, rows, measured) for name in FIGURES],
        per_frame=_records(shot, measured, "result"),
        per_frame_plate=_records(shot, measured, "plate"),
        not_measured=not_measured,
        frames=len(measured),
        frames_left_out=len(rows) - len(measured),
        json=str(folder / "panel.json"),
        plot=str(folder / "panel.png"),
        sheet=str(folder / "sheet.png"),
    )
    write_bytes(folder / "panel.png", plot_png(measured))
    write_bytes(folder / "sheet.png", sheet)
    write_text(folder / "panel.json", _json(job, result))
    return result


def _explain(rows: dict[int, dict[str, Figure]], not_measured: dict[str, str]) -> None:
    reasons = {
        "outside": "the result has no layer fp_mask.A",
        "flicker": "it needs three measured frames in a row",
    }
    for name, reason in reasons.items():
        if not any(name in row for row in rows.values()):
            not_measured[name] = reason


def _mean_row(
    name: str, rows: dict[int, dict[str, Figure]], measured: dict[int, dict[str, Figure]]
) -> PanelRow:
    info = FIGURES[name]
    if name == "outside":
        values = [row[name].result for row in rows.values() if name in row]
        worst = max((value for value in values if value is not None), default=None)
        return PanelRow(name, worst, 0.0 if values else None, info.truth, info.unit)
    found = [row[name] for row in measured.values() if name in row]
    result = _mean([figure.result for figure in found])
    return PanelRow(name, result, _mean([figure.plate for figure in found]), info.truth, info.unit)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _records(
    shot: TruthSet, measured: dict[int, dict[str, Figure]], side: str
) -> list[dict[str, float | None]]:
    return [
        {"frame": number, "yaw": shot.face(number).yaw}
        | {name: getattr(row[name], side) if name in row else None for name in FIGURES}
        for number, row in measured.items()
    ]


def _json(job: TruthJob, result: TruthResult) -> str:
    definitions: dict[str, Any] = {name: info.definition for name, info in FIGURES.items()}
    values = {"job": to_dict(job), "definitions": definitions, **to_dict(result)}
    return json.dumps(values, indent=2) + "\n"
