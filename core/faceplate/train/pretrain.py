"""Pretraining: faces in general, before a training with two people.

Both sides are shown unwarped, mirrored and at all head turns alike, and nothing pulls them apart or
together. The bottlenecks, which hold who somebody is, begin afresh afterwards, as an explicit step:
``--start-from PRETRAINED --initialise inters``.
"""

import dataclasses
from typing import Any

from faceplate.errors import BadSettings
from faceplate.train.job import TrainJob
from faceplate.train.presets import TrainSettings

__all__ = ["FORCED", "pretraining"]

FORCED: dict[str, Any] = {
    "random_warp": False,
    "flip_likeness": True,
    "flip_performer": True,
    "uniform_yaw": True,
    "gan_power": 0.0,
    "true_face_power": 0.0,
    "face_style_power": 0.0,
    "bg_style_power": 0.0,
    "lr_dropout": 0.0,
    "hsv_power": 0.0,
    "ct_mode": "none",
    "performer_light": 0.0,
    "performer_pairs": 0.0,
    "inter_training": "all",
}
"""Settings that a pretraining decides."""


def pretraining(job: TrainJob, settings: TrainSettings, was: bool = False) -> TrainSettings:
    """Return the settings as a pretraining has them, where it is one.

    Args:
        job: What is asked for.
        settings: With the job's own values.
        was: Whether the model has been pretrained so far.

    Raises:
        BadSettings: The job asks for what a pretraining leaves out, or would train a pretrained
            model on as any other.
    """
    if was and not settings.pretrain:
        raise BadSettings(
            f"{job.out} is a pretrained model: train a new one with --start-from {job.out} "
            "--initialise inters"
        )
    if not settings.pretrain:
        return settings
    for name, value in FORCED.items():
        asked = getattr(job, name)
        if asked not in {None, value}:
            raise BadSettings(f"{name} {asked}: a pretraining has {value}; leave one of them out")
    return dataclasses.replace(settings, **FORCED)
