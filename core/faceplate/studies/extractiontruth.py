"""The true faces of a rendered shot, frame by frame."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, NotFound

__all__ = ["Truth", "TrueFace", "read_truth"]

_KEYS = ("landmarks68_px", "yaw", "pitch", "roll", "empty")


@dataclass(frozen=True, eq=False)
class TrueFace:
    """One face as it really is."""

    person: int
    """Number of the person in the truth, from 1."""
    frame: int
    landmarks: NDArray[np.float64]
    """68 x 2 plate pixels, hidden points too."""
    yaw: float
    """Degrees; the signs are those of a track."""
    pitch: float
    roll: float
    visible: float
    """Share of the face that nothing hides, 0..1."""
    whole: bool
    """No point lies outside the picture."""
    occluder: str
    """What hides a part of it; empty: nothing does."""


@dataclass(frozen=True, eq=False)
class Truth:
    """All true faces of a shot."""

    path: Path
    size: tuple[int, int] | None
    """Width and height of the pictures, where the file says."""
    frames: frozenset[int]
    """Frames of which the truth is known, with and without a face."""
    faces: Mapping[int, tuple[TrueFace, ...]]
    """By frame; a face without a pixel in the picture is none."""

    def at(self, frame: int) -> tuple[TrueFace, ...]:
        """Return the true faces of a frame."""
        return self.faces.get(frame, ())


def read_truth(path: Path, origin: tuple[int, int] = (0, 0)) -> Truth:
    """Read what is true of a rendered shot.

    Args:
        path: JSON with ``frames`` by number, or ``people``: a list of such objects, for several
            people in one shot. Its landmarks count from the edges of the pixels (the centre of the
            top left one is 0.5, 0.5).
        origin: The top left pixel of the plate's display window.

    Raises:
        NotFound: No such file.
        BadSettings: It is no truth of a rendered shot; says what is wrong.
    """
    values = _load(path)
    people = values.get("people", [values])
    faces: dict[int, list[TrueFace]] = {}
    frames: set[int] = set()
    try:
        for number, person in enumerate(people, 1):
            for frame, entry in _entries(person, path):
                frames.add(frame)
                if not entry["empty"]:
                    faces.setdefault(frame, []).append(_face(number, frame, entry, origin))
        size = int(values["width"]), int(values["height"])
    except KeyError as error:
        if error.args[0] not in ("width", "height"):
            raise BadSettings(f"{path}: {error.args[0]} is missing") from error
        size = None
    except (ValueError, TypeError, AttributeError) as error:
        raise BadSettings(f"{path} is no truth of a rendered shot: {error}") from error
    found = {frame: tuple(there) for frame, there in faces.items()}
    return Truth(path, size, frozenset(frames), found)


def _load(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist: name the truth of this plate, or none") from error
    except ValueError as error:
        raise BadSettings(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict) or not {"frames", "people"} & set(values):
        raise BadSettings(
            f"{path} is no truth of a rendered shot: expected an object with 'frames', keyed by "
            "frame number, or with 'people'"
        )
    return values


def _entries(person: Mapping[str, Any], path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    entries = [(int(number), entry) for number, entry in person["frames"].items()]
    for number, entry in entries:
        absent = [key for key in _KEYS if key not in entry]
        if absent:
            raise BadSettings(f"{path}: frame {number}: {', '.join(absent)} is missing")
    return entries


def _face(person: int, frame: int, entry: Mapping[str, Any], origin: tuple[int, int]) -> TrueFace:
    points = np.array(entry["landmarks68_px"], np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise ValueError(f"landmarks68_px of frame {frame} is not 68 points")
    visible = float(entry.get("visible_fraction", 1.0))
    # an occluder is on its way before and after it touches the face
    occluder = str(entry.get("occluder") or "") if visible < 1 else ""
    return TrueFace(
        person,
        frame,
        points - 0.5 + origin,
        float(entry["yaw"]),
        float(entry["pitch"]),
        float(entry["roll"]),
        visible,
        not entry.get("partly_out", False),
        occluder,
    )
