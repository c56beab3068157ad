"""`faceplate-client`: the helper between a host (Nuke, Resolve, a shell) and the server.

It writes JSON lines to standard output and nothing else, at least one every two seconds. Each has
an ``event``: submitted, progress, heartbeat, done, cancelled, error, job, jobs, models, model,
loaded, unloaded, imported, consents, consent, status, frame, tweak, or health. SIGINT and SIGTERM
cancel the job that was submitted, and with ``--with-parent`` so does the end of standard input: a
host that holds it open and dies takes its job with it. Where the helper is killed outright, its job
goes on, unless it was submitted with ``--cancel-on-disconnect``. Exit codes: see `errors`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from faceplate_client.address import TlsFiles, find_server
from faceplate_client.commands import COMMANDS as JOBS
from faceplate_client.commands import submit
from faceplate_client.errors import ClientError, usage
from faceplate_client.library import COMMANDS as LIBRARY
from faceplate_client.output import Output
from faceplate_client.parent import end_with_parent
from faceplate_client.stopping import Work
from faceplate_client.streaming import swap_bytes
from faceplate_client.transport import Transport
from faceplate_protos.v1 import jobs_pb2

__all__ = ["main"]

COMMANDS = {**JOBS, **LIBRARY, "swap-bytes": swap_bytes}
"""All but ``submit``, whose job must be cancelled with this process."""

STOP_PATIENCE_S = 15.0
"""How long a cancelled job is waited for."""
CLOSE_PATIENCE_S = 2.0
"""How long a command that was stopped is waited for; its calls end with the channel."""

_WITH_WORDS = ("submit", "swap-frame", "tweak-frame", "swap-bytes")


class _Parser(argparse.ArgumentParser):
    """Says wrong usage as an event, as everything else."""

    def error(self, message: str) -> NoReturn:
        raise usage(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    with Output(sys.stdout) as output:
        try:
            return _run(_parse(argv), output)
        except ClientError as error:
            output("error", **error.__dict__)
            return error.exit_code


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``key=value`` words may stand anywhere after the command."""
    options, words = _parser().parse_known_args(argv)
    options.settings = words
    if words and options.command not in _WITH_WORDS:
        raise usage(f"{options.command} takes no {words[0]!r}")
    if options.with_parent and getattr(options, "json", None) == "-":
        raise usage("--with-parent waits for the end of standard input, which --json - reads")
    return options


def _run(options: argparse.Namespace, output: Output) -> int:
    home = Path(options.home or Path.home() / ".faceplate")
    tls = TlsFiles(options.tls_ca, options.tls_cert, options.tls_key)
    server = find_server(options.server, options.token_file, home, options.client, tls)
    transport = Transport(server, options.patience)
    held = options.command == "submit" and not options.detach
    work = Work(lambda work: _command(options, transport, output, work), held)
    if options.with_parent:
        end_with_parent()
    try:
        number = work.wait()
        if number is None:
            return work.result()
        if held:
            _cancel(options.job, transport, output)
            work.end_within(STOP_PATIENCE_S)
        return 128 + number
    finally:
        transport.close()
        work.end_within(CLOSE_PATIENCE_S)


def _command(options: argparse.Namespace, transport: Transport, output: Output, work: Work) -> int:
    if options.command != "submit":
        return COMMANDS[options.command](options, transport, output)
    options.job = submit(options, transport, output)
    if options.detach:
        return 0
    work.submitted()
    return COMMANDS["watch"](options, transport, output)


def _cancel(job: str, transport: Transport, output: Output) -> None:
    """Cancel the job that is watched; the watch then says its end."""
    try:
        transport.call(transport.jobs.CancelJob, jobs_pb2.CancelJobRequest(id=job), 5.0)
    except ClientError as error:  # said, and the exit code stays that of the signal
        output("error", **error.__dict__)


