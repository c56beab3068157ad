"""Going back to the last good save when a training collapses, and on more carefully."""

from dataclasses import dataclass

from faceplate.errors import BadSettings, Damaged
from faceplate.models.folder import ModelFolder
from faceplate.models.save import Save

__all__ = ["Rollback", "check_rollbacks", "last_good_save"]

_MOST = 100


@dataclass(frozen=True)
class Rollback:
    """One return to an earlier save; kept in every later one."""

    step: int
    """Where the trouble was seen."""
    to_step: int
    """Where the training went on from."""
    kind: str
    """``not finite``, ``runaway`` or ``collapse``."""
    text: str
    """What was seen, in one sentence."""
    lr_factor: float
    """By which the learning rate is multiplied from then on."""


def check_rollbacks(most: int, factor: float) -> None:
    """Refuse settings that make no sense. Raises BadSettings."""
    if not 0 <= most <= _MOST:
        raise BadSettings(f"rollbacks {most}: expected 0..{_MOST}")
    if not 0 < factor < 1:
        raise BadSettings(
            f"rollback_lr {factor:g}: expected above 0 and below 1, as the same steps at the same "
            "learning rate would go wrong again"
        )


def last_good_save(folder: ModelFolder, good_step: int) -> Save | None:
    """Return the newest whole save at or before a step, else the oldest whole one.

    Args:
        folder: The model.
        good_step: Up to where all was well.

    Returns:
        None where there is no whole save at all.
    """
    whole = [save for save in folder.saves() if _is_whole(save)]
    good = [save for save in whole if save.step <= good_step]
    return good[-1] if good else whole[0] if whole else None


def _is_whole(save: Save) -> bool:
    try:
        save.verify()
    except Damaged:
        return False
    return True
