"""What a training is asked to do, and what it reports."""

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["OptimizerName", "PresetName", "TrainJob", "TrainResult"]

PresetName = Literal["demo", "quick96", "df", "df-ud"]
OptimizerName = Literal["adam", "adabelief", "rmsprop"]


@dataclass(frozen=True)
class TrainJob:
    """Settings of one training; None takes the preset's value, or on resuming the model's own."""

    likeness: str
    """Faceset of the likeness, whose face goes in."""
    performer: str
    """Faceset of the performer, who is in the plate."""
    out: str
    """Folder of the swap model; one that exists is trained on from its newest whole save."""
    others: list[str] = field(default_factory=list)
    """Facesets of further people, for networks with a decoder for each (comb)."""
    consent: str | None = None
    """Consent record of the likeness (JSON); without a valid one training is refused."""
    other_consents: list[str] = field(default_factory=list)
    """Consent records of the people of `others`, in their order."""
    preset: PresetName | None = None
    """Network and schedule of a new model; df-ud if none is named."""

    steps: int | None = None
    """Stop when the model has seen this many steps in all."""
    minutes: float | None = None
    """Stop after this long, if that comes first."""
    schedule_steps: int | None = None
    """Steps over which the learning rate falls; by default `steps` of the run that began it."""
    batch: int | None = None
    """Faces of each person per step."""
    seed: int = 0
    """Of the first weights and of every random choice."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the network's inner work; auto takes bf16 where it is fast."""

    resolution: int | None = None
    """Side of the face in pixels; new models only, as the five that follow."""
    options: str | None = None
    """Letters of the variant: any of u, d, t, c."""
    ae_dims: int | None = None
    """Length of the bottleneck."""
    e_dims: int | None = None
    """Width of the encoder."""
    d_dims: int | None = None
    """Width of the decoders."""
    d_mask_dims: int | None = None
    """Width of the decoders' matte branch."""

    optimizer: OptimizerName | None = None
    """How gradients become steps."""
    learning_rate: float | None = None
    """Of the optimiser, before the schedule."""
    eyes_mouth_priority: bool | None = None
    """Weigh eyes and mouth far above the rest."""
    true_face_power: float | None = None
    """Make the codes of both people look alike, so that the swap looks more like the likeness:
    0..1, usually 0.01; 0 is off."""
    random_warp: bool | None = None
    """Distort the input's geometry, so that the code holds expression and not identity."""
    flip_likeness: bool | None = None
    """Mirror the likeness's faces now and then."""
    flip_performer: bool | None = None
    """Mirror the performer's faces now and then."""
    hsv_power: float | None = None
    """Shift hue, saturation and value of the likeness's input by up to this (0..0.3)."""
    light_stops: float | None = None
    """Change exposure, tint and light direction of input and target by up to this many stops."""
    performer_light: float | None = None
    """Share of the likeness's samples shown in the performer's low-frequency light (0..1)."""
    uniform_yaw: bool | None = None
    """Show every head turn equally often."""

    preview_every: int = 250
    """Steps between preview pictures; 0 makes one at the end only."""
    save_every_minutes: float = 10.0
    """Minutes between saves."""
    save_every_steps: int = 0
    """Steps between saves, besides; 0 leaves it to the minutes."""
    keep_saves: int = 3
    """Newest saves that are kept."""
    cache_mb: int = 2048
    """Memory for decoded faces; what does not fit is read again each time."""


@dataclass(frozen=True)
class TrainResult:
    """What a training came to."""

    model: str
    """Folder of the swap model."""
    step: int
    """Steps that the model has seen in all."""
    steps_done: int
    """Steps of this run."""
    seconds: float
    """Duration of this run's steps."""
    it_per_s: float
    """Steps per second, previews and saves included."""
    loss_likeness: float
    """Mean over the last steps."""
    loss_performer: float
    """Mean over the last steps."""
    data_wait: float
    """Share of the time in which a step waited for its faces, 0..1."""
    precision: str
    """fp32 or bf16."""
    sha256: str
    """Hash of the saved weights."""
    preview: str
    """The newest preview picture."""
    plot: str
    """The picture of the losses."""
