"""What a face does, in four figures, and the few expressions that a coverage report tells apart."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceplate.errors import BadShape
from faceplate.geometry.shape import to_shape

__all__ = ["EXPRESSIONS", "Expression", "ExpressionFigures", "classify", "expression_of"]

Expression = Literal["neutral", "mouth open", "mouth wide", "eyes shut"]
EXPRESSIONS: tuple[Expression, ...] = get_args(Expression)

_MOUTH_OPEN = 0.08
_EYES_SHUT = 0.03
_LOWERED = 0.58
"""Lids nearer than this times the person's own median are shut: landmarks follow a lid by half to
two thirds of its way."""
_WIDER = 1.12
"""A mouth wider than this times the person's own median is drawn wide."""


@dataclass(frozen=True)
class ExpressionFigures:
    """Distances in template units: 1 is from the brows to below the mouth of the mean face."""

    mouth_open: float
    """Mean gap of the inner lips."""
    mouth_wide: float
    """Distance of the corners of the mouth."""
    eyes_open: float
    """Mean gap of the lids, of both eyes."""
    brows_up: float
    """Mean height of the brows over the middles of the eyes."""


def expression_of(landmarks68: ArrayLike) -> ExpressionFigures:
    """Measure an expression; all figures are 0 where the points are no face.

    Args:
        landmarks68: 68 x 2 crop or square plate pixels.

    Example:
        >>> from faceplate.geometry.templates import TEMPLATE_51
        >>> jaw = np.stack([np.linspace(0, 1, 17), np.full(17, 0.9)], -1)
        >>> round(expression_of(np.vstack([jaw, TEMPLATE_51])).mouth_wide, 2)
        0.47
    """
    try:
        shape, _ = to_shape(landmarks68)
    except BadShape:
        return ExpressionFigures(0.0, 0.0, 0.0, 0.0)
    eyes = [shape[36:42].mean(axis=0), shape[42:48].mean(axis=0)]
    brows = [shape[17:22].mean(axis=0), shape[22:27].mean(axis=0)]
    return ExpressionFigures(
        mouth_open=_gap(shape, ((61, 67), (62, 66), (63, 65))),
        mouth_wide=_gap(shape, ((48, 54),)),
        eyes_open=_gap(shape, ((37, 41), (38, 40), (43, 47), (44, 46))),
        brows_up=float(np.mean([np.linalg.norm(e - b) for e, b in zip(eyes, brows, strict=True)])),
    )


def classify(
    mouth_open: NDArray[np.floating],
    mouth_wide: NDArray[np.floating],
    eyes_open: NDArray[np.floating],
) -> NDArray[np.int64]:
    """Return which of `EXPRESSIONS` each face of one person shows.

    Args:
        mouth_open: As in `ExpressionFigures`, one per face; and so are the others.
        mouth_wide: Wide is relative to the median of all, which is the person's own.
        eyes_open: Shut is shut, on any person; lids count too that are far below the person's own.
    """
    found = np.zeros(len(mouth_open), np.int64)
    if len(found) == 0:
        return found
    found[mouth_wide > _WIDER * np.median(mouth_wide)] = EXPRESSIONS.index("mouth wide")
    found[mouth_open > _MOUTH_OPEN] = EXPRESSIONS.index("mouth open")
    shut = max(_EYES_SHUT, _LOWERED * float(np.median(eyes_open)))
    found[eyes_open < shut] = EXPRESSIONS.index("eyes shut")
    return found


def _gap(shape: NDArray[np.float64], pairs: tuple[tuple[int, int], ...]) -> float:
    first, second = np.array(pairs).T
    return float(np.linalg.norm(shape[first] - shape[second], axis=1).mean())
