"""A range without a GUI: `nuke -t batch.py SCRIPT.nk [options]`; ends with an exit code.

Options come as ``--name=value``, since Nuke takes a last word that looks like a frame range for
itself. Exit codes are those of docs/exit-codes.md.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["main", "run"]

_NO_FACE = 4
"""All is written, and no frame has a face: as `faceplate-client` ends then."""


def main(argv: Sequence[str] | None = None) -> int:
    """Open the script, swap with each of its nodes or with one, and return the exit code."""
    options = _parser().parse_args(list(sys.argv[1:] if argv is None else argv))
    import nuke  # so that --help works anywhere

    from faceplate_nuke.errors import PluginError
    from faceplate_nuke.host import show_error

    before = signal.signal(signal.SIGTERM, _stop)
    try:
        if not os.path.isfile(options.script):
            raise PluginError("NotFound", f"{options.script} does not exist", "", 6)
        nuke.scriptOpen(options.script)
        code = 0
        for node in _nodes(options):
            code = run(node, options) or code
            if code not in (0, _NO_FACE):
                return code
        if options.save:
            nuke.scriptSave(options.script)
        return code
    except PluginError as error:
        show_error(error)
        return error.exit_code
    except (RuntimeError, OSError) as error:
        show_error(PluginError("NukeFailed", str(error)))
        return 1
    except KeyboardInterrupt:  # the helper was killed on the way here, and with it its job
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def run(node: Any, options: argparse.Namespace) -> int:
    """Do what was asked with one node; what the artist chose on it stays."""
    from faceplate_nuke import actions

    asked = _asked(options)
    before = {name: node[name].value() for name in asked}
    try:
        for name, value in asked.items():
            node[name].setValue(value)
        # without the guard of a button, so that the error and its exit code come here
        done = inspect.unwrap(actions.farm if options.farm else actions.swap)(node)
    finally:
        for name, value in before.items():
            node[name].setValue(value)
    if done.error is not None:
        sys.stderr.write(f"faceplate: {done.error}\n")
        return int(done.error.exit_code)
    sys.stdout.write(f"{node.name()}: {node['fp_status'].value()}\n")
    return _NO_FACE if done.result.get("swapped") == 0 else 0


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """Return what knobs must say for what was asked."""
    found: dict[str, Any] = {"fp_scheduler": options.farm} if options.farm else {}
    if options.frames:
        first, last = options.frames
        found.update(fp_range="custom", fp_first=first, fp_last=last, fp_handles=0)
    return found


def _stop(number: int, _: Any) -> None:
    """End as a farm wishes: what is at work is killed while the stack is left."""
    raise SystemExit(128 + number)


def _nodes(options: argparse.Namespace) -> list[Any]:
    from faceplate_nuke import node as nodes
    from faceplate_nuke.errors import PluginError

    found = [node for node in nodes.ours() if options.node in ("", node.name(), node.fullName())]
    if not found:
        wanted = options.node or nodes.KIND
        raise PluginError("NotFound", f"{options.script} has no node {wanted}", "", 6)
    return found


def _frames(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected FIRST-LAST, got {text!r}")
    first = int(found.group(1))
    return first, int(found.group(2) or first)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("nuke -t batch.py", description=__doc__)
    parser.add_argument("script", help="script with a node FP_FaceSwap")
    parser.add_argument("--node", default="", help="its name; all such nodes where left out")
    parser.add_argument("--frames", type=_frames, default=None, help="--frames=1001-1010")
    parser.add_argument("--farm", choices=("openjd", "opencue", "deadline"), help="write a job")
    parser.add_argument("--save", action="store_true", help="save the script with its results")
    return parser


if __name__ == "__main__":
    # Nuke runs a script without telling it where it is, but for its first word
    _here = os.path.abspath(globals().get("__file__") or sys.argv[0])
    sys.path.insert(0, os.path.dirname(os.path.dirname(_here)))
    sys.exit(main())
