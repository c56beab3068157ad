"""TensorBoard events of a training, in ``MODEL/events``: `tensorboard --logdir MODEL/events`."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceplate.errors import BadSettings

__all__ = ["Events"]


class Events:
    """Writes scalars, as means over some steps, and pictures.

    Args:
        folder: The model's folder.
        step: Steps that the model has seen; what earlier runs wrote beyond them is hidden.
        every: Steps between scalars; 0 writes nothing at all.

    Raises:
        BadSettings: `every` is below 0.
    """

    def __init__(self, folder: Path, step: int, every: int) -> None:
        if every < 0:
            raise BadSettings(f"events_every {every}: expected at least 0")
        self._folder, self._every = folder / "events", every
        self._waiting: dict[str, list[float]] = defaultdict(list)
        self._writer: Any = None
        self.restart(step)

    def restart(self, step: int) -> None:
        """Go on from a step that may lie behind what was written; that is hidden from then on."""
        self.close()
        self._waiting.clear()
        if not self._every:
            return
        from torch.utils.tensorboard import SummaryWriter  # a second that not every run spends

        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = SummaryWriter(str(self._folder), purge_step=step + 1)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take the figures of a step, such as ``{"loss/likeness": 0.5}``."""
        if self._writer is None:
            return
        for name, value in values.items():
            self._waiting[name].append(value)
        if step % self._every == 0:
            for name, seen in self._waiting.items():
                self._writer.add_scalar(name, sum(seen) / len(seen), step)
            self._waiting.clear()

    def picture(self, step: int, path: Path) -> None:
        """Take a picture that was just written."""
        if self._writer is not None:
            blob = np.frombuffer(path.read_bytes(), np.uint8)
            image = np.asarray(cv2.imdecode(blob, cv2.IMREAD_COLOR))[..., ::-1].copy()
            self._writer.add_image("preview", image, step, dataformats="HWC")

    def note(self, step: int, text: str) -> None:
        """Take a sentence, such as why a training went back."""
        if self._writer is not None:
            self._writer.add_text("events", text, step)

    def close(self) -> None:
        """Write everything to disk."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
