"""Copies of saves that rotation does not touch: 24 numbered slots beside a model's saves.

```
model/backups/07-000001200/     slot 7 holds the save of step 1200
```
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from faceplate.models.save import Save, copy_save

__all__ = ["SLOTS", "Backup", "back_up", "backups", "seconds_since_backup"]

SLOTS = 24


@dataclass(frozen=True)
class Backup:
    """A filled slot."""

    slot: int
    """1..24."""
    save: Save
    """The copy."""

    @property
    def made(self) -> float:
        """When the copy was made, seconds since 1970; 0 where it cannot be told."""
        try:
            return (self.save.path / "manifest.json").stat().st_mtime
        except OSError:
            return 0.0


def backups(model: Path) -> list[Backup]:
    """Return the filled slots of a model folder, the oldest copy first, whole or not."""
    found = []
    for folder in (model / "backups").glob("[0-9][0-9]-[0-9]*"):
        slot, _, step = folder.name.partition("-")
        if step.isdecimal():
            found.append(Backup(int(slot), Save(folder, int(step))))
    return sorted(found, key=lambda backup: (backup.made, backup.slot))


def back_up(model: Path, save: Save) -> Backup:
    """Copy a save into the next free slot, or over the oldest copy.

    The old copy goes when the new one is there, so a slot is never empty in between.

    Raises:
        Damaged: The save is not whole.
        DiskFull: No room; the slots are as they were.
    """
    filled = backups(model)
    free = sorted(set(range(1, SLOTS + 1)) - {backup.slot for backup in filled})
    slot = free[0] if free else filled[0].slot
    copy = copy_save(save, model / "backups" / f"{slot:02d}-{save.step:09d}")
    for old in filled:
        if old.slot == slot and old.save.path != copy.path:
            shutil.rmtree(old.save.path, ignore_errors=True)
    return Backup(slot, copy)


def seconds_since_backup(model: Path) -> float | None:
    """Return how long ago the newest backup was made; None if there is none."""
    filled = backups(model)
    return max(time.time() - filled[-1].made, 0.0) if filled else None
