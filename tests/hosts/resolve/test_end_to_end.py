"""Without fakes but Resolve's: the plug-in, the helper, the server, the engine, the demo model."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.hosts.resolve.conftest import Stage
from tests.hosts.resolve.fake_media import FakeItem
from tests.hosts.resolve.fake_resolve import FakeResolve
from tests.support.paths import MINI, REPO

from faceplate.io.image import read_frame

BIN = Path(sys.executable).parent
WEIGHTS = Path(os.environ.get("FACEPLATE_HOME") or REPO / ".faceplate") / "weights"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"needs weights in {WEIGHTS}: make weights"),
]


@pytest.fixture
def root() -> Iterator[Path]:
    """A home with the weights; its name is short, as the path of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="fp-") as folder:
        (Path(folder) / "home").mkdir()
        (Path(folder) / "home" / "weights").symlink_to(WEIGHTS)
        yield Path(folder)


@contextlib.contextmanager
def serving(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``faceplate serve``."""
    words = [
        BIN / "faceplate",
        "serve",
        "--home",
        root / "home",
        "--roots",
        root,
        REPO / "examples",
    ]
    with (root / "server.log").open("ab") as log:
        server = subprocess.Popen([*map(str, words)], stdout=log, stderr=log)
    try:
        health = [BIN / "faceplate-client", "--home", root / "home", "--patience", "60", "health"]
        subprocess.run([*map(str, health)], check=True, capture_output=True)
        yield server
    finally:
        server.terminate()
        server.wait(30)


def staged(root: Path, language: str, **settings: Any) -> tuple[Stage, FakeItem]:
    """Return a fake Resolve with the rendered shot under its playhead, and the clip."""
    stage = Stage(root, language, FakeResolve())
    stage.quick = False  # sleeps as outside of Resolve's own Lua
    item = stage.resolve.clip(str(MINI / "B" / "B.%04d.exr"), (1001, 1012))
    stage.set(
        client=str(BIN / "faceplate-client"),
        model=str(REPO / "examples" / "demo_model"),
        consent=str(MINI / "consent.json"),
        recipe=str(REPO / "examples" / "demo_recipe.json"),
        shot="mini",
        **settings,
    )
    return stage, item


def identity(root: Path, pattern: str) -> float:
    """Measure a swap against the rendered truth; prints the panel and returns the transfer."""
    words = [
        BIN / "faceplate", "evaluate", "truth", "--result", pattern,
        "--plate", MINI / "B/B.%04d.exr", "--truth", MINI / "S/S.%04d.exr",
        "--masks", MINI / "B_masks/visible", "--truth-json", MINI / "truth_B.json",
        "--out", root / "panel",
    ]  # fmt: skip
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=True)
    sys.stdout.write(done.stdout)
    (found,) = re.findall(r"^identity +(-?[\d.]+)", done.stdout, flags=re.MULTILINE)
    return float(found)


def test_a_clip_is_swapped_with_the_demo_model(root: Path, language: str) -> None:
    stage, item = staged(root, language)
    with serving(root):
        assert stage(), stage.said
    sys.stdout.write("\n" + stage.said + "\n")

    folder = root / "home" / "resolve" / "shots" / "Feature_One" / "mini" / "v001"
    transfer = identity(root, str(folder / "mini_v001.%04d.exr"))
    sys.stdout.write(f"identity transfer from {language}: {transfer:.3f}\n")
    assert transfer > 0.25
    assert item.take == 2
    frame = read_frame(item.media.file(4))
    assert {"R", "G", "B", "fp.R", "fp_mask.A"} <= set(frame.channels)
    assert "11 frames are swapped" in stage.said  # one has no face


def test_a_fusion_comp_redoes_the_blend_exactly(root: Path) -> None:
    stage, item = staged(root, "lua", bring_back="fusion", analyse={}, handles=0)
    item.left, item.length = 2, 3
    stage.resolve.playhead = item.start
    with serving(root):
        assert stage(), stage.said

    (loader,) = item.comps[0].loaders()
    swap = read_frame(Path(loader.rendered["Clip"]))
    plate = read_frame(MINI / "B" / "B.1003.exr")
    names = [
        loader.rendered[f"Clip1.OpenEXRFormat.{name}Name"] for name in ("Red", "Green", "Blue")
    ]
    face = np.dstack([swap.channel(name) for name in names])
    matte = swap.channel(loader.rendered["Clip1.OpenEXRFormat.AlphaName"])[..., None]
    merged = face + plate.rgb() * (1 - matte)  # what Fusion's Merge does
    assert matte.max() > 0.9
    assert np.abs(merged - swap.rgb()).max() < 0.01  # halves of values up to 8


@pytest.mark.parametrize("language", ["lua"])
def test_a_server_that_is_killed_in_the_middle_loses_nothing(root: Path, language: str) -> None:
    stage, item = staged(root, language)
    item.length = 4
    stage.resolve.playhead = item.start
    folder = root / "home" / "resolve" / "shots" / "Feature_One" / "mini"
    with serving(root) as server:
        thread = threading.Thread(target=_kill_after_two_frames, args=(server, folder / "v001"))
        thread.start()
        assert not stage()
        thread.join()
    assert "no Faceplate server answers" in stage.said
    assert json.loads((folder / "job.json").read_text())["step"] == "swap"

    with serving(root):
        assert stage(), stage.said
    assert item.take == 2
    assert len(list((folder / "v001").glob("*.exr"))) == 4
    assert "looking at job" in stage.said
    assert len(list((root / "home" / "jobs").glob("*.log"))) == 2  # the swap was not doubled


def _kill_after_two_frames(server: subprocess.Popen[bytes], folder: Path) -> None:
    while len(list(folder.glob("*.exr"))) < 2:
        time.sleep(0.02)
    os.kill(server.pid, signal.SIGKILL)
