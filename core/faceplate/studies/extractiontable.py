"""The measures of `evaluate extract`, and its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faceplate.studies.extractionjob import ExtractionRow
from faceplate.studies.extractionmeasures import BANDS, Figures

__all__ = ["MEASURES", "Measure", "mask_key", "markdown", "rows_of"]


@dataclass(frozen=True)
class Measure:
    """What a figure is called and what it means."""

    title: str
    unit: str
    definition: str
    digits: int = 1


_MASK = "mask IoU "


def _bands(part: str, what: str) -> dict[str, Measure]:
    return {
        f"{part}_{low}_{high}": Measure(
            f"{what}, yaw {low}-{high}°", "% of eyes",
            f"mean distance of {what} to the true ones, % of the true distance of the eyes in the "
            f"picture, faces turned {low} to {high} degrees that no occluder covers",
        )
        for low, high in BANDS
    }  # fmt: skip


def _angles() -> dict[str, Measure]:
    what = "whole faces within the yaw bound that no occluder covers"
    return {
        f"{angle}_{key}": Measure(
            f"{angle} error, {told}", "°", f"{told} of the error, {what}"
        )
        for angle in ("yaw", "pitch", "roll")
        for key, told in (("mean", "mean"), ("95", "95th percentile"), ("worst", "worst"))
    }  # fmt: skip


MEASURES: Mapping[str, Measure] = {
    "frames": Measure("frames", "", "frames that were measured", 0),
    "frames_with_face": Measure("frames with a face found", "", "one or more", 0),
    "true_faces": Measure("true faces", "", "faces with a pixel or more in the picture", 0),
    "recall": Measure("recall", "%", "share of the true faces that were found"),
    "recall_whole": Measure(
        "recall, whole faces", "%", "the same of faces with no point outside the picture"
    ),
    "false_faces": Measure("false faces", "", "found faces that are none of the true ones", 0),
    "people": Measure("people found", "", "numbers that the track gave", 0),
    "switches": Measure(
        "identity switches", "", "times that a true person got another number than before", 0
    ),
    "detected": Measure(
        "faces detected", "", "by the detector; the others were followed from frame to frame", 0
    ),
    "presence_median": Measure("presence, median", "0..1", "the landmarker's belief in a face", 3),
    "presence_least": Measure("presence, least", "0..1", "the same", 3),
    "confidence_median": Measure(
        "confidence, median", "0..1", "geometric mean of detector score and presence", 3
    ),
    **_bands("inner", "inner points"),
    "inner_hidden": Measure(
        "inner points, covered", "% of eyes", "the same where an occluder covers a part, any yaw"
    ),
    **_bands("jaw", "jaw"),
    "jitter_raw": Measure(
        "jitter, landmarker's", "% of eyes",
        "median second difference of the inner points over three neighbouring frames, within the "
        "bounds of yaw and visibility, as the landmarker gave them", 2,
    ),
    "jitter": Measure("jitter, track's", "% of eyes", "the same of the track's points", 2),
    "jitter_true": Measure("jitter, truth's", "% of eyes", "the same of the true points", 2),
    "shake": Measure(
        "shake", "% of eyes", "median second difference of the error: jitter that is not motion", 2
    ),
    "shake_95": Measure(
        "shake, 95th percentile", "% of eyes", "over frames, of its mean over points", 2
    ),
    "lag": Measure(
        "lag", "frames", "by which the track's motion matches the true one best; 24 frames in a "
        "row or more are needed", 0,
    ),
    **_angles(),
}  # fmt: skip
"""In the order of the table; mattes follow, by segmenter and occluder."""


def mask_key(segmenter: str, occluder: str) -> str:
    """Return the key of a measure of mattes."""
    return f"{_MASK}{segmenter}, {occluder} before it"


def rows_of(shots: Mapping[str, Figures]) -> list[ExtractionRow]:
    """Return every measure that at least one shot has, with the values of all."""
    known = {
        key for figures in shots.values() for key, value in figures.items() if value is not None
    }
    masks = dict.fromkeys(
        key for figures in shots.values() for key in figures if key.startswith(_MASK)
    )
    keys = [key for key in MEASURES if key in known] + sorted(
        masks, key=lambda key: (key.split(",")[0], "nothing" not in key, key)
    )
    return [_row(key, shots) for key in keys]


def markdown(rows: Sequence[ExtractionRow]) -> str:
    """Return the table as Markdown whose columns stand below each other."""
    names = list(rows[0].values) if rows else []
    lines = [["measure", *names]]
    lines += [[_titled(row), *(_text(row, value) for value in row.values.values())] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    texts = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    ruler = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], ruler, *texts[1:]]) + "\n"


def _row(key: str, shots: Mapping[str, Figures]) -> ExtractionRow:
    values = {name: figures.get(key) for name, figures in shots.items()}
    measure = _measure(key)
    return ExtractionRow(measure.title, measure.unit, values, measure.digits)


def _measure(key: str) -> Measure:
    if key in MEASURES:
        return MEASURES[key]
    return Measure(key, "0..1", "", 3)


def _titled(row: ExtractionRow) -> str:
    return f"{row.measure}, {row.unit}" if row.unit else row.measure


def _text(row: ExtractionRow, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.{row.digits}f}"
