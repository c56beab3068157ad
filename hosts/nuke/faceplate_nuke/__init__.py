"""Faceplate inside Nuke: standard library only, Python 3.9 to 3.13, nothing compiled, no Qt.

The work is done elsewhere: this package reads knobs, spawns `faceplate-client`, and sets knobs.
"""

from __future__ import annotations

import atexit
import logging

__all__ = ["__version__", "start"]

__version__ = "0.1.0"

logger = logging.getLogger(__name__)


def start() -> None:
    """Register what must hold in every mode of Nuke; called once, from init.py."""
    import nuke  # init.py runs where it is; tests of the pure parts have none

    from faceplate_nuke import jobs  # so that the package is light to import

    nuke.addOnScriptClose(jobs.kill_all)
    atexit.register(jobs.kill_all)
    logger.debug("Faceplate %s is here", __version__)
