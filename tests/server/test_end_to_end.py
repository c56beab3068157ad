"""The whole way with the real engine: helper, server, worker, files."""

import json
from pathlib import Path
from typing import Any

import pytest
from faceplate.io.image import read_frame
from faceplate_client.main import main
from faceplate_server.app import ENGINE
from faceplate_server.verbs import ENGINE_VERBS

from tests.support.paths import MINI
from tests.support.servers import fake_settings, running_server
from tests.support.swaps import consent_file, tiny_model, truth_track


def test_a_shot_is_swapped_through_helper_and_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth_track(tmp_path / "B.json")
    tiny_model(tmp_path / "tiny")
    consent_file(tmp_path / "consent.json")

    def run(*words: object) -> tuple[int, dict[str, Any]]:
        code = main(["--home", str(tmp_path / "home"), *map(str, words)])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    common = {
        "plate": MINI / "B" / "B.%04d.exr",
        "track": tmp_path / "B.json",
        "model": tmp_path / "tiny",
    }
    rest = (f"consent={tmp_path}/consent.json",)
    roots = (str(tmp_path), str(MINI))
    with running_server(fake_settings(tmp_path, roots=roots), ENGINE_VERBS, ENGINE):
        code, done = run(
            *("submit", "swap", "frames=1003-1004", f"out={tmp_path}/o/B.%04d.exr", *rest),
            *(f"{name}={path}" for name, path in common.items()),
        )
        assert (code, done["event"], done["result"]["swapped"]) == (0, "done", 2)
        assert done["progress"]["frame"] == 1004

        flags = [word for name, path in common.items() for word in (f"--{name}", path)]
        code, frame = run(
            *("swap-frame", *flags, "--frame", 1005, "--out", tmp_path / "o" / "B.%04d.exr", *rest)
        )
        assert (code, frame["event"], frame["faces"]) == (0, "frame", 1)

        code, models = run("models")
        assert [model["name"] for model in models["models"]] == ["tiny"]

        code, refused = run(
            "submit", "swap", *(f"{n}={p}" for n, p in common.items()), "out=/x.exr"
        )
        assert (code, refused["code"]) == (6, "OutsideRoots")

    for number in (1003, 1004, 1005):
        assert "fp_mask.A" in read_frame(tmp_path / "o" / f"B.{number}.exr").channels
