"""A faceset: the aligned faces of one person in one SQLite file.

Pictures are PNG blobs (16-bit RGB in the working encoding, 8-bit mattes), everything else is a
column, so sorting and culling are queries and the `keep` flag; no pickle anywhere. The file is in
WAL mode: others read while it grows, and a process killed while adding loses at most the face that
it was adding. Culling and labels are kept in a log and can be taken back.
"""

import json
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.config import from_dict, to_dict
from faceplate.errors import BadSettings, BadShape, Damaged, InvalidInput, NotFound
from faceplate.io.atomic import atomic_file
from faceplate.io.facedb import Database, sqlite_errors
from faceplate.io.facelabels import Polygon, polygons_from_text, polygons_text
from faceplate.io.facelog import (
    LogEntry,
    read_log,
    undo_newest,
    write_keep,
    write_masks,
    write_polygons,
    write_purge,
)
from faceplate.io.facepng import encode_mask
from faceplate.io.facerow import (
    COLUMNS,
    OWN,
    Face,
    FacesetInfo,
    PoseTable,
    face_of,
    row_of,
    sha256_text,
)
from faceplate.io.faceschema import create_tables

__all__ = ["Face", "Faceset", "FacesetInfo", "LogEntry", "PoseTable"]

logger = logging.getLogger(__name__)


