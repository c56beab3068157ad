"""The figures of a running training: losses, speed, wait for data, memory."""

import mmap
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import torch
from torch.optim import Optimizer

from faceplate.train.checkpoint import History
from faceplate.train.loader import Loader
from faceplate.train.step import StepLosses

__all__ = ["Watch", "resident_mb", "scalars"]

_WINDOW = 50
"""Steps over which speed and wait are measured."""
_LOOK_S = 1.0
"""Seconds between looks at the memory."""


def scalars(
    losses: StepLosses, figures: Mapping[str, float], optimizer: Optimizer
) -> dict[str, float]:
    """Return the figures of one step as TensorBoard groups them."""
    names = {"it_per_s": "speed/it_per_s", "data_wait_pct": "speed/data_wait_pct"}
    return {
        "loss/likeness": losses.likeness,
        "loss/performer": losses.performer,
        **{f"loss/{name}": value for name, value in losses.parts.items()},
        **{label: figures[name] for name, label in names.items()},
        "memory_mb": figures["memory_mb"],
        "learning_rate": float(optimizer.param_groups[0]["lr"]),
    }


class Watch:
    """Measures one run.

    Args:
        loader: Whose batches are waited for.
        device: Where the network runs.
    """

    def __init__(self, loader: Loader, device: torch.device) -> None:
        self._loader, self._device = loader, device
        self._marks: deque[tuple[float, float]] = deque(maxlen=_WINDOW + 1)
        self._looked, self._memory = -_LOOK_S, 0.0
        self.mark(0.0)

    def mark(self, paused_s: float) -> None:
        """Note down that a step is over.

        Args:
            paused_s: Seconds that the training has been paused in all, which cost no speed.
        """
        self._marks.append((time.monotonic() - paused_s, self._loader.waited))

    def figures(self, losses: StepLosses, history: History) -> dict[str, float]:
        """Return what a report shows."""
        likeness, performer = history.recent()
        (began, waited), (now, waited_now) = self._marks[0], self._marks[-1]
        seconds = max(now - began, 1e-9)
        return {
            "loss_likeness": likeness,
            "loss_performer": performer,
            **losses.parts,
            "it_per_s": (len(self._marks) - 1) / seconds,
            "data_wait_pct": 100 * (waited_now - waited) / seconds,
            "memory_mb": self._memory_mb(),
        }

    def _memory_mb(self) -> float:
        """Return what the training holds: on a GPU its memory there, else that of all processes."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            if self._device.type == "cuda":
                self._memory = torch.cuda.memory_reserved(self._device) / 2**20
            else:
                self._memory = resident_mb() + sum(resident_mb(pid) for pid in self._loader.pids)
        return self._memory


def resident_mb(pid: int | None = None) -> float:
    """Return the memory that a process holds, in MB.

    Args:
        pid: The process; None is this one. One that is gone holds none; so it seems of all where
            the system does not tell.
    """
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * mmap.PAGESIZE / 2**20
