"""TLS and mutual TLS, with the helper as the client."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.support.certificates import Authority
from tests.support.servers import fake_settings, running_server

from faceplate.errors import BadSettings
from faceplate_client.main import main


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(*words: str) -> dict[str, Any]:
        token = str(tmp_path / "home" / "token")
        main(["--home", str(tmp_path / "home"), "--token-file", token, "--patience", "0.1", *words])
        return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))

    return run


def settings(root: Path, ca: Authority, **changes: Any) -> Any:
    cert, key = ca.sign("server")
    return fake_settings(root, address="0.0.0.0:0", tls_cert=cert, tls_key=key, **changes)


def test_a_server_with_tls_may_be_reached_from_anywhere_with_its_token(
    tmp_path: Path, ca: Authority, said: Callable[..., dict[str, Any]]
) -> None:
    with running_server(settings(tmp_path, ca)) as client:
        port = client.address.rpartition(":")[2]
        address = f"tls:localhost:{port}"
        status = said("--server", address, "--tls-ca", ca.cert, "status")
        stranger = said("--server", address, "health")
        plain = said("--server", f"localhost:{port}", "health")
        (tmp_path / "wrong").write_text("w" * 40)
        token = ("--token-file", str(tmp_path / "wrong"))
        refused = said("--server", address, "--tls-ca", ca.cert, *token, "list")

    assert client.address.startswith("tls:")
    assert status["event"] == "status"
    assert (stranger["code"], plain["code"]) == ("Unreachable", "Unreachable")
    assert refused["code"] == "Unauthenticated"


def test_mutual_tls_lets_in_only_those_with_a_certificate_and_knows_their_name(
    tmp_path: Path, ca: Authority, said: Callable[..., dict[str, Any]]
) -> None:
    cert, key = ca.sign("anna")
    other_cert, other_key = Authority(tmp_path / "other").sign("mallory")
    with running_server(settings(tmp_path, ca, tls_client_ca=ca.cert)) as client:
        address = f"tls:127.0.0.1:{client.address.rpartition(':')[2]}"
        words = ("--server", address, "--tls-ca", ca.cert)
        submit = ("submit", "count", "--detach", f"out={tmp_path}/o")
        known = said(*words, "--tls-cert", cert, "--tls-key", key, "--client", "berta", *submit)
        nobody = said(*words, "health")
        other = said(*words, "--tls-cert", other_cert, "--tls-key", other_key, "health")

    assert known["client"] == "anna"
    assert (nobody["code"], other["code"]) == ("Unreachable", "Unreachable")


def test_plain_grpc_does_not_get_past_tls(tmp_path: Path, ca: Authority) -> None:
    with running_server(settings(tmp_path, ca)) as client:
        port = client.address.rpartition(":")[2]
        with (
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            pytest.raises(grpc.RpcError) as caught,
        ):
            channel.unary_unary("/faceplate.v1.Jobs/ListJobs")(b"", timeout=5)

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tls_key": ""}, "belong together"),
        ({"tls_cert": "", "tls_key": "", "tls_client_ca": "x"}, "over TLS only"),
        ({"tls_cert": "/absent.pem"}, "cannot be read"),
        ({"tls_client_ca": "/dev/null"}, "no PEM"),
        ({"address": "unix:/run/x"}, "needs no TLS"),
    ],
)
def test_tls_that_cannot_be_is_refused(
    tmp_path: Path, ca: Authority, changes: dict[str, str], said: str
) -> None:
    cert, key = ca.sign("server")
    given = {"address": "127.0.0.1:0", "tls_cert": cert, "tls_key": key, **changes}
    with (
        pytest.raises(BadSettings, match=said),
        running_server(fake_settings(tmp_path, **given)),
    ):
        pass


def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path, ca: Authority) -> None:
    wanted = settings(tmp_path, ca)
    Path(wanted.tls_key).chmod(0o644)

    with pytest.raises(BadSettings, match="chmod 600"), running_server(wanted):
        pass


def test_the_helper_sends_no_token_to_another_machine_unencrypted(
    tmp_path: Path, said: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text("t" * 40)
    refused = said("--server", "192.0.2.7:50051", "health")

    assert refused["code"] == "Usage"
    assert "the token would travel" in refused["message"]
