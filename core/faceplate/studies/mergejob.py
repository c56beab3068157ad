"""What `evaluate merge` is asked, and what it answers."""

from dataclasses import dataclass

from faceplate.color.transfer import TransferName
from faceplate.errors import BadSettings
from faceplate.merge.recipe import Mode, matte_terms

__all__ = ["MergeRow", "MergingJob", "MergingResult"]


@dataclass(frozen=True)
class MergingJob:
    """Measure every mode with every colour transfer against the rendered truth of a swap."""

    plate: str
    """Pattern of the plate (B)."""
    truth: str
    """Pattern of the exact swap (S)."""
    masks: str
    """Folder or pattern of the mattes of the plate's visible face."""
    truth_json: str
    """What is known about the plate's faces: landmarks, yaw, empty frames."""
    model: str
    """Folder of the swap model."""
    out: str
    """Folder for `merge.json`, `merge.txt` (the table) and `merge.png` (the contact sheet)."""
    consent: str | None = None
    """Consent record of the likeness. Without one it is refused, unless the policy warns."""
    shot: str | None = None
    """Name of the shot, for consent that is limited to shots."""
    track: str | None = None
    """Track file of the plate; where left out, faces lie where the truth says."""
    person: int = 0
    """Number of the person in the track; 0 takes the one with most face in the shot."""
    frames: str | None = None
    """Frames to measure, such as `1001-1012`; flicker needs three in a row. Default: all."""
    max_yaw: float = 40.0
    """Frames whose head is turned further than this many degrees are left out, 0 to 180."""
    recipe: str | None = None
    """Recipe (JSON) with what all merges share, such as the matte; the default one if left out."""
    modes: tuple[Mode, ...] = (
        "overlay", "hist-match", "seamless", "seamless-hist-match", "multiband", "raw-rgb",
        "original",
    )  # fmt: skip
    """Modes to compare; `raw-predict` makes no picture of the plate's size and cannot be."""
    transfers: tuple[TransferName, ...] = (
        "none", "rct", "lct", "mkl", "idt", "sot", "mix", "relight",
    )  # fmt: skip
    """Colour transfers to compare, in every mode."""
    radii: tuple[float, ...] = (4.0, 8.0, 20.0, 35.0)
    """Radii of relight to compare in the first mode, % of face width, 1 to 100 each."""
    mattes: tuple[str, ...] = ("hull", "learned", "learned*hull", "learned-likeness")
    """Mattes to compare in the first mode, with the recipe's transfer."""
    ideal_sizes: tuple[int, ...] = (96, 128, 256, 512)
    """Sides of the crop in which the ideal prediction is laid in without a transfer, pixels, 16 to
    2048 each: the ceiling that the resolution of a model sets."""
    sheet_frames: int = 2
    """Frames in the contact sheet, 1 or more, spread over the shot."""
    color_space: str | None = None
    """The OCIO space of all pictures; where left out, what the plate's files say."""
    ocio: str | None = None
    """OCIO config: a path or the name of a built-in one."""
    landmarker: str = "facemesh"
    """Landmarker for the geometry."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_yaw <= 180:
            raise BadSettings(f"max_yaw must be from 0 to 180 degrees, got {self.max_yaw}")
        if not self.modes or not self.transfers or self.sheet_frames < 1:
            raise BadSettings("modes, transfers and sheet_frames: at least one of each is needed")
        if "raw-predict" in self.modes:
            raise BadSettings("modes: raw-predict makes no picture of the plate: leave it out")
        outside = [radius for radius in self.radii if not 1 <= radius <= 100]
        if outside:
            raise BadSettings(f"radii must be from 1 to 100 % of face width, got {outside[0]}")
        wrong = [size for size in self.ideal_sizes if not 16 <= size <= 2048]
        if wrong:
            raise BadSettings(f"ideal_sizes must be from 16 to 2048 pixels, got {wrong[0]}")
        for matte in self.mattes:
            matte_terms(matte)


@dataclass(frozen=True)
class MergeRow:
    """The panel of one way of merging: means over the measured frames, `outside` the largest."""

    prediction: str
    """`model`, `ideal` (the ceiling), or `-` for plate and truth themselves."""
    mode: str
    transfer: str
    relight: str
    """Radii in % of face width, and the edge in %."""
    matte: str
    crop: str
    """Side of the crop in pixels."""
    identity: float | None
    geometry: float | None
    light: float | None
    detail: float | None
    tone: float | None
    ssim: float | None
    seam: float | None
    flicker: float | None
    outside: float | None
    ms: float | None
    """Median time of a merge from the kept prediction, milliseconds."""


@dataclass(frozen=True)
class MergingResult:
    """The table of all merges."""

    rows: list[MergeRow]
    frames: int
    """Frames in the means."""
    network_runs: int
    """Crops that went through the network; the cache gave the others."""
    not_measured: dict[str, str]
    """Figures that could not be measured, and why."""
    json: str
    table: str
    sheet: str
