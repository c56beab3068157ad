"""Points of a track as Nuke writes them: a Tracker4 node, or a Roto node with shapes.

Nuke counts pixels from the lower left *corner* of the format, y up; the centre of its first pixel
is (0.5, 0.5). A track's plate pixels have whole numbers at centres, y down (docs/architecture.md).
The pixel aspect is told by the format and changes no coordinate: both count pixels of the plate.

Sources: Foundry's *Curve serialisation format* and *Roto serialisation format* (NDK developer
guide), and node text that users published.
"""

import math
import re
import struct
from collections.abc import Mapping, Sequence

from faceplate.errors import BadSettings
from faceplate.io.tcl import commands, words
from faceplate.io.tracked import PersonTrack, PlateInfo, TrackedFace

__all__ = ["SHAPES", "STABLE", "Moved", "read_nuke", "roto_text", "tracker_text"]

Moved = Mapping[int, Mapping[int, tuple[float, float]]]
"""Frame to index of a landmark to its place in plate pixels."""

STABLE = (27, 30, 33, 36, 39, 42, 45, 48, 54)
"""Bridge, tip and root of the nose, corners of eyes and mouth: what can be tracked by eye."""

SHAPES: Mapping[str, tuple[int, ...]] = {
    "face_outline": (*range(17), *range(26, 16, -1)),
    "eye_right": tuple(range(36, 42)),
    "eye_left": tuple(range(42, 48)),
    "lips_outer": tuple(range(48, 60)),
    "lips_inner": tuple(range(60, 68)),
}
"""Shapes of the Roto node: landmarks in the order of their control points."""

_NAMES = ("enable e", "name name", "track_x track_x", "track_y track_y", "offset_x offset_x",
          "offset_y offset_y", "T T", "R R", "S S", "error error", "error_min error_min",
          "error_max error_max", "pattern_x pattern_x", "pattern_y pattern_y",
          "pattern_r pattern_r", "pattern_t pattern_t", "search_x search_x", "search_y search_y",
          "search_r search_r", "search_t search_t", "key_track key_track",
          "key_search_x key_search_x", "key_search_y key_search_y", "key_search_r key_search_r",
          "key_search_t key_search_t", "key_track_x key_track_x", "key_track_y key_track_y",
          "key_track_r key_track_r", "key_track_t key_track_t",
          "key_centre_offset_x key_centre_offset_x", "key_centre_offset_y key_centre_offset_y",
          )  # fmt: skip
_KINDS = ("5 1 20", "3 1 75", "2 1 58", "2 1 58", "2 1 63", "2 1 63", "4 1 27", "4 1 27", "4 1 27",
          "2 0 45", *["1 1 0"] * 10, *["2 1 0"] * 11)  # fmt: skip
_POINT = re.compile(r"p(\d{1,2})\b")
_NODE = re.compile(r"faceplate_person_(\d+)")


def tracker_text(plate: PlateInfo, person: PersonTrack, points: Sequence[int]) -> str:
    """Return a script with a Tracker4 node: one track for each of these landmarks."""
    rows = []
    for index in points:
        x, y = ("".join(f" x{face.frame} {value:.4f}" for face, value in curve)
                for curve in _curves(plate, person, index))  # fmt: skip
        first = person.faces[0].frame
        rest = "{} " * 11
        rows.append(
            f' {{ {{curve K x{first} 1}} "p{index:02d}" {{curve{x}}} {{curve{y}}} '
            f"{{curve K x{first} 0}} {{curve K x{first} 0}} 1 1 1 {{curve x{first} 0}} 1 0 "
            f"-32 -32 32 32 -22 -22 22 22 {rest}}}"
        )
    columns = "\n".join(f"{{ {kind} {name} 1 }}" for kind, name in zip(_KINDS, _NAMES, strict=True))
    knob = f"{{ {{ 1 31 {len(points)} }}\n{{ {columns}\n}}\n{{\n" + "\n".join(rows) + "\n}\n}"
    node = f"Tracker4 {{\n inputs 0\n tracks {knob}\n name faceplate_person_{person.person}\n}}\n"
    return _root(plate) + node


def roto_text(plate: PlateInfo, person: PersonTrack) -> str:
    """Return a script with a Roto node: closed shapes of the outline, the eyes and the lips."""
    centre = f"{_hex(plate.width / 2)} {_hex(plate.height / 2)}"
    shapes = "".join(
        _shape(plate, person, name, indexes, centre) for name, indexes in SHAPES.items()
    )
    curves = (
        f"{{{{{{v x3f99999a}}\n  {{f 0}}\n  {{n\n   {{layer Root\n    {{f 2097152}}\n"
        f"    {{t {centre}}}\n    {{a}}{shapes}}}}}}}}}"
    )
    return (
        f"{_root(plate)}Roto {{\n inputs 0\n output alpha\n curves {curves}\n"
        f" name faceplate_person_{person.person}\n}}\n"
    )


