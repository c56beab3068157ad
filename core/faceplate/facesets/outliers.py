"""``faceplate faceset outliers``: culling faces of other people.

Faces are put into groups of lookalikes; groups that are alike are joined; the largest joined group,
or the one that a named face is in, is the person.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from faceplate.context import Context
from faceplate.embed import Embedder
from faceplate.errors import BadSettings, Damaged, NotFound
from faceplate.extract.appearance import cell_weights
from faceplate.extract.identity import pick_embedder
from faceplate.facesets.culling import cull_ids
from faceplate.facesets.kernels import group
from faceplate.facesets.measure import view_of
from faceplate.facesets.opened import open_faceset, table_of
from faceplate.facesets.sorters import turned
from faceplate.io.facefeatures import FaceTable, looks, read_embeddings, write_embeddings
from faceplate.io.faceset import Faceset
from faceplate.models.store import WeightStore

__all__ = ["OutliersJob", "OutliersResult", "cull_outliers"]

_LOOK_SAME = 0.145
"""Between 99 of 100 pairs of one person and of two, as measured for `extract.appearance`."""
_TURN_BIN = 0.25
_RADIUS = 0.6
"""Of the distance within which two faces are one person: how wide a group of lookalikes is."""
_BRIDGE_SHARE = 0.004
"""Share of all faces below which a group does not join two others: a blurred face is like all."""
_PORTION = 32

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class OutliersJob:
    """Cull the faces of other people."""

    faceset: str
    """The faceset. Faces are measured first, once."""
    embedder: str = "auto"
    """Who tells people apart: sface, arcface or dlib; `auto` takes the first whose weights are here
    and else goes by skin, hair and brows, which tells two people of one shot apart and no more;
    `none` does so in any case."""
    like: int = 0
    """Number of a face of the right person; 0 takes whom most faces show."""
    apart: float | None = None
    """Faces nearer than this are of one person; None takes what the embedder's makers say."""
    dry_run: bool = False
    """Only tell how many it would be."""


@dataclass(frozen=True)
class OutliersResult:
    """What was culled."""

    faceset: str
    by: str
    """What told people apart: the card of an embedder, or `appearance`."""
    culled: int
    """Faces of others."""
    kept: int
    """Faces kept now."""
    people: int
    """Joined groups that were found, stray faces included."""


def cull_outliers(job: OutliersJob, context: Context) -> OutliersResult:
    """Cull the faces of others.

    Raises:
        NotFound: The face of `like` is not there, or is culled or damaged.
        BadSettings: A distance that means nothing.
        UnknownComponent, WeightsMissing, ExtraMissing: The embedder that was named.
    """
    if job.apart is not None and not job.apart > 0:
        raise BadSettings(f"apart {job.apart}: expected more than 0")
    store = WeightStore(context.home / "weights")
    embedder = pick_embedder(job.embedder, store.path, context.threads)
    with open_faceset(job.faceset) as faceset:
        table = table_of(faceset, "kept", context, measured=True)
        table = table.only(table.measured)
        if embedder is None:
            table, vectors, kinds = _by_look(faceset, table)
            same = job.apart or _LOOK_SAME
        else:
            table, vectors, kinds = _by_identity(faceset, table, embedder, context)
            same = job.apart or embedder.same
        people = _people(vectors, kinds, same)
        gone = table.ids[people != _wanted(people, table, job.like)]
        by = embedder.card if embedder else "appearance"
        done = cull_ids(faceset, gone.tolist(), f"cull other people: by {by}", job.dry_run)
        count = int(people.max()) + 1 if len(people) else 0
        return OutliersResult(job.faceset, by, done.culled, done.kept, count)


def _by_look(faceset: Faceset, table: FaceTable) -> tuple[FaceTable, Floats, NDArray[np.int64]]:
    """Return looks as rows whose distance is `extract.appearance.difference`, and head turns."""
    found = looks(faceset, table.ids.tolist())
    weights = np.repeat(np.sqrt(cell_weights() / 192), 3, axis=-1).ravel()
    kinds = np.rint(found[:, 0] / _TURN_BIN).astype(np.int64)
    return table, turned(found[:, 1:] * weights), kinds


def _by_identity(
    faceset: Faceset, table: FaceTable, embedder: Embedder, context: Context
) -> tuple[FaceTable, Floats, NDArray[np.int64]]:
    """Return what the embedder says of each face, asking it only about new ones."""
    known = read_embeddings(faceset, embedder.card)
    missing = [int(id) for id in table.ids if int(id) not in known]
    for start in range(0, len(missing), _PORTION):
        portion = missing[start : start + _PORTION]
        found = [entry for id in portion if (entry := _embed(faceset, id, embedder)) is not None]
        if not faceset.readonly:
            write_embeddings(faceset, embedder.card, found)
        known |= {id: vector.astype(np.float16).astype(np.float32) for id, _, vector in found}
        context.progress.report("identity", start + len(portion), len(missing))
    table = table.only(np.array([int(id) in known for id in table.ids], bool))
    vectors = np.array([known[int(id)] for id in table.ids], np.float32)
    return table, turned(vectors), np.zeros(len(table), np.int64)


def _embed(
    faceset: Faceset, id: int, embedder: Embedder
) -> tuple[int, str, NDArray[np.float64]] | None:
    try:
        face = faceset.read(id)
    except Damaged:
        return None
    vector = embedder(view_of(face, faceset.info.encoding), face.landmarks)
    return id, face.sha256, np.asarray(vector, np.float64)


def _people(vectors: Floats, kinds: NDArray[np.int64], same: float) -> NDArray[np.int64]:
    """Return a number of a person for each face."""
    if len(vectors) == 0:
        return np.zeros(0, np.int64)
    owner, leaders = group(vectors, kinds, np.float32(_RADIUS * same))
    sizes = np.bincount(owner, minlength=len(leaders))
    centres = np.stack([vectors[owner == number].mean(axis=0) for number in range(len(leaders))])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    near = (apart < same) & (np.abs(kinds[leaders][:, None] - kinds[leaders][None]) <= 1)
    bridges = sizes >= max(2, _BRIDGE_SHARE * len(vectors))
    joined = near & bridges[:, None] & bridges[None]
    _, people = connected_components(coo_array(joined), directed=False)
    people = np.asarray(people, np.int64)
    if bridges.any():
        # a small group belongs to whom it is nearest to, if it is near anybody
        reach = np.where(near & bridges[None], apart, np.inf)
        small = ~bridges & np.isfinite(reach.min(axis=1))
        people[small] = people[reach.argmin(axis=1)[small]]
    return np.asarray(people[owner], np.int64)


def _wanted(people: NDArray[np.int64], table: FaceTable, like: int) -> int:
    if like:
        at = np.flatnonzero(table.ids == like)
        if len(at) == 0:
            raise NotFound(f"there is no kept face {like} that could be told apart")
        return int(people[at[0]])
    return int(np.bincount(people).argmax()) if len(people) else 0
