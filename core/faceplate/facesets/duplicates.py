"""``faceplate faceset duplicates``: culling faces that show hardly anything new."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.context import Context
from faceplate.errors import BadSettings, BadShape
from faceplate.facesets.culling import cull_ids
from faceplate.facesets.kernels import twins
from faceplate.facesets.opened import open_faceset, table_of
from faceplate.facesets.sorters import turned
from faceplate.geometry.shape import to_shape
from faceplate.io.facefeatures import fingerprints, landmarks_of

__all__ = ["DuplicatesJob", "DuplicatesResult", "cull_duplicates"]


@dataclass(frozen=True)
class DuplicatesJob:
    """Cull near duplicates: of faces alike in looks and points the sharpest stays.

    Both must agree, so a blink or a spoken word in a still shot is kept.
    """

    faceset: str
    """The faceset. Faces are measured first, once."""
    bits: int = 4
    """Pictures are alike whose fingerprints of 64 bits differ in at most this many, 0..32."""
    apart: float = 0.015
    """Points are alike that lie apart by at most this (root mean square, template units: 1 is from
    the brows to below the mouth), 0..1."""
    dry_run: bool = False
    """Only tell how many it would be."""


@dataclass(frozen=True)
class DuplicatesResult:
    """What was culled."""

    faceset: str
    culled: int
    """Faces that have a near twin which is sharper."""
    kept: int
    """Faces kept now."""


def cull_duplicates(job: DuplicatesJob, context: Context) -> DuplicatesResult:
    """Cull near duplicates. Raises BadSettings for a limit outside its range."""
    if not 0 <= job.bits <= 32:
        raise BadSettings(f"bits {job.bits}: expected 0..32 of the 64 bits of a fingerprint")
    if not 0 <= job.apart <= 1:
        raise BadSettings(f"apart {job.apart}: expected 0..1 template units")
    with open_faceset(job.faceset) as faceset:
        table = table_of(faceset, "kept", context, measured=True)
        table = table.only(table.measured)
        table = table.only(np.argsort(table["blur"], kind="stable"))
        ids = [int(id) for id in table.ids]
        shapes = _shapes(landmarks_of(faceset, ids))
        found = twins(fingerprints(faceset, ids), shapes, job.bits, job.apart)
        gone = [ids[at] for at in np.flatnonzero(found >= 0)]
        what = f"cull near duplicates: bits {job.bits}, apart {job.apart:g}"
        done = cull_ids(faceset, gone, what, job.dry_run)
        return DuplicatesResult(job.faceset, done.culled, done.kept)


def _shapes(landmarks: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return shapes as rows whose distance is the root mean square distance of their points."""
    rows = np.array([_shape(points) for points in landmarks], np.float32).reshape(-1, 136)
    return turned(rows / np.float32(68**0.5))


def _shape(points: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        return np.asarray(to_shape(points)[0].ravel())
    except BadShape:  # no face: like no other but those of its kind
        return np.full(136, 99.0)
