from pathlib import Path

import pytest

from faceplate.errors import BadSettings, NotFound
from faceplate_server.settings import check_address, load_settings


def test_empty_settings_are_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings([], {"FACEPLATE_HOME": str(tmp_path / "h"), "OCIO": "/c.ocio"})

    assert settings.address == f"unix:{tmp_path}/h/faceplate.sock"
    assert settings.token_file == f"{tmp_path}/h/token"
    assert settings.roots == (str(tmp_path), f"{tmp_path}/h")
    assert settings.ocio == "/c.ocio"


def test_flags_beat_the_environment_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text(
        'max_queued = 1\nattempts = 2\nthreads = 3\nroots = ["/a", "/b"]\n'
    )
    environment = {
        "FACEPLATE_HOME": str(tmp_path),
        "FACEPLATE_ATTEMPTS": "20",
        "FACEPLATE_THREADS": "30",
        "FACEPLATE_DEVICES": "cpu:cuda",
    }
    settings = load_settings(["--threads", "300"], environment)

    assert (settings.max_queued, settings.attempts, settings.threads) == (1, 20, 300)
    assert settings.roots == ("/a", "/b")
    assert settings.devices == ("cpu", "cuda")


@pytest.mark.parametrize("form", [["--config", "{}"], ["--config={}"]])
def test_a_file_can_be_named(tmp_path: Path, form: list[str]) -> None:
    (tmp_path / "x.toml").write_text("threads = 7\n")
    words = [word.format(tmp_path / "x.toml") for word in form]

    assert load_settings(words, {"FACEPLATE_HOME": str(tmp_path)}).threads == 7


def test_wrong_files_are_clear_errors(tmp_path: Path) -> None:
    environment = {"FACEPLATE_HOME": str(tmp_path)}
    with pytest.raises(NotFound, match=r"x\.toml"):
        load_settings(["--config", str(tmp_path / "x.toml")], environment)
    with pytest.raises(BadSettings, match="a file is wanted"):
        load_settings(["--config"], environment)
    (tmp_path / "server.toml").write_text("max_queue = 3\n")
    with pytest.raises(BadSettings, match="did you mean 'max_queued'"):
        load_settings([], environment)
    (tmp_path / "server.toml").write_text("= 3")
    with pytest.raises(BadSettings, match="not TOML"):
        load_settings([], environment)


def test_a_wrong_value_in_the_environment_is_named(tmp_path: Path) -> None:
    environment = {"FACEPLATE_HOME": str(tmp_path), "FACEPLATE_CONSENT_POLICY": "ignore"}

    with pytest.raises(BadSettings, match="consent_policy"):
        load_settings([], environment)


@pytest.mark.parametrize(
    "address", ["unix:/run/fp.sock", "127.0.0.1:0", "127.8.9.1:50051", "localhost:1", "[::1]:50051"]
)
def test_addresses_of_this_machine_are_allowed(address: str) -> None:
    assert check_address(address) == address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0.0.0.0:50051", "other machines"),
        ("10.0.0.1:50051", "other machines"),
        ("[::]:50051", "other machines"),
        ("localhost.evil.net:1", "other machines"),
        ("dns:///127.0.0.1:1", "other machines"),
        ("127.0.0.1", "expected unix:/PATH or HOST:PORT"),
        ("127.0.0.1:port", "expected unix:/PATH or HOST:PORT"),
        ("127.0.0.1:70000", "expected unix:/PATH or HOST:PORT"),
        ("unix:/" + "x" * 110, "at most 103 bytes"),
    ],
)
def test_other_addresses_are_refused(address: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        check_address(address)
