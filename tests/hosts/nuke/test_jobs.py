"""The work against a real server through the real helper; the verbs write real EXR."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.nuke.session import FOLDER, Session
from tests.support.nuke.tclscript import read_script
from tests.support.paths import MINI, REPO
from tests.support.patience import within

from faceplate_protos.v1 import jobs_pb2

pytestmark = pytest.mark.skipif(os.name != "posix", reason="unix sockets and signals")


@pytest.fixture
def node(gui: Session, reached: Path) -> Any:
    return made(gui, reached)


def made(session: Session, folder: Path) -> Any:
    """Return a node behind four frames, of a script in a folder, with a consent record."""
    session.host.script = str(folder / "comp.nk")
    session.plate(last=1004)
    node = session.actions.create()
    run = session.jobs.running(node)
    if run is not None:
        session.wait(run)
    assert "1 models" in node["fp_status"].value()
    node["fp_consent"].setValue(f"{MINI}/consent.json")
    session.host.undo.clear()
    return node


def jobs_of(server: Any) -> list[Any]:
    return list(server(server.jobs.ListJobs, jobs_pb2.ListJobsRequest()).jobs)


def ended(server: Any) -> Any:
    """Return the newest job when it is over; it is not watched, as that would keep it alive."""
    end = time.monotonic() + 60
    while True:
        job = jobs_of(server)[0]
        if job.state not in (jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING):
            return job
        assert time.monotonic() < end
        time.sleep(0.05)


def held(folder: Path) -> Path:
    """Let swaps of the first node wait; returns the file that they wait for the end of."""
    gate = folder / "faceplate" / "FP_FaceSwap1" / "gate"
    gate.parent.mkdir(parents=True)
    gate.touch()
    return gate


def output(folder: Path, version: int = 1) -> Path:
    return folder / "faceplate" / "FP_FaceSwap1" / f"fp_v{version:03d}"


@pytest.mark.slow
def test_a_range_is_swapped_into_a_new_version_each_time(
    gui: Session, node: Any, reached: Path, server: Any
) -> None:
    node["fp_r_opacity"].setExpression("(frame - 1001) / 3")
    gui.host.undo.clear()
    first = gui.wait(gui.actions.swap(node))
    assert first.error is None
    assert gui.host.undo == ["Faceplate: fp_v001"]
    assert gui.host.tasks[-1]._said[-1].startswith("swap: ")
    names = sorted(path.name for path in output(reached).iterdir())
    assert names == sorted(
        [*(f"comp.{frame}.exr" for frame in range(1001, 1005)), "comp.nk", "comp.track.json",
         "recipe.json", "request.json"]
    )  # fmt: skip
    recipe = json.loads((output(reached) / "recipe.json").read_text())
    assert len(recipe["keys"]["opacity"]) == 4
    request = json.loads((output(reached) / "request.json").read_text())
    assert request["ocio"]["working_space"] == "lin_rec709_scene"
    assert request["frames"] == "1001-1004"
    assert read_script((output(reached) / "comp.nk").read_text())
    assert node["fp_version"].value() == str(output(reached))
    assert node["fp_status"].value() == "fp_v001: 1001-1004, a face in 4 frames"
    verbs = [job.verb for job in jobs_of(server)[:2]]
    assert verbs == ["swap", "analyse"]

    before = {path: path.stat().st_mtime_ns for path in output(reached).iterdir()}
    gui.wait(gui.actions.swap(node))
    assert node["fp_version"].value() == str(output(reached, 2))
    assert {path: path.stat().st_mtime_ns for path in output(reached).iterdir()} == before
    assert [job.verb for job in jobs_of(server)[:2]] == ["swap", "swap"]  # the track is kept


def test_one_frame_is_previewed_and_only_it_is_shown(
    gui: Session, node: Any, reached: Path
) -> None:
    gui.host.current = 1002
    node["fp_render"].setValue(True)
    gui.host.undo.clear()
    run = gui.wait(gui.actions.preview(node))

    assert run.error is None
    temporary = Path(os.environ["NUKE_TEMP_DIR"])
    assert [path.name for path in temporary.rglob("*.exr")] == ["preview.1002.exr"]
    assert gui.host.undo == ["Faceplate: preview of frame 1002"]
    assert node["fp_show"].value() == "preview"
    which = node.node("FP_Preview")["which"]
    assert [which.getValueAt(frame) for frame in (1001, 1002, 1003)] == [0, 1, 0]
    file = Path(node.node("FP_PreviewRead")["file"].value() % 1002)
    assert file.is_file()
    assert not output(reached).exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["bar", "button"])
def test_cancelling_ends_the_job(
    gui: Session, node: Any, reached: Path, server: Any, how: str
) -> None:
    held(reached)
    run = gui.actions.swap(node)
    gui.host.pump(lambda: (output(reached) / "comp.1001.exr").exists())
    assert gui.actions.swap(node) is None  # one thing at a time
    assert "Busy" in gui.host.messages[-1]
    began = time.monotonic()
    if how == "bar":
        gui.host.cancel_tasks = True
    else:
        node["fp_cancel"].execute()
    gui.wait(run)

    assert time.monotonic() - began < within(2)
    assert run.error.code == "Cancelled"
    assert "cancelled" in node["fp_status"].value()
    assert node["fp_version"].value() == ""  # what is there is not shown as if it were whole
    assert ended(server).state == jobs_pb2.JOB_STATE_CANCELLED


@pytest.mark.slow
@pytest.mark.parametrize("how", ["script", "helper"])
def test_a_closed_script_or_a_killed_helper_ends_the_job(
    gui: Session, node: Any, reached: Path, server: Any, how: str
) -> None:
    gui.run("init.py")
    held(reached)
    run = gui.actions.swap(node)
    gui.host.pump(lambda: (output(reached) / "comp.1001.exr").exists())
    helper = run.watched.helper
    began = time.monotonic()
    if how == "script":
        gui.host.close_script()
        assert time.monotonic() - began < 1  # it never waits
    else:
        os.kill(helper.pid, signal.SIGKILL)
    gui.wait(run)

    assert not helper.running
    assert run.error.code == ("Cancelled" if how == "script" else "HelperFailed")
    assert ended(server).state == jobs_pb2.JOB_STATE_CANCELLED


def test_an_error_is_shown_on_the_node_with_its_job(gui: Session, node: Any, server: Any) -> None:
    node["fp_consent"].setValue("")
    gui.host.undo.clear()
    run = gui.wait(gui.actions.swap(node))

    assert run.error.code == "ConsentRefused"
    assert run.error.exit_code == 6
    assert "no consent record" in node["fp_status"].value()
    assert f"(job {run.error.job})" in node["fp_status"].value()
    assert run.error.job == jobs_of(server)[0].id
    assert node["tile_color"].value() == 0xB03030FF
    assert "ConsentRefused" in node["fp_log"].value()
    assert gui.host.undo == []
    node["fp_consent"].setValue(f"{MINI}/consent.json")
    gui.wait(gui.actions.swap(node))
    assert node["tile_color"].value() == 0


@pytest.mark.slow
def test_a_node_that_is_deleted_at_work_ends_its_job_and_breaks_nothing(
    gui: Session, node: Any, reached: Path, server: Any
) -> None:
    gate = held(reached)
    run = gui.actions.swap(node)
    gui.host.pump(lambda: (output(reached) / "comp.1001.exr").exists())
    gui.nuke.delete(node)
    gui.wait(run)

    assert gui.jobs._RUNS == []
    assert run.error.code == "Cancelled"
    assert ended(server).state == jobs_pb2.JOB_STATE_CANCELLED
    gate.unlink()


@pytest.mark.slow
def test_a_node_may_be_renamed_at_work_and_others_work_beside_it(
    gui: Session, node: Any, reached: Path, server: Any
) -> None:
    gate = held(reached)
    run = gui.actions.swap(node)
    gui.host.pump(lambda: (output(reached) / "comp.1001.exr").exists())
    node.setName("Hero")
    other = gui.actions.create()
    gui.wait(gui.jobs.running(other))
    assert other.name() == "FP_FaceSwap1"  # the name that the first one had when it began
    other.setInput(0, node.input(0))
    other["fp_consent"].setValue(f"{MINI}/consent.json")
    gui.host.current = 1002
    assert gui.wait(gui.actions.preview(other)).result["faces"] == 1
    assert gui.actions.swap(node) is None
    assert "Hero is at work" in gui.host.messages[-1]
    node["fp_cancel"].execute()
    gui.wait(run)

    assert run.error.code == "Cancelled"
    gate.unlink()


@pytest.mark.slow
def test_a_preview_is_cancelled_too(gui: Session, node: Any, reached: Path) -> None:
    gui.host.current = 1002
    slow = gui.jobs.Run.ask

    def ask(self: Any, words: list[str]) -> Any:
        self.stopped = True  # pressed while the frame is swapped
        return slow(self, words)

    gui.jobs.Run.ask = ask
    run = gui.wait(gui.actions.preview(node))

    assert run.error.code == "Cancelled"
    assert "cancelled" in node["fp_status"].value()
    assert node["fp_show"].value() == "plate"


def test_a_refused_call_is_shown_with_its_request(
    gui: Session, node: Any, reached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = reached / "token"
    wrong.write_text("not the right one, surely")
    monkeypatch.setenv("FACEPLATE_TOKEN_FILE", str(wrong))
    run = gui.wait(gui.actions.reload(node))

    assert run.error.code == "Unauthenticated"
    assert f"(request {run.error.request_id})" in node["fp_status"].value()
    assert run.error.request_id


def test_an_unsaved_script_may_be_looked_at(gui: Session, node: Any) -> None:
    gui.host.script = ""
    gui.host.current = 1003
    run = gui.wait(gui.actions.preview(node))

    assert run.error is None
    assert node["fp_show"].value() == "preview"


@pytest.mark.slow
def test_a_server_that_does_not_run_is_told_with_what_to_type(
    gui: Session, node: Any, reached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node["fp_server"].setValue(f"unix:{reached}/none")
    run = gui.wait(gui.actions.reload(node))

    assert (run.error.code, run.error.exit_code) == ("Unreachable", 8)
    assert "faceplate serve" in node["fp_status"].value()


@pytest.mark.slow
def test_batch_runs_without_a_gui_and_ends_with_the_exit_code(
    terminal: Session, reached: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import faceplate_nuke.batch as batch

    node = made(terminal, reached)
    script = str(reached / "comp.nk")
    terminal.nuke.scriptSave(script)
    terminal.host.root_node._children.clear()
    assert batch.main([script, "--frames=1002-1003", "--save"]) == 0
    said = capsys.readouterr().out
    assert "Progress: 100% Faceplate swap: FP_FaceSwap1: swap: " in said
    assert "FP_FaceSwap1: fp_v001: 1002-1003, a face in 2 frames" in said
    assert sorted(path.name for path in output(reached).glob("*.exr")) == [
        "comp.1002.exr", "comp.1003.exr",
    ]  # fmt: skip
    text = Path(script).read_text()
    assert str(output(reached)) in text
    assert "fp_range input" in text  # what was asked of the batch is not saved

    (node,) = terminal.nuke.allNodes("Group")
    node["fp_consent"].setValue("")
    terminal.nuke.scriptSave(script)
    terminal.host.root_node._children.clear()
    assert batch.main([script]) == 6
    assert "ConsentRefused" in capsys.readouterr().err


def test_batch_refuses_what_is_not_there(
    terminal: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import faceplate_nuke.batch as batch

    assert batch.main([str(tmp_path / "no.nk")]) == 6
    terminal.nuke.scriptSave(str(tmp_path / "empty.nk"))
    assert batch.main([str(tmp_path / "empty.nk")]) == 6
    assert "has no node FP_FaceSwap" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        batch.main([str(tmp_path / "empty.nk"), "--frames=x"])
    assert stop.value.code == 2
    help_text = subprocess.run(
        [sys.executable, FOLDER / "faceplate_nuke" / "batch.py", "--help"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "--frames=1001-1010" in help_text


@pytest.mark.slow
def test_a_range_is_sent_to_a_farm(gui: Session, node: Any, reached: Path) -> None:
    model = str(REPO / "examples/demo_model")
    node["fp_models"].setValue(json.dumps({"anna (a into b)": model}))
    node["fp_submit"].setValue(f"{sys.executable} -c 'import sys; print(sys.argv[1:])'")
    node["fp_chunk"].setValue(2)
    node["fp_render"].setValue(True)
    run = gui.wait(gui.actions.farm(node))

    assert run.error is None, run.error
    bundle = output(reached) / "farm"
    assert (bundle / "template.yaml").is_file()
    parameters = (bundle / "parameter_values.yaml").read_text()
    assert "comp.%04d.exr" in (bundle / "template.yaml").read_text()
    assert f"{MINI}/consent.json" in parameters
    assert f"{output(reached)}/plate" in parameters  # what was rendered stays with the job
    assert len(list((output(reached) / "plate").glob("plate.*.exr"))) == 4
    assert run.result["tasks"] == 2
    # what the command printed is told, without the brackets, which a label would evaluate
    assert f"submitted:  '{bundle}'" in node["fp_status"].value()
    assert node["fp_version"].value() == str(output(reached))


@pytest.mark.slow
def test_a_farm_that_stops_a_batch_ends_its_helper_and_its_job(
    terminal: Session, reached: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faceplate_nuke.batch as batch
    from faceplate_nuke import client, host

    made(terminal, reached)
    script = str(reached / "comp.nk")
    terminal.nuke.scriptSave(script)
    terminal.host.root_node._children.clear()
    held(reached)
    helpers: list[Any] = []
    take = client.Watched.take
    monkeypatch.setattr(
        client.Watched, "take", lambda self, one: (helpers.append(one), take(self, one))[1]
    )
    show = host.Bar.show

    def shown(self: Any, share: float, text: str) -> bool:
        if "1 of 4" in text:
            os.kill(os.getpid(), signal.SIGTERM)
        return bool(show(self, share, text))

    monkeypatch.setattr(host.Bar, "show", shown)
    with pytest.raises(SystemExit) as stop:
        batch.main([script])

    assert stop.value.code == 143
    assert not any(one.running for one in helpers if one is not None)
    assert ended(server).state == jobs_pb2.JOB_STATE_CANCELLED
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
