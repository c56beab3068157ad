"""A publishing that is stopped in the midst of an upload, as a farm stops it."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.versions import record_of, version_in


@pytest.mark.slow  # waits for most of the five seconds
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_upload_that_hangs_is_left_within_five_seconds_of_sigterm(tmp_path: Path) -> None:
    pytest.importorskip("gazu", reason="the extra kitsu is not installed")
    pattern = version_in(tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        kitsu = {
            "host": f"http://127.0.0.1:{silent.getsockname()[1]}/api", "project": "Show",
            "sequence": "sq010", "task": "Compositing",
        }  # fmt: skip
        (tmp_path / "home").mkdir(exist_ok=True)
        (tmp_path / "home" / "publish.json").write_text(json.dumps({"trackers": {"kitsu": kitsu}}))
        words = ["review", "publish", pattern, "--home", str(tmp_path / "home")]
        task = subprocess.Popen(
            [sys.executable, "-m", "faceplate.cli", *words],
            env={**os.environ, "FACEPLATE_KITSU_TOKEN": "token"},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        silent.settimeout(60)
        with silent.accept()[0]:
            began = time.monotonic()
            task.terminate()
            _, told = task.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert task.returncode == 143
    assert "what was at work was dropped" in told
    assert record_of(pattern).hooks == ()
