"""How far a decoded face and matte are from their target.

Gaussian filters are products with banded matrices: the image is filtered by rows and by columns, in
both directions of the differentiation at the speed of a matrix product, which on a CPU is several
times faster than a depth-wise convolution and its gradient.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from faceplate.models.net import Decoded

__all__ = [
    "FaceLoss",
    "Target",
    "blur_out",
    "dssim",
    "forget_filters",
    "gaussian_blur",
    "soft_mask",
    "structure",
    "total_variation",
]

_SSIM_SIGMA = 1.5


@lru_cache(maxsize=32)
def _gaussian_band(size: int, window: int, sigma: float, padded: bool) -> Tensor:
    """Return the matrix that filters a line of `size` pixels; zero padded, or valid pixels only."""
    offsets = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    kernel = torch.softmax(-offsets.square() / (2 * sigma**2), 0)
    margin = window // 2 if padded else 0
    rows = size if padded else size - window + 1
    band = torch.zeros(rows, size + 2 * margin, dtype=torch.float64)
    for row in range(rows):
        band[row, row : row + window] = kernel
    return band[:, margin : margin + size].contiguous()


def _filtered(x: Tensor, window: int, sigma: float, padded: bool) -> Tensor:
    rows = _gaussian_band(x.shape[-2], window, sigma, padded).to(x.device, x.dtype)
    columns = _gaussian_band(x.shape[-1], window, sigma, padded).to(x.device, x.dtype)
    filtered: Tensor = rows @ x @ columns.T
    return filtered


def forget_filters() -> None:
    """Drop the filters that are kept between steps, as where other kinds of tensors come next."""
    _gaussian_band.cache_clear()


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur (..., H, W) with zeros outside; the kernel is max(3, int(4 sigma)) wide, made odd."""
    return _filtered(x, max(3, int(4 * sigma)) | 1, sigma, padded=True)


def dssim(a: Tensor, b: Tensor, window: int) -> Tensor:
    """Return (1 - SSIM) / 2 of two images 0..1, a mean over batch, channels and valid pixels.

    Gaussian window of sigma 1.5, c1 = 0.01², c2 = 0.03², population variance.

    Args:
        a: (B, C, H, W).
        b: (B, C, H, W).
        window: Side of the window in pixels, at most H and W.
    """
    maps = torch.stack([a, b, a * b, a * a + b * b])  # (4, B, C, H, W)
    mean_a, mean_b, mean_ab, mean_squares = _filtered(maps, window, _SSIM_SIGMA, padded=False)
    product = 2 * mean_a * mean_b
    squares = mean_a.square() + mean_b.square()
    luminance = (product + 0.01**2) / (squares + 0.01**2)
    structure = (2 * mean_ab - product + 0.03**2) / (mean_squares - squares + 0.03**2)
    loss: Tensor = (1 - (luminance * structure).mean()) / 2
    return loss


def soft_mask(mask: Tensor, form: str) -> Tensor:
    """Blur a mask (B, 1, R, R) as the loss weighs images with it.

    Args:
        mask: 0..1.
        form: ``saehd`` doubles and clips, so that the weight is one up to the mask's edge;
            ``quick96`` leaves the blurred mask.
    """
    resolution = mask.shape[-1]
    if form == "quick96":
        return gaussian_blur(mask, max(1, resolution // 32))
    return 2 * gaussian_blur(mask, max(1, resolution // 32)).clamp(0, 0.5)


def structure(seen: Tensor, wanted: Tensor, scales: int = 0) -> Tensor:
    """Return the DSSIM of two images, at one scale or as the mean of two.

    Args:
        seen: (B, C, R, R).
        wanted: (B, C, R, R).
        scales: 1 or 2; 0 takes one below 256 pixels and two from there.
    """
    resolution = seen.shape[-1]
    fine = dssim(seen, wanted, _window(resolution, 11.6))
    if (scales or 1 + (resolution >= 256)) == 1:
        return fine
    return (fine + dssim(seen, wanted, _window(resolution, 23.2))) / 2


def total_variation(image: Tensor) -> Tensor:
    """Return the squared differences of neighbours (B, C, H, W), along rows and columns.

    A sum over channels and pixels, a mean over the batch.
    """
    rows = image.diff(dim=-2).square().sum((1, 2, 3))
    columns = image.diff(dim=-1).square().sum((1, 2, 3))
    return (rows + columns).mean()


def blur_out(image: Tensor, mask: Tensor) -> Tensor:
    """Return `image` (B, 3, R, R) with what lies outside `mask` blurred by itself alone.

    The face does not bleed into the blurred surroundings, so that the edge of a trained mask has
    nothing to show. Sigma is R / 128; where there are no surroundings near, there is nothing.
    """
    image, outside = image.contiguous(), (1 - mask).contiguous()
    sigma = image.shape[-1] / 128
    weight = gaussian_blur(outside, sigma)
    blurred = gaussian_blur(image * outside, sigma) / torch.where(weight == 0, 1, weight)
    return image * mask + blurred * outside


class Target(NamedTuple):
    """What one side of a training should come to, each (B, ..., R, R), 0..1."""

    image: Tensor
    """(B, 3, R, R)."""
    mask: Tensor
    """The matte, (B, 1, R, R)."""
    eyes_mouth: Tensor
    """Weight of eyes and mouth, (B, 1, R, R)."""


@dataclass(frozen=True)
class FaceLoss:
    """The loss of one person: structure, colour, matte, and eyes and mouth where wanted."""

    mask_form: str = "saehd"
    """How the soft mask is made: ``saehd`` or ``quick96``."""
    masked_training: bool = True
    """Compare inside the soft mask only; otherwise the whole picture."""
    eyes_mouth_priority: bool = False
    """Add 300 times the mean absolute error inside eyes and mouth."""
    scales: int = 0
    """Scales of the DSSIM, 1 or 2; 0 takes one below 256 pixels and two from there."""

    def __call__(self, decoded: Decoded, target: Target) -> Tensor:
        """Return the loss of a decoded face and matte, a scalar."""
        # Rows and columns are filtered by matrix products, which want them contiguous.
        image, wanted = decoded.image.contiguous(), target.image.contiguous()
        seen, shown = self.weighed(image, target.mask), self.weighed(wanted, target.mask)
        loss = 10 * structure(seen, shown, self.scales) + 10 * (seen - shown).square().mean()
        if self.eyes_mouth_priority:
            loss = loss + 300 * (target.eyes_mouth * (wanted - image)).abs().mean()
        return loss + 10 * (decoded.matte - target.mask).square().mean()

    def weighed(self, image: Tensor, mask: Tensor) -> Tensor:
        """Return an image as the loss sees it: times the soft mask, with masked training."""
        return image * self.weight(mask) if self.masked_training else image

    def weight(self, mask: Tensor) -> Tensor:
        """Return the soft form of a mask."""
        return soft_mask(mask.contiguous(), self.mask_form)


def _window(resolution: int, divisor: float) -> int:
    return max(2, int(resolution / divisor))
