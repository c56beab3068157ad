"""What every verb is given besides its own settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceplate.errors import OutsideRoots
from faceplate.progress import Progress

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """The surroundings of one job. Made by a `main()`; the engine never looks them up itself."""

    home: Path
    """Folder of weights (`home/weights`) and of the decision log (`home/consent.log`)."""
    progress: Progress = field(default_factory=Progress)
    """Where reports go and cancellation comes from."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    consent_policy: Literal["refuse", "warn"] = "refuse"
    """What happens without a valid consent record; there is no silent choice."""
    threads: int = 0
    """Threads of one job; 0 leaves the libraries' own default."""
    ocio: str | None = None
    """OCIO config of jobs that name none, as a `main()` found it in ``$OCIO``."""
    allowed_roots: tuple[Path, ...] = ()
    """The only folders that paths *inside* a job's files may lead to, as the mask model that a
    recipe names; empty: anywhere. A server sets it, which checks the job's own paths itself."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables of the process, where a `main()` hands them on: secrets for trackers are there.
    A server hands on none."""

    def check_inside(self, path: str | Path, what: str) -> None:
        """Raise OutsideRoots where a path, its links followed, leads outside the allowed roots.

        Args:
            path: From the contents of a file that the job names.
            what: What it is, for the message.
        """
        real = Path(os.path.realpath(path))
        roots = [Path(os.path.realpath(root)) for root in self.allowed_roots]
        if roots and not any(real.is_relative_to(root) for root in roots):
            raise OutsideRoots(
                f"{what}: {path} leads outside the allowed folders "
                f"({', '.join(map(str, self.allowed_roots))}); move it there"
            )
