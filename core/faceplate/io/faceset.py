"""A faceset: the aligned faces of one person in one SQLite file.

Pictures are PNG blobs (16-bit RGB in the working encoding, 8-bit mattes), everything else is a
column, so sorting and culling are queries and the `keep` flag; no pickle anywhere. The file is in
WAL mode: others read while it grows, and a process killed while adding loses at most the face that
it was adding.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.config import from_dict, to_dict
from faceplate.errors import BadSettings, BadShape, Damaged, InvalidInput, NotFound
from faceplate.io.atomic import atomic_file
from faceplate.io.facedb import APPLICATION_ID, VERSION, Database, sqlite_errors
from faceplate.io.facepng import decode_image, decode_mask, encode_image, encode_mask
from faceplate.io.tracked import Points, Pose

__all__ = ["Face", "Faceset", "FacesetInfo", "PoseTable"]

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,             -- the plate's pattern
    frame INTEGER NOT NULL,
    person INTEGER NOT NULL,
    face_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL,
    confidence REAL NOT NULL,
    sharpness REAL NOT NULL,
    keep INTEGER NOT NULL DEFAULT 1,
    made_from TEXT NOT NULL,          -- sha256 of all that the face was made from
    sha256 TEXT NOT NULL,             -- of the row's pictures and numbers
    landmarks TEXT NOT NULL,          -- JSON, crop pixels
    plate_landmarks TEXT NOT NULL,    -- JSON, plate pixels
    plate_to_crop TEXT NOT NULL,      -- JSON, 2 x 3
    image BLOB NOT NULL,              -- 16-bit RGB PNG, working encoding
    mask BLOB NOT NULL,               -- 8-bit grey PNG
    UNIQUE (source, frame, person)
);
-- Holds all that a long list of faces is asked for, so that no page of a picture is read for it.
CREATE INDEX faces_listed ON faces (source, frame, person, keep, sha256, yaw, pitch, roll);
"""
_COLUMNS = (
    "source", "frame", "person", "face_type", "size", "yaw", "pitch", "roll", "confidence",
    "sharpness", "keep", "made_from", "sha256", "landmarks", "plate_landmarks", "plate_to_crop",
    "image", "mask",
)  # fmt: skip
_OWN = tuple(name for name in _COLUMNS if name not in ("source", "frame", "person", "keep"))


@dataclass(frozen=True)
class FacesetInfo:
    """Whose faces a faceset holds, and what they are."""

    name: str
    """Whose face it is."""
    face_type: str = "full_face"
    size: int = 256
    """Side of the crops, in pixels."""
    encoding: str = "acescct"
    """The working encoding of the pictures."""
    ocio_config: str = ""
    ocio_hash: str = ""
    consent_id: str = ""
    """The consent record that this likeness is used under."""
    created_by: str = ""
    """Program and version."""


