"""Faceplate inside Nuke: standard library only, Python 3.9 to 3.13, nothing compiled, no Qt.

The work is done elsewhere: this package reads knobs, spawns `faceplate-client`, and sets knobs.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys

__all__ = ["__version__", "start"]

__version__ = "0.1.0"

logger = logging.getLogger(__name__)


def start() -> None:
    """Tell Nuke where the gizmos are, the defaults of their knobs, and what to do at the end.

    Called once, from init.py, in every mode of Nuke: it makes no node and asks no server.
    """
    import nuke  # init.py runs where it is; tests of the pure parts have none

    from faceplate_nuke import defaults, gizmo  # so that the package is light to import

    nuke.pluginAddPath(gizmo.FOLDER.replace(os.sep, "/"), addToSysPath=False)
    defaults.tell(os.environ)
    nuke.addOnScriptClose(_stop)
    atexit.register(_stop)
    logger.debug("Faceplate %s is here", __version__)


def _stop() -> None:
    """End what is at work; where nothing ever was, its module is not even loaded."""
    jobs = sys.modules.get("faceplate_nuke.jobs")
    if jobs is not None:
        jobs.stop_all()