class Faceset:
    """An open faceset; use it in a `with` statement, from any number of threads.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = Path(folder.name) / "amy.faceset"
        >>> with Faceset.create(path, FacesetInfo("Amy")) as faceset:
        ...     len(faceset), faceset.info.encoding
        (0, 'acescct')
        >>> folder.cleanup()
    """

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        self.readonly = readonly
        self.database = Database(path, readonly)
        """Its tables, for `faceplate.io.face...` modules."""
        self.info = self._read_info()

    @classmethod
    def create(cls, path: Path, info: FacesetInfo) -> "Faceset":
        """Make an empty faceset and open it. Raises InvalidInput if the path exists."""
        if path.exists():
            raise InvalidInput(f"{path} is there already; open it, or choose another name")
        with atomic_file(path) as part, sqlite_errors(path):
            _write_empty(part, info)
        return cls(path)

    @classmethod
    def open(cls, path: Path, readonly: bool = False) -> "Faceset":
        """Open a faceset.

        Reading needs no right to write, neither to the file nor to its folder.

        Raises:
            NotFound: No such file.
            Damaged: Not a faceset, or broken.
            BadSettings: A faceset of a newer Faceplate.
        """
        return cls(path, readonly)

    @classmethod
    def create_or_open(cls, path: Path, info: FacesetInfo) -> "Faceset":
        """Make a faceset, or go on with one that is there and is alike. Raises BadSettings."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls.create(path, info)
        faceset = cls.open(path)
        for name in ("name", "face_type", "size", "encoding", "consent_id"):
            there, wanted = getattr(faceset.info, name), getattr(info, name)
            if there != wanted:
                faceset.close()
                raise BadSettings(
                    f"{path} is a faceset with {name} {there!r}, not {wanted!r}: write to another "
                    "file"
                )
        return faceset

    def add(self, face: Face) -> int:
        """Add a face and return its id; one of the same source, frame and person is replaced.

        A replaced face keeps its id and its keep flag, and its labels where its crop lies as
        before. Raises BadShape or BadSettings where the face does not fit the faceset, DiskFull
        where there is no room.
        """
        return self.add_many([face])[0]

    def add_many(self, faces: Iterable[Face]) -> list[int]:
        """Add faces as `add` does, all of them or none, and return their ids.

        One transaction for many is several times faster than one for each.
        """
        places = ", ".join("?" * len(COLUMNS))
        updates = ", ".join(f"{name} = excluded.{name}" for name in OWN)
        query = (
            f"INSERT INTO faces ({', '.join(COLUMNS)}) VALUES ({places}) "
            f"ON CONFLICT (source, frame, person) DO UPDATE SET {updates} RETURNING id"
        )
        ids = []
        with self.database.writing() as connection:
            for face in faces:
                self._check_fits(face)
                row = row_of(face)
                self._drop_labels_of_other_crop(connection, row)
                cursor = connection.execute(query, [row[name] for name in COLUMNS])
                ids.append(int(cursor.fetchone()[0]))
        return ids

    def ids(self, kept: bool = True) -> list[int]:
        """Return the ids, by source, frame and person; kept=False gives the culled ones too."""
        where = "WHERE keep = 1" if kept else ""
        rows = self._rows(f"SELECT id FROM faces {where} ORDER BY source, frame, person")
        return [row[0] for row in rows]

    def read(self, id: int) -> Face:
        """Return one face. Raises NotFound, or Damaged where its pictures cannot be decoded."""
        rows = self._rows(f"SELECT {', '.join(COLUMNS)} FROM faces WHERE id = ?", [id])
        if not rows:
            raise NotFound(f"{self.path} has no face {id}")
        return face_of(id, dict(zip(COLUMNS, rows[0], strict=True)), f"{self.path}: face {id}")

    def poses(self, kept: bool = True) -> PoseTable:
        """Return the head turns of all faces, in the order of `ids`; no picture is read."""
        where = "WHERE keep = 1" if kept else ""
        query = f"SELECT id, yaw, pitch, roll FROM faces {where} ORDER BY source, frame, person"
        kinds = [("id", np.int64), *((name, np.float32) for name in ("yaw", "pitch", "roll"))]
        with sqlite_errors(self.path):
            rows = np.fromiter(self.database.connection().execute(query), np.dtype(kinds))
        return PoseTable(rows["id"].copy(), *(rows[name].copy() for name, _ in kinds[1:]))

    def places(self, kept: bool = False) -> list[tuple[str, int, int, bool]]:
        """Return source, frame, person and keep flag of all faces, in the order of `ids`."""
        where = "WHERE keep = 1" if kept else ""
        rows = self._rows(
            f"SELECT source, frame, person, keep FROM faces {where} ORDER BY source, frame, person"
        )
        return [(source, frame, person, bool(keep)) for source, frame, person, keep in rows]

    def hashes(self) -> dict[int, str]:
        """Return the sha256 of every face, culled ones too, by id."""
        return dict(self._rows("SELECT id, sha256 FROM faces"))

    def made_from(self, source: str) -> dict[tuple[int, int], str]:
        """Return (frame, person) to the hash of what its face was made from, for one plate."""
        rows = self._rows("SELECT frame, person, made_from FROM faces WHERE source = ?", [source])
        return {(frame, person): made_from for frame, person, made_from in rows}

    def remove(self, source: str, faces: Sequence[tuple[int, int]]) -> None:
        """Remove the faces of one plate at these (frame, person)."""
        with self.database.writing() as connection:
            connection.executemany(
                "DELETE FROM faces WHERE source = ? AND frame = ? AND person = ?",
                [(source, frame, person) for frame, person in faces],
            )

    def set_keep(self, ids: Iterable[int], keep: bool, what: str = "") -> int:
        """Cull faces (keep=False) or take them back; return how many changed.

        Args:
            ids: Faces; those that are not there are passed over.
            keep: Whether they stay.
            what: Why, for the log.
        """
        what = what or ("keep faces" if keep else "cull faces")
        with self.database.writing() as connection:
            return write_keep(connection, ids, keep, what)

    def labels(self, id: int) -> tuple[Polygon, ...]:
        """Return the polygons of a face, none without labels. Raises NotFound or Damaged."""
        self._size_of(id)
        rows = self._newer_rows("SELECT polygons FROM labels WHERE face = ?", [id])
        return polygons_from_text(rows[0][0], f"{self.path}: face {id}") if rows else ()

    def set_labels(self, id: int, polygons: Sequence[Polygon], what: str = "label") -> None:
        """Give a face polygons in place of those that it has; none removes them.

        Raises:
            NotFound: No such face.
            InvalidInput: A polygon lies outside the crop.
        """
        self.set_many_labels({id: polygons}, what)

    def set_many_labels(self, labels: Mapping[int, Sequence[Polygon]], what: str = "label") -> int:
        """Label faces as `set_labels` does, as one entry of the log; return how many changed."""
        texts = {
            id: polygons_text(polygons, self._size_of(id)) if polygons else ""
            for id, polygons in labels.items()
        }
        with self.database.writing() as connection:
            return write_polygons(connection, texts, what)

    def set_masks(self, masks: Mapping[int, NDArray[np.float32]], what: str = "masks") -> int:
        """Give faces other mattes, as one entry of the log; return how many changed.

        Args:
            masks: Face to its S x S matte in 0..1.
            what: Why, for the log.

        Raises:
            NotFound: No such face.
            BadShape: A matte of another size than its face.
        """
        blobs = {}
        for id, mask in masks.items():
            size = self._size_of(id)
            if mask.shape != (size, size):
                raise BadShape(f"matte of face {id}", mask.shape, f"{size} x {size}")
            blobs[id] = encode_mask(mask)
        with self.database.writing() as connection:
            return write_masks(connection, blobs, what)

    def labelled(self, kept: bool = True) -> list[int]:
        """Return the ids of the faces that have labels, in the order of `ids`."""
        where = "AND keep = 1" if kept else ""
        rows = self._newer_rows(
            f"SELECT id FROM faces WHERE id IN (SELECT face FROM labels) {where} "
            "ORDER BY source, frame, person"
        )
        return [row[0] for row in rows]

    def log(self) -> list[LogEntry]:
        """Return what was done to the faces here, oldest first."""
        if not self.has_newer_tables:
            return []
        with sqlite_errors(self.path):
            return read_log(self.database.connection())

    def undo(self) -> LogEntry | None:
        """Take back the newest change of the log that holds; None where there is none."""
        with self.database.writing() as connection:
            return undo_newest(connection)

    def purge(self) -> int:
        """Delete the culled faces for good, shrink the file, and return how many they were."""
        with self.database.writing() as connection:
            count = write_purge(connection)
        if count:
            with sqlite_errors(self.path):
                self.database.connection().execute("VACUUM")
                self.database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def content_hash(self) -> str:
        """Return the sha256 of the kept faces and of what they are; independent of row numbers."""
        rows = self._rows(
            "SELECT source, frame, person, sha256 FROM faces WHERE keep = 1 "
            "ORDER BY source, frame, person"
        )
        what = [self.info.face_type, self.info.size, self.info.encoding]
        return sha256_text(json.dumps([what, rows]).encode())

    def close(self) -> None:
        """Close the file; nothing is lost without it but the two files beside it stay."""
        self.database.close()

    def __len__(self) -> int:
        return int(self._rows("SELECT count(*) FROM faces")[0][0])

    def __enter__(self) -> "Faceset":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        # Loader processes get the path, and open a connection of their own.
        return Faceset, (self.path, self.readonly)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with sqlite_errors(self.path):
            return self.database.connection().execute(query, values).fetchall()

    @property
    def has_newer_tables(self) -> bool:
        """Whether the file has all tables; one of version 1 that is only read has not."""
        return bool(self._rows("PRAGMA user_version")[0][0] >= 2)

    def _newer_rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._rows(query, values) if self.has_newer_tables else []

    def _size_of(self, id: int) -> int:
        rows = self._rows("SELECT size FROM faces WHERE id = ?", [id])
        if not rows:
            raise NotFound(f"{self.path} has no face {id}")
        return int(rows[0][0])

    def _drop_labels_of_other_crop(
        self, connection: sqlite3.Connection, row: Mapping[str, Any]
    ) -> None:
        dropped = connection.execute(
            "DELETE FROM labels WHERE face IN (SELECT id FROM faces WHERE source = ? AND frame = ? "
            "AND person = ? AND plate_to_crop != ?)",
            [row[name] for name in ("source", "frame", "person", "plate_to_crop")],
        ).rowcount
        if dropped:
            logger.warning(
                "%s: frame %d is cut anew, so its labels are dropped", self.path, row["frame"]
            )

    def _read_info(self) -> FacesetInfo:
        rows = self._rows("SELECT value FROM meta WHERE key = 'info'")
        if not rows:
            raise Damaged(f"{self.path}: the faceset does not say what it is; extract again")
        return from_dict(FacesetInfo, json.loads(rows[0][0]), str(self.path))

    def _check_fits(self, face: Face) -> None:
        size, face_type = self.info.size, self.info.face_type
        if face.image.shape != (size, size, 3):
            raise BadShape("picture of a face", face.image.shape, f"{size} x {size} x 3")
        if face.mask.shape != (size, size):
            raise BadShape("matte of a face", face.mask.shape, f"{size} x {size}")
        if face.face_type != face_type:
            raise BadSettings(f"{self.path} holds {face_type} crops, got {face.face_type}")


def _write_empty(path: Path, info: FacesetInfo) -> None:
    connection = sqlite3.connect(path)
    try:
        create_tables(connection)
        text = json.dumps(to_dict(info), sort_keys=True)
        connection.execute("INSERT INTO meta VALUES ('info', ?)", [text])
        connection.commit()
    finally:
        connection.close()
