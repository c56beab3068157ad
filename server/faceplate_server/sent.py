"""A frame that a client has sent as bytes: from its folder to a swap job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceplate.config import from_dict
from faceplate.errors import BadSettings, InvalidInput
from faceplate.io.image import read_frame
from faceplate.io.sequence import Sequence
from faceplate.merge.writing import SwapJob
from faceplate_server.models import find_model
from faceplate_server.roots import Roots
from faceplate_server.spool import FRAME, TRACK

__all__ = ["sent_job"]

LARGEST = 4 << 30
"""Bytes of a frame in memory as float32: a small file may claim to be a huge picture."""

_OURS = ("plate", "out", "frames", "overwrite", "processes", "missing")


def sent_job(folder: Path, number: int, settings: Mapping[str, Any], roots: Roots) -> SwapJob:
    """Return the swap of a sent frame, whose result stays in `folder`.

    Args:
        folder: Holds the frame and, where it was sent, the track; made and emptied by the server.
        number: The frame's number in the track.
        settings: Further fields of a `SwapJob`; `model` may be a name.
        roots: The allowed folders.

    Raises:
        BadSettings: A field that means nothing here, or `layers` beside the result.
        InvalidInput: The frame would fill the memory.
        OutsideRoots: A path leads outside.
    """
    given = [name for name in _OURS if name in settings]
    if given:
        raise BadSettings(f"{', '.join(given)}: of no use where a frame is sent; leave it out")
    if settings.get("layers") == "beside":
        raise BadSettings("layers: one file comes back, so they are inside it or none")
    values = dict(settings)
    roots.check_settings(values)
    if values.get("model"):
        values["model"] = str(find_model(roots, str(values["model"])))
    if (folder / TRACK).exists():
        values["track"] = str(folder / TRACK)
    values |= {"plate": str(folder / "plate.%04d.exr"), "out": str(folder / "out.%04d.exr")}
    plate = Sequence.parse(values["plate"]).path(number)
    (folder / FRAME).rename(plate)
    _require_room(plate, number)
    return from_dict(SwapJob, {**values, "frames": str(number)}, "swap job")


def _require_room(plate: Path, number: int) -> None:
    header = read_frame(plate, number, channels=())
    names = max(len(header.channel_types or ()), 4)
    window = header.data_window
    size = window.width * window.height * names * 4
    if size > LARGEST:
        raise InvalidInput(
            f"the frame has {window.width}x{window.height} pixels of {names} channels: more than "
            f"{LARGEST >> 30} GiB; give its path to SwapFrame instead"
        )
