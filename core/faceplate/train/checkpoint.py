"""What a save holds besides the weights, and the way back into a training."""

import math
from dataclasses import dataclass, field

from faceplate.config import from_dict
from faceplate.models.save import Save
from faceplate.train.lineage import Growth, Origin
from faceplate.train.presets import TrainSettings
from faceplate.train.record import RunRecord
from faceplate.train.rollback import Rollback

__all__ = ["History", "TrainState", "read_state"]

_MOST_POINTS = 2000


@dataclass
class History:
    """Losses of a whole training, as means over windows that grow with it."""

    window: int = 10
    """Steps per point."""
    points: list[list[float]] = field(default_factory=list)
    """Step, mean loss of the likeness, mean loss of the performer."""
    pending: list[list[float]] = field(default_factory=list)
    """Losses of the steps of the window that is not full yet."""

    def add(self, step: int, likeness: float, performer: float) -> None:
        """Add the losses of one step."""
        self.pending.append([likeness, performer])
        if len(self.pending) >= self.window:
            self.points.append([float(step), *self.recent()])
            self.pending = []
        if len(self.points) == _MOST_POINTS:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [[b[0], (a[1] + b[1]) / 2, (a[2] + b[2]) / 2] for a, b in pairs]
            self.window *= 2

    def recent(self) -> tuple[float, float]:
        """Return the mean losses of the newest steps; NaN before the first."""
        newest = self.pending or [point[1:] for point in self.points[-1:]]
        if not newest:
            return math.nan, math.nan
        likeness, performer = zip(*newest, strict=True)
        return sum(likeness) / len(newest), sum(performer) / len(newest)


@dataclass
class TrainState:
    """The plain values of a save."""

    step: int
    """Steps that the weights have seen."""
    schedule_steps: int
    """Length of the schedule of the learning rate."""
    settings: TrainSettings
    """How it was trained last."""
    preset: str
    """Preset that the settings came from."""
    seed: int
    """Of every random choice."""
    seconds: float = 0.0
    """Training time of all runs."""
    history: History = field(default_factory=History)
    """Losses of all runs."""
    runs: list[RunRecord] = field(default_factory=list)
    """What each run was made from; empty in models of early versions."""
    started_from: Origin | None = None
    """The model whose weights it started from."""
    growths: list[Growth] = field(default_factory=list)
    """Doublings of its resolution, oldest first."""
    lr_factor: float = 1.0
    """By which roll-backs have lowered the learning rate."""
    rollbacks: list[Rollback] = field(default_factory=list)
    """Returns to an earlier save after a collapse, oldest first."""


def read_state(save: Save) -> TrainState:
    """Return the state of a save. Raises Damaged or BadSettings."""
    return from_dict(TrainState, save.state(), str(save.path / "state.json"))
