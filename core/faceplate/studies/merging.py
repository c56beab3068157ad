"""The verb `evaluate merge`: every way of merging one prediction, measured against its truth.

A swap is as good as its prediction and its merge. Here the prediction is held still, and what each
mode and each colour transfer make of it is measured with the whole panel of `evaluate truth`; with
the ideal prediction, which is the truth itself seen through the network's crop, it shows what the
merge alone costs.
"""

import json
from pathlib import Path

from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import NotFound
from faceplate.evaluate.measure import Figure
from faceplate.evaluate.panel import FIGURES
from faceplate.io.atomic import write_bytes, write_text
from faceplate.studies.contactsheet import contact_sheet
from faceplate.studies.contenders import Contender
from faceplate.studies.mergejob import MergeRow, MergingJob, MergingResult
from faceplate.studies.mergestudy import MergeStudy, Tally

__all__ = ["MergeRow", "MergingJob", "MergingResult", "merging"]

_DIGITS = 4


def merging(job: MergingJob, context: Context) -> MergingResult:
    """Measure all merges of a shot; write the table and the contact sheet.

    Raises:
        ConsentRefused: No valid consent for this likeness.
        NotFound: Something is not there, or no frame is left to measure.
        BadShape: The pictures do not cover the same pixels.
        BadSettings: Settings or description that cannot be right.
    """
    study = MergeStudy(job, context)
    if not study.numbers:
        raise NotFound(
            f"no frame shows a face within {job.max_yaw:g} degrees of yaw; raise --max-yaw or "
            "measure other frames"
        )
    for number in study.numbers:
        study.measure(number)
    return _written(job, study)


def _written(job: MergingJob, study: MergeStudy) -> MergingResult:
    folder = Path(job.out)
    folder.mkdir(parents=True, exist_ok=True)
    result = MergingResult(
        rows=_rows(study),
        frames=len(study.numbers),
        network_runs=study.network_runs,
        not_measured=study.not_measured,
        json=str(folder / "merge.json"),
        table=str(folder / "merge.txt"),
        sheet=str(folder / "merge.png"),
    )
    definitions = {name: info.definition for name, info in FIGURES.items()}
    values = {"job": to_dict(job), "definitions": definitions, **to_dict(result)}
    write_bytes(Path(result.sheet), contact_sheet(study.blocks))
    write_text(Path(result.table), _table(result.rows))
    write_text(Path(result.json), json.dumps(values, indent=1, allow_nan=False) + "\n")
    return result


def _rows(study: MergeStudy) -> list[MergeRow]:
    any_tally = next(iter(study.tallies.values()))
    truth = {name: info.truth for name, info in FIGURES.items()}
    return [
        _row("-", "plate", _means(any_tally, "plate")),
        *(
            _contender_row(contender, tally, contender.size or study.resolution)
            for contender, tally in study.tallies.items()
        ),
        _row("-", "truth", truth),
    ]


def _row(prediction: str, mode: str, figures: dict[str, float | None]) -> MergeRow:
    return MergeRow(prediction, mode, "-", "-", "-", "-", **figures, ms=None)


def _contender_row(contender: Contender, tally: Tally, size: int) -> MergeRow:
    recipe = contender.recipe
    return MergeRow(
        contender.source,
        recipe.mode,
        recipe.transfer if contender.transferred else "-",
        contender.relight or "-",
        recipe.matte,
        str(size),
        **_means(tally, "result"),
        ms=tally.milliseconds,
    )


def _means(tally: Tally, side: str) -> dict[str, float | None]:
    """Return the mean of each figure, and the largest `outside`."""
    return {name: _mean(name, [row[name] for row in tally.figures if name in row], side)
            for name in FIGURES}  # fmt: skip


def _mean(name: str, figures: list[Figure], side: str) -> float | None:
    values = [getattr(figure, side) for figure in figures]
    known = [value for value in values if value is not None]
    if not known:
        return None
    mean = max(known) if name == "outside" else sum(known) / len(known)
    return round(float(mean), _DIGITS + 2)


def _table(rows: list[MergeRow]) -> str:
    """Return the rows as text, one line each."""
    plain = [to_dict(row) for row in rows]
    cells = [list(plain[0]), *([_text(value) for value in row.values()] for row in plain)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join(lines) + "\n"


def _text(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.{_DIGITS}f}"
