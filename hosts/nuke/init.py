"""Runs at each start of Nuke, on farms too, so it does nothing that costs time."""

import logging
import os
import sys

try:
    _here = os.path.dirname(os.path.abspath(__file__))
    if _here not in sys.path:  # Nuke adds it, but not in every version for every way to get here
        sys.path.append(_here)
    import faceplate_nuke

    faceplate_nuke.start()
except Exception:  # whatever fails here must not keep Nuke from starting
    logging.getLogger("faceplate_nuke").exception("Faceplate's init.py failed; Nuke goes on")
