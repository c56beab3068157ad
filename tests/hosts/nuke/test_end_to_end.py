"""The whole way from an artist's node to layers, without a fake but Nuke itself: helper, server,
engine, EXR; on the bundled shot with the bundled model, measured against its exact truth.

Marked slow: it analyses, swaps and measures twelve frames with real networks.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.nuke import pixels
from tests.support.nuke.session import Session, client_program
from tests.support.paths import MINI, REPO
from tests.support.servers import fake_settings, running_server
from tests.support.swaps import truth_track

from faceplate.context import Context
from faceplate.evaluate.truth import TruthJob, truth
from faceplate.io.image import read_frame
from faceplate_server.app import ENGINE
from faceplate_server.verbs import ENGINE_VERBS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="unix sockets"),
]

WEIGHTS = Path(os.environ.get("FACEPLATE_HOME", REPO / ".faceplate")) / "weights"


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a shot, with a server that may read the repository's examples."""
    home = tmp_path / "home"
    home.mkdir()
    if WEIGHTS.is_dir():
        (home / "weights").symlink_to(WEIGHTS)
    for name, value in {
        "FACEPLATE_CLIENT": client_program(), "FACEPLATE_HOME": home,
        "FACEPLATE_SERVER": f"unix:{home}/s", "NUKE_TEMP_DIR": tmp_path / "temp",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("OCIO", raising=False)
    settings = fake_settings(tmp_path, roots=(str(tmp_path), str(REPO / "examples")))
    with running_server(settings, ENGINE_VERBS, ENGINE):
        yield tmp_path


def test_a_shot_from_the_node_to_layers(
    gui: Session, shot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gui.run("init.py")
    gui.host.script = str(shot / "comp.nk")
    plate = gui.plate()
    node = gui.actions.create()
    gui.wait(gui.jobs.running(node))
    assert node["fp_model"].value().startswith("demo_model (p1A into p1B)")
    node["fp_consent"].setValue(f"{MINI}/consent.json")
    node["fp_shot"].setValue("mini")
    if not WEIGHTS.is_dir():
        truth_track(shot / "true.track.json")
        node["fp_track"].setValue(str(shot / "true.track.json"))
    node["fp_r_matte"].setValue("learned")

    gui.host.current = 1004
    run = gui.wait(gui.actions.preview(node))
    assert run.error is None
    file = Path(str(node.node("FP_PreviewRead")["file"].value()) % 1004)
    assert set(read_frame(file).channels) <= set("RGBA")  # layers take three times as long
    seen = pixels.evaluate(node, 1004)["rgba.red"]
    assert np.abs(seen - pixels.evaluate(plate, 1004)["rgba.red"]).max() > 0.02
    gui.host.undo.clear()
    run = gui.wait(gui.actions.swap(node), 600)
    assert run.error is None
    assert gui.host.undo == ["Faceplate: fp_v001"]
    version = Path(node["fp_version"].value())
    assert len(list(version.glob("mini.*.exr"))) == 12

    made = read_frame(version / "mini.1004.exr", 1004)
    node["fp_show"].setValue("blend by hand")
    by_hand = pixels.evaluate(node, 1004)
    for name, channel in (("rgba.red", "R"), ("rgba.green", "G"), ("rgba.blue", "B")):
        assert np.abs(by_hand[name] - made.channel(channel)).max() < 4e-3
    header = made.attribute("faceplate:ocio")
    assert header.endswith("| ACEScg")

    figures = truth(
        TruthJob(
            result=f"{version}/mini.%04d.exr",
            plate=f"{MINI}/B/B.%04d.exr",
            truth=f"{MINI}/S/S.%04d.exr",
            truth_json=str(MINI / "truth_B.json"),
            masks=str(MINI / "B_masks/visible"),
            out=str(shot / "panel"),
        ),
        Context(home=REPO / ".faceplate"),
    )
    panel = {row.figure: row.result for row in figures.panel}
    with capsys.disabled():
        sys.stdout.write(f"\n{version.name} from Nuke's side: {json.dumps(panel)}\n")
        sys.stdout.write(f"{node['fp_log'].value()}\n")
    assert figures.frames >= 8
    if panel["identity"] is not None:  # needs the extra `identity`
        assert panel["identity"] > 0.2


def test_what_is_rendered_gives_the_same_swap_as_its_files(gui: Session, shot: Path) -> None:
    gui.host.script = str(shot / "comp.nk")
    gui.plate(last=1002)
    node = gui.actions.create()
    gui.wait(gui.jobs.running(node))
    node["fp_consent"].setValue(f"{MINI}/consent.json")
    node["fp_shot"].setValue("mini")
    truth_track(shot / "true.track.json")
    node["fp_track"].setValue(str(shot / "true.track.json"))
    for render in (False, True):
        node["fp_render"].setValue(render)
        node["fp_color_space"].setValue("lin_ap1_scene")
        run = gui.wait(gui.actions.swap(node), 600)
        assert run.error is None
    one, two = (read_frame(path, 1001) for path in sorted(shot.rglob("mini.1001.exr")))

    worst = np.abs(one.rgb() - two.rgb()).max() / one.rgb().max()
    assert worst < 2e-3  # half floats on the way


def test_a_config_that_the_server_cannot_open_is_refused_with_the_reason(
    gui: Session, shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = shot / "newer.ocio"
    config.write_text("ocio_profile_version: 9.1\nroles:\n  default: raw\n")
    monkeypatch.setenv("OCIO", str(config))
    gui.host.script = str(shot / "comp.nk")
    gui.plate(last=1001)
    node = gui.actions.create()
    gui.wait(gui.jobs.running(node))
    node["fp_consent"].setValue(f"{MINI}/consent.json")
    truth_track(shot / "true.track.json")
    node["fp_track"].setValue(str(shot / "true.track.json"))
    run = gui.wait(gui.actions.swap(node))

    assert run.error is not None
    assert "newer.ocio" in str(run.error)
    assert "9" in str(run.error)
    assert f"(job {run.error.job})" in str(run.error)
