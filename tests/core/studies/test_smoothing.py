"""`evaluate smoothing` on a track that shakes, of a truth that is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.shots import known_landmarks

from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.io.tracked import PersonTrack, PlateInfo, Pose, TrackedFace
from faceplate.io.trackfile import Track
from faceplate.studies.smoothing import SmoothingJob, smoothing

FRAMES = range(1001, 1041)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(0)
    faces, truth = [], {}
    for frame in FRAMES:
        true = known_landmarks("A", 1004) + np.array([3 * np.sin(frame / 5), 0])
        truth[str(frame)] = {
            "landmarks68_px": (true + 0.5).tolist(), "yaw": 0 if frame != 1020 else 80,
            "visible_fraction": 1,
        }  # fmt: skip
        points = true + random.normal(0, 0.3, (68, 2))
        face = TrackedFace(1, frame, (0, 0, 9, 9), points, points, Pose(0, 0, 0), 1, 1, "tracked")
        faces.append(face)
    track = Track(
        PlateInfo("p.%04d.exr", 384, 216, 1001, 1040), tuple(FRAMES),
        (PersonTrack(1, tuple(faces)),), {},
    )  # fmt: skip
    track.save(tmp_path / "t.json")
    (tmp_path / "truth.json").write_text(json.dumps({"frames": truth}))
    return tmp_path / "t.json", tmp_path / "truth.json"


def test_every_way_is_measured_and_smoothing_is_seen_to_work(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    result = smoothing(SmoothingJob(str(files[0]), str(files[1])), Context(tmp_path))
    assert result.frames == 39  # one is turned too far
    rows = {(row["method"], row["window"]): row for row in result.rows}
    raw, default = rows["none", 1], rows["adaptive", 9]
    assert default["shake"] < 0.5 * raw["shake"]
    assert default["error"] < raw["error"]
    assert {row["lag"] for row in result.rows} == {0}


def test_a_truth_that_is_none_is_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(BadSettings, match="no truth"):
        smoothing(SmoothingJob(str(files[0]), str(tmp_path / "no.json")), Context(tmp_path))
    with pytest.raises(NotFound, match="none"):
        smoothing(SmoothingJob(str(files[0]), str(tmp_path / "none.json")), Context(tmp_path))
    job = SmoothingJob(str(files[0]), str(files[1]), least_visible=2)
    with pytest.raises(BadSettings, match="neighbouring"):
        smoothing(job, Context(tmp_path))
