"""Settings of a training by name, and how a job changes them."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from faceplate.errors import BadSettings
from faceplate.models.amp import AMPConfig
from faceplate.models.choices import Initialisation, InterTraining
from faceplate.models.comb import CombConfig
from faceplate.models.df import DFConfig
from faceplate.models.liae import LIAEConfig
from faceplate.models.net import NetConfig
from faceplate.models.quick96 import Quick96Config
from faceplate.train.augment import ColorMode
from faceplate.train.job import GanSides, MaskForm, OptimizerName, PresetName, TrainJob

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
    first_moment: float = 0.5
    """Decay of Adam's mean of gradients, 0 up to 1; the paper has 0.5."""
    second_moment: float = 0.999
    """Decay of Adam's mean of squares; 0.99 settles faster in a short training."""
    lr_dropout: float = 0.0
    """Share of the weights that move in a step, as 0.3; 0 moves all."""
    lr_cos: int = 0
    """Period in steps of a cosine between the learning rate and zero, as 500 beside lr_dropout; 0:
    none."""
    warm_up_steps: int = 0
    """Steps over which the learning rate rises from zero."""
    decay_from: float = 1.0
    """Share of the schedule after which the learning rate falls along a cosine; 1: never."""
    decay_to: float = 0.05
    """Learning rate at the end of the schedule, as a share."""
    clip_gradients: bool = False
    """Clip the gradient to a global norm of one."""
    mask_form: MaskForm = "saehd"
    """How the soft mask of the loss is made."""
    masked_training: bool = True
    """Compare faces inside their soft mask only."""
    blur_out_mask: bool = False
    """Blur what lies outside the mask of the targets, so that its edge shows less."""
    dssim_scales: int = 0
    """Scales at which structure is compared, 1 or 2; 0 takes one below 256 pixels and two from
    there."""
    eyes_mouth_priority: bool = False
    """Add 300 times the absolute error inside eyes and mouth."""
    true_face_power: float = 0.0
    """Weight with which a discriminator makes the codes of both people look alike, 0..1; 0.01 is
    usual, 0 leaves it out."""
    gan_power: float = 0.0
    """Weight with which a discriminator of patches sharpens the likeness's face, 0..5; 0.1 is
    usual, once the face is learnt."""
    gan_patch_size: int = 0
    """Pixels that one judgement of the discriminator rests on, 3..640; 0 takes an eighth of the
    resolution."""
    gan_dims: int = 16
    """Width of the discriminator, 4..512."""
    gan_on: GanSides = "likeness"
    """Whose rebuilt face the discriminator judges: likeness, or both."""
    face_style_power: float = 0.0
    """Draw the swapped face's tone to the performer's, 0..100; begin with 0.001."""
    bg_style_power: float = 0.0
    """Draw what lies around the swapped face to the plate, 0..100; 2 is usual."""
    background_power: float = 0.0
    """Compare the performer's surroundings too, 0..1; AMP takes 0.1."""
    inter_training: InterTraining = "auto"
    """Which bottlenecks move: auto, all, or original, as the paper's code has it."""
    ema_decay: float = 0.0
    """Predict and save with a running mean of the weights of this decay, as 0.999; 0: the weights
    themselves."""
    gradient_accumulation: int = 1
    """Parts into which a batch is cut, one after the other, for less memory; a divisor of it."""
    checkpointing: bool = False
    """Compute inner results a second time for the gradient in place of keeping them."""
    offload_optimizer: bool = False
    """Keep the optimiser's state in main memory, for GPUs that are short of it."""
    cache_mb: int = 2048
    """Memory for decoded faces in MB, at least 0."""
    compile: bool = False
    """Compile the network's parts; the first steps take minutes."""
    random_warp: bool = True
    """Distort the input's geometry."""
    warp_until: float = 1.0
    """Share of the schedule after which the warp is weaker, for sharpness."""
    late_warp: float = 0.25
    """Strength of the warp from then on; 0 none."""
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
    ct_mode: ColorMode = "none"
    """Transfer by which the likeness takes the colours of a performer's face drawn at random, input
    and target alike: none, rct, lct, mkl, idt or sot."""
    hsv_power: float = 0.0
    """Hue, saturation and value of the likeness's input, 0..0.3."""
    light_stops: float = 0.0
    """Exposure, tint and light direction, input and target alike, in stops."""
    performer_light: float = 0.0
    """Share of the likeness's samples that are shown in the low-frequency light of a performer's
    face, so that the code cannot tell the two people by their light, 0..1."""
    performer_pairs: float = 0.0
    """Share of the likeness's samples for which the network sees a performer's face, bent to the
    likeness's landmarks, and is asked for the likeness's, 0..1."""
    pairs_from: float = 0.0
    """Share of the schedule from which on there are pairs, 0..1: faces that are learnt sharp first
    stay sharper."""
    uniform_yaw: bool = False
    """Draw head turns uniformly."""
    pretrain: bool = False
    """Learn faces in general, before a training with two people."""
    initialisation: Initialisation = "glorot"
    """How first weights are drawn: glorot or convolution_aware."""
    fade_steps: int = 5000
    """Steps over which new outer levels fade in after a growth."""

    def __post_init__(self) -> None:
        """Refuse values that cannot train. Raises BadSettings."""
        checks = (
            ("steps", self.steps >= 1, "at least 1"),
            ("fade_steps", self.fade_steps >= 1, "at least 1"),
            ("batch", 1 <= self.batch <= 1024, "1..1024"),
            ("learning_rate", 0 < self.learning_rate < 1, "above 0 and below 1"),
            ("lr_dropout", self.lr_dropout == 0 or self.optimizer != "adam", "0 with adam"),
            *_ranges(self),
            *_sample_ranges(self),
            ("true_face_power", 0 <= self.true_face_power <= 1, "0..1"),
        )
        for name, good, expected in checks:
            if not good:
                raise BadSettings(f"{name} {getattr(self, name)}: expected {expected}")


