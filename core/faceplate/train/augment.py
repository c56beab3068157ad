"""One training sample out of one face: what the network sees, and what it should make of it.

Input and target share the affine, the mirroring and the light; the warp is the input's alone, so
that the code keeps expression and pose and loses identity. All random choices come from one
generator, so a sample follows from its seed.
"""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.relight import lowpass
from faceplate.train.facecache import TrainingFace

__all__ = [
    "AugmentOptions",
    "ColorMode",
    "Sample",
    "augment",
    "random_affine",
    "warp_field",
    "warp_maps",
]

Array = NDArray[np.float32]
Rng = np.random.Generator
ColorMode = Literal["none", "rct", "lct", "mkl", "idt", "sot"]

_LIGHT_RADIUS = 0.08
_FLIP_PROBABILITY = 0.4
_WARP_STRENGTH = 0.24
_BY_MARGINALS = ("idt", "sot")
_ACESCCT_PER_STOP = 1 / 17.52


@dataclass(frozen=True)
class AugmentOptions:
    """How far a sample may lie from its face."""

    resolution: int
    """Side of the sample in pixels."""
    warp: float = 1.0
    """Strength of the warp; 1 as the paper's code has it, 0 none."""
    transform: float = 0.15
    """Scale range: 1 / (1 + transform) to 1 + transform."""
    rotation_deg: float = 10.0
    """Rotation by up to this angle, either way."""
    shift: float = 0.05
    """Shift by up to this share of the side, in x and in y."""
    flip: bool = False
    """Mirror with probability 0.4."""
    ct_mode: ColorMode = "none"
    """Transfer by which the face takes the colours of another one, input and target alike."""
    hsv_power: float = 0.0
    """Shift of the input's hue, saturation and value, 0..0.3."""
    light_stops: float = 0.0
    """Change of exposure, tint and light direction, in stops."""
    encoding: str = "acescct"
    """Working encoding of the faces; decides what a stop is."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample; all pictures are registered."""

    image: Array
    """What the network sees, R x R x 3, 0..1."""
    target: Array
    """What it should make of it, R x R x 3, 0..1."""
    mattes: Array
    """R x R x 2: face, eyes and mouth; 0..1."""


def augment(
    face: TrainingFace,
    options: AugmentOptions,
    rng: Rng,
    light_of: TrainingFace | None = None,
    color_of: TrainingFace | None = None,
    shown: TrainingFace | None = None,
) -> Sample:
    """Make a sample of a face.

    Args:
        face: K x K pixels.
        options: How far it may go.
        rng: All random choices are drawn from it, in a fixed order.
        light_of: A face whose low frequencies take the place of this one's, in input and target
            alike; of any size.
        color_of: A face whose colours it takes by `options.ct_mode`, likewise.
        shown: A face of the same size that the network sees in place of this one, which stays the
            target, in the light of the one shown.
    """
    size, side = options.resolution, face.image.shape[0]
    warp = warp_field(size, options.warp, rng)
    affine = random_affine(size, options, rng)
    light = _random_light(size, options.light_stops, rng)
    image = face.image.astype(np.float32) * np.float32(1 / 65535)
    mattes = face.mattes.astype(np.float32) * np.float32(1 / 255)
    light_of = shown or light_of
    if light_of is not None:
        image = _in_light_of(light_of, image, mattes[..., 0])
    if color_of is not None:
        image = _in_colors_of(color_of, image, mattes[..., 0], options.ct_mode)
    to_source = _to_source(affine, size, side)
    target = _affine(image, to_source, size, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    seen = target
    if shown is not None:
        image = shown.image.astype(np.float32) * np.float32(1 / 65535)
        seen = _affine(image, to_source, size, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    if options.warp > 0:
        seen = _warped(_hsv_shift(image, options.hsv_power, rng), warp, affine, size)
    elif options.hsv_power > 0:
        seen = _hsv_shift(seen, options.hsv_power, rng)
    return Sample(
        image=_lit(seen, light, options.encoding),
        target=_lit(target, light, options.encoding),
        mattes=np.clip(
            _affine(mattes, to_source, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT), 0, 1
        ),
    )


def _in_light_of(other: TrainingFace, image: Array, matte: Array) -> Array:
    side = image.shape[0]
    light, light_matte = (
        np.asarray(cv2.resize(picture, (side, side)), np.float32)
        for picture in (
            other.image.astype(np.float32) * np.float32(1 / 65535),
            other.mattes[..., 0].astype(np.float32) * np.float32(1 / 255),
        )
    )
    radius = _LIGHT_RADIUS * side
    lit = image - lowpass(image, matte, radius) + lowpass(light, light_matte, radius)
    return np.asarray(np.clip(lit, 0, 1), np.float32)


def _in_colors_of(other: TrainingFace, image: Array, matte: Array, mode: ColorMode) -> Array:
    """Give a face the colours of another; each is measured under its own matte."""
    # these load a compiler: a second that a worker of most trainings need not spend
    from faceplate.color.statistics import measure_color
    from faceplate.color.transfer import TransferOptions, transfer

    marginals = mode in _BY_MARGINALS
    pixels = other.image.astype(np.float32) * np.float32(1 / 65535)
    weights = other.mattes[..., 0].astype(np.float32) * np.float32(1 / 255)
    own = measure_color(image, image, matte, marginals=marginals)
    wanted = measure_color(pixels, pixels, weights, marginals=marginals)
    statistics = replace(
        own,
        weight=min(own.weight, wanted.weight),
        plate_mean=wanted.plate_mean,
        plate_covariance=wanted.plate_covariance,
        plate_quantiles=wanted.plate_quantiles,
    )
    moved = transfer(mode, image, image, matte, TransferOptions(), statistics)
    return np.clip(moved, 0, 1)


def random_affine(size: int, options: AugmentOptions, rng: Rng) -> NDArray[np.float64]:
    """Return the 2x3 matrix from sample pixels to the pixels of the unmoved face at that size."""
    angle = np.deg2rad(rng.uniform(-options.rotation_deg, options.rotation_deg))
    scale = rng.uniform(1 / (1 + options.transform), 1 + options.transform)
    shift = rng.uniform(-options.shift, options.shift, 2) * size
    mirrored = bool(rng.random() < _FLIP_PROBABILITY) and options.flip
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    linear = np.array([[cos, sin], [-sin, cos]]) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    centre = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, centre - linear @ (centre + shift)])


