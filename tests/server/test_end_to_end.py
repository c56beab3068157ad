"""The whole way with the real engine: helper, server, worker, files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.paths import MINI
from tests.support.servers import fake_settings, running_server
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate.io.image import read_frame
from faceplate_client.main import main
from faceplate_server.app import ENGINE
from faceplate_server.verbs import ENGINE_VERBS


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run the helper against a server with the real engine; gives its exit code and last event."""
    truth_track(tmp_path / "B.json")
    tiny_model(tmp_path / "tiny")
    consent_file(tmp_path / "consent.json")

    def call(*words: object) -> tuple[int, dict[str, Any]]:
        code = main(["--home", str(tmp_path / "home"), *map(str, words)])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    roots = (str(tmp_path), str(MINI))
    with running_server(fake_settings(tmp_path, roots=roots), ENGINE_VERBS, ENGINE):
        yield call


def settings(folder: Path) -> dict[str, Path]:
    return {
        "plate": MINI / "B" / "B.%04d.exr",
        "track": folder / "B.json",
        "model": folder / "tiny",
        "out": folder / "o" / "B.%04d.exr",
    }


def test_a_frame_is_swapped_through_helper_and_server(run: Any, tmp_path: Path) -> None:
    flags = [word for name, path in settings(tmp_path).items() for word in (f"--{name}", path)]
    code, event = run("swap-frame", *flags, "--frame", 1005, f"consent={tmp_path}/consent.json")

    assert (code, event["event"], event["faces"]) == (0, "frame", 1)
    assert "fp_mask.A" in read_frame(tmp_path / "o" / "B.1005.exr").channels

    code, refused = run("swap-frame", *flags, "--frame", 1006)
    assert (code, refused["code"]) == (6, "ConsentRefused")

    sent = MINI / "B" / "B.1005.exr"
    record = f"consent={tmp_path}/consent.json"
    words = ("--number", 1005, "--track", tmp_path / "B.json", "--model", "tiny", record)
    code, event = run("swap-bytes", "--frame", sent, *words, "--out", tmp_path / "back.exr")
    assert (code, event["network_runs"]) == (0, 0)
    there, back = (read_frame(tmp_path / name) for name in ("o/B.1005.exr", "back.exr"))
    assert there.channels == back.channels
    assert (there.pixels == back.pixels).all()

    _, listed = run("models")
    assert [model["name"] for model in listed["models"]] == ["tiny"]


@pytest.mark.slow
def test_a_shot_is_swapped_through_helper_and_server(run: Any, tmp_path: Path) -> None:
    words = [f"{name}={path}" for name, path in settings(tmp_path).items()]
    consent = f"consent={tmp_path}/consent.json"
    code, done = run("submit", "swap", "frames=1003-1004", consent, *words)

    assert (code, done["event"], done["result"]["swapped"]) == (0, "done", 2)
    assert done["progress"]["frame"] == 1004
    for number in (1003, 1004):
        assert "fp_mask.A" in read_frame(tmp_path / "o" / f"B.{number}.exr").channels

    code, refused = run("submit", "swap", *words[:3], "out=/x.exr")
    assert (code, refused["code"]) == (6, "OutsideRoots")

    # what a recipe names is found out by the worker, which opens it
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"matte": "segmented-performer", "segmenter": "/x.safetensors"}))
    code, refused = run("submit", "swap", "frames=1005", consent, f"recipe={recipe}", *words)
    assert (code, refused["code"]) == (6, "OutsideRoots")
