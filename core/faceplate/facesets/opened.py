"""Opening a faceset to look at it or to cull, with the figures that an order needs."""

from pathlib import Path
from typing import Literal

from faceplate.context import Context
from faceplate.errors import NotReady
from faceplate.facesets.features import measure_missing
from faceplate.facesets.measure import METHOD
from faceplate.facesets.sorters import SORTERS, Ranking, Sorting, SortName, rank
from faceplate.io.facedb import may_write
from faceplate.io.facefeatures import FaceTable, face_table, unmeasured
from faceplate.io.faceset import Faceset

__all__ = ["Which", "open_faceset", "ranked", "table_of"]

Which = Literal["kept", "culled", "all"]


def open_faceset(path: str) -> Faceset:
    """Open a faceset: for writing, or for reading where that is all that we may.

    Then figures that are missing cannot be written, and their orders have no faces.
    """
    found = Path(path)
    return Faceset.open(found, readonly=found.is_file() and not may_write(found))


def table_of(faceset: Faceset, which: Which, context: Context, measured: bool) -> FaceTable:
    """Return the figures of the faces that are asked for.

    Args:
        faceset: The faceset; open for writing where figures are missing.
        which: ``kept``, ``culled`` or ``all``.
        context: For the progress of the measuring.
        measured: Measure the faces that have no figures yet.

    Raises:
        NotReady: The faces have no figures, and the file may not be written.
    """
    if measured and not faceset.readonly and unmeasured(faceset, METHOD):
        measure_missing(faceset, context)
    table = face_table(faceset, METHOD, kept=which == "kept")
    if measured and faceset.readonly and len(table) and not table.measured.any():
        raise NotReady(
            f"{faceset.path} has not been measured and may not be written: let somebody who may "
            "run `faceplate faceset features` on it, or copy it"
        )
    return table.only(table["keep"] == 0) if which == "culled" else table


def ranked(
    faceset: Faceset,
    sort: SortName,
    context: Context,
    *,
    which: Which = "kept",
    reverse: bool = False,
    target: int = 0,
) -> tuple[FaceTable, Ranking]:
    """Return the faces that are asked for, and their order."""
    table = table_of(faceset, which, context, SORTERS[sort].measured)
    return table, rank(sort, Sorting(faceset, table, target), reverse)
