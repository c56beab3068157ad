"""The server's process: settings, start, stop.

`faceplate serve` reaches `main` through the entry-point group ``faceplate.commands``.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from faceplate.errors import FaceplateError
from faceplate_server.assembly import ENGINE, FaceplateServer, create_server
from faceplate_server.logs import logging_to
from faceplate_server.settings import ServerSettings, load_settings
from faceplate_server.verbs import ENGINE_VERBS

__all__ = ["ENGINE", "FaceplateServer", "create_server", "main", "serve"]


async def serve(
    settings: ServerSettings, *, verbs: str = ENGINE_VERBS, engine: str = ENGINE
) -> None:
    """Run a server until SIGINT or SIGTERM; see `create_server`."""
    server = create_server(settings, verbs=verbs, engine=engine)
    enough = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    try:
        await server.start()
        await enough.wait()
    finally:
        await server.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceplate serve`; returns the exit code (docs/exit-codes.md)."""
    try:
        settings = load_settings(argv)
        with logging_to(Path(settings.home), settings.log_level):
            asyncio.run(serve(settings))
    except FaceplateError as error:
        sys.stderr.write(f"faceplate serve: {error}\n")
        return error.exit_code
    except OSError as error:  # such as a home folder that cannot be made; it names the file
        sys.stderr.write(f"faceplate serve: {error}\n")
        return FaceplateError.exit_code
    return 0
