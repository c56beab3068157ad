"""Making a damaged swap model whole again, and going back to an earlier save.

Nothing is deleted: what is damaged or newer than wanted moves to ``set_aside/`` in the model's
folder, where it can be looked at, brought back or removed by hand.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceplate.errors import BadSettings, Damaged, NotFound, NotReady
from faceplate.io.atomic import write_bytes
from faceplate.models.backups import backups
from faceplate.models.folder import ModelFolder
from faceplate.models.lock import folder_lock
from faceplate.models.save import CONFIG, Save, copy_save

__all__ = ["Repair", "problem_of", "repair", "roll_back", "set_later_aside"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Repair:
    """What was done to a model folder."""

    newest: Save
    """The save that training goes on from, whole."""
    done: tuple[str, ...]
    """One sentence per change; empty where nothing was wrong."""


def problem_of(save: Save) -> str:
    """Return what is wrong with a save; empty where it is whole."""
    try:
        save.verify()
    except Damaged as error:
        return str(error)
    return ""


def repair(path: Path) -> Repair:
    """Find the newest whole save of a model and clear away what is damaged.

    What a killed run left half-written is removed, damaged saves are set aside, a config that is
    missing or spoilt comes back from a save, and where no save is whole the newest whole backup
    takes its place.

    Args:
        path: The model's folder; its ``config.json`` may be gone.

    Raises:
        NotFound: There is nothing of a model in the folder.
        NotReady: Somebody trains the model now.
        Damaged: Neither a save nor a backup is whole; nothing was changed.
    """
    if not any((path / name).exists() for name in (CONFIG, "saves", "backups")):
        raise NotFound(f"{path} holds nothing of a swap model")
    with _held(path):
        saves = _saves(path)
        problems = {save.path: problem_of(save) for save in saves}
        whole = [save for save in saves if not problems[save.path]]
        spare = None if whole else _whole_backup(path)
        done = _remove_leftovers(path)
        for save in saves:
            if problems[save.path]:
                there = _set_aside(path, save, "damaged")
                done.append(f"set step {save.step} aside to {there.name}: {problems[save.path]}")
        if spare is not None:
            whole = [copy_save(spare, path / "saves" / f"{spare.step:09d}")]
            done.append(f"brought step {spare.step} back from the backup {spare.path.name}")
        done += _mend_config(path, whole)
        return Repair(whole[-1], tuple(done))


def roll_back(folder: ModelFolder, step: int) -> Repair:
    """Make an earlier save the newest; later ones are set aside.

    Args:
        folder: The model.
        step: Of a save, or of a backup where no save has it.

    Raises:
        NotFound: Neither a save nor a backup has that step; the message lists those there are.
        Damaged: That save is not whole; nothing was changed.
        NotReady: Somebody trains the model now.
    """
    with _held(folder.path):
        target, done = _of_step(folder.path, step), []
        target.verify()
        if target.path.parent.name == "backups":
            slot = target.path.name
            target = copy_save(target, folder.path / "saves" / f"{step:09d}")
            done.append(f"brought step {step} back from the backup {slot}")
        return Repair(target, (*done, *set_later_aside(folder.path, step)))


def set_later_aside(path: Path, step: int) -> list[str]:
    """Move the saves after a step out of the way, for a caller that holds the model's lock.

    Returns:
        One sentence for each.
    """
    done = []
    for later in _saves(path):
        if later.step > step:
            there = _set_aside(path, later, "later")
            done.append(f"set step {later.step} aside to {there.name}")
    return done


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with folder_lock(path) as held:
        if not held:
            raise NotReady(f"another process is training {path}: stop it first")
        yield


def _saves(path: Path) -> list[Save]:
    folders = sorted((path / "saves").glob("[0-9]*"))
    return [Save(folder, int(folder.name)) for folder in folders if folder.name.isdecimal()]


def _of_step(path: Path, step: int) -> Save:
    found = [save for save in _saves(path) if save.step == step and not problem_of(save)]
    copies = [backup.save for backup in backups(path)]
    found = found or [save for save in reversed(copies) if save.step == step]
    found = found or [save for save in _saves(path) if save.step == step]
    if not found:
        known = sorted({save.step for save in (*_saves(path), *copies)})
        text = ", ".join(map(str, known)) or "none"
        raise NotFound(f"{path} has no save or backup of step {step}; there are: {text}")
    return found[0]


def _whole_backup(path: Path) -> Save:
    copies = [backup.save for backup in reversed(backups(path))]
    for copy in copies:
        if not problem_of(copy):
            return copy
    raise Damaged(
        f"{path}: none of the {len(_saves(path))} saves and {len(copies)} backups is whole; bring "
        "the folder back from another disk"
    )


def _remove_leftovers(path: Path) -> list[str]:
    leftovers = [part for name in ("saves", "backups") for part in (path / name).glob(".*.part")]
    for part in leftovers:
        shutil.rmtree(part, ignore_errors=True)
    return [f"removed {part.name}, which a killed run left half-written" for part in leftovers]


def _set_aside(path: Path, save: Save, why: str) -> Path:
    """Move a save out of the way and return where it is now."""
    aside = path / "set_aside"
    aside.mkdir(exist_ok=True)
    count = 1
    while (there := aside / f"{save.step:09d}-{why}{count}").exists():
        count += 1
    save.path.rename(there)
    logger.info("%s is now %s", save.path, there)
    return there


def _mend_config(path: Path, saves: list[Save]) -> list[str]:
    try:
        ModelFolder(path)
    except (NotFound, BadSettings) as error:
        for save in reversed(saves):
            content = save.config()
            if content is not None:
                write_bytes(path / CONFIG, content)
                return [f"brought {CONFIG} back from step {save.step}: {error}"]
        raise Damaged(f"{error}; no save holds a copy of it") from error
    return []
