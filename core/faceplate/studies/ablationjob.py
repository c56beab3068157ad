"""What `evaluate ablation` is asked, and what it answers."""

from dataclasses import dataclass

from faceplate.errors import BadSettings, near_names

__all__ = ["TRIALS", "AblationJob", "AblationResult", "AblationRow", "Trial"]


@dataclass(frozen=True)
class Trial:
    """One model of the table: a structure and what is added to its loss."""

    structure: str
    """As the paper names it."""
    architecture: str
    options: str
    gan: bool
    true_face: bool

    @property
    def name(self) -> str:
        """Name in the table and of its folder."""
        added = "-gan-tf" if self.true_face else "-gan" if self.gan else ""
        return f"{self.structure.lower()}{added}"


TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        Trial(structure, architecture, options, gan, true_face)
        for structure, architecture, options in (
            ("DF", "df", ""),
            ("DFHD", "df", "dt"),
            ("LIAE", "liae", ""),
            ("LIAEHD", "liae", "dt"),
        )
        for gan, true_face in ((False, False), (True, False), (True, True))
    )
}
"""Name to trial, in the order of the table."""


@dataclass(frozen=True)
class AblationJob:
    """The paper's ablation: DF, DFHD, LIAE and LIAEHD, each without GAN, with GAN, and with GAN and
    TrueFace, trained for the same steps from the same seed and measured against the exact truth.
    """

    pair: str
    """Folder of a rendered pair: A, B and S as EXR sequences of these names, A_masks/face,
    B_masks/visible, truth_B.json."""
    out: str
    """Folder for facesets, models, swaps and figures. A second run goes on where one stopped."""
    consent: str | None = None
    """Consent record of the likeness. Without one it is refused, unless the policy warns."""
    likeness: str = "p1A"
    """Id of the likeness, who is seen in A."""
    performer: str = "p1B"
    """Id of the performer, who is seen in B."""
    only: tuple[str, ...] = ()
    """Trials to run, such as `df liaehd-gan-tf`; none named: all twelve."""

    steps: int = 500
    """Training steps of each trial, 1 or more."""
    batch: int = 4
    """Faces of each person per step, 1 to 1024."""
    seed: int = 0
    """Of first weights and of every random choice, the same for all."""
    resolution: int = 64
    """Side of the face in pixels, a multiple of 32 in 64..640."""
    ae_dims: int = 64
    """Length of the bottleneck, 8..1024."""
    e_dims: int = 16
    """Width of the encoder, 4..256."""
    d_dims: int = 16
    """Width of the decoders, 4..256."""
    d_mask_dims: int = 8
    """Width of the decoders' matte branch, 4..256."""
    learning_rate: float = 5e-4
    """Of Adam; short trainings take more than the paper's 5e-5."""
    gan_power: float = 0.1
    """Weight of the GAN where a trial has it, above 0 to 5."""
    true_face_power: float = 0.01
    """Weight of TrueFace where a trial has it, above 0 to 1."""

    recipe: str | None = None
    """Recipe (JSON) of the swaps; the default one where left out."""
    measured: int = 12
    """Frames that are measured, 3 or more, in threes spread over the shot."""
    max_yaw: float = 40.0
    """Frames whose head is turned further than this many degrees are left out, 0 to 180."""
    landmarker: str = "facemesh"
    """Landmarker for landmarks and pose."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run. Raises BadSettings."""
        for name in self.only:
            if name not in TRIALS:
                near = near_names(name, TRIALS, 3) or list(TRIALS)
                raise BadSettings(f"only: no trial is called {name!r}; try {', '.join(near)}")
        checks = (
            ("steps", self.steps >= 1, "1 or more"),
            ("resolution", self.resolution in range(64, 641, 32), "a multiple of 32 in 64..640"),
            ("gan_power", 0 < self.gan_power <= 5, "above 0 to 5"),
            ("true_face_power", 0 < self.true_face_power <= 1, "above 0 to 1"),
            ("measured", self.measured >= 3, "3 or more"),
            ("max_yaw", 0 <= self.max_yaw <= 180, "0 to 180 degrees"),
        )
        for name, good, expected in checks:
            if not good:
                raise BadSettings(f"{name} {getattr(self, name)}: expected {expected}")

    @property
    def trials(self) -> list[Trial]:
        """The trials to run, in the order of the table."""
        return [trial for name, trial in TRIALS.items() if not self.only or name in self.only]


@dataclass(frozen=True)
class AblationRow:
    """The figures of one trial: means over the measured frames, `outside` the largest."""

    trial: str
    """Its name; plate: the plate as it is, truth: what the truth itself scores."""
    ssim: float | None
    """Structural similarity with the truth, higher is better."""
    identity_distance: float | None
    """Distance of the face descriptors of result and truth, lower is better."""
    landmarks: float | None
    """Mean distance of the 51 inner landmarks, % of the eye distance (`geometry` of the panel)."""
    pose: float | None
    """Mean of the differences of yaw, pitch and roll, degrees."""
    identity: float | None
    """Identity transfer: 0 the plate, 1 the truth."""
    light: float | None
    detail: float | None
    tone: float | None
    seam: float | None
    flicker: float | None
    outside: float | None
    loss_likeness: float | None
    """Mean over the last steps of the training."""
    loss_performer: float | None
    parameters: int | None
    """Of the network, without discriminators."""
    train_s: float | None
    """Seconds of training."""


@dataclass(frozen=True)
class AblationResult:
    """The table."""

    rows: list[AblationRow]
    """The plate, the trials that are finished, the truth."""
    frames: str
    """Frames that were measured."""
    trained: int
    """Trials that were trained in this run."""
    not_measured: dict[str, str]
    """Figures that could not be measured and trials whose training diverged, and why."""
    json: str
    table: str
    """The table in Markdown."""
    sheet: str
    """Contact sheet: plate, truth and every trial."""
