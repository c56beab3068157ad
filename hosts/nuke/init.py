"""Runs at each start of Nuke, on farms too, so it does nothing that costs time."""

import logging

try:
    import nuke

    nuke.pluginAddPath("./gizmos")
    import faceplate_nuke

    faceplate_nuke.start()
except Exception:  # whatever fails here must not keep Nuke from starting
    logging.getLogger("faceplate_nuke").exception("Faceplate's init.py failed; Nuke goes on")