def read_nuke(text: str, plate: PlateInfo, what: str) -> tuple[int | None, Moved]:
    """Return the person that a script names, or None, and its keyed points.

    Reads all Tracker4, Roto and RotoPaint nodes of a script or of what Nuke copies. Only keys
    count: where a curve goes between them is nothing that an artist placed.

    Raises:
        BadSettings: No such node, a name that is no landmark's, or curves that mean nothing.
    """
    moved: dict[int, dict[int, tuple[float, float]]] = {}
    person, nodes = None, 0
    for command in commands(text):
        if len(command) != 2 or command[0] not in _READERS:
            continue
        knobs = {knob[0]: knob[1] for knob in commands(command[1]) if len(knob) == 2}
        if command[0] == "Tracker4" and "tracks" in knobs:
            read = _read_tracks(knobs["tracks"], what)
        elif "curves" in knobs:
            read = _read_shapes(knobs["curves"], what)
        else:
            continue
        nodes += 1
        named = _NODE.search(knobs.get("name", ""))
        person = int(named[1]) if named else person
        _add(moved, read, plate)
    if not nodes:
        raise BadSettings(
            f"{what} has no Tracker4 or Roto node; export one to see what is expected"
        )
    return person, moved


_READERS = ("Tracker4", "Roto", "RotoPaint")
Keys = dict[int, float]
Curve = list[tuple[TrackedFace, float]]


def _root(plate: PlateInfo) -> str:
    size = f"{plate.width} {plate.height}"
    fps = f" fps {plate.fps:g}\n" if plate.fps else ""
    return (
        f"Root {{\n inputs 0\n first_frame {plate.first}\n last_frame {plate.last}\n{fps}"
        f' format "{size} 0 0 {size} {plate.pixel_aspect:g} faceplate_plate"\n}}\n'
    )


def _to_nuke(plate: PlateInfo, x: float, y: float) -> tuple[float, float]:
    return x - plate.origin[0] + 0.5, plate.height - 0.5 - (y - plate.origin[1])


def _from_nuke(plate: PlateInfo, x: float, y: float) -> tuple[float, float]:
    return x + plate.origin[0] - 0.5, plate.height - 0.5 - y + plate.origin[1]


def _curves(plate: PlateInfo, person: PersonTrack, index: int) -> tuple[Curve, Curve]:
    """Return x and y of one landmark over the frames, as Nuke counts them."""
    placed = [(face, _to_nuke(plate, *face.landmarks[index].tolist())) for face in person.faces]
    return [(face, at[0]) for face, at in placed], [(face, at[1]) for face, at in placed]


def _shape(
    plate: PlateInfo, person: PersonTrack, name: str, indexes: Sequence[int], centre: str
) -> str:
    points = []
    for index in indexes:
        x, y = (
            "".join(f"{{{_hex(face.frame)} {_hex(value)}}}" for face, value in curve)
            for curve in _curves(plate, person, index)
        )
        # left tangent, place, right tangent: no tangents, so the outline is a polygon
        points.append(f"\n        {{0 0}}\n        {{{{{x}}} {{{y}}}}}\n        {{0 0}}")
    spx, spy = centre.split()
    first = _hex(person.faces[0].frame)
    return (
        f"\n    {{curvegroup {name} 512 bezier\n     {{{{cc\n       {{f 8192}}\n       {{p"
        f"{''.join(points)}}}}}     idem}}\n     {{tx {first} {centre}}}\n"
        f"     {{a osw x41200000 osf 0 str 1 spx {spx} spy {spy} sb 1 tt x40800000}}}}"
    )


def _hex(value: float) -> str:
    """Return a number as Nuke writes it: the bits of a 32-bit float."""
    return "0" if value == 0 else f"x{struct.pack('>f', value).hex()}"


def _number(word: str, what: str) -> float:
    try:
        if re.fullmatch(r"x[0-9a-fA-F]{8}", word):
            value = float(struct.unpack(">f", bytes.fromhex(word[1:]))[0])
        else:
            value = float(word)
    except ValueError:
        raise BadSettings(f"{what}: expected a number, got {word!r}") from None
    if not math.isfinite(value):
        raise BadSettings(f"{what}: expected a finite number, got {word!r}")
    return value


def _frame(value: float, what: str) -> int:
    if abs(value - round(value)) > 1e-3:
        raise BadSettings(f"{what}: a key at frame {value:g}; keys belong on whole frames")
    return round(value)


