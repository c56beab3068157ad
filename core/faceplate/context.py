"""What every verb is given besides its own settings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

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
