"""Saving behind the training: it pauses for a copy in memory, a thread does the writing.

Use the saver in a `with` statement: at its end everything is on disk.
"""

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import torch
from torch import Tensor

from faceplate.config import to_dict
from faceplate.errors import BadSettings, Damaged, FaceplateError
from faceplate.models.backups import SLOTS, back_up, seconds_since_backup
from faceplate.models.save import Save

__all__ = ["SaveFolder", "SavedState", "Saver"]

logger = logging.getLogger(__name__)

_MOST_HOURS = 168.0


class SavedState(Protocol):
    """A dataclass of plain values that goes with weights."""

    @property
    def step(self) -> int:
        """Steps that the weights have seen."""
        ...


class SaveFolder(Protocol):
    """A model on disk that keeps saves."""

    path: Path

    def write_save(
        self,
        step: int,
        weights: Mapping[str, Tensor],
        optimizer: Mapping[str, Tensor] | None,
        state: Mapping[str, Any],
        keep: int = 3,
    ) -> Save:
        """Write the save of a step, whole or not at all."""
        ...


class Saver:
    """Writes the saves of one training, one after the other.

    Args:
        folder: The model, locked by the caller.
        keep: Newest saves to keep.
        backup_hours: Hours between copies into the model's 24 backup slots; 0 makes none.
        newest: The save that the training goes on from, if any.

    Attributes:
        newest: The newest save that is on disk as a whole.
        pause: Seconds that the last `save` kept the training waiting.

    Raises:
        BadSettings: `backup_hours` is not within 0..168.
    """

    def __init__(
        self, folder: SaveFolder, keep: int, backup_hours: float = 0.0, newest: Save | None = None
    ) -> None:
        if not 0 <= backup_hours <= _MOST_HOURS:
            raise BadSettings(
                f"autobackup_hours {backup_hours:g}: expected 0 (none) to {_MOST_HOURS:g} hours"
            )
        self._folder, self._keep, self._backup_hours = folder, keep, backup_hours
        self._began = time.monotonic()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._copies: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
        self.newest = newest
        self.pause = 0.0

    def save(
        self, weights: Mapping[str, Tensor], training: Mapping[str, Tensor], state: SavedState
    ) -> None:
        """Copy a training's state and begin to write it; an earlier save is finished first.

        Args:
            weights: Of the network, as it predicts with them.
            training: What only the training needs: optimisers, discriminators.
            state: Plain values that go with them.

        Raises:
            Damaged: The weights are not finite; nothing is written.
            DiskFull: An earlier save found no room; those before it are intact.
        """
        began = time.monotonic()
        for name, tensor in weights.items():
            # NaN and infinity survive a sum, which reads the weights once and writes nothing
            if not bool(tensor.sum(dtype=torch.float32).isfinite()):
                raise Damaged(f"{name} is no longer finite at step {state.step}: it is not saved")
        self.wait()
        for held, tensors in zip(self._copies, (weights, training), strict=True):
            _copy(tensors, held)
        arguments = (state.step, *self._copies, to_dict(state))
        # no daemon: a program that ends waits for the save
        self._thread = threading.Thread(target=self._write, args=arguments, name="faceplate-save")
        self._thread.start()
        self.pause = time.monotonic() - began

    def check(self) -> None:
        """Raise the error of a write that is over, if it had one; wait for nothing."""
        if self._thread is None or not self._thread.is_alive():
            self.wait()

    def wait(self) -> Save | None:
        """Wait until everything is on disk and return the newest save.

        Raises:
            DiskFull: There was no room; earlier saves are intact.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self.newest

    def __enter__(self) -> "Saver":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.wait()
        except (FaceplateError, OSError):
            if error is None:
                raise
            logger.exception("a save failed too")  # the first error is the one to be told

    def _write(
        self,
        step: int,
        weights: Mapping[str, Tensor],
        training: Mapping[str, Tensor],
        state: Mapping[str, object],
    ) -> None:
        try:
            self.newest = self._folder.write_save(step, weights, training, state, self._keep)
            if self._is_backup_due():
                backup = back_up(self._folder.path, self.newest)
                logger.info("step %d is in backup slot %d of %d", step, backup.slot, SLOTS)
        except (FaceplateError, OSError) as error:  # raised where the training can act on it
            self._error = error

    def _is_backup_due(self) -> bool:
        if not self._backup_hours:
            return False
        passed = seconds_since_backup(self._folder.path)
        if passed is None:  # counted from this run's start
            passed = time.monotonic() - self._began
        return passed >= self._backup_hours * 3600


def _copy(tensors: Mapping[str, Tensor], held: dict[str, Tensor]) -> None:
    """Copy tensors into main memory, where there is room from the last time into that.

    Memory that is fresh from the system costs three times the copy itself.
    """
    for name in held.keys() - tensors.keys():
        del held[name]
    for name, tensor in tensors.items():
        old = held.get(name)
        if old is not None and (old.shape, old.dtype) == (tensor.shape, tensor.dtype):
            old.copy_(tensor.detach())
        else:
            held[name] = tensor.detach().to("cpu", copy=True)
