"""What a mask training is asked for, and what it came to."""

from dataclasses import dataclass
from typing import Literal

from faceplate.errors import BadSettings
from faceplate.models.choices import Precision
from faceplate.train.maskbank import Targets

__all__ = ["MaskTrainJob", "MaskTrainResult"]

MaskOptimizer = Literal["adam", "adabelief", "rmsprop"]


@dataclass(frozen=True)
class MaskTrainJob:
    """Which faces a mask model learns from, and how.

    A mask model tells a face from what covers it; it makes no likeness of anybody, so no consent
    is asked for.

    Raises:
        BadSettings: A value outside its range.
    """

    faceset: tuple[str, ...]
    """Facesets with labelled faces, or with mattes of what is seen of the face."""
    out: str
    """Folder of the training; one that is there is continued. It holds the model as
    ``mask.safetensors``, which is named by this folder or by itself wherever a segmenter is."""
    network: str | None = None
    """``ternausnet`` or ``xseg``; by default that of the model that is continued or started from,
    else ternausnet."""
    resolution: int | None = None
    """Side of the network's picture, 64..1024, a multiple of 64; by default 256 with a GPU, else
    128, or that of the model that it starts from."""
    width: int | None = None
    """Channels of the network's first level, 4..128, a multiple of 4; by default the published
    network's (64 and 32) with a GPU, else a quarter of that, or that of the model that it starts
    from."""
    start_segmenter: str | None = None
    """Mask model whose weights it begins with: a path, or ``occlusion``. A ternausnet may go on at
    another resolution: a training that begins small is through sooner."""
    targets: Targets = "auto"
    """What is learnt: the faces with ``labels``, or all with the ``masks`` of the faceset, as
    ``extract --mattes`` puts them there; ``auto`` takes labels where there are any."""
    steps: int = 2000
    """Steps of the whole training; the learning rate falls over its second half."""
    batch: int = 8
    """Faces per step, 1..256."""
    optimizer: MaskOptimizer = "adam"
    """Rule of the step."""
    learning_rate: float = 1e-3
    """Before the schedule, above 0 and below 1."""
    lr_dropout: float = 0.0
    """Share of the weights that move in a step, as 0.3; 0 moves all. Not with adam."""
    dice: float = 1.0
    """Weight of the Dice loss beside the cross-entropy, 0..10."""
    warp: float = 1.0
    """Strength of the random warp, 0..1."""
    transform: float = 0.05
    """Random scale, by up to this share either way, 0..0.5."""
    rotation_deg: float = 10.0
    """Random rotation by up to this angle, 0..180."""
    shift: float = 0.05
    """Random shift by up to this share of the side, 0..0.5."""
    flip: bool = True
    """Mirror now and then."""
    background: float = 0.5
    """Share of the samples with something else around the face, 0..1."""
    occluders: float = 0.25
    """Share of the samples with something made up before the face: hands, bars, blobs, strands;
    0..1."""
    spoil: float = 0.5
    """Factor on how often colours, blur, size and JPEG coding are changed, 0..1."""
    holdout: float = 0.0
    """Share of the faces that is not learnt from, and on which the IoU is measured, 0..0.5; 0
    measures on those that are learnt."""
    seed: int = 0
    """Of every random choice, at least 0."""
    precision: Precision = "auto"
    """Number format of the network's inner work."""
    preview_every: int = 250
    """Steps between preview sheets; 0 makes one at the end only."""
    save_every_minutes: float = 5.0
    """Minutes between saves, above 0."""
    save_every_steps: int = 0
    """Steps between saves, besides; 0 leaves it to the minutes."""
    keep_saves: int = 2
    """Newest saves that are kept."""

    def __post_init__(self) -> None:
        checks = (
            ("steps", self.steps >= 1, "at least 1"),
            ("batch", 1 <= self.batch <= 256, "1..256"),
            ("learning_rate", 0 < self.learning_rate < 1, "above 0 and below 1"),
            ("lr_dropout", 0 <= self.lr_dropout < 1, "0 up to 1"),
            ("lr_dropout", self.lr_dropout == 0 or self.optimizer != "adam", "0 with adam"),
            ("dice", 0 <= self.dice <= 10, "0..10"),
            ("warp", 0 <= self.warp <= 1, "0..1"),
            ("transform", 0 <= self.transform <= 0.5, "0..0.5"),
            ("rotation_deg", 0 <= self.rotation_deg <= 180, "0..180 degrees"),
            ("shift", 0 <= self.shift <= 0.5, "0..0.5"),
            ("background", 0 <= self.background <= 1, "0..1"),
            ("occluders", 0 <= self.occluders <= 1, "0..1"),
            ("spoil", 0 <= self.spoil <= 1, "0..1"),
            ("holdout", 0 <= self.holdout <= 0.5, "0..0.5"),
            ("seed", self.seed >= 0, "at least 0"),
            ("preview_every", self.preview_every >= 0, "at least 0"),
            ("save_every_minutes", self.save_every_minutes > 0, "above 0"),
            ("save_every_steps", self.save_every_steps >= 0, "at least 0"),
            ("keep_saves", self.keep_saves >= 1, "at least 1"),
        )
        for name, is_right, expected in checks:
            if not is_right:
                got = getattr(self, name)
                raise BadSettings(f"mask train: {name} is {got!r}, expected {expected}")


@dataclass(frozen=True)
class MaskTrainResult:
    """What a mask training came to."""

    model: str
    """The model's file."""
    step: int
    """Steps that the model has seen in all."""
    steps_done: int
    """Steps of this run."""
    seconds: float
    """Duration of this run."""
    it_per_s: float
    """Steps per second, previews and saves included."""
    faces: int
    """Faces that were learnt from."""
    loss: float
    """Mean over the last steps."""
    iou: float
    """Mean over the held-out faces, or those that were learnt."""
    preview: str
    """The newest preview sheet."""
    plot: str
    """The picture of loss and IoU."""
    parameters: int
    """Numbers that the network has learnt."""
    sha256: str
    """Of the model's file."""
