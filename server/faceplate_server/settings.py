"""The server's settings: a TOML file, then FACEPLATE_* of the environment, then flags."""

import ipaddress
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import tyro

from faceplate.config import default_home, from_dict
from faceplate.errors import BadSettings, NotFound

__all__ = ["ServerSettings", "check_address", "load_settings"]

UNIX_LIMIT = 103
"""Longest path of a unix socket, in bytes, with its NUL, on every system that we know."""


_RANGES = {
    "threads": (0, 4096),
    "max_queued": (1, 100_000),
    "max_calls": (8, 10_000),
    "max_watched": (1, 10_000),
    "call_timeout_s": (1, 3600),
    "frame_timeout_s": (1, 86_400),
    "job_niceness": (0, 19),
    "attempts": (1, 1000),
    "buffer_limit_mib": (1, 1 << 20),
    "stream_limit_mib": (1, 16_384),
    "max_streams": (1, 1000),
    "stream_silence_s": (0.1, 3600),
    "max_frames_waiting": (1, 10_000),
    "kept_models": (1, 64),
    "heartbeat_s": (0.1, 2.0),
    "cancel_grace_s": (0, 3600),
    "save_grace_s": (0, 86_400),
    "watch_grace_s": (0, 86_400),
    "metrics_port": (0, 65_535),
}
"""Least and largest value of each number."""


@dataclass(frozen=True)
class ServerSettings:
    """The Faceplate server: runs jobs and swaps frames for Nuke, Resolve and the command line."""

    address: str = ""
    """``unix:/path/to.sock``, or ``127.0.0.1:PORT`` (0 for any free port); empty for
    ``unix:HOME/faceplate.sock``. Without TLS, TCP is for this machine only."""
    home: str = ""
    """Folder of weights, token, jobs, logs; empty for ``$FACEPLATE_HOME`` or ``~/.faceplate``."""
    token_file: str = ""
    """File of the token that every call must carry, written where it is absent; empty for
    ``HOME/token``."""
    roots: tuple[str, ...] = ()
    """The only folders whose files a request may name; empty for the current folder and HOME.
    Relative paths in requests start from the first."""
    tls_cert: str = ""
    """Certificate chain (PEM) of the server: with it and its key, TCP is encrypted and may be
    reached from other machines. The token is wanted all the same."""
    tls_key: str = ""
    """Private key (PEM) of the certificate; nobody else may be allowed to read the file."""
    tls_client_ca: str = ""
    """Certificate (PEM) of who signs clients: then only clients with a certificate are let in."""
    devices: tuple[str, ...] = ("auto",)
    """Each runs one job at a time: ``auto``, ``cpu``, ``cuda:0`` and so on."""
    consent_policy: Literal["refuse", "warn"] = "refuse"
    """What happens where a likeness has no valid consent record."""
    threads: int = 0
    """Processor threads of one job; 0 leaves the libraries' own choice."""
    ocio: str = ""
    """OCIO config of jobs that name none; empty for ``$OCIO``, else the built-in one."""
    max_queued: int = 1000
    """Further jobs are refused while so many wait, 1 to 100000."""
    max_calls: int = 256
    """Calls at once, of all clients together, 8 to 10000; more are refused."""
    max_watched: int = 128
    """Of these, calls that follow something for long, 1 to 10000."""
    call_timeout_s: float = 60.0
    """How long a call may take that computes nothing, 1 to 3600 s."""
    frame_timeout_s: float = 600.0
    """How long a call may take that computes a frame or reads or takes over a model, with the
    waiting for its turn, 1 to 86400 s."""
    job_niceness: int = 10
    """How far jobs stand back for single frames on the processor, 0 to 19: a job at 10 gets a tenth
    of what a frame gets while both want it."""
    attempts: int = 3
    """A job under which the server died so often is not started again."""
    buffer_limit_mib: int = 2048
    """Memory for frames that clients share with the server, all together."""
    stream_limit_mib: int = 512
    """Largest EXR file that a client may send."""
    max_streams: int = 16
    """Frames that may be on their way to or from clients at once."""
    stream_silence_s: float = 30.0
    """A client that sends a frame and falls silent for so long is given up."""
    max_frames_waiting: int = 64
    """Further single frames are refused while so many wait for their turn."""
    kept_models: int = 2
    """Swap models that stay in memory for single frames; those used longest ago go first."""
    heartbeat_s: float = 1.5
    """Longest silence towards a client that watches a job, 0.1 to 2 s."""
    cancel_grace_s: float = 1.0
    """How long a cancelled job may take to stop by itself before it is killed, 0 to 3600 s. What it
    has finished is kept in any case. All is over after 2 s, on a busy machine too."""
    save_grace_s: float = 60.0
    """The same for jobs that save what they have before they stop: trainings."""
    watch_grace_s: float = 5.0
    """How long a job that was submitted to end with its client goes on without it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much the server writes to standard error, and as JSON lines to HOME/server.log."""
    metrics_port: int = 0
    """Port of this machine alone at which Prometheus finds figures; 0: none."""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadSettings(f"{name}: expected {low:g} to {high:g}, got {value}")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise BadSettings("tls_cert and tls_key belong together: give both, or neither")
        if self.tls_client_ca and not self.tls_cert:
            raise BadSettings("tls_client_ca: clients are asked for certificates over TLS only")


