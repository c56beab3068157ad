"""What a colour transfer has to know of a swap and its plate: a few hundred numbers.

Everything is measured in the working encoding under a soft matte, whose values are weights. All of
the numbers may be averaged over time and stay what they are: a mean of covariances is one (its
eigenvalues stay above 0), and a mean of quantiles keeps their order (it is the Wasserstein
barycentre of the marginals).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numba
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape

__all__ = [
    "BASES",
    "OPPONENT",
    "PLANE_AXES",
    "PROBABILITIES",
    "ColorStatistics",
    "check_crops",
    "measure_color",
    "moments_of",
    "sampled",
    "weighted_average",
    "weighted_quantiles",
]

Image = NDArray[np.float32]
Numbers = tuple[float, ...]

OPPONENT = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3.0], [6.0], [2.0]])
"""Rows: lightness, yellow against blue, red against green: orthonormal axes of a log encoding.

Source: Ruderman et al., "Statistics of cone responses to natural images", JOSA A 1998."""

PROBABILITIES = (1 - np.cos(np.pi * (np.arange(17) + 0.5) / 17)) / 2
"""Where marginals are sampled: denser towards both ends, where highlights and shadows are."""

_ANGLES = np.arange(8) * np.pi / 8
PLANE_AXES = np.outer(np.cos(_ANGLES), OPPONENT[1]) + np.outer(np.sin(_ANGLES), OPPONENT[2])
"""8 x 3: directions in the plane of the two opponent colours, evenly spread."""

_SAMPLES = 96
"""Marginals are measured on a grid of at most this many pixels a side."""


def _icosahedral_bases() -> NDArray[np.float64]:
    """Return the 15 two-fold axes of the icosahedron: five orthonormal bases, evenly spread."""
    golden = (1 + np.sqrt(5)) / 2
    a, b, c = 0.5, golden / 2, 1 / (2 * golden)
    signs = ((1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1))
    bases = [np.eye(3)]
    for x, y, z in signs:
        first = np.array([a * x, b * y, c * z])
        bases.append(np.array([first, np.roll(first, 1), np.roll(first, 2)]))
    return np.array(bases)


BASES = _icosahedral_bases()
"""5 x 3 x 3: orthonormal bases, a direction to a row; the first are the axes of R, G and B."""

_DIRECTIONS = np.concatenate([BASES.reshape(-1, 3), PLANE_AXES])


@dataclass(frozen=True)
class ColorStatistics:
    """Colour of a swap and of its plate under the matte, in the working encoding."""

    weight: float
    """Sum of the matte's values over usable pixels; below 1 there is nothing to go by."""
    swap_mean: Numbers
    """R, G, B."""
    swap_covariance: Numbers
    """RR, RG, RB, GG, GB, BB."""
    plate_mean: Numbers
    plate_covariance: Numbers
    swap_quantiles: Numbers = ()
    """R, G and B at `PROBABILITIES`, channel after channel; empty where not measured."""
    plate_quantiles: Numbers = ()
    """The same along each direction of `BASES`, then along `PLANE_AXES`."""

    @property
    def usable(self) -> bool:
        """Whether there was anything under the matte."""
        return self.weight >= 1

    def numbers(self) -> dict[str, Numbers]:
        """Return the statistics as plain numbers, as a track file keeps them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "weight": (self.weight,)}

    @classmethod
    def from_numbers(cls, numbers: Mapping[str, Sequence[float]]) -> "ColorStatistics":
        """Read what `numbers` gives.

        Raises:
            BadSettings: A name or a count is wrong: edited by hand, or by another version.
        """
        counts = dict(_COUNTS)
        wrong = [name for name in counts if len(numbers.get(name, ())) != counts[name]]
        if wrong or set(numbers) != set(counts):
            raise BadSettings(
                f"colour statistics: expected {counts}, got "
                f"{ {name: len(values) for name, values in numbers.items()} }; measure the shot "
                "again"
            )
        plain = {name: tuple(float(value) for value in numbers[name]) for name in counts}
        return cls(plain.pop("weight")[0], **plain)


_COUNTS = {
    "weight": 1,
    "swap_mean": 3,
    "swap_covariance": 6,
    "plate_mean": 3,
    "plate_covariance": 6,
    "swap_quantiles": 3 * len(PROBABILITIES),
    "plate_quantiles": (BASES.shape[0] * 3 + len(PLANE_AXES)) * len(PROBABILITIES),
}


def measure_color(
    swap: Image, plate: Image, matte: Image, *, marginals: bool = True
) -> ColorStatistics:
    """Measure a swap and its plate under a matte.

    Pixels that are not finite count for nothing. An empty matte gives zeros and a `weight` of 0.

    Args:
        swap: HxWx3 float32, working encoding, any range.
        plate: Likewise.
        matte: HxW float32, 0..1: weights.
        marginals: Measure the quantiles too; mean and covariance need none.

    Raises:
        BadShape: The crops or the matte differ in size.
    """
    check_crops(swap, plate, matte)
    of_swap, of_plate = _moments(swap, matte), _moments(plate, matte)
    weight = min(of_swap[0], of_plate[0])
    swap_mean, swap_covariance = _central(of_swap)
    plate_mean, plate_covariance = _central(of_plate)
    swap_quantiles: Numbers = ()
    plate_quantiles: Numbers = ()
    if marginals:
        swap_quantiles = _quantiles(swap, matte, BASES[0])
        plate_quantiles = _quantiles(plate, matte, _DIRECTIONS)
    return ColorStatistics(
        weight, swap_mean, swap_covariance, plate_mean, plate_covariance,
        swap_quantiles, plate_quantiles,
    )  # fmt: skip


def weighted_average(
    statistics: Sequence[ColorStatistics], weights: Sequence[float]
) -> ColorStatistics:
    """Average statistics with all their marginals; `weight` becomes the average of theirs.

    Args:
        statistics: At least one.
        weights: One each, >= 0, not all 0.
    """
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    names = [field.name for field in fields(ColorStatistics)]
    averaged = {
        name: tuple(
            (shares @ np.array([one.numbers()[name] for one in statistics], np.float64)).tolist()
        )
        for name in names
    }
    return ColorStatistics.from_numbers(averaged)


def check_crops(swap: Image, plate: Image, matte: Image) -> None:
    """Refuse crops that do not fit each other.

    Raises:
        BadShape: The crops or the matte differ in size.
    """
    if not swap.shape == plate.shape == (*matte.shape, 3):
        raise BadShape(
            "colour transfer", f"{swap.shape}, {plate.shape}, {matte.shape}", "HxWx3, HxWx3, HxW"
        )


def sampled(image: Image, matte: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return colours (N x 3) and weights (N) on a coarse grid, usable pixels only."""
    steps = [max(side // _SAMPLES, 1) for side in matte.shape]
    grid = tuple(slice(step // 2, None, step) for step in steps)
    colors, weights = image[grid].reshape(-1, 3), matte[grid].reshape(-1)
    usable = (weights > 0) & np.isfinite(colors).all(axis=1)
    return colors[usable].astype(np.float64), weights[usable].astype(np.float64)


def moments_of(
    colors: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[Numbers, Numbers]:
    """Return mean and covariance, as `ColorStatistics` holds them, of N x 3 colours."""
    image = np.asarray(colors[None], np.float32)
    return _central(_moments(image, np.asarray(weights[None], np.float32)))


def weighted_quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each column's quantiles at `PROBABILITIES`, K x 17, of N x K values."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    heights = weights[order]
    below = np.cumsum(heights, axis=0) - heights / 2
    shares = below / heights.sum(axis=0)
    return np.array(
        [np.interp(PROBABILITIES, shares[:, k], ordered[:, k]) for k in range(values.shape[1])]
    )


def _quantiles(image: Image, matte: Image, directions: NDArray[np.float64]) -> Numbers:
    colors, weights = sampled(image, matte)
    if not weights.size:
        return (0.0,) * (len(directions) * len(PROBABILITIES))
    found = weighted_quantiles(colors @ directions.T, weights)
    return tuple(found.reshape(-1).tolist())


def _central(sums: NDArray[np.float64]) -> tuple[Numbers, Numbers]:
    """Return mean and covariance from the sums that `_moments` gives."""
    weight = sums[0]
    if weight <= 0:
        return (0.0,) * 3, (0.0,) * 6
    mean = sums[1:4] / weight
    rows, columns = np.triu_indices(3)
    covariance = sums[4:] / weight - mean[rows] * mean[columns]
    return tuple(mean.tolist()), tuple(covariance.tolist())


def _moments(image: Image, matte: Image) -> NDArray[np.float64]:
    return np.asarray(_summed(image, matte))


@numba.njit(cache=True)
def _summed(image: Image, matte: Image) -> NDArray[np.float64]:
    """Return the sums of w, wR, wG, wB, wRR, wRG, wRB, wGG, wGB, wBB in float64, in one pass."""
    n = r = g = b = rr = rg = rb = gg = gb = bb = 0.0
    for y in range(matte.shape[0]):
        for x in range(matte.shape[1]):
            weight = np.float64(matte[y, x])
            red, green = np.float64(image[y, x, 0]), np.float64(image[y, x, 1])
            blue = np.float64(image[y, x, 2])
            if weight > 0 and np.isfinite(red + green + blue):
                n += weight
                r += weight * red
                g += weight * green
                b += weight * blue
                rr += weight * red * red
                rg += weight * red * green
                rb += weight * red * blue
                gg += weight * green * green
                gb += weight * green * blue
                bb += weight * blue * blue
    return np.array([n, r, g, b, rr, rg, rb, gg, gb, bb])
