"""Hand-drawn labels of faces: polygons that include or exclude, in crop pixels.

Include polygons are painted first, then excludes. A face without include polygons keeps what its
own matte shows, less the excludes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape, Damaged, InvalidInput

__all__ = ["Polygon", "PolygonKind", "polygons_from_text", "polygons_text"]

PolygonKind = Literal["include", "exclude"]


@dataclass(frozen=True, eq=False)
class Polygon:
    """One closed outline.

    Example:
        >>> Polygon("include", np.array([[0, 0], [9, 0], [9, 9]])).points.dtype
        dtype('float64')

    Raises:
        InvalidInput: Neither include nor exclude.
        BadShape: Not at least three finite points.
    """

    kind: PolygonKind
    points: NDArray[np.float64]
    """N x 2 crop pixels, N at least 3; the last is joined to the first."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(PolygonKind):
            raise InvalidInput(f"a polygon is include or exclude, got {self.kind!r}")
        points = np.asarray(self.points, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise BadShape("polygon", points.shape, "N x 2 points, N at least 3")
        if not np.isfinite(points).all():
            raise BadShape("polygon", "points that are not finite", "finite points")
        object.__setattr__(self, "points", points)

    def touches(self, size: int) -> bool:
        """Return whether the box around it reaches into a crop of `size` x `size` pixels."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return bool((high >= -0.5).all() and (low <= size - 0.5).all())


def polygons_text(polygons: Sequence[Polygon], size: int) -> str:
    """Return polygons as the text that the faceset keeps.

    Args:
        polygons: Of one face.
        size: Side of its crop.

    Raises:
        InvalidInput: A polygon lies wholly outside the crop.
    """
    for polygon in polygons:
        if not polygon.touches(size):
            low, high = polygon.points.min(axis=0), polygon.points.max(axis=0)
            raise InvalidInput(
                f"a polygon from {low.round(1).tolist()} to {high.round(1).tolist()} lies outside "
                f"the crop of {size} x {size} pixels: is it of another size or face type?"
            )
    listed = [{"kind": polygon.kind, "points": polygon.points.tolist()} for polygon in polygons]
    return json.dumps(listed)


def polygons_from_text(text: str, what: str) -> tuple[Polygon, ...]:
    """Return the polygons of a text that `polygons_text` made.

    Raises:
        Damaged: It is no such text.
    """
    try:
        entries: list[dict[str, Any]] = json.loads(text)
        return tuple(
            Polygon(entry["kind"], np.array(entry["points"], np.float64)) for entry in entries
        )
    except (ValueError, TypeError, KeyError, InvalidInput) as error:
        raise Damaged(f"{what}: its polygons cannot be read: {error}; draw them again") from error
