"""The people of a track as JSON text: one list of points to a line."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from functools import partial
from typing import Any, cast, get_args

import numpy as np

from faceplate.errors import BadSettings
from faceplate.io.checked import (
    check_keys,
    read_list,
    read_numbers,
    read_object,
    read_share,
    read_whole,
)
from faceplate.io.tracked import (
    Box,
    FaceColor,
    FaceSource,
    PersonTrack,
    Points,
    Pose,
    SwapColor,
    TrackedFace,
)

__all__ = ["frame_runs", "people_text", "read_frames", "read_people"]

_PERSON_KEYS = ("person", "name", "faces")
_FACE_KEYS = (
    "frame", "source", "confidence", "presence", "pose", "box", "color", "landmarks",
    "raw_landmarks", "iris", "swap_colors", "swap_mattes",
)  # fmt: skip
_OPTIONAL = ("color", "iris", "raw_landmarks", "swap_colors", "swap_mattes")
Lines = Callable[[Sequence[str | int]], int]
_MOST_FRAMES = 10_000_000  # a typing error must not fill the memory


def people_text(people: Sequence[PersonTrack]) -> str:
    """Return the JSON text of all people, as it stands in a track file."""
    listed = ",\n".join(_person_text(person) for person in people)
    return f"[\n{listed}\n  ]" if listed else "[]"


def _person_text(person: PersonTrack) -> str:
    blocks = {face.frame: _face_text(face) for face in person.faces}
    for frame, box in person.boxes.items():
        blocks.setdefault(frame, _block({"frame": frame, "source": "corrected", "box": _list(box)}))
    faces = ",\n".join(blocks[frame] for frame in sorted(blocks))
    listed = f"[\n{faces}\n      ]" if faces else "[]"
    return (
        f'    {{\n      "person": {person.person},\n      "name": {json.dumps(person.name)},\n'
        f'      "faces": {listed}\n    }}'
    )


def _face_text(face: TrackedFace) -> str:
    pose, color = face.pose, face.color
    measured: dict[str, Any] = {}
    if face.swap_colors:
        measured["swap_colors"] = _swap_colors_plain(face.swap_colors)
    if face.swap_mattes:
        measured["swap_mattes"] = {model: dict(face.swap_mattes[model])
                                   for model in sorted(face.swap_mattes)}  # fmt: skip
    return _block(
        {
            "frame": face.frame,
            "source": face.source,
            "confidence": _number(face.confidence, 4),
            "presence": _number(face.presence, 4),
            "pose": {key: _number(getattr(pose, key), 3) for key in ("yaw", "pitch", "roll")},
            "box": _list(face.box),
            "color": color and {"mean": _list(color.mean, 5), "std": _list(color.std, 5)},
            "landmarks": _points_list(face.landmarks),
            "raw_landmarks": _points_list(face.raw_landmarks),
            "iris": None if face.iris is None else _points_list(face.iris),
            **measured,
        }
    )


def _swap_colors_plain(colors: Mapping[str, SwapColor]) -> dict[str, dict[str, list[float]]]:
    # covariances are squares of small numbers: seven digits keep four that count
    return {
        model: {name: _list(numbers, 7) for name, numbers in sorted(color.items())}
        for model, color in sorted(colors.items())
    }


def _block(values: Mapping[str, Any]) -> str:
    lines = [f'          "{key}": {json.dumps(value)}' for key, value in values.items()]
    return "        {\n" + ",\n".join(lines) + "\n        }"


def _number(value: float, digits: int = 3) -> float:
    if not math.isfinite(value):
        raise BadSettings(f"a track cannot hold the number {value}; leave that face out")
    return round(float(value), digits) + 0.0  # + 0.0 turns -0.0 into 0.0


def _list(values: Any, digits: int = 3) -> list[float]:
    return [_number(value, digits) for value in values]


def _points_list(points: Points) -> list[list[float]]:
    return [_list(point) for point in points.tolist()]


def frame_runs(frames: Sequence[int]) -> list[int | list[int]]:
    """Return sorted frames as single numbers and [first, last] runs."""
    runs: list[list[int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return [first if first == last else [first, last] for first, last in runs]


def read_frames(value: Any, where: str) -> tuple[int, ...]:
    """Read frames and [first, last] runs; returns them sorted. Raises BadSettings."""
    frames: set[int] = set()
    for run in read_list(value, where):
        ends = run if isinstance(run, list) else [run, run]
        whole = len(ends) == 2 and all(type(end) is int for end in ends)
        if not whole or not 0 <= ends[1] - ends[0] < _MOST_FRAMES:
            raise BadSettings(f"{where}: expected a frame number or [first, last], got {run!r}")
        frames.update(range(ends[0], ends[1] + 1))
    return tuple(sorted(frames))


def read_people(
    value: Any, frames: Sequence[int], where: str, lines: Lines
) -> tuple[PersonTrack, ...]:
    """Read the people of a track over these frames.

    Args:
        value: The JSON value.
        frames: The frames of the track.
        where: The file.
        lines: Gives the line of a value by its path, for messages.

    Raises:
        BadSettings: Names file, line, person and frame.
    """
    people = []
    for index, entry in enumerate(read_list(value, f"{where}: people")):
        with _placed(where, lines, "people", index):
            check_keys(
                read_object(entry, f"people[{index}]"), _PERSON_KEYS, f"people[{index}]", ("name",)
            )
            number = read_whole(entry["person"], f"people[{index}].person")
        faces = partial(_placed, where, lines, "people", index, "faces")
        people.append(_read_person(entry, number, faces))
    _check_frames(people, frames, where)
    numbers = [person.person for person in people]
    if len(set(numbers)) != len(numbers):
        raise BadSettings(f"{where}: people: two people have one number: {numbers}")
    return tuple(sorted(people, key=lambda person: person.person))


class _Placed(BadSettings):
    """An error whose place in the file is told already."""


@contextmanager
def _placed(where: str, lines: Lines, *path: str | int) -> Iterator[None]:
    """Name file and line in an error."""
    try:
        yield
    except _Placed:
        raise
    except BadSettings as error:
        raise _Placed(f"{where}, line {lines(path)}: {error}") from error


def _read_person(
    entry: Mapping[str, Any], number: int, placed: Callable[[int], AbstractContextManager[None]]
) -> PersonTrack:
    place = f"person {number}"
    faces: list[TrackedFace] = []
    boxes: dict[int, Box] = {}
    seen: set[int] = set()
    for index, face in enumerate(read_list(entry["faces"], f"{place}: faces")):
        with placed(index):
            if number < 1:
                raise BadSettings(f"people are numbered from 1, got {number}")
            frame = read_whole(read_object(face, place).get("frame"), f"{place}: frame")
            if frame in seen:
                raise BadSettings(f"{place}: two faces of one person in frame {frame}")
            seen.add(frame)
            read = _read_entry(face, number, f"{place}, frame {frame}")
            if isinstance(read, TrackedFace):
                faces.append(read)
            else:
                boxes[frame] = read
    ordered = tuple(sorted(faces, key=lambda face: face.frame))
    return PersonTrack(number, ordered, str(entry.get("name", "")), boxes)


def _read_entry(face: Mapping[str, Any], person: int, where: str) -> TrackedFace | Box:
    """Read a face, or the box that an artist drew where nothing was found."""
    if face.get("source") == "corrected" and face.get("landmarks") is None:
        check_keys(face, _FACE_KEYS, where, optional=_FACE_KEYS)
        return _box(face.get("box"), f"{where}: box")
    return _read_face(face, person, where)


def _read_face(face: Mapping[str, Any], person: int, where: str) -> TrackedFace:
    check_keys(face, _FACE_KEYS, where, optional=_OPTIONAL)
    source = face["source"]
    if source not in get_args(FaceSource):
        choices = ", ".join(get_args(FaceSource))
        raise BadSettings(f"{where}: source: {source!r} is none of {choices}")
    landmarks = _points(face["landmarks"], f"{where}: landmarks", 68)
    raw, iris = face.get("raw_landmarks"), face.get("iris")
    return TrackedFace(
        person=person,
        frame=face["frame"],
        box=_box(face["box"], f"{where}: box"),
        landmarks=landmarks,
        raw_landmarks=landmarks if raw is None else _points(raw, f"{where}: raw_landmarks", 68),
        pose=_pose(face["pose"], f"{where}: pose"),
        confidence=read_share(face["confidence"], f"{where}: confidence"),
        presence=read_share(face["presence"], f"{where}: presence"),
        source=cast(FaceSource, source),
        iris=None if iris is None else _points(iris, f"{where}: iris"),
        color=_color(face.get("color"), f"{where}: color"),
        swap_colors=_swap_colors(face.get("swap_colors"), f"{where}: swap_colors"),
        swap_mattes=_swap_mattes(face.get("swap_mattes"), f"{where}: swap_mattes"),
    )


def _check_frames(people: Sequence[PersonTrack], frames: Sequence[int], where: str) -> None:
    known = set(frames)
    for person in people:
        for frame in [*person.frames, *person.boxes]:
            if frame not in known:
                raise BadSettings(
                    f"{where}: person {person.person}, frame {frame}: this frame is not among the "
                    "track's frames"
                )


def _points(value: Any, where: str, count: int = -1) -> Points:
    return read_numbers(value, (count, 2), where).astype(np.float32)


def _box(value: Any, where: str) -> Box:
    x0, y0, x1, y1 = read_numbers(value, (4,), where).tolist()
    if x1 <= x0 or y1 <= y0:
        raise BadSettings(f"{where}: expected x0 < x1 and y0 < y1, got {value}")
    return x0, y0, x1, y1


def _pose(value: Any, where: str) -> Pose:
    keys = tuple(field.name for field in fields(Pose))
    check_keys(read_object(value, where), keys, where)
    return Pose(*(float(read_numbers(value[key], (), f"{where}.{key}")) for key in keys))


def _color(value: Any, where: str) -> FaceColor | None:
    if value is None:
        return None
    check_keys(read_object(value, where), ("mean", "std"), where)
    mean, std = (
        read_numbers(value[key], (3,), f"{where}.{key}").tolist() for key in ("mean", "std")
    )
    return FaceColor(tuple(mean), tuple(std))


def _swap_colors(value: Any, where: str) -> dict[str, SwapColor]:
    if value is None:
        return {}
    return {
        model: {
            name: tuple(read_numbers(numbers, (-1,), f"{where}.{model}.{name}").tolist())
            for name, numbers in read_object(color, f"{where}.{model}").items()
        }
        for model, color in read_object(value, where).items()
    }


def _swap_mattes(value: Any, where: str) -> dict[str, dict[str, str]]:
    if value is None:
        return {}
    found = {
        model: dict(read_object(mattes, f"{where}.{model}"))
        for model, mattes in read_object(value, where).items()
    }
    for model, mattes in found.items():
        for side, text in mattes.items():
            if not isinstance(text, str):
                raise BadSettings(f"{where}.{model}.{side}: expected text, got {text!r}")
    return found
