"""The figures of a swap whose truth is known, on arrays.

Pixel error alone misleads: the plate already has the truth's pose, expression and highlights. So
there is a panel of figures, each to be read beside the plate's own. Images are crops in the
*working* encoding, float32 HxWx3; mattes float32 HxW in 0..1; widths are the face width (the side
of the alignment template) in pixels.
Definitions: `FIGURES`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FIGURES",
    "FigureInfo",
    "detail",
    "edge_band",
    "eroded",
    "flicker",
    "geometry",
    "light",
    "outside",
    "seam",
    "ssim",
    "tone",
]

Image = NDArray[np.float32]
Matte = NDArray[np.float32]

_LIGHT_SIGMA = 0.12  # of the face width
_DETAIL_SIGMA = 0.06
_INNER = slice(17, 68)  # the 51 points that are not the jaw
_TRUNCATE = 1e-4


@dataclass(frozen=True)
class FigureInfo:
    """What a figure of the panel means."""

    definition: str
    unit: str
    truth: float | None
    """What the truth itself scores; None where it has no fixed value."""
    higher_is_better: bool


FIGURES = {
    "identity": FigureInfo(
        "identity transfer: 1 - d(out, S) / d(B, S), d the distance of dlib descriptors",
        "0 plate, 1 truth", 1.0, True,
    ),
    "geometry": FigureInfo(
        "mean distance of the 51 inner landmarks of out and S, by one landmarker",
        "% of eye distance", 0.0, False,
    ),
    "light": FigureInfo(
        "mean |low-passed out - S| (sigma 12 % of face width), offset per channel removed",
        "working", 0.0, False,
    ),
    "detail": FigureInfo(
        "correlation of the high-passed (sigma 6 % of face width) out and S", "-1..1", 1.0, True
    ),
    "tone": FigureInfo("mean |offset out - S| over the channels", "working", 0.0, False),
    "ssim": FigureInfo("structural similarity of out and S", "-1..1", 1.0, True),
    "seam": FigureInfo(
        "mean |gradient of out - gradient of S| across the matte's edge",
        "working per % of face width", 0.0, False,
    ),
    "flicker": FigureInfo(
        "mean |second difference in time of out - S|", "working", 0.0, False
    ),
    "outside": FigureInfo(
        "max |out - plate| where the used matte is 0", "scene-linear", None, False
    ),
}  # fmt: skip
"""Every figure of the panel, in the order in which it is shown."""


def eroded(matte: Matte, width: float, share: float = 0.02) -> Matte:
    """Draw a matte in by a share of the face width (at least one pixel)."""
    radius = max(round(share * width), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.erode(matte, kernel, borderValue=0.0), np.float32)


def light(image: Image, truth: Image, matte: Matte, width: float) -> float:
    """Return how much the shading differs from the truth's, whatever the tone."""
    sigma = _LIGHT_SIGMA * width
    difference = _lowpass(image, matte, sigma) - _lowpass(truth, matte, sigma)
    return _mean(np.abs(difference - _offsets(difference, matte)), matte)


def detail(image: Image, truth: Image, matte: Matte, width: float) -> float:
    """Return the correlation of what is finer than 6 % of the face width; 0 for a flat image."""
    sigma = _DETAIL_SIGMA * width
    fine = image - _lowpass(image, matte, sigma)
    fine_truth = truth - _lowpass(truth, matte, sigma)
    fine, fine_truth = fine - _offsets(fine, matte), fine_truth - _offsets(fine_truth, matte)
    norm = np.sqrt(_mean(fine**2, matte) * _mean(fine_truth**2, matte))
    return _mean(fine * fine_truth, matte) / norm if norm > 0 else 0.0


def tone(image: Image, truth: Image, matte: Matte) -> float:
    """Return the mean over the channels of |mean offset from the truth|."""
    return float(np.abs(_offsets(image - truth, matte)).mean())


def ssim(image: Image, truth: Image, matte: Matte) -> float:
    """Return the mean structural similarity under the matte (sigma 1.5 px, range 1).

    Source: Wang et al., "Image quality assessment", IEEE TIP 2004; one value per channel, averaged.
    """
    first, second = image.astype(np.float64), truth.astype(np.float64)
    mean_1, mean_2 = _blur(first), _blur(second)
    variance_1, variance_2 = _blur(first**2) - mean_1**2, _blur(second**2) - mean_2**2
    covariance = _blur(first * second) - mean_1 * mean_2
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
    structure = (2 * covariance + c2) / (variance_1 + variance_2 + c2)
    return _mean(luminance * structure, matte)


def edge_band(used_matte: Matte) -> Matte:
    """Return 1 where the used matte is neither 0 nor 1, or one pixel from such a place."""
    soft = (used_matte > 0) & (used_matte < 1)
    binary = (used_matte > 0).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    hard = cv2.dilate(binary, kernel) != cv2.erode(binary, kernel)
    return np.asarray(soft | hard, np.float32)


def seam(image: Image, truth: Image, band: Matte, width: float) -> float:
    """Return how much the gradient differs from the truth's in the band of the matte's edge."""
    difference = image - truth
    along_x, along_y = np.gradient(difference, axis=1), np.gradient(difference, axis=0)
    return _mean(np.hypot(along_x, along_y), band) * width / 100


def flicker(before: Image, now: Image, after: Image, matte: Matte) -> float:
    """Return the mean |second difference in time|; the images are differences from the truth."""
    return _mean(np.abs(before - 2 * now + after), matte)


def outside(image: Image, plate: Image, used_matte: Matte) -> float:
    """Return the largest difference where the matte is 0, in whatever encoding both are.

    A pixel that is NaN, or the same infinity, in both does not differ. One that is finite in one of
    them only differs by the largest float32.
    """
    free = used_matte == 0
    first, second = image[free], plate[free]
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    difference = np.abs(np.where(same, 0, first) - np.where(same, 0, second))
    if not difference.size:
        return 0.0
    largest = float(np.finfo(np.float32).max)
    return float(np.nan_to_num(difference, nan=largest, posinf=largest).max())


def geometry(
    points68: NDArray[np.floating], truth68: NDArray[np.floating], eye_distance: float
) -> float:
    """Return the mean distance of the 51 inner landmarks, % of the eye distance."""
    distances = np.linalg.norm(points68[_INNER] - truth68[_INNER], axis=1)
    return float(distances.mean() / eye_distance * 100)


def _lowpass(image: Image, matte: Matte, sigma: float) -> Image:
    """Blur what lies under the matte as if nothing else were there."""
    total = cv2.GaussianBlur(matte, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    weighted = cv2.GaussianBlur(
        image * matte[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT
    )
    return np.asarray(weighted / np.maximum(total, _TRUNCATE)[..., None], np.float32)


def _blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5), np.float64)


def _offsets(image: NDArray[np.floating], matte: Matte) -> NDArray[np.float64]:
    weight = max(float(matte.sum(dtype=np.float64)), _TRUNCATE)
    summed = (image.astype(np.float64) * matte[..., None]).sum(axis=(0, 1))
    return np.asarray(summed / weight, np.float64)


def _mean(image: NDArray[np.floating], matte: Matte) -> float:
    """Return the mean under a matte, over all channels."""
    return float(_offsets(image, matte).mean())