@dataclass(frozen=True, eq=False)
class PoseTable:
    """Head turns of many faces, one row of each array to a face; degrees, float32."""

    ids: NDArray[np.int64]
    """Row numbers of the faces."""
    yaw: NDArray[np.float32]
    pitch: NDArray[np.float32]
    roll: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Face:
    """One aligned face."""

    image: NDArray[np.float32]
    """S x S x 3 RGB in the working encoding, 0..1."""
    mask: NDArray[np.float32]
    """S x S hull matte, 0..1."""
    landmarks: Points
    """68 x 2 crop pixels."""
    plate_landmarks: Points
    """68 x 2 plate pixels."""
    plate_to_crop: NDArray[np.float64]
    """2 x 3."""
    face_type: str
    source: str
    """The plate's pattern."""
    frame: int
    person: int
    pose: Pose
    confidence: float
    sharpness: float
    """Variance of the Laplacian inside the hull, relative to the variance of the picture."""
    keep: bool = True
    made_from: str = ""
    """sha256 of all that the face was made from; equal means that it need not be made again."""
    id: int = 0
    """Row number; 0 until it is added."""
    sha256: str = ""
    """Of the pictures and numbers; filled in by the faceset."""

    @property
    def size(self) -> int:
        """Side of the crop, in pixels."""
        return int(self.image.shape[0])


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
        self._database = Database(path, readonly)
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

    def add(self, face: Face) -> int:
        """Add a face and return its id; one of the same source, frame and person is replaced.

        A replaced face keeps its id and its keep flag. Raises BadShape or BadSettings where the
        face does not fit the faceset, DiskFull where there is no room.
        """
        return self.add_many([face])[0]

    def add_many(self, faces: Iterable[Face]) -> list[int]:
        """Add faces as `add` does, all of them or none, and return their ids.

        One transaction for many is several times faster than one for each.
        """
        places = ", ".join("?" * len(_COLUMNS))
        updates = ", ".join(f"{name} = excluded.{name}" for name in _OWN)
        query = (
            f"INSERT INTO faces ({', '.join(_COLUMNS)}) VALUES ({places}) "
            f"ON CONFLICT (source, frame, person) DO UPDATE SET {updates} RETURNING id"
        )
        ids = []
        with self._database.writing() as connection:
            for face in faces:
                self._check_fits(face)
                row = _row(face)
                cursor = connection.execute(query, [row[name] for name in _COLUMNS])
                ids.append(int(cursor.fetchone()[0]))
        return ids

    def ids(self, kept: bool = True) -> list[int]:
        """Return the ids, by source, frame and person; kept=False gives the culled ones too."""
        where = "WHERE keep = 1" if kept else ""
        rows = self._rows(f"SELECT id FROM faces {where} ORDER BY source, frame, person")
        return [row[0] for row in rows]

    def read(self, id: int) -> Face:
        """Return one face. Raises NotFound, or Damaged where its pictures cannot be decoded."""
        rows = self._rows(f"SELECT {', '.join(_COLUMNS)} FROM faces WHERE id = ?", [id])
        if not rows:
            raise NotFound(f"{self.path} has no face {id}")
        return _face(id, dict(zip(_COLUMNS, rows[0], strict=True)), f"{self.path}: face {id}")

    def poses(self, kept: bool = True) -> PoseTable:
        """Return the head turns of all faces, in the order of `ids`; no picture is read."""
        where = "WHERE keep = 1" if kept else ""
        query = f"SELECT id, yaw, pitch, roll FROM faces {where} ORDER BY source, frame, person"
        kinds = [("id", np.int64), *((name, np.float32) for name in ("yaw", "pitch", "roll"))]
        with sqlite_errors(self.path):
            rows = np.fromiter(self._database.connection().execute(query), np.dtype(kinds))
        return PoseTable(rows["id"].copy(), *(rows[name].copy() for name, _ in kinds[1:]))

    def made_from(self, source: str) -> dict[tuple[int, int], str]:
        """Return (frame, person) to the hash of what its face was made from, for one plate."""
        rows = self._rows("SELECT frame, person, made_from FROM faces WHERE source = ?", [source])
        return {(frame, person): made_from for frame, person, made_from in rows}

    def remove(self, source: str, faces: Sequence[tuple[int, int]]) -> None:
        """Remove the faces of one plate at these (frame, person)."""
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM faces WHERE source = ? AND frame = ? AND person = ?",
                [(source, frame, person) for frame, person in faces],
            )

    def set_keep(self, ids: Sequence[int], keep: bool) -> None:
        """Cull faces (keep=False) or take them back."""
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE faces SET keep = ? WHERE id = ?", [(int(keep), id) for id in ids]
            )

    def content_hash(self) -> str:
        """Return the sha256 of the kept faces and of what they are; independent of row numbers."""
        rows = self._rows(
            "SELECT source, frame, person, sha256 FROM faces WHERE keep = 1 "
            "ORDER BY source, frame, person"
        )
        what = [self.info.face_type, self.info.size, self.info.encoding]
        return _digest(json.dumps([what, rows]).encode())

    def close(self) -> None:
        """Close the file; nothing is lost without it but the two files beside it stay."""
        self._database.close()

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
            return self._database.connection().execute(query, values).fetchall()

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
        connection.executescript(_SCHEMA)
        text = json.dumps(to_dict(info), sort_keys=True)
        connection.execute("INSERT INTO meta VALUES ('info', ?)", [text])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.commit()
    finally:
        connection.close()


def _row(face: Face) -> dict[str, Any]:
    row = {
        "source": face.source,
        "frame": face.frame,
        "person": face.person,
        "face_type": face.face_type,
        "size": face.size,
        "yaw": face.pose.yaw,
        "pitch": face.pose.pitch,
        "roll": face.pose.roll,
        "confidence": face.confidence,
        "sharpness": face.sharpness,
        "keep": int(face.keep),
        "made_from": face.made_from,
        "landmarks": _numbers_text(face.landmarks, (68, 2)),
        "plate_landmarks": _numbers_text(face.plate_landmarks, (68, 2)),
        "plate_to_crop": _numbers_text(face.plate_to_crop, (2, 3)),
        "image": encode_image(face.image),
        "mask": encode_mask(face.mask),
    }
    return {**row, "sha256": _row_digest(row)}


def _row_digest(row: dict[str, Any]) -> str:
    pictures = row["image"] + row["mask"]
    numbers = [row[name] for name in ("landmarks", "plate_landmarks", "plate_to_crop")]
    return _digest("".join(numbers).encode() + pictures)


def _face(id: int, row: dict[str, Any], what: str) -> Face:
    return Face(
        image=decode_image(row["image"], what),
        mask=decode_mask(row["mask"], what),
        landmarks=np.array(json.loads(row["landmarks"]), np.float32),
        plate_landmarks=np.array(json.loads(row["plate_landmarks"]), np.float32),
        plate_to_crop=np.array(json.loads(row["plate_to_crop"]), np.float64),
        face_type=row["face_type"],
        source=row["source"],
        frame=row["frame"],
        person=row["person"],
        pose=Pose(row["yaw"], row["pitch"], row["roll"]),
        confidence=row["confidence"],
        sharpness=row["sharpness"],
        keep=bool(row["keep"]),
        made_from=row["made_from"],
        id=id,
        sha256=row["sha256"],
    )


def _numbers_text(values: NDArray[Any], shape: tuple[int, int]) -> str:
    if values.shape != shape or not np.isfinite(values).all():
        raise BadShape("numbers of a face", values.shape, f"{shape[0]} x {shape[1]} finite ones")
    return json.dumps(np.asarray(values, np.float64).tolist())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
