"""Losses that draw the swap towards the plate: the performer's tone, the plate's surroundings.

Origin: DeepFaceLab's face style and background style. There the style mask is made from what the
network predicts and then overwritten by the likeness's own mask; here it is the predicted one, for
the picture that is compared is the performer's.
"""

import torch
from torch import Tensor

from faceplate.models.net import Decoded, SwapDecoder
from faceplate.train.losses import gaussian_blur, soft_mask, structure

__all__ = ["background_style", "face_style", "style_distance"]


def style_distance(a: Tensor, b: Tensor, sigma: float) -> Tensor:
    """Return how far the tone of two images (B, C, H, W) is apart, after a blur.

    Squared differences of each channel's mean and of its standard deviation, summed over the
    channels and divided by their number; a mean over the batch.
    """
    means, deviations = [], []
    for image in (a, b):
        blurred = gaussian_blur(image.contiguous(), sigma)
        means.append(blurred.mean((2, 3)))
        deviations.append((blurred.var((2, 3), correction=0) + 1e-5).sqrt())
    squares = (means[0] - means[1]).square() + (deviations[0] - deviations[1]).square()
    return squares.mean(1).mean()


def face_style(swap: SwapDecoder, performer: Decoded) -> Tensor:
    """Return how far the swapped face's tone is from the performer's, times 100 (power 1).

    Only the decoder learns from it: neither code, mattes nor the performer's face do.
    """
    swapped = swap(through_code=False)
    sigma = swapped.image.shape[-1] // 8
    shown = swapped.image * swapped.matte.detach()
    wanted = (performer.image * performer.matte).detach()
    return 100 * style_distance(shown, wanted, sigma)


def background_style(swapped: Decoded, performer: Decoded, target: Tensor) -> Tensor:
    """Return how far the swap's surroundings are from the plate's, divided by ten (power 1).

    Args:
        swapped: The likeness decoded from the performer's code.
        performer: The performer rebuilt from it; both mattes make the style mask.
        target: The performer's face as it is in the plate (B, 3, R, R).
    """
    both = (swapped.matte * performer.matte).detach().contiguous()
    outside = 1 - soft_mask(both, "saehd")
    shown, wanted = swapped.image.contiguous() * outside, target.contiguous() * outside
    loss: Tensor = (structure(shown, wanted) + torch.nn.functional.mse_loss(shown, wanted)) / 10
    return loss
