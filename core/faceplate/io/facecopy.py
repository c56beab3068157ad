"""Copying faces from one faceset to another as they are: pictures, figures, labels and flags."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from faceplate.errors import BadSettings, InvalidInput
from faceplate.io.facedb import sqlite_errors
from faceplate.io.facerow import COLUMNS
from faceplate.io.faceset import Faceset

__all__ = ["Copied", "check_alike", "copy_faces", "insert_face", "read_row"]

_HINTS = {
    "name": "; or say with --name whose face it is",
    "face_type": ". `faceplate faceset recrop` makes wider crops narrower",
    "size": ". `faceplate faceset resize` changes it",
}
_BESIDE = ("labels", "features", "embeddings")


@dataclass(frozen=True)
class Copied:
    """What a copy did."""

    added: int
    unchanged: int
    """Faces that were there already, the same to the byte."""
    passed_over: int
    """Faces in whose place another one was."""

    def __add__(self, other: "Copied") -> "Copied":
        return Copied(
            self.added + other.added,
            self.unchanged + other.unchanged,
            self.passed_over + other.passed_over,
        )


def check_alike(one: Faceset, other: Faceset, fields: Sequence[str]) -> None:
    """Refuse facesets that are not alike in some of their `FacesetInfo`. Raises BadSettings."""
    for field in fields:
        first, second = getattr(one.info, field), getattr(other.info, field)
        if first != second:
            raise BadSettings(
                f"{one.path} has {field} {first!r} and {other.path} has {second!r}: they must be "
                f"alike{_HINTS.get(field, '')}"
            )


def copy_faces(
    source: Faceset,
    target: Faceset,
    ids: Sequence[int],
    *,
    rename: Callable[[str], str] | None = None,
    refuse: bool = True,
) -> Copied:
    """Copy faces, all of these or none.

    Args:
        source: From where.
        target: To where; of the same size, face type and encoding.
        ids: Which.
        rename: Gives the plate's pattern in the target; None leaves it.
        refuse: Raise where another face is in the place of one; else that one stays.

    Raises:
        InvalidInput: Another face of the same plate, frame and person is there.
        BadSettings: The facesets are not alike.
    """
    check_alike(source, target, ("face_type", "size", "encoding"))
    counts = {"added": 0, "unchanged": 0, "passed_over": 0}
    with target.database.writing() as writing, sqlite_errors(source.path):
        reading = source.database.connection()
        for id in ids:
            values = _read(reading, id)
            if values is None:
                continue  # removed by somebody meanwhile
            if rename is not None:
                values["source"] = rename(values["source"])
            there = _sha_there(writing, values)
            if there is None:
                made = _insert(writing, "faces", values)
                if source.has_newer_tables:
                    _copy_beside(reading, writing, id, made)
            elif there != values["sha256"] and refuse:
                raise InvalidInput(_conflict(source, target, values))
            counts[_outcome(there, values["sha256"])] += 1
    return Copied(**counts)


def read_row(faceset: Faceset, id: int) -> dict[str, Any] | None:
    """Return the columns of a face as they are stored, and its polygons; None: not there."""
    with sqlite_errors(faceset.path):
        reading = faceset.database.connection()
        values = _read(reading, id)
        if values is None or not faceset.has_newer_tables:
            return values
        found = reading.execute("SELECT polygons FROM labels WHERE face = ?", [id]).fetchone()
    return values | ({"polygons": found[0]} if found else {})


def insert_face(faceset: Faceset, row: dict[str, Any]) -> str:
    """Add a face as `read_row` gave it, under its own number where that is free.

    Returns:
        ``unchanged`` where the same face is there, else ``added``; another one is replaced.

    Raises:
        BadSettings: It is of another size or face type.
    """
    info = faceset.info
    if (row["face_type"], row["size"]) != (info.face_type, info.size):
        raise BadSettings(
            f"{faceset.path} holds {info.face_type} crops of {info.size} pixels, got "
            f"{row['face_type']} of {row['size']}"
        )
    with faceset.database.writing() as writing:
        there = _sha_there(writing, row)
        if there == row["sha256"]:
            return "unchanged"
        if there is not None:
            place = [row[name] for name in ("source", "frame", "person")]
            writing.execute(
                "DELETE FROM faces WHERE source = ? AND frame = ? AND person = ?", place
            )
        values = {name: row[name] for name in COLUMNS}
        if not writing.execute("SELECT 1 FROM faces WHERE id = ?", [row["id"]]).fetchone():
            values["id"] = row["id"]
        id = _insert(writing, "faces", values)
        if row.get("polygons"):
            _insert(writing, "labels", {"face": id, "polygons": row["polygons"]})
    return "added"


def _outcome(there: str | None, sha256: str) -> str:
    if there is None:
        return "added"
    return "unchanged" if there == sha256 else "passed_over"


def _conflict(source: Faceset, target: Faceset, values: dict[str, Any]) -> str:
    return (
        f"{target.path} has another face of {values['source']}, frame {values['frame']}, person "
        f"{values['person']} than {source.path}: say with --conflict which one it is to be"
    )


def _read(reading: sqlite3.Connection, id: int) -> dict[str, Any] | None:
    row = reading.execute(f"SELECT {', '.join(COLUMNS)} FROM faces WHERE id = ?", [id]).fetchone()
    return None if row is None else dict(zip(COLUMNS, row, strict=True))


def _sha_there(writing: sqlite3.Connection, values: dict[str, Any]) -> str | None:
    found = writing.execute(
        "SELECT sha256 FROM faces WHERE source = ? AND frame = ? AND person = ?",
        [values[name] for name in ("source", "frame", "person")],
    ).fetchone()
    return None if found is None else str(found[0])


def _copy_beside(
    reading: sqlite3.Connection, writing: sqlite3.Connection, id: int, made: int
) -> None:
    for table in _BESIDE:
        cursor = reading.execute(f"SELECT * FROM {table} WHERE face = ?", [id])
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            _insert(writing, table, {**dict(zip(names, row, strict=True)), "face": made})


def _insert(writing: sqlite3.Connection, table: str, values: dict[str, Any]) -> int:
    places = ", ".join("?" * len(values))
    query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"
    return int(writing.execute(query, list(values.values())).lastrowid or 0)
