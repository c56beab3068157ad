"""Text for Nuke and back, and read by Tcl itself where it is here."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.errors import BadSettings
from faceplate.io.tcl import commands, words
from faceplate.io.trackcsv import csv_text, read_csv
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.tracknuke import SHAPES, STABLE, read_nuke, roto_text, tracker_text

PLATE = PlateInfo("b.%04d.exr", 4096, 2160, 1001, 1010, 24.0, 2.0, "ACEScg", origin=(-32, 16))
FRAMES = (1001, 1002, 1003, 1008, 1010)


def a_person(frames: tuple[int, ...] = FRAMES) -> PersonTrack:
    faces = []
    for frame in frames:
        points = np.round(known_landmarks("A", 1004) * 8.37 + 3.123 * (frame - 1000), 3)
        points = points.astype(np.float32)
        faces.append(
            TrackedFace(3, frame, (0, 0, 9, 9), points, points, Pose(0, 0, 0), 1, 1, "tracked")
        )
    return PersonTrack(3, tuple(faces))


def assert_same(moved, person: PersonTrack, points) -> None:
    assert sorted(moved) == person.frames
    for face in person.faces:
        assert sorted(moved[face.frame]) == sorted(points)
        apart = [np.subtract(moved[face.frame][i], face.landmarks[i]) for i in points]
        assert np.abs(apart).max() < 1e-3


@pytest.mark.parametrize("points", [STABLE, tuple(range(68))])
def test_a_tracker_comes_back_as_it_went(points: tuple[int, ...]) -> None:
    person = a_person()
    number, moved = read_nuke(tracker_text(PLATE, person, points), PLATE, "a.nk")
    assert number == 3
    assert_same(moved, person, points)


def test_a_roto_comes_back_as_it_went() -> None:
    person = a_person()
    number, moved = read_nuke(roto_text(PLATE, person), PLATE, "a.nk")
    assert number == 3
    assert_same(moved, person, [i for shape in SHAPES.values() for i in shape])


def test_a_table_comes_back_as_it_went() -> None:
    person = a_person()
    number, moved = read_csv(csv_text(person, range(68)), "a.csv")
    assert number == 3
    assert_same(moved, person, range(68))


def test_the_middle_of_the_top_left_pixel_is_half_a_pixel_from_nuke_s_top_left_corner() -> None:
    points = np.zeros((68, 2), np.float32)
    points[:] = PLATE.origin
    face = replace(a_person((1001,)).faces[0], landmarks=points, raw_landmarks=points)
    text = tracker_text(PLATE, PersonTrack(1, (face,)), [30])
    assert "{curve x1001 0.5000} {curve x1001 2159.5000}" in text


def test_format_and_frame_range_are_told_once() -> None:
    (name, body), *_ = commands(tracker_text(PLATE, a_person(), STABLE))
    knobs = {knob[0]: knob[1] for knob in commands(body)}
    assert name == "Root"
    assert knobs["format"] == "4096 2160 0 0 4096 2160 2 faceplate_plate"
    assert (knobs["first_frame"], knobs["last_frame"], knobs["fps"]) == ("1001", "1010", "24")


@pytest.mark.parametrize("text", [tracker_text(PLATE, a_person(), STABLE),
                                  roto_text(PLATE, a_person())])  # fmt: skip
def test_tcl_runs_the_script_and_sees_nodes_with_knobs(text: str) -> None:
    tkinter = pytest.importorskip("tkinter", reason="needs Python's Tcl")
    tcl = tkinter.Tcl()
    nodes: dict[str, dict[str, str]] = {}

    def node(kind: str, body: str) -> None:
        knobs = nodes[kind] = {}
        inner = tkinter.Tcl()
        inner.createcommand("unknown", lambda name, *value: knobs.update({name: value[0]}))
        inner.eval(body)

    tcl.createcommand("unknown", node)
    tcl.eval(text)
    (kind,) = set(nodes) - {"Root"}
    knobs = nodes[kind]
    assert knobs["name"] == "faceplate_person_3"
    if kind == "Tracker4":
        header, columns, tracks = tcl.splitlist(knobs["tracks"])
        count = int(tcl.splitlist(header)[2])
        assert count == len(tcl.splitlist(tracks)) == len(STABLE)
        assert len(tcl.splitlist(columns)) == 31
        assert {len(tcl.splitlist(track)) for track in tcl.splitlist(tracks)} == {31}
    else:
        (tree,) = tcl.splitlist(knobs["curves"])
        assert [tcl.splitlist(part)[0] for part in tcl.splitlist(tree)] == ["v", "f", "n"]
        layer = tcl.splitlist(tcl.splitlist(tcl.splitlist(tree)[2])[1])
        shapes = [tcl.splitlist(part) for part in layer[5:]]
        assert [shape[1] for shape in shapes] == list(SHAPES)


def test_keys_without_a_frame_follow_as_nuke_counts_them() -> None:
    text = tracker_text(PLATE, a_person((1001, 1002)), [30])
    for x, found in (
        ("curve x1001 5 6 7", [1001, 1002, 1003]),
        ("curve i x1001 5 x1003 6 7 x1010 8", [1001, 1003, 1005, 1010]),
        ("curve L x1001 5 s0 t0 K x1004 6 u1", [1001, 1004]),
    ):
        row = f'{{ {{}} "p30 nose" {{{x}}} {{{x}}} {"{} " * 27}}}'
        body = words(commands(text)[1][1])
        tracks = words(body[3])
        knob = f"{{ {{ {tracks[0]} }} {{ {tracks[1]} }} {{ {row} }} }}"
        _, moved = read_nuke(f"Tracker4 {{\n tracks {knob}\n}}\n", PLATE, "a.nk")
        assert sorted(moved) == found


def test_a_shape_with_one_key_as_nuke_writes_it_is_read() -> None:
    points = "\n".join(f"{{0 0}}\n{{{i} x44614000}}\n{{0 0}}" for i in range(6))
    curve = f"{{{{cc\n{{f 8192}}\n{{px x447a4000\n{points}}}}} idem}}"
    tree = "{{{v x3f99999a}\n{f 0}\n{n\n{layer Root\n{curvegroup eye_left 512 bezier\n"
    text = f"Roto {{\n curves {tree}{curve}}}}}}}}}}}\n}}\n"
    _, moved = read_nuke(text, PLATE, "a.nk")
    assert sorted(moved) == [1001]
    assert moved[1001][43] == (1 - 32 - 0.5, 2160 - 0.5 - 901 + 16)


MISTAKES = {
    "no node": ("Dot {\n}\n", "no Tracker4 or Roto node"),
    "open": ("Tracker4 {\n tracks {", "line 1: this brace is never closed"),
    "renamed": (tracker_text(PLATE, a_person(), [30]).replace("p30", "nose"), "'nose' is no landm"),
    "NaN": (
        tracker_text(PLATE, a_person((1001,)), [30]).replace("{curve x1001 ", "{curve x1001 nan "),
        "finite",
    ),
    "between frames": (tracker_text(PLATE, a_person((1001,)), [30]).replace(
        "{curve x1001 ", "{curve x1001.5 "), "whole frames"),
    "a point more": (roto_text(PLATE, a_person((1001,))).replace(
        "{0 0}", "{0 0} {{{0 0}} {{0 0}}} {0 0} {0 0}", 1), "neither add nor delete"),
    "not keyed": (roto_text(PLATE, a_person((1001,))).replace("{{x447a4000 ", "{{", 1), "keys"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_script_is_told(mistake: str) -> None:
    text, said = MISTAKES[mistake]
    with pytest.raises(BadSettings, match=said):
        read_nuke(text, PLATE, "a.nk")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "columns frame"),
        ("frame,p00_x,p00_y\n1001,x,2\n", "line 2: p00_x: expected a number"),
        ("frame,p00_x,p00_y\n1001,nan,2\n", "line 2: p00_x: expected a finite number"),
        ("frame,p00_x,p00_y\n1001,1,\n", "only one of x and y"),
        ("frame,p00_x,p00_y\n1001,1,2\n1001,1,2\n", "line 3: frame 1001 is there twice"),
        ("frame,person,p00_x,p00_y\n1001,1,1,2\n1002,2,1,2\n", "one person at a time"),
    ],
)
def test_a_mistake_in_a_table_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        read_csv(text, "a.csv")