def _to_source(affine: NDArray[np.float64], size: int, side: int) -> NDArray[np.float64]:
    """Return `affine` with its result in pixels of the kept face; both are centre-based."""
    zoom = side / size
    matrix = affine * zoom
    matrix[:, 2] += (zoom - 1) / 2
    return matrix


def _affine(image: Array, matrix: NDArray[np.float64], size: int, flag: int, border: int) -> Array:
    moved = cv2.warpAffine(
        image, matrix, (size, size), flags=flag | cv2.WARP_INVERSE_MAP, borderMode=border
    )
    return np.asarray(moved, np.float32)


def warp_field(size: int, strength: float, rng: Rng) -> Array:
    """Return displacements in pixels, size x size x 2: a coarse random grid, upscaled linearly.

    Cells are a half, a quarter or an eighth of the side; inner grid points move by a normal value
    cut at 2.5 standard deviations, so by 0.24 of a cell at most; the border stays.
    """
    cells = int(2 ** rng.integers(1, 4))
    cell = size / cells
    moves = _truncated_normal(rng, (cells - 1, cells - 1, 2)) * (_WARP_STRENGTH * cell * strength)
    grid = np.zeros((cells + 1, cells + 1, 2), np.float32)
    grid[1:-1, 1:-1] = moves
    places = (np.arange(size, dtype=np.float32) + 0.5) / cell
    columns, rows = np.meshgrid(places, places)
    return np.asarray(cv2.remap(grid, columns, rows, cv2.INTER_LINEAR), np.float32)


def _truncated_normal(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Return normal values cut at 2.5 standard deviations, divided by 2.5: -1..1."""
    values = rng.standard_normal(shape)
    for _ in range(8):  # what still lies outside after this, one in 10¹⁵, is clipped
        values = np.where(np.abs(values) > 2.5, rng.standard_normal(shape), values)
    return (np.clip(values, -2.5, 2.5) / 2.5).astype(np.float32)


def _warped(image: Array, field: Array, affine: NDArray[np.float64], size: int) -> Array:
    """Sample the warped face through the affine, in one interpolation of the image."""
    x, y = warp_maps(field, affine, size, image.shape[0])
    warped = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def warp_maps(
    field: Array, affine: NDArray[np.float64], size: int, side: int
) -> tuple[Array, Array]:
    """Return where each pixel of a sample comes from, as `cv2.remap` takes it.

    Args:
        field: Displacements, from `warp_field`.
        affine: From `random_affine`.
        size: Side of the sample in pixels.
        side: Side of the kept face in pixels.

    Returns:
        x and y in pixels of the kept face, size x size each.
    """
    steps = np.arange(size, dtype=np.float32)
    x, y = np.meshgrid(steps, steps)
    a = affine.astype(np.float32)
    moved_x = a[0, 0] * x + a[0, 1] * y + a[0, 2]
    moved_y = a[1, 0] * x + a[1, 1] * y + a[1, 2]
    moves = cv2.remap(field, moved_x, moved_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    zoom = np.float32(side / size)
    source_x = (moved_x + moves[..., 0] + 0.5) * zoom - 0.5
    source_y = (moved_y + moves[..., 1] + 0.5) * zoom - 0.5
    return source_x, source_y


def _random_light(size: int, stops: float, rng: Rng) -> Array | None:
    """Return a change of light in stops, size x size x 3, smooth over the face."""
    if stops <= 0:
        return None
    exposure = rng.uniform(-1, 1) * stops
    tint = rng.uniform(-0.3, 0.3, 3) * stops
    fall = rng.uniform(-1, 1, (3, 3, 1)) * 0.7 * stops + rng.uniform(-0.2, 0.2, (3, 3, 3)) * stops
    smooth = cv2.resize(fall.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth + (exposure + tint).astype(np.float32), np.float32)


def _lit(image: Array, light: Array | None, encoding: str) -> Array:
    """Apply a change of light in stops: an offset in the logarithm, a gain in display values."""
    if light is None:
        return np.clip(image, 0, 1)
    if encoding == "acescct":
        lit = image + light * np.float32(_ACESCCT_PER_STOP)
    else:
        lit = image * np.exp2(light / np.float32(2.2))
    return np.asarray(np.clip(lit, 0, 1), np.float32)


def _hsv_shift(image: Array, power: float, rng: Rng) -> Array:
    if power <= 0:
        return image
    hue = rng.integers(-max(1, int(180 * power)), max(1, int(180 * power)) + 1)
    saturation, value = (rng.uniform(0, 1, 2) - 0.5) * power
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + hue) % 360
    hsv[..., 1:] = np.clip(hsv[..., 1:] + np.array([saturation, value], np.float32), 0, 1)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32)
