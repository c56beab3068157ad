"""Colour transfers that are one affine map: rct, lct and mkl.

Each takes statistics and gives a 3x4 matrix: what it makes of a colour c is ``A @ c + b``. Where
the swap is flat along some axis (a deviation below `_FLAT`) there is nothing to scale: that axis is
moved and not stretched. Where the plate is flat, the swap becomes flat.
"""

import numpy as np
from numpy.typing import NDArray

from faceplate.color.statistics import OPPONENT, ColorStatistics

__all__ = ["deviation_ratios", "lct", "mkl", "rct"]

Matrix = NDArray[np.float64]

_FLAT = 1e-3
"""A deviation, in the working encoding, below which an axis counts as flat: a code of 10 bits."""


def rct(statistics: ColorStatistics) -> Matrix:
    """Give each opponent axis of the swap the mean and the deviation of the plate.

    The opponent axes of a logarithmic encoding decorrelate natural images, which is what the
    transfer rests on; nothing is clipped.

    Source: Reinhard et al., "Color transfer between images", IEEE CG&A 2001.
    """
    ratios = deviation_ratios(OPPONENT, statistics)
    return _affine((OPPONENT.T * ratios) @ OPPONENT, statistics)


def deviation_ratios(axes: Matrix, statistics: ColorStatistics) -> NDArray[np.float64]:
    """Return how many times the plate deviates as far as the swap along axes (K x 3); 1 if flat."""
    swap, plate = (_along(axes, covariance) for covariance in _covariances(statistics))
    flat = swap < _FLAT**2
    return np.asarray(np.where(flat, 1.0, np.sqrt(plate / np.where(flat, 1.0, swap))))


def lct(statistics: ColorStatistics) -> Matrix:
    """Whiten with the swap's covariance, colour with the plate's; both roots are symmetric.

    Source: Hertzmann, "Algorithms for rendering in artistic styles", thesis 2001, appendix B.
    """
    swap, plate = _comparable(*_covariances(statistics))
    return _affine(_power(plate, 0.5) @ _power(swap, -0.5), statistics)


def mkl(statistics: ColorStatistics) -> Matrix:
    """Map one Gaussian onto the other at the least cost: the Monge-Kantorovich map.

    A = S^-1/2 (S^1/2 P S^1/2)^1/2 S^-1/2, symmetric, with S and P the covariances.

    Source: Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping for
    example-based colour transfer", CVMP 2007, equation 10.
    """
    swap, plate = _comparable(*_covariances(statistics))
    root, whiten = _power(swap, 0.5), _power(swap, -0.5)
    return _affine(whiten @ _power(root @ plate @ root, 0.5) @ whiten, statistics)


def _affine(linear: Matrix, statistics: ColorStatistics) -> Matrix:
    offset = np.array(statistics.plate_mean) - linear @ np.array(statistics.swap_mean)
    return np.column_stack([linear, offset])


def _covariances(statistics: ColorStatistics) -> tuple[Matrix, Matrix]:
    return _full(statistics.swap_covariance), _full(statistics.plate_covariance)


def _full(upper: tuple[float, ...]) -> Matrix:
    covariance = np.zeros((3, 3))
    covariance[np.triu_indices(3)] = upper
    return np.asarray(covariance + np.triu(covariance, 1).T)


def _along(axes: Matrix, covariance: Matrix) -> NDArray[np.float64]:
    """Return the variance along each row of `axes`, >= 0."""
    return np.asarray(np.maximum(np.einsum("ki,ij,kj->k", axes, covariance, axes), 0.0))


def _comparable(swap: Matrix, plate: Matrix) -> tuple[Matrix, Matrix]:
    """Give the swap the plate's variance along axes where it is flat, so that they keep their size.

    Where both are flat, both get the least variance that counts.
    """
    values, axes = np.linalg.eigh(swap)
    flat = values < _FLAT**2
    if not flat.any():
        return swap, plate
    of_plate = _along(axes.T, plate)
    missing = np.where(flat & (of_plate < _FLAT**2), _FLAT**2, 0.0)
    held = np.where(flat, np.maximum(of_plate, _FLAT**2), values)
    return (axes * held) @ axes.T, plate + (axes * missing) @ axes.T


def _power(covariance: Matrix, exponent: float) -> Matrix:
    values, axes = np.linalg.eigh(covariance)
    return np.asarray((axes * np.maximum(values, 0.0) ** exponent) @ axes.T)
