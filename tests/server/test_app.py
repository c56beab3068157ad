import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from tests.support.calls import submit, wait
from tests.support.servers import fake_settings, running_server

from faceplate.errors import BadSettings
from faceplate_protos.v1 import jobs_pb2
from faceplate_server.app import main
from faceplate_server.faults import ServerBusy


def test_the_server_answers_on_a_free_port_of_this_machine(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path, address="127.0.0.1:0")) as client:
        assert client.address.startswith("127.0.0.1:")
        assert not client.address.endswith(":0")
        assert client.address == (tmp_path / "home" / "address").read_text().strip()
        job = wait(client, submit(client, out=tmp_path / "o").id)

    assert job.state == jobs_pb2.JOB_STATE_DONE
    assert not (tmp_path / "home" / "address").exists()


@pytest.mark.parametrize(
    "address", ["0.0.0.0:0", "192.168.1.7:50051", "[::]:0", "studio.example:1"]
)
def test_plain_tcp_is_for_this_machine_only(tmp_path: Path, address: str) -> None:
    with (
        pytest.raises(BadSettings, match="other machines"),
        running_server(fake_settings(tmp_path, address=address)),
    ):
        pass


def test_one_home_has_one_server(tmp_path: Path) -> None:
    with (
        running_server(fake_settings(tmp_path)),
        pytest.raises(ServerBusy, match="already runs"),
        running_server(fake_settings(tmp_path)),
    ):
        pass


def test_a_used_port_is_a_clear_error(tmp_path: Path) -> None:
    changes = {"address": "127.0.0.1:0", "roots": ("/",)}
    with running_server(fake_settings(tmp_path / "a", **changes)) as first:
        changes = {"address": first.address, "roots": ("/",)}
        with (
            pytest.raises(BadSettings, match="in use"),
            running_server(fake_settings(tmp_path / "b", **changes)),
        ):
            pass


def test_a_root_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(BadSettings, match="not a folder"),
        running_server(fake_settings(tmp_path, roots=(str(tmp_path / "absent"),))),
    ):
        pass


def test_main_says_wrong_settings_and_returns_their_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_HOME", str(tmp_path))

    assert main(["--address", "0.0.0.0:50051"]) == 2
    assert "other machines" in capsys.readouterr().err


def test_an_unknown_method_is_unimplemented(tmp_path: Path) -> None:
    with running_server(fake_settings(tmp_path)) as client:
        method = client.channel.unary_unary("/faceplate.v1.Jobs/Nothing")
        with pytest.raises(grpc.RpcError) as caught:
            method(b"", metadata=client.metadata, timeout=10)

    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_the_server_process_loads_nothing_of_the_engine() -> None:
    code = "import sys, json, faceplate_server.app; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(json.loads(out.stdout))

    assert not {"torch", "numpy", "cv2", "OpenImageIO", "PyOpenColorIO"} & loaded


def test_a_worker_does_not_load_grpc() -> None:
    modules = "faceplate_server.worker, faceplate_server.engine"
    code = f"import sys, {modules}; print('grpc' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert out.stdout.strip() == "False"
