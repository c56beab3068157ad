"""Settings of a training by name, and how a job changes them."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from faceplate.errors import BadSettings
from faceplate.models.df import DFConfig
from faceplate.models.net import NetConfig
from faceplate.train.job import OptimizerName, PresetName, TrainJob

__all__ = ["PRESETS", "Preset", "TrainSettings", "changed_net", "changed_settings"]


@dataclass(frozen=True)
class TrainSettings:
    """How a model is trained; recorded in every save."""

    steps: int = 500_000
    """Steps of a whole training, if the job names none."""
    batch: int = 8
    """Faces of each person per step."""
    optimizer: OptimizerName = "adabelief"
    """Rule of the step."""
    learning_rate: float = 5e-5
    """Before the schedule."""
    second_moment: float = 0.999
    """Decay of Adam's mean of squares; 0.99 settles faster in a short training."""
    lr_dropout: float = 0.0
    """Share of the weights that move in a step, as 0.3; 0 moves all."""
    warm_up_steps: int = 0
    """Steps over which the learning rate rises from zero."""
    decay_from: float = 1.0
    """Share of the schedule after which the learning rate falls along a cosine; 1: never."""
    decay_to: float = 0.05
    """Learning rate at the end of the schedule, as a share."""
    clip_gradients: bool = False
    """Clip the gradient to a global norm of one."""
    mask_form: Literal["saehd", "quick96"] = "saehd"
    """How the soft mask of the loss is made."""
    eyes_mouth_priority: bool = False
    """Add 300 times the absolute error inside eyes and mouth."""
    true_face_power: float = 0.0
    """Weight with which a discriminator makes the codes of both people look alike, 0..1; 0.01 is
    usual, 0 leaves it out."""
    random_warp: bool = True
    """Distort the input's geometry."""
    warp_until: float = 1.0
    """Share of the schedule after which the warp is a quarter as strong, for sharpness."""
    unwarped_every: int = 0
    """Every n-th step repeats the last batch without warp; 0: never."""
    transform: float = 0.15
    """Scale range of the random affine."""
    rotation_deg: float = 10.0
    """Rotation range of the random affine, degrees."""
    shift: float = 0.05
    """Shift range of the random affine, share of the side."""
    flip_likeness: bool = False
    """Mirror with probability 0.4."""
    flip_performer: bool = True
    """Mirror with probability 0.4."""
    hsv_power: float = 0.0
    """Hue, saturation and value of the likeness's input, 0..0.3."""
    light_stops: float = 0.0
    """Exposure, tint and light direction, input and target alike, in stops."""
    performer_light: float = 0.0
    """Share of the likeness's samples that are shown in the low-frequency light of a performer's
    face, so that the code cannot tell the two people by their light, 0..1."""
    uniform_yaw: bool = False
    """Draw head turns uniformly."""

    def __post_init__(self) -> None:
        """Refuse values that cannot train. Raises BadSettings."""
        checks = (
            ("steps", self.steps >= 1, "at least 1"),
            ("batch", 1 <= self.batch <= 1024, "1..1024"),
            ("learning_rate", 0 < self.learning_rate < 1, "above 0 and below 1"),
            ("lr_dropout", self.lr_dropout == 0 or self.optimizer != "adam", "0 with adam"),
            ("true_face_power", 0 <= self.true_face_power <= 1, "0..1"),
            ("hsv_power", 0 <= self.hsv_power <= 0.3, "0..0.3"),
            ("performer_light", 0 <= self.performer_light <= 1, "0..1"),
            ("light_stops", 0 <= self.light_stops <= 4, "0..4"),
        )
        for name, good, expected in checks:
            if not good:
                raise BadSettings(f"{name} {getattr(self, name)}: expected {expected}")


@dataclass(frozen=True)
class Preset:
    """A network and how to train it."""

    net: NetConfig
    """Shape of the network."""
    settings: TrainSettings
    """How it is trained."""


PRESETS: dict[PresetName, Preset] = {
    "df": Preset(DFConfig(128, "", 256, 64, 64, 22), TrainSettings()),
    "df-ud": Preset(DFConfig(128, "ud", 256, 64, 64, 22), TrainSettings()),
    "quick96": Preset(
        DFConfig(96, "ud", 128, 64, 64, 16),
        TrainSettings(
            batch=4,
            optimizer="rmsprop",
            learning_rate=2e-4,
            lr_dropout=0.3,
            mask_form="quick96",
            unwarped_every=3,
            transform=0.05,
        ),
    ),
    # About an hour on one core, at most 10 MB without the optimiser. A small network must spend its
    # room on the two people: it sees little that the shot does not hold.
    "demo": Preset(
        DFConfig(96, "ud", 64, 32, 16, 8),
        TrainSettings(
            steps=12000,
            batch=4,
            optimizer="adam",
            learning_rate=1e-3,
            second_moment=0.99,
            warm_up_steps=100,
            decay_from=0.5,
            clip_gradients=True,
            eyes_mouth_priority=True,
            warp_until=0.6,
            transform=0.04,
            rotation_deg=4.0,
            shift=0.02,
            light_stops=0.2,
            performer_light=0.7,
            uniform_yaw=True,
        ),
    ),
}
"""Preset name to preset."""


def changed_net(job: TrainJob, net: NetConfig) -> NetConfig:
    """Return the network with the job's own values. Raises BadSettings where they cannot be."""
    return dataclasses.replace(net, **_named(job, net))


def changed_settings(job: TrainJob, settings: TrainSettings) -> TrainSettings:
    """Return the settings with the job's own values. Raises BadSettings where they cannot be."""
    return dataclasses.replace(settings, **_named(job, settings))


def _named(job: TrainJob, target: Any) -> dict[str, Any]:
    """Return the fields of `target` that the job names."""
    names = [field.name for field in dataclasses.fields(target)]
    values = {name: getattr(job, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}
