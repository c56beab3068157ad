"""`faceplate track`, as it is typed: export, correct, import, and what follows."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.cli import main
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track


@pytest.fixture
def path(tmp_path: Path) -> Path:
    people = []
    for number in (1, 2):
        faces = []
        for frame in range(1001, 1011) if number == 1 else range(1006, 1011):
            points = (known_landmarks("A", 1004) + np.array([200 * (number - 1), 0])).astype(
                np.float32
            )
            low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
            faces.append(TrackedFace(number, frame, (*low, *high), points, points,
                                     Pose(0, 0, 0), 0.9, 0.9, "tracked"))  # fmt: skip
        people.append(PersonTrack(number, tuple(faces)))
    info = PlateInfo("p.%04d.exr", 640, 216, 1001, 1010, 24.0)
    track = Track(info, tuple(range(1001, 1011)), tuple(people), {"reach": 4})
    track.save(tmp_path / "t.json")
    assert main(["track", "refit", str(tmp_path / "t.json")]) == 0
    return tmp_path / "t.json"


def said(capsys, *words: str, code: int = 0) -> dict:
    capsys.readouterr()
    assert main(["--json", *words]) == code
    out, err = capsys.readouterr()
    return json.loads(out.splitlines()[-1]) if code == 0 else {"error": err}


@pytest.mark.parametrize("kind", ["nuke-tracker", "nuke-roto", "csv"])
def test_what_comes_back_untouched_changes_nothing(path: Path, capsys, kind: str) -> None:
    file = path.with_suffix(".csv" if kind == "csv" else ".nk")
    before = path.read_bytes()
    words = ["--person", "2", "--points", "all"]
    assert said(capsys, "track", "export", str(path), "--out", str(file), "--format", kind, *words)[
        "frames"
    ] == 5  # fmt: skip
    result = said(capsys, "track", "import", str(path), "--file", str(file))
    assert (result["person"], result["corrected"], result["unchanged"]) == (2, "", 5)
    assert path.read_bytes() == before


def test_a_key_that_was_moved_repairs_a_stretch(path: Path, capsys) -> None:
    table = path.with_suffix(".csv")
    said(capsys, "track", "export", str(path), "--out", str(table), "--format", "csv",
         "--person", "1", "--points", "30")  # fmt: skip
    lines = table.read_text().splitlines()
    frame, who, source, x, y = lines[5].split(",")
    lines[5] = ",".join([frame, who, source, x, str(float(y) + 8)])
    table.write_text("\n".join(lines))
    result = said(capsys, "track", "import", str(path), "--file", str(table))
    assert (result["corrected"], result["refitted"]) == ("1005", 8)
    track = Track.load(path)
    moved = [
        float(face.landmarks[30, 1] - face.raw_landmarks[30, 1]) for face in track.people[0].faces
    ]
    assert moved[4] == pytest.approx(8, abs=2e-3)
    assert moved[3] == pytest.approx(moved[5], abs=0.01)
    assert 6 < moved[3] < 8
    assert abs(moved[9]) < 0.01
    shown = said(capsys, "track", "show", str(path))
    assert [one["corrected"] for one in shown["people"]] == ["1005", ""]


def test_people_are_named_and_joined(path: Path, capsys) -> None:
    assert said(capsys, "track", "name", str(path), "--person", "right", "--name", "Ben")[
        "person"
    ] == 2  # fmt: skip
    both = said(capsys, "track", "join", str(path), "--person", "1", "--other", "Ben", code=2)
    assert "in frame 1006" in both["error"]
    taken = said(capsys, "track", "name", str(path), "--person", "1", "--name", "Ben", code=2)
    assert "somebody else" in taken["error"]


def test_somebody_who_was_not_known_again_is_joined(path: Path, capsys) -> None:
    track = json.loads(path.read_text())
    faces = track["people"][0]["faces"]
    track["people"][0]["faces"] = faces[:5]
    path.write_text(json.dumps(track))
    result = said(capsys, "track", "join", str(path), "--person", "1", "--other", "2")
    assert (result["frames"], result["person"]) == ("1001-1010", 1)
    assert [one.person for one in Track.load(path).people] == [1]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["export", "{}", "--out", "x.nk", "--person", "9"], 6, "no person 9; there is: 1 in 10"),
        (["export", "{}", "--out", "x.nk", "--points", "70"], 2, "numbers from 0 to 67"),
        (["import", "{}", "--file", "none.nk"], 6, "none.nk does not exist"),
        (["refit", "{}", "--reach", "-1"], 2, "reach must be 0 or more"),
        (["show", "none.json"], 6, "does not exist"),
    ],
)
def test_mistakes_are_told(path: Path, capsys, words: list[str], code: int, error: str) -> None:
    typed = [word.replace("{}", str(path)) for word in words]
    assert error in said(capsys, "track", *typed, code=code)["error"]
