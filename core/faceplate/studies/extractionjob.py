"""What `evaluate extract` is asked, and what it answers."""

from dataclasses import dataclass

from faceplate.errors import BadSettings
from faceplate.extract.smooth import SmoothMethod, check_smoothing

__all__ = ["AUTO", "HULL", "NONE", "ExtractionJob", "ExtractionResult", "ExtractionRow"]

AUTO, NONE = "auto", "none"
HULL = "hull"
"""The matte that the landmarks alone give."""


@dataclass(frozen=True)
class ExtractionJob:
    """Measure what analyse finds, and mattes, against the rendered truth, or without one.

    Raises:
        BadSettings: Settings that cannot be right.
    """

    plates: tuple[str, ...]
    """The shots: sequences, folders or movies, one or several."""
    out: str
    """Folder for `extract.json` (everything, frame by frame), `extract.md` (the table), one plot
    for each measure, and a folder for each shot with its track and overlay sheets."""
    truths: tuple[str, ...] = ()
    """The true faces (JSON) of each plate, in the order of the plates; ``none`` for one without,
    ``auto`` for what lies beside it: `truth_B.json` beside a folder `B`. Left out: ``auto``."""
    mattes: tuple[str, ...] = ()
    """Folder or pattern of the true mattes of the visible face, likewise; ``auto`` is
    `B_masks/visible`, else `B_masks/face`, beside a folder `B`."""
    tracks: tuple[str, ...] = ()
    """Tracks that exist, likewise; ``auto`` analyses the plate, once: the track is kept in `out`,
    and an analysis that was stopped goes on."""
    frames: str | None = None
    """Frames to measure, such as `1001-1012`: of every shot those that it has; None takes all."""
    segmenters: tuple[str, ...] = (HULL, "occlusion")
    """What makes mattes to be measured: ``hull``, names of segmenters, paths of mask models, or
    ``none``. The first that is not ``hull`` is drawn on the overlay sheets."""
    most_yaw: float = 45.0
    """Heads turned further than this are left out of jitter and pose, degrees, 0 to 180."""
    least_visible: float = 0.9
    """Frames in which less of the face is seen are left out of jitter, 0..1."""
    sheet_frames: int = 20
    """Pictures on a shot's overlay sheet, spread over its frames; 0 makes none."""
    color_space: str | None = None
    """The plates' space in the OCIO config; None takes what each track or file says."""
    ocio: str | None = None
    """Path or name of an OCIO config; None takes ``$OCIO`` or the built-in one."""
    detector: str = "retinaface"
    """Of the analysis."""
    landmarker: str = "facemesh"
    """Of the analysis."""
    landmarker_3d: str | None = None
    """Of the analysis: places the points of heads that are turned far."""
    looks: int = 1
    """Of the analysis: looks at each face, 1 to 33."""
    every: int = 12
    """Of the analysis: the detector runs on every so many frames."""
    embedder: str = "auto"
    """Of the analysis: what tells people apart."""
    smooth_window: int = 9
    """Of the analysis: frames that take part in smoothing, odd."""
    smooth_method: SmoothMethod = "adaptive"
    """Of the analysis."""

    def __post_init__(self) -> None:
        if not self.plates:
            raise BadSettings("evaluate extract needs one plate or more")
        for name in ("truths", "mattes", "tracks"):
            given = getattr(self, name)
            if given and len(given) != len(self.plates):
                raise BadSettings(
                    f"{name}: expected one for each of the {len(self.plates)} plates (auto or none "
                    f"for one that has none), got {len(given)}"
                )
        if not 0 <= self.most_yaw <= 180:
            raise BadSettings(f"most_yaw must be from 0 to 180 degrees, got {self.most_yaw}")
        if not 0 <= self.least_visible <= 1:
            raise BadSettings(f"least_visible must be from 0 to 1, got {self.least_visible}")
        if self.sheet_frames < 0:
            raise BadSettings(f"sheet_frames must be 0 or more, got {self.sheet_frames}")
        check_smoothing(self.smooth_window, self.smooth_method)

    @property
    def measured_segmenters(self) -> tuple[str, ...]:
        """The segmenters without ``none``, each once."""
        return tuple(dict.fromkeys(name for name in self.segmenters if name != NONE))


@dataclass(frozen=True)
class ExtractionRow:
    """One measure of all shots."""

    measure: str
    unit: str
    values: dict[str, float | None]
    """By shot; None where it cannot be known."""
    digits: int = 1
    """After the point, in the table."""


@dataclass(frozen=True)
class ExtractionResult:
    """What was measured."""

    rows: list[dict[str, float | str | None]]
    """Measure, unit, and a value for each shot."""
    shots: int
    analysed: int
    """Shots that were analysed; the others had their track."""
    not_measured: dict[str, str]
    """What could not be measured, and why."""
    json: str
    table: str
    plots: tuple[str, ...]
    sheets: tuple[str, ...]