def load_settings(
    argv: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> ServerSettings:
    """Return the settings that flags, environment and ``--config FILE`` (or HOME/server.toml) give.

    Environment names are FACEPLATE_ and the field in capitals; lists are separated as in PATH.

    Raises:
        BadSettings: A wrong or unknown setting in the file or the environment.
        NotFound: The named file does not exist.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    environment = os.environ if environment is None else environment
    given = _from_environment(environment)
    home = Path(str(given.get("home") or default_home()))
    values = {**_from_file(_take_config(arguments), home), **given}
    settings = tyro.cli(
        ServerSettings,
        prog="faceplate serve",
        args=arguments,
        default=from_dict(ServerSettings, values, "server settings"),
    )
    return _filled(settings, environment)


def check_address(address: str, *, encrypted: bool = False) -> str:
    """Return the address. Raises BadSettings for one that others could reach unencrypted."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if encrypted:
            raise BadSettings("address: a unix socket needs no TLS; give HOST:PORT, or no tls_cert")
        if len(os.fsencode(path)) > UNIX_LIMIT:
            raise BadSettings(
                f"address: a unix socket's path has at most {UNIX_LIMIT} bytes, {path} is longer; "
                "give a shorter one with --address unix:/PATH"
            )
        return address
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise BadSettings(f"address: expected unix:/PATH or HOST:PORT, got {address!r}")
    if not encrypted and not _is_loopback(host.strip("[]")):
        raise BadSettings(
            f"address: {address} can be reached from other machines, and this server has no TLS: "
            "give --tls-cert and --tls-key, or use a unix socket or 127.0.0.1"
        )
    return address


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


def _take_config(arguments: list[str]) -> str:
    for index, argument in enumerate(arguments):
        if argument == "--config":
            if index + 1 == len(arguments):
                raise BadSettings("--config: a file is wanted after it")
            path = arguments[index + 1]
            del arguments[index : index + 2]
            return path
        if argument.startswith("--config="):
            del arguments[index]
            return argument.removeprefix("--config=")
    return ""


def _from_file(given: str, home: Path) -> dict[str, Any]:
    path = Path(given) if given else home / "server.toml"
    if not path.is_file():
        if given:
            raise NotFound(f"--config: {path} does not exist")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadSettings(f"{path} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(ServerSettings):
        text = environment.get(f"FACEPLATE_{field.name.upper()}")
        if text:
            is_list = isinstance(field.default, tuple)
            values[field.name] = tuple(text.split(os.pathsep)) if is_list else text
    return values


def _filled(settings: ServerSettings, environment: Mapping[str, str]) -> ServerSettings:
    home = Path(settings.home or default_home()).expanduser().absolute()
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    values["home"] = str(home)
    values["address"] = check_address(
        settings.address or f"unix:{home / 'faceplate.sock'}", encrypted=bool(settings.tls_cert)
    )
    values["token_file"] = settings.token_file or str(home / "token")
    values["ocio"] = settings.ocio or environment.get("OCIO", "")
    values["roots"] = settings.roots or (str(Path.cwd()), str(home))
    return ServerSettings(**values)
