"""The measured figures of faces, as they are kept in a faceset."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.io.facedb import sqlite_errors
from faceplate.io.faceset import Faceset

__all__ = [
    "MEASURED",
    "FaceTable",
    "FeatureRow",
    "face_table",
    "fingerprints",
    "histograms",
    "landmarks_of",
    "looks",
    "read_embeddings",
    "unmeasured",
    "write_embeddings",
    "write_features",
]

MEASURED = (
    "size", "blur", "motion_blur", "brightness", "hue", "black", "mouth_open", "mouth_wide",
    "eyes_open", "brows_up",
)  # fmt: skip
"""Numbers that are measured of each face; 'size' is that in the plate."""

_LISTED = ("person", "frame", "keep", "yaw", "pitch", "roll", "confidence", "sharpness")
_HISTOGRAM_SCALE = 65535


@dataclass(frozen=True)
class FeatureRow:
    """The figures of one face, ready to be written."""

    face: int
    sha256: str
    """Of the face that was measured."""
    numbers: tuple[float, ...]
    """As `MEASURED` names them."""
    fingerprint: bytes
    """8 bytes."""
    histogram: bytes
    """uint16, 3 x 64."""
    look: bytes
    """float16, 193."""


@dataclass(frozen=True, eq=False)
class FaceTable:
    """Figures of many faces, by source, frame and person: one entry of each array to a face."""

    ids: NDArray[np.int64]
    sources: list[str]
    """The plates' patterns."""
    columns: dict[str, NDArray[np.float64]]
    """Person, frame, keep, head turn, confidence, sharpness and `MEASURED`; NaN: not measured."""

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.columns[name]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Which faces have their figures."""
        return ~np.isnan(self.columns["blur"])

    def only(self, chosen: NDArray[Any]) -> "FaceTable":
        """Return some faces, by places or a mask."""
        places = np.arange(len(self))[chosen]
        columns = {name: values[places] for name, values in self.columns.items()}
        return FaceTable(self.ids[places], [self.sources[at] for at in places], columns)


def face_table(faceset: Faceset, method: int, kept: bool = True) -> FaceTable:
    """Read the figures of all faces; no picture is read.

    Args:
        faceset: The faceset.
        method: Version of the measuring; figures of another one count as not measured.
        kept: Leave out the culled ones.
    """
    where = "WHERE keep = 1" if kept else ""
    listed = _table(
        faceset,
        f"SELECT id, {', '.join(_LISTED)} FROM faces {where} ORDER BY source, frame, person",
        ["id", *_LISTED],
    )
    query = f"SELECT source FROM faces {where} ORDER BY source, frame, person"
    sources = [row[0] for row in _rows(faceset, query)]
    columns = {name: listed[:, place] for place, name in enumerate(_LISTED, 1)}
    ids = listed[:, 0].astype(np.int64)
    for name in MEASURED:
        columns[name] = np.full(len(ids), np.nan)
    if faceset.has_newer_tables:
        _fill(faceset, method, ids, columns)
    return FaceTable(ids, sources, columns)


def unmeasured(faceset: Faceset, method: int) -> list[int]:
    """Return the ids of the faces, culled ones too, whose figures are missing or out of date."""
    rows = _rows(
        faceset,
        "SELECT id FROM faces LEFT JOIN features ON face = id AND features.sha256 = faces.sha256 "
        f"AND method = {method} WHERE face IS NULL ORDER BY source, frame, person",
    )
    return [row[0] for row in rows]


def write_features(faceset: Faceset, method: int, rows: Iterable[FeatureRow]) -> int:
    """Write figures, and return how many; those of a face that has been changed are dropped."""
    count = len(MEASURED)
    places = ", ".join("?" * (count + 6))
    query = (
        f"INSERT OR REPLACE INTO features (face, sha256, method, {', '.join(MEASURED)}, "
        f"fingerprint, histogram, look) SELECT {places} "
        "WHERE EXISTS (SELECT 1 FROM faces WHERE id = ? AND sha256 = ?)"
    )
    written = 0
    with faceset.database.writing() as connection:
        for row in rows:
            start = [row.face, row.sha256, method, *row.numbers]
            values = [*start, row.fingerprint, row.histogram, row.look, row.face, row.sha256]
            written += connection.execute(query, values).rowcount
    return written


def fingerprints(faceset: Faceset, ids: Sequence[int]) -> NDArray[np.uint64]:
    """Return the perceptual hashes of measured faces, one 64-bit number each."""
    return _blobs(faceset, "fingerprint", ids, np.uint64)[:, 0]


def histograms(faceset: Faceset, ids: Sequence[int]) -> NDArray[np.float32]:
    """Return the histograms of measured faces, N x 192: square roots of shares.

    The dot product of two is three times their Bhattacharyya coefficient.
    """
    whole = _blobs(faceset, "histogram", ids, np.uint16)
    return whole.astype(np.float32) / np.float32(_HISTOGRAM_SCALE)


def looks(faceset: Faceset, ids: Sequence[int]) -> NDArray[np.float32]:
    """Return the looks of measured faces, N x 193: turn of the head, then 8 x 8 x 3."""
    return _blobs(faceset, "look", ids, np.float16).astype(np.float32)


def landmarks_of(faceset: Faceset, ids: Sequence[int]) -> NDArray[np.float64]:
    """Return the landmarks of faces in crop pixels, N x 68 x 2, without their pictures."""
    texts = dict(_rows(faceset, "SELECT id, landmarks FROM faces"))
    points = [json.loads(texts[id]) for id in ids]
    return np.array(points, np.float64).reshape(-1, 68, 2)


def read_embeddings(faceset: Faceset, card: str) -> dict[int, NDArray[np.float32]]:
    """Return what a network said of the faces that have not changed since, by id."""
    if not faceset.has_newer_tables:
        return {}
    rows = _rows(
        faceset,
        "SELECT face, vector FROM embeddings JOIN faces ON id = face "
        "AND faces.sha256 = embeddings.sha256 WHERE card = ?",
        [card],
    )
    return {face: np.frombuffer(blob, np.float16).astype(np.float32) for face, blob in rows}


def write_embeddings(
    faceset: Faceset, card: str, vectors: Iterable[tuple[int, str, NDArray[np.floating]]]
) -> None:
    """Write what a network said: id, sha256 of the face, vector."""
    with faceset.database.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO embeddings SELECT ?1, ?2, ?3, ?4 "
            "WHERE EXISTS (SELECT 1 FROM faces WHERE id = ?1)",
            [(id, card, sha, vector.astype(np.float16).tobytes()) for id, sha, vector in vectors],
        )


def _fill(
    faceset: Faceset, method: int, ids: NDArray[np.int64], columns: dict[str, NDArray[np.float64]]
) -> None:
    names = ["face", *MEASURED]
    measured = _table(
        faceset,
        f"SELECT face, {', '.join(f'f.{name}' for name in MEASURED)} FROM features AS f "
        f"JOIN faces ON id = face AND faces.sha256 = f.sha256 WHERE method = {method}",
        names,
    )
    order = np.argsort(ids)
    at = np.searchsorted(ids, measured[:, 0], sorter=order)
    inside = at < len(ids)
    at = order[at[inside]]
    measured = measured[inside]
    same = ids[at] == measured[:, 0]
    for place, name in enumerate(MEASURED, 1):
        columns[name][at[same]] = measured[same, place]


def _table(faceset: Faceset, query: str, names: Sequence[str]) -> NDArray[np.float64]:
    with sqlite_errors(faceset.path):
        rows = faceset.database.connection().execute(query)
        kinds = np.dtype([(f"c{place}", np.float64) for place in range(len(names))])
        found = np.fromiter(rows, kinds)
    return found.view(np.float64).reshape(-1, len(names))


def _blobs(faceset: Faceset, column: str, ids: Sequence[int], kind: type[Any]) -> NDArray[Any]:
    """Return one row per face, in the order of `ids`, all of which must be measured."""
    if not ids:
        return np.zeros((0, 1), kind)
    rows = dict(_rows(faceset, f"SELECT face, {column} FROM features"))
    joined = b"".join(rows[id] for id in ids)
    return np.frombuffer(joined, kind).reshape(len(ids), -1)


def _rows(faceset: Faceset, query: str, values: Sequence[Any] = ()) -> list[Any]:
    with sqlite_errors(faceset.path):
        return faceset.database.connection().execute(query, values).fetchall()
