import io
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from faceplate.errors import Damaged, NotFound, NotReady
from faceplate.models.download import NetworkDownloader


def test_pip_is_asked_for_the_pinned_wheel_only(tmp_path, monkeypatch):
    asked = []

    def run(command, **options):
        asked.append(command)
        (tmp_path / "tiny-1.0-py3-none-any.whl").write_bytes(b"zip")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    path = NetworkDownloader().wheel("tiny", "1.0", tmp_path)
    assert path.name == "tiny-1.0-py3-none-any.whl"
    command = asked[0]
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command  # nothing but this package
    assert command[command.index("--only-binary") + 1] == ":all:"  # no setup.py is ever run
    assert command[-1] == "tiny==1.0"


def test_pips_last_words_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda command, **options: subprocess.CompletedProcess(
            command, 1, "", "a\nERROR: no match"
        ),
    )
    with pytest.raises(NotFound, match=r"tiny==1\.0: ERROR: no match"):
        NetworkDownloader().wheel("tiny", "1.0", tmp_path)


def test_a_python_without_pip_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotReady, match="ensurepip"):
        NetworkDownloader().wheel("tiny", "1.0", tmp_path)


def test_an_address_is_streamed_to_the_file(tmp_path, monkeypatch):
    content = b"y" * 600_000
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(content))
    told = []
    NetworkDownloader().url("https://x/y", tmp_path / "f", 1 << 20, told.append)
    assert (tmp_path / "f").read_bytes() == content
    assert told[-1] == len(content)
    assert told == sorted(told)


def test_more_bytes_than_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(b"y" * 999_999))
    with pytest.raises(Damaged, match="more than 1000 bytes"):
        NetworkDownloader().url("https://x/y", tmp_path / "f", 1000, lambda done: None)


def test_an_address_that_cannot_be_reached_is_not_found(tmp_path, monkeypatch):
    def fail(url, timeout):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    with pytest.raises(NotFound, match="no route"):
        NetworkDownloader().url("https://x/y", tmp_path / "f", 1000, lambda done: None)


@pytest.mark.parametrize("url", ["http://x/y", "file:///etc/passwd", "ftp://x/y"])
def test_only_https_is_fetched(tmp_path, url):
    with pytest.raises(NotFound, match="https"):
        NetworkDownloader().url(url, tmp_path / "f", 1000, lambda done: None)