def _ranges(settings: TrainSettings) -> tuple[tuple[str, bool, str], ...]:
    """Return the checks of losses, precision and memory: name, whether it is good, the range."""
    s = settings
    parts = s.gradient_accumulation
    return (
        ("first_moment", 0 <= s.first_moment < 1, "0 up to 1"),
        ("second_moment", 0 <= s.second_moment < 1, "0 up to 1"),
        ("warm_up_steps", s.warm_up_steps >= 0, "0 or a number of steps"),
        ("decay_from", 0 < s.decay_from <= 1, "above 0 to 1"),
        ("decay_to", 0 <= s.decay_to <= 1, "0..1"),
        ("lr_dropout", 0 <= s.lr_dropout < 1, "0 up to 1"),
        ("dssim_scales", s.dssim_scales in (0, 1, 2), "0, 1 or 2"),
        ("lr_cos", s.lr_cos >= 0, "0 or a number of steps"),
        ("gan_power", 0 <= s.gan_power <= 5, "0..5"),
        ("gan_patch_size", s.gan_patch_size == 0 or 3 <= s.gan_patch_size <= 640, "3..640, or 0"),
        ("gan_dims", 4 <= s.gan_dims <= 512, "4..512"),
        ("face_style_power", 0 <= s.face_style_power <= 100, "0..100"),
        ("bg_style_power", 0 <= s.bg_style_power <= 100, "0..100"),
        ("background_power", 0 <= s.background_power <= 1, "0..1"),
        ("cache_mb", s.cache_mb >= 0, "at least 0"),
        ("ema_decay", 0 <= s.ema_decay < 1, "0 up to 1"),
        (
            "gradient_accumulation",
            parts >= 1 and s.batch % parts == 0,
            f"a divisor of the batch of {s.batch}",
        ),
    )


def _sample_ranges(settings: TrainSettings) -> tuple[tuple[str, bool, str], ...]:
    """Return the checks of how samples look: name, whether it is good, the range."""
    s = settings
    return (
        ("hsv_power", 0 <= s.hsv_power <= 0.3, "0..0.3"),
        ("performer_light", 0 <= s.performer_light <= 1, "0..1"),
        ("performer_pairs", 0 <= s.performer_pairs <= 1, "0..1"),
        ("pairs_from", 0 <= s.pairs_from <= 1, "0..1"),
        ("late_warp", 0 <= s.late_warp <= 1, "0..1"),
        ("light_stops", 0 <= s.light_stops <= 4, "0..4"),
        ("warp_until", 0 <= s.warp_until <= 1, "0..1"),
        ("unwarped_every", s.unwarped_every == 0 or s.unwarped_every >= 2, "0, or 2 and more"),
        ("transform", 0 <= s.transform <= 0.5, "0..0.5"),
        ("rotation_deg", 0 <= s.rotation_deg <= 180, "0..180 degrees"),
        ("shift", 0 <= s.shift <= 0.5, "0..0.5"),
    )


@dataclass(frozen=True)
class Preset:
    """A network and how to train it."""

    net: NetConfig
    """Shape of the network."""
    settings: TrainSettings
    """How it is trained."""
    architecture: str = "df"
    """Name in `faceplate.models.ARCHITECTURES`."""


PRESETS: dict[PresetName, Preset] = {
    "df": Preset(DFConfig(128, "", 256, 64, 64, 22), TrainSettings()),
    "df-ud": Preset(DFConfig(128, "ud", 256, 64, 64, 22), TrainSettings()),
    "dfhd": Preset(DFConfig(256, "udt"), TrainSettings()),
    "liae-ud": Preset(LIAEConfig(128, "ud"), TrainSettings(), "liae"),
    "liaehd": Preset(LIAEConfig(256, "udt"), TrainSettings(), "liae"),
    "comb": Preset(CombConfig(128, "ud"), TrainSettings(), "comb"),
    "amp": Preset(
        AMPConfig(),
        TrainSettings(
            dssim_scales=2, eyes_mouth_priority=True, background_power=0.1, gan_on="both"
        ),
        "amp",
    ),
    "quick96": Preset(
        Quick96Config(),
        TrainSettings(
            batch=4,
            optimizer="rmsprop",
            learning_rate=2e-4,
            lr_dropout=0.3,
            mask_form="quick96",
            unwarped_every=3,
            transform=0.05,
        ),
        "quick96",
    ),
    # Two gigabytes in all, saves and faces included: on a small GPU, or beside other work.
    "2gb": Preset(
        DFConfig(128, "ud", 192, 48, 48, 16),
        TrainSettings(
            batch=4,
            optimizer="rmsprop",
            gradient_accumulation=2,
            checkpointing=True,
            cache_mb=256,
        ),
    ),
    # About an hour on one core, at most 10 MB without the optimiser. A small network must spend its
    # room on the two people: it sees little that the shot does not hold.
    "demo": Preset(
        DFConfig(96, "ud", 32, 32, 16, 8),
        TrainSettings(
            steps=17000,
            batch=4,
            optimizer="adam",
            learning_rate=1e-3,
            first_moment=0.9,
            second_moment=0.99,
            warm_up_steps=100,
            decay_from=0.5,
            clip_gradients=True,
            eyes_mouth_priority=True,
            warp_until=0.7,
            transform=0.04,
            rotation_deg=4.0,
            shift=0.02,
            light_stops=0.1,
            performer_light=0.9,
            performer_pairs=0.6,
            pairs_from=0.8,
            late_warp=0.0,
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
