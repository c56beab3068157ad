"""``faceplate install`` and ``uninstall``: the plug-ins in the hosts' own folders.

The plug-ins stay where they are, in this installation; a host gets no more than a pointer to them.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import faceplate
from faceplate.commands.pieces import MarkedLine, Piece
from faceplate.commands.resolvescripts import (
    resolve_pieces,
    scripts_folder,
    shared_scripts_folder,
)
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound, UnknownComponent

__all__ = [
    "TARGETS",
    "Install",
    "InstallResult",
    "Target",
    "Uninstall",
    "hosts_folder",
    "install",
    "uninstall",
]


@dataclass(frozen=True)
class Target:
    """A host into which a plug-in can be installed."""

    name: str
    """As it is typed; also the plug-in's folder under `hosts`."""
    folder: Callable[[], Path]
    """Returns the host's own folder, where none is named."""
    pieces: Callable[[Path, Path], tuple[Piece, ...]]
    """Takes the plug-in's folder and the host's; returns what is written there."""
    after: str
    """What the artist does next."""
    shared: Callable[[], Path] | None = None
    """Returns the folder that all users of the host share, where there is one."""


def _nuke_folder() -> Path:
    return Path.home() / ".nuke"


def _nuke_pieces(plugin: Path, folder: Path) -> tuple[Piece, ...]:
    # `init.py` runs in every mode of Nuke, on farms too. A name of any alphabet is safe in ASCII.
    text = f"import nuke; nuke.pluginAddPath({plugin.as_posix()!a})"
    return (MarkedLine(folder / "init.py", text, "# faceplate install nuke"),)


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(
            "nuke",
            _nuke_folder,
            _nuke_pieces,
            "start Nuke again; the node is in the menu Faceplate of the node toolbar",
        ),
        Target(
            "resolve",
            scripts_folder,
            resolve_pieces,
            "in Resolve, put the playhead on a clip and choose Workspace > Scripts > Faceplate "
            "Swap; its first run writes a file of settings and says what to fill in",
            shared_scripts_folder,
        ),
    )
}
"""Host to what is installed there."""


@dataclass(frozen=True)
class Install:
    """Install a plug-in into a host's own folder; says what it wrote. May be run again."""

    target: str
    """Which host: nuke or resolve."""
    dir: str | None = None
    """The host's folder for plug-ins; None takes the one of this user, such as ~/.nuke."""
    all_users: bool = False
    """Take the folder that all users share, as Resolve has one; it may need an administrator."""
    dry_run: bool = False
    """Say what would be written, and write nothing."""


@dataclass(frozen=True)
class Uninstall:
    """Take a plug-in out of a host's folder again; everything else stays byte for byte."""

    target: str
    """Which host: nuke or resolve."""
    dir: str | None = None
    """The host's folder for plug-ins; None takes the one of this user, such as ~/.nuke."""
    all_users: bool = False
    """Take the folder that all users share, as Resolve has one; it may need an administrator."""
    dry_run: bool = False
    """Say what would be removed, and remove nothing."""


@dataclass(frozen=True)
class InstallResult:
    """What was done."""

    target: str
    dir: str
    """The host's folder."""
    plugin: str
    """Where the plug-in lies; it must stay there."""
    done: tuple[str, ...]
    """Each file that was written or removed."""
    next: str
    """What to do next; empty after an uninstall."""


def install(job: Install, context: Context) -> InstallResult:
    """Write the pieces of a target.

    Raises:
        UnknownComponent: No such host.
        NotFound: This installation lacks the plug-in.
        Refused: A file is in the way that is somebody else's; nothing was changed.
    """
    target, folder = _target(job.target), _folder(job)
    plugin = hosts_folder(target.name)
    pieces = target.pieces(plugin, folder)
    said = tuple(piece.put(dry_run=True) for piece in pieces)  # whatever is refused is refused now
    if not job.dry_run:
        said = tuple(piece.put(dry_run=False) for piece in pieces)
    return InstallResult(
        target.name, str(folder), str(plugin), _dry(said, job.dry_run), target.after
    )


def uninstall(job: Uninstall, context: Context) -> InstallResult:
    """Remove the pieces of a target. Raises UnknownComponent or NotFound."""
    target, folder = _target(job.target), _folder(job)
    plugin = hosts_folder(target.name)
    pieces = target.pieces(plugin, folder)
    said = tuple(piece.take_out(job.dry_run) for piece in reversed(pieces))
    return InstallResult(target.name, str(folder), str(plugin), _dry(said, job.dry_run), "")


def hosts_folder(name: str) -> Path:
    """Return the folder of a host's plug-in, in a wheel or in a checkout. Raises NotFound."""
    package = Path(os.path.abspath(faceplate.__file__)).parent
    places = (package / "hosts" / name, package.parents[1] / "hosts" / name)
    for place in places:
        if place.is_dir():
            return place
    raise NotFound(
        f"the plug-in for {name} is not in this installation: neither {places[0]} nor {places[1]} "
        "exists; install Faceplate again"
    )


def _target(name: str) -> Target:
    if name not in TARGETS:
        raise UnknownComponent("host", name, sorted(TARGETS))
    return TARGETS[name]


def _folder(job: Install | Uninstall) -> Path:
    target = TARGETS[job.target]
    if job.dir:
        return Path(os.path.abspath(os.path.expanduser(job.dir)))
    if not job.all_users:
        return target.folder()
    if target.shared is None:
        raise BadSettings(f"{target.name} has no folder that all users share; name one with --dir")
    return target.shared()


def _dry(said: tuple[str, ...], dry_run: bool) -> tuple[str, ...]:
    return tuple(f"(dry run) {line}" for line in said) if dry_run else said
