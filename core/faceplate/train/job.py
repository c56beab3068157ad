"""What a training is asked to do, and what it reports."""

from dataclasses import dataclass, field
from typing import Literal

from faceplate.errors import BadSettings
from faceplate.models.choices import Initialisation, InterTraining, Precision
from faceplate.train.augment import ColorMode

__all__ = [
    "FaceTypeName",
    "GanSides",
    "MaskForm",
    "OptimizerName",
    "PresetName",
    "TrainJob",
    "TrainResult",
]

PresetName = Literal[
    "demo",
    "quick96",
    "df",
    "df-ud",
    "2gb",
    "dfhd",
    "liae-ud",
    "liaehd",
    "amp",
    "comb",
]
OptimizerName = Literal["adam", "adabelief", "rmsprop"]
GanSides = Literal["likeness", "both"]
MaskForm = Literal["saehd", "quick96"]
FaceTypeName = Literal[
    "half_face",
    "midfull_face",
    "full_face",
    "full_face_no_align",
    "whole_face",
    "head",
    "head_no_align",
]


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
    """Network and schedule of a new model; by default the usual one of the architecture, df-ud if
    that is not named either."""
    start_from: str | None = None
    """Swap model whose weights a new model starts from; every tensor must fit, or be named in
    `initialise`."""
    initialise: list[str] = field(default_factory=list)
    """Parts of a model started from another that begin afresh all the same: names of tensors or of
    what holds them, such as `decoder_likeness`, or `inters` for all bottlenecks."""
    pretrain: bool | None = None
    """Learn faces in general, of both facesets alike: no warp, mirrored, all head turns, no
    discriminators. Start the real training with --start-from and --initialise inters."""

    steps: int | None = None
    """Stop when the model has seen this many steps in all."""
    minutes: float | None = None
    """Stop after this long, more than 0, if that comes first."""
    schedule_steps: int | None = None
    """Steps over which the learning rate falls; by default `steps` of the run that began it."""
    batch: int | None = None
    """Faces of each person per step."""
    seed: int = 0
    """Of the first weights and of every random choice, 0..4294967295."""
    precision: Precision = "auto"
    """Number format of the network's inner work: fp32, bf16, fp16 with a scaled loss, or auto,
    which takes bf16 where it is fast."""

    face_type: FaceTypeName | None = None
    """Framing that the model sees, cut out of the facesets' wider crops; by default as they are.
    New models only, as the settings that follow."""
    architecture: str | None = None
    """Kind of network: df, liae, quick96, amp, comb, or one of a plug-in."""
    resolution: int | None = None
    """Side of the face in pixels. Of a model that exists, twice its own makes it grow."""
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
    inter_dims: int | None = None
    """Channels of the bottlenecks' map (amp), 32..2048."""
    morph_factor: float | None = None
    """Share of the likeness's channels in training (amp), 0.1..0.5."""
    initialisation: Initialisation | None = None
    """How first weights are drawn: glorot or convolution_aware."""
    fade_steps: int | None = None
    """Steps over which new outer levels fade in after a growth, at least 1."""

    optimizer: OptimizerName | None = None
    """How gradients become steps."""
    learning_rate: float | None = None
    """Of the optimiser, before the schedule."""
    first_moment: float | None = None
    """Decay of Adam's mean of gradients, 0 up to 1; by default 0.5, with the preset demo 0.9."""
    second_moment: float | None = None
    """Decay of Adam's mean of squares, 0 up to 1; by default 0.999, with the preset demo 0.99."""
    warm_up_steps: int | None = None
    """Steps over which the learning rate rises from zero, at least 0; by default 0."""
    decay_from: float | None = None
    """Share of the schedule after which the learning rate falls, above 0 to 1; by default 1, which
    is never."""
    decay_to: float | None = None
    """Share of the learning rate that is left at the end of the schedule, 0..1; by default 0.05."""
    lr_dropout: float | None = None
    """Share of the weights that move in a step, as 0.3, with adabelief or rmsprop; 0 moves all."""
    lr_cos: int | None = None
    """Period in steps of a cosine between the learning rate and zero, as 500 beside lr_dropout."""
    clip_gradients: bool | None = None
    """Clip the gradient to a global norm of one."""
    ema_decay: float | None = None
    """Predict and save with a running mean of the weights of this decay, as 0.999; 0 is off."""
    inter_training: InterTraining | None = None
    """Which bottlenecks move: auto, all, or original, as the paper's code has it."""

    gradient_accumulation: int | None = None
    """Cut every batch into this many parts, one after the other, for less memory."""
    checkpointing: bool | None = None
    """Compute inner results a second time in place of keeping them, for less memory."""
    offload_optimizer: bool | None = None
    """Keep the optimiser's state in main memory, for GPUs that are short of it."""
    compile: bool | None = None
    """Compile the network's parts; the first steps take minutes."""

    masked_training: bool | None = None
    """Compare faces inside their soft mask only."""
    mask_form: MaskForm | None = None
    """How that soft mask is made: saehd, by default, doubles the blurred mask and clips it, so that
    the weight is one up to the edge; quick96 takes the blurred mask as it is."""
    blur_out_mask: bool | None = None
    """Blur what lies outside the mask of the targets, so that its edge shows less."""
    dssim_scales: int | None = None
    """Scales at which structure is compared, 1 or 2; by default 0, which takes one below 256 pixels
    and two from there; with amp 2."""
    eyes_mouth_priority: bool | None = None
    """Weigh eyes and mouth far above the rest."""
    true_face_power: float | None = None
    """Make the codes of both people look alike, so that the swap looks more like the likeness:
    0..1, usually 0.01; 0 is off."""
    gan_power: float | None = None
    """Sharpen the likeness's face against a discriminator of patches, once it is learnt: 0..5,
    usually 0.1; 0 is off."""
    gan_patch_size: int | None = None
    """Pixels that one of its judgements rests on: 3..640, or 0 for an eighth of the resolution."""
    gan_dims: int | None = None
    """Width of the discriminator: 4..512."""
    gan_on: GanSides | None = None
    """Whose rebuilt face the GAN judges: likeness, by default, or both, as amp has it."""
    face_style_power: float | None = None
    """Draw the swapped face's tone to the performer's: 0..100, from 0.001 on; 0 is off."""
    bg_style_power: float | None = None
    """Draw what lies around the swapped face to the plate: 0..100, usually 2; 0 is off."""
    background_power: float | None = None
    """Compare what lies around the performer's face too, which masked training leaves out: 0..1; by
    default 0, which is off, with amp 0.1."""
    random_warp: bool | None = None
    """Distort the input's geometry, so that the code holds expression and not identity."""
    warp_until: float | None = None
    """Share of the schedule after which the warp has the strength of `late_warp`, 0..1; by default
    1, which is never."""
    flip_likeness: bool | None = None
    """Mirror the likeness's faces now and then."""
    flip_performer: bool | None = None
    """Mirror the performer's faces now and then."""
    ct_mode: ColorMode | None = None
    """Show the likeness in the colours of the performer's faces, by this colour transfer."""
    hsv_power: float | None = None
    """Shift hue, saturation and value of the likeness's input by up to this (0..0.3)."""
    light_stops: float | None = None
    """Change exposure, tint and light direction of input and target by up to this many stops."""
    performer_light: float | None = None
    """Share of the likeness's samples shown in the performer's low-frequency light (0..1)."""
    performer_pairs: float | None = None
    """Share of the likeness's samples for which a performer's face is shown, bent to the
    likeness's landmarks (0..1): the two people's codes come together on little footage."""
    pairs_from: float | None = None
    """Share of the schedule from which on there are such pairs, 0..1; by default 0, which is all of
    it. Faces that are learnt sharp first stay sharper."""
    late_warp: float | None = None
    """Strength of the warp in the last part of the schedule (0..1)."""
    unwarped_every: int | None = None
    """Every n-th step repeats the last batch without warp, 2 or more, as Quick96 does with 3; by
    default 0, which is never."""
    transform: float | None = None
    """Scale faces at random by up to this share, smaller and larger: 0..0.5; by default 0.15."""
    rotation_deg: float | None = None
    """Turn faces at random by up to this many degrees, either way: 0..180; by default 10."""
    shift: float | None = None
    """Move faces at random by up to this share of the side, in x and in y: 0..0.5; by default
    0.05."""
    uniform_yaw: bool | None = None
    """Show every head turn equally often."""

    estimate: bool = False
    """Tell memory and speed of this training, after some steps that are thrown away; write
    nothing."""
    preview_every: int = 250
    """Steps between preview pictures; 0 makes one at the end only."""
    keep_previews: int = 100
    """Preview pictures that are kept, at least 2, spread evenly over the training."""
    events_every: int = 10
    """Steps between TensorBoard scalars, which are means over them; 0 writes no events."""
    guard_every: int = 100
    """Steps between looks at whether all faces come out alike; 0 never looks."""
    rollbacks: int = 3
    """How often a run may go back to its last good save when losses are no numbers, run away, or
    all faces come out alike, 0..100; then, or with 0, it ends with an error."""
    rollback_lr: float = 0.5
    """Factor on the learning rate after going back, above 0 and below 1."""
    save_every_minutes: float = 10.0
    """Minutes between saves, more than 0."""
    save_every_steps: int = 0
    """Steps between saves, besides; 0 leaves it to the minutes."""
    keep_saves: int = 3
    """Newest saves that are kept, at least 1."""
    autobackup_hours: float = 0.0
    """Hours between copies of a save into the model's 24 rotating backup slots, 0..168; 0: none."""
    cache_mb: int | None = None
    """Memory for decoded faces in MB, at least 0; what does not fit is read again each time."""
    workers: int | None = None
    """Processes that make samples, 0..64; 0 takes a thread, which is enough for a network on a CPU.
    By default a thread, or with a GPU up to 12 processes."""

    def __post_init__(self) -> None:
        """Refuse what cannot be; settings of the training are looked at by themselves.

        Raises:
            BadSettings: A value is out of its range.
        """
        checks = (
            ("steps", self.steps is None or self.steps >= 1, "1 or more"),
            ("minutes", self.minutes is None or self.minutes > 0, "more than 0"),
            (
                "schedule_steps",
                self.schedule_steps is None or self.schedule_steps >= 1,
                "1 or more",
            ),
            ("seed", 0 <= self.seed < 1 << 32, "0..4294967295"),
            ("preview_every", self.preview_every >= 0, "0 or more"),
            ("guard_every", self.guard_every >= 0, "0 or more"),
            ("save_every_minutes", self.save_every_minutes > 0, "more than 0"),
            ("save_every_steps", self.save_every_steps >= 0, "0 or more"),
            ("keep_saves", self.keep_saves >= 1, "1 or more"),
        )
        for name, good, expected in checks:
            if not good:
                raise BadSettings(f"{name} {getattr(self, name)}: expected {expected}")


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
    initialised: list[str] = field(default_factory=list)
    """Tensors that began afresh in a model started from another, as was asked, or that a growth
    added."""
    unused: list[str] = field(default_factory=list)
    """Tensors of the other model that have no place in this one."""
    rollbacks: int = 0
    """How often this run went back to an earlier save."""
    history: str = ""
    """The picture of the swap over the steps."""
