"""Points of a track as a table for spreadsheets and other trackers: one row to a face.

Plate pixels as in the track: whole numbers at the centres of pixels, y down.
"""

import csv
import io
import math
import re
from collections.abc import Sequence

from faceplate.errors import BadSettings
from faceplate.io.tracked import PersonTrack
from faceplate.io.tracknuke import Moved

__all__ = ["csv_text", "read_csv"]

_POINT = re.compile(r"p(\d{1,2})_([xy])")


def csv_text(person: PersonTrack, points: Sequence[int]) -> str:
    """Return the table of one person, with these landmarks."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    heads = [f"p{index:02d}_{axis}" for index in points for axis in "xy"]
    table.writerow(["frame", "person", "source", *heads])
    for face in person.faces:
        values = [f"{value:.3f}" for index in points for value in face.landmarks[index].tolist()]
        table.writerow([face.frame, face.person, face.source, *values])
    return out.getvalue()


def read_csv(text: str, what: str) -> tuple[int | None, Moved]:
    """Return the person that a table names, or None, and its points; an empty cell is no point.

    Raises:
        BadSettings: No such table, or a value that is no number; names line and column.
    """
    rows = csv.DictReader(io.StringIO(text))
    columns = {
        name: (int(match[1]), "xy".index(match[2]))
        for name in rows.fieldnames or ()
        if (match := _POINT.fullmatch(name)) and int(match[1]) < 68
    }
    if "frame" not in (rows.fieldnames or ()) or not columns:
        raise BadSettings(f"{what} is no table of points: it needs the columns frame, p00_x, ...")
    moved: dict[int, dict[int, tuple[float, float]]] = {}
    people = set()
    for row in rows:
        place = f"{what}, line {rows.line_num}"
        frame = int(_number(row["frame"], f"{place}: frame"))
        if row.get("person"):
            people.add(int(_number(row["person"], f"{place}: person")))
        if frame in moved:
            raise BadSettings(f"{place}: frame {frame} is there twice; export one person at a time")
        moved[frame] = _points(row, columns, place)
    if len(people) > 1:
        raise BadSettings(f"{what} holds the people {sorted(people)}; one person at a time")
    return next(iter(people), None), moved


def _points(
    row: dict[str, str], columns: dict[str, tuple[int, int]], place: str
) -> dict[int, tuple[float, float]]:
    found: dict[int, list[float | None]] = {}
    for name, (index, axis) in columns.items():
        if row.get(name):
            value = _number(row[name], f"{place}: {name}")
            found.setdefault(index, [None, None])[axis] = value
    points = {}
    for index, (x, y) in found.items():
        if x is None or y is None:
            raise BadSettings(f"{place}: p{index:02d} has only one of x and y")
        points[index] = x, y
    return points


def _number(cell: str, place: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise BadSettings(f"{place}: expected a number, got {cell!r}") from None
    if not math.isfinite(value):
        raise BadSettings(f"{place}: expected a finite number, got {cell!r}")
    return value
