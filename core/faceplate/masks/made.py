"""What the mattes of a plate were made of, so that a run that goes on takes none of another model.

A file of JSON lines beside the mattes, one line to a frame, the newest counts. It is written after
the matte: one whose line is missing, or was cut short by a kill, is made again.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceplate.io.sequence import Sequence as Files
from faceplate.io.tracked import TrackedFace

__all__ = ["MadeOf", "key_of"]


def key_of(plate_sha256: str | None, faces: Sequence[TrackedFace], settings: Sequence[Any]) -> str:
    """Return what a matte depends on, as a hash; empty where its frame is not there.

    Args:
        plate_sha256: Of the frame.
        faces: Of the frame.
        settings: All else, plain values.
    """
    if plate_sha256 is None:
        return ""
    points = [[face.person, face.landmarks.round(3).astype(float).tolist()] for face in faces]
    return hashlib.sha256(json.dumps([plate_sha256, points, *settings]).encode()).hexdigest()


class MadeOf:
    """The record of a sequence of mattes.

    Args:
        files: The mattes.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._path = files.folder / f".{files.head.rstrip('._-') or 'mattes'}{files.tail}.made"
        self._keys = _read(self._path)

    def holds(self, frame: int, key: str) -> bool:
        """Return whether the matte of a frame is there and is made of the same."""
        return bool(key) and self._keys.get(frame) == key and self._files.path(frame).is_file()

    def note(self, frame: int, key: str) -> None:
        """Note what the matte of a frame, which is written, was made of."""
        if key and self._keys.get(frame) != key:
            self._keys[frame] = key
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps([frame, key]))  # the line before may be cut short


def _read(path: Path) -> dict[int, str]:
    keys: dict[int, str] = {}
    for line in path.read_text("utf-8", "replace").splitlines() if path.is_file() else ():
        try:
            frame, key = json.loads(line)
            keys[int(frame)] = str(key)
        except (ValueError, TypeError):  # empty, or cut short by a kill
            continue
    return keys
