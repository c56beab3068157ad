"""Runs where Nuke has a GUI: the menu."""

import logging

try:
    import nuke

    _CREATE = "import faceplate_nuke.actions; faceplate_nuke.actions.create()"
    _SELFTEST = "import faceplate_nuke.selftest; faceplate_nuke.selftest.show()"
    _toolbar = nuke.menu("Nodes").addMenu("Faceplate")
    _toolbar.addCommand("FP_FaceSwap", _CREATE)
    _menu = nuke.menu("Nuke").addMenu("Faceplate")
    _menu.addCommand("New FP_FaceSwap", _CREATE)
    _menu.addCommand("Self test", _SELFTEST)
except Exception:  # whatever fails here must not keep Nuke from starting
    logging.getLogger("faceplate_nuke").exception("Faceplate's menu.py failed; Nuke goes on")