def _read_tracks(knob: str, what: str) -> Mapping[int, tuple[Keys, Keys]]:
    parts = words(knob)
    if len(parts) != 3:
        raise BadSettings(f"{what}: Tracker4: the tracks knob has {len(parts)} parts, not 3")
    names = [words(column)[3] for column in words(parts[1]) if len(words(column)) > 3]
    found = {}
    for row in map(words, words(parts[2])):
        cells = dict(zip(names, row, strict=False))
        if not {"name", "track_x", "track_y"} <= set(cells):
            raise BadSettings(f"{what}: Tracker4: a track has no name, track_x or track_y")
        index = _landmark(cells["name"], what)
        place = f"{what}: track {cells['name']}"
        found[index] = _keys(cells["track_x"], place), _keys(cells["track_y"], place)
    return found


def _landmark(name: str, what: str) -> int:
    match = _POINT.match(name)
    if match is None or int(match[1]) > 67:
        raise BadSettings(
            f"{what}: the track {name!r} is no landmark; they are named p00 to p67, as exported"
        )
    return int(match[1])


def _keys(curve: str, what: str) -> Keys:
    """Return the keys of an animation curve.

    Without an ``x`` a key follows at the distance of the two before it, the first at 0 and the
    second one frame later.
    """
    tokens = words(curve)
    if not tokens or tokens[0] != "curve":
        raise BadSettings(f"{what}: expected a curve with keys, got {curve[:40]!r}")
    keys: Keys = {}
    at, last, before = None, None, None
    for token in tokens[1:]:
        if re.fullmatch(r"[KLSRCkliI]", token) or token[0] in "stuv":
            continue  # how it goes between keys
        if token[0] == "x":
            at = _number(token[1:], what)
            continue
        if at is None:
            step = last - before if last is not None and before is not None else 1.0
            at = 0.0 if last is None else last + step
        keys[_frame(at, what)] = _number(token, what)
        before, last, at = last, at, None
    return keys


def _read_shapes(knob: str, what: str) -> Mapping[int, tuple[Keys, Keys]]:
    found: dict[int, tuple[Keys, Keys]] = {}
    for shape in _groups(knob):
        name = shape[1]
        if name not in SHAPES:
            continue  # an artist's own shape
        indexes, place = SHAPES[name], f"{what}: shape {name}"
        points = _control_points(shape[4], place)
        if len(points) != len(indexes):
            raise BadSettings(
                f"{place} has {len(points)} points, not {len(indexes)}: move points, but neither "
                "add nor delete any"
            )
        found |= dict(zip(indexes, points, strict=True))
    if not found:
        raise BadSettings(f"{what}: Roto: none of the shapes {', '.join(SHAPES)}")
    return found


def _groups(text: str) -> list[list[str]]:
    """Return the words of all curve groups, however deep they lie in layers."""
    parts = words(text)
    if parts and parts[0] == "curvegroup":
        return [parts] if len(parts) > 4 else []
    return [group for part in parts if "curvegroup" in part for group in _groups(part)]


def _control_points(curves: str, what: str) -> list[tuple[Keys, Keys]]:
    outline = words(words(curves)[0])  # the second is the feather's
    body = next((words(part) for part in outline[1:] if part[:1] == "p"), [])
    if not body:
        raise BadSettings(f"{what}: it has no points")
    one_key = None
    if body[0] == "px":
        one_key, body = _frame(_number(body[1], what), what), body[1:]
    pairs = [words(point) for point in body[2::3]]  # left tangent, place, right tangent
    if any(len(pair) < 2 for pair in pairs):
        raise BadSettings(f"{what}: a point has no x and y")
    return [
        (_shape_keys(pair[0], one_key, what), _shape_keys(pair[1], one_key, what)) for pair in pairs
    ]


def _shape_keys(word: str, one_key: int | None, what: str) -> Keys:
    if one_key is not None:
        return {one_key: _number(word, what)}
    keys = [words(key) for key in words(word)]
    if any(len(key) < 2 for key in keys):
        raise BadSettings(f"{what}: a point has no keys; set a key on the frames you correct")
    return {_frame(_number(key[0], what), what): _number(key[1], what) for key in keys}


def _add(
    moved: dict[int, dict[int, tuple[float, float]]],
    read: Mapping[int, tuple[Keys, Keys]],
    plate: PlateInfo,
) -> None:
    for index, (xs, ys) in read.items():
        for frame in sorted(set(xs) & set(ys)):
            point = _from_nuke(plate, xs[frame], ys[frame])
            moved.setdefault(frame, {})[index] = point
