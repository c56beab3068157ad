"""What tests of a filled node share."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.nuke.session import Session
from tests.support.nuke.verbs import Room

__all__ = ["ANSWER", "attached", "order_of"]

ANSWER = Room(None).list_models()


def attached(node: Any, gui: Session, version: Path, name: str = "comp") -> None:
    """Let a node show a version as if it had just been made."""
    from faceplate_nuke import results

    order = replace(order_of(node, gui), name=name)
    gui.jobs.write_papers("FP_FaceSwap1", order, str(version))
    gui.host.undo.clear()
    results.attach(node, str(version))


def order_of(node: Any, gui: Session, only: int | None = None) -> Any:
    from faceplate_nuke.order import take_order

    return take_order(node, only)