def _parser() -> argparse.ArgumentParser:
    environment = os.environ
    parser = _Parser(prog="faceplate-client", description=__doc__)
    parser.add_argument("--server", default=environment.get("FACEPLATE_SERVER"))
    parser.add_argument("--token-file", default=environment.get("FACEPLATE_TOKEN_FILE"))
    for name, text in (
        ("ca", "certificate of who signed the server's"),
        ("cert", "certificate of this client, where the server asks for one"),
        ("key", "its private key"),
    ):
        default = environment.get(f"FACEPLATE_TLS_{name.upper()}", "")
        parser.add_argument(f"--tls-{name}", default=default, metavar="FILE", help=text)
    parser.add_argument("--home", default=environment.get("FACEPLATE_HOME"))
    parser.add_argument(
        "--patience", type=float, default=5.0, help="seconds to wait for a server that is away"
    )
    parser.add_argument(
        "--client",
        default=environment.get("FACEPLATE_CLIENT_NAME"),
        help="what this client is called; clients take turns (user@machine)",
    )
    parser.add_argument(
        "--with-parent",
        action="store_true",
        help="the end of standard input, which the host holds open, is as SIGTERM",
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _add_submit(commands)
    for name, text in (("watch", "follow"), ("cancel", "cancel"), ("show", "tell where is")):
        commands.add_parser(name, help=f"{text} a job").add_argument("job")
    control = commands.add_parser("control", help="tell a running job something besides to stop")
    control.add_argument("job")
    control.add_argument("what", choices=("pause", "resume", "save", "preview"))
    listing = commands.add_parser("list", help="list jobs, newest first")
    listing.add_argument("--state", action="append", default=[])
    listing.add_argument("--limit", type=int, default=100)
    commands.add_parser("models", help="list swap models and the recipe's schema")
    commands.add_parser("health", help="ask whether the server works")
    _add_swap_frame(commands)
    _add_tweak_frame(commands)
    _add_swap_bytes(commands)
    _add_library(commands)
    return parser


def _add_submit(commands: Any) -> None:
    parser = commands.add_parser("submit", help="start analyse, extract, train or swap")
    parser.add_argument("verb")
    _add_json(parser)
    parser.add_argument("--detach", action="store_true", help="do not wait for its end")
    parser.add_argument("--priority", type=int, default=0, help="-100 to 100; higher starts first")
    parser.add_argument("--key", help="the same key again is the same job, not another one")
    parser.add_argument(
        "--cancel-on-disconnect",
        action="store_true",
        help="the job ends with this process, however that dies",
    )


def _add_swap_frame(commands: Any) -> None:
    parser = commands.add_parser("swap-frame", help="swap one frame by path, at once")
    for name in ("plate", "track", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--model", help="folder of the swap model; a cast names its own")
    parser.add_argument("--frame", type=int, required=True)
    parser.add_argument("--recipe", help="recipe file, or the JSON object itself")
    _add_json(parser)


def _add_tweak_frame(commands: Any) -> None:
    parser = commands.add_parser("tweak-frame", help="look at one frame with changed recipe values")
    for name in ("plate", "track"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--model", help="folder of the swap model; a cast names its own")
    parser.add_argument("--frame", type=int, required=True)
    parser.add_argument("--changes", help="file of changed values, or the JSON object itself")
    parser.add_argument("--view", help="PNG to write")
    parser.add_argument("--out", help="EXR of layers to write")
    _add_json(parser)


def _add_swap_bytes(commands: Any) -> None:
    parser = commands.add_parser("swap-bytes", help="swap one EXR file without a shared disk")
    parser.add_argument("--frame", required=True, help="EXR file to send")
    parser.add_argument("--number", type=int, required=True, help="its number in the track")
    parser.add_argument("--track", required=True, help="track file, sent unless --remote-track")
    parser.add_argument("--remote-track", action="store_true", help="the server has the track")
    parser.add_argument("--model", help="name or folder of the swap model, as the server knows it")
    parser.add_argument("--out", required=True, help="EXR file to write")
    parser.add_argument("--recipe", help="recipe file, or the JSON object itself")
    _add_json(parser)


def _add_library(commands: Any) -> None:
    for name, text in (
        ("describe-model", "tell everything about a model"),
        ("load", "bring a model into the server's memory"),
        ("unload", "free a model's memory"),
    ):
        commands.add_parser(name, help=text).add_argument("model", help="its folder, or its name")
    taken = commands.add_parser("import", help="take a model over, of Faceplate or DeepFaceLab")
    taken.add_argument("source", help="folder, as the server sees it")
    taken.add_argument("out", help="folder of the new model")
    for name in ("likeness", "performer", "name", "consent-id"):
        taken.add_argument(f"--{name}", default="")
    consents = commands.add_parser("consents", help="list, show or import consent records")
    consents.add_argument("consent", nargs="?", help="only this one: its file or id")
    consents.add_argument("--import", dest="record", metavar="FILE", help="take this record in")
    consents.add_argument("--use", default="", choices=("", "swap", "train"))
    for name, text in (("shot", ""), ("on", "YYYY-MM-DD; today"), ("likeness", "only this one")):
        consents.add_argument(f"--{name}", default="", help=text)
    commands.add_parser("status", help="tell what the server does")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} [options] [key=text | key:=json ...]"
    parser.add_argument("--json", help="file with settings, - for standard input, or the object")


if __name__ == "__main__":
    sys.exit(main())
