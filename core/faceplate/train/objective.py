"""What the swap model is to come to: the losses of all people, weighted and summed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faceplate.models.net import Decoded, TrainPass
from faceplate.train.losses import FaceLoss, Target, blur_out, total_variation
from faceplate.train.presets import TrainSettings
from faceplate.train.style import background_style, face_style

__all__ = ["Objective", "Terms"]

_VARIATION = 1e-6
_GAN_BACKGROUND = 0.02


@dataclass(frozen=True, eq=False)
class Terms:
    """The loss of a batch, with its graph."""

    sides: list[Tensor]
    """Of each person, all that concerns their face."""
    parts: dict[str, Tensor]
    """What is in `sides` besides the rebuilt face, by name, unweighted."""


class Objective:
    """The losses that the settings ask for.

    Args:
        settings: Of the training.
    """

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._loss = FaceLoss(
            settings.mask_form,
            settings.masked_training,
            settings.eyes_mouth_priority,
            settings.dssim_scales,
        )

    def targets(self, targets: Sequence[Target]) -> list[Target]:
        """Return the targets as they are trained towards: blurred outside the mask if asked."""
        if not self._settings.blur_out_mask:
            return list(targets)
        return [target._replace(image=blur_out(target.image, target.mask)) for target in targets]

    def __call__(self, passed: TrainPass, targets: Sequence[Target]) -> Terms:
        """Return the loss of a pass; `targets` as `targets` has made them."""
        sides = [self._loss(*pair) for pair in zip(passed.decoded, targets, strict=True)]
        terms = Terms(sides, {})
        self._add_styles(terms, passed, targets)
        self._add_backgrounds(terms, passed, targets)
        return terms

    def _add_styles(self, terms: Terms, passed: TrainPass, targets: Sequence[Target]) -> None:
        settings, performer = self._settings, passed.decoded[1]
        if settings.face_style_power:
            style = face_style(passed.swap, performer)
            _add(terms, 0, "face_style", style, settings.face_style_power)
        if settings.bg_style_power:
            style = background_style(passed.swap(), performer, targets[1].image)
            _add(terms, 0, "bg_style", style, settings.bg_style_power)

    def _add_backgrounds(self, terms: Terms, passed: TrainPass, targets: Sequence[Target]) -> None:
        """Keep quiet what the masked loss does not see, and a discriminator would play with."""
        settings = self._settings
        powers: dict[int, float] = {}
        if settings.gan_power and settings.masked_training:
            powers = dict.fromkeys(range(2 if settings.gan_on == "both" else 1), _GAN_BACKGROUND)
        if settings.background_power:
            powers[1] = settings.background_power
        for side, power in powers.items():
            decoded, target = passed.decoded[side], targets[side]
            name = f"background_{side}"
            _add(terms, side, name, self._background(decoded, target), power)
            _add(terms, side, f"variation_{side}", total_variation(decoded.image), _VARIATION)

    def _background(self, decoded: Decoded, target: Target) -> Tensor:
        """Return the mean squared error outside the soft mask."""
        outside = 1 - self._loss.weight(target.mask)
        loss: Tensor = torch.mean(((decoded.image - target.image) * outside).square())
        return loss


def _add(terms: Terms, side: int, name: str, loss: Tensor, power: float) -> None:
    terms.parts[name] = loss
    terms.sides[side] = terms.sides[side] + power * loss
