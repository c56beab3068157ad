"""The engine room, seen from inside: `python -m faceplate_server.engine`.

Questions come as JSON lines and are answered as they are done, several at a time; swaps take turns.
"""

import logging
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from faceplate.config import from_dict, to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, FaceplateError
from faceplate_server.channel import Writer, claim_output, read_line
from faceplate_server.room import RoomSettings
from faceplate_server.roots import Roots
from faceplate_server.schema import json_schema
from faceplate_server.verbs import find_verb, parse_job

__all__ = ["Engine", "main"]

THREADS = 16
"""Swaps take turns, so some of these wait; the others go on answering."""


class Engine:
    """Answers the server's questions; each public method is one."""

    def __init__(self, settings: RoomSettings) -> None:
        self._settings = settings
        self._roots = Roots([Path(root) for root in settings.roots])
        self._context = Context(
            home=Path(settings.home),
            device=settings.device,
            consent_policy=settings.consent_policy,
            threads=settings.threads,
            ocio=settings.ocio or None,
        )
        self._turn = threading.Lock()
        self._swapper: Any = None

    def check_job(self, verb: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a job's settings with all defaults. Raises UnknownComponent or BadSettings."""
        return to_dict(parse_job(find_verb(self._settings.verbs, verb), values))

    def list_models(self) -> dict[str, Any]:
        """Return the models under the roots, and the recipe's JSON schema."""
        from faceplate.merge.recipe import Recipe
        from faceplate_server.models import find_models

        return {
            "models": find_models(self._roots.folders),
            "recipe_schema": json_schema(Recipe),
        }

    def swap_frame(
        self, frame: int, settings: Mapping[str, Any], recipe: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Swap one frame of a plate and write its layers."""
        values = {**settings, "frames": str(frame)}
        job = parse_job(find_verb(self._settings.verbs, "swap"), values)
        self._roots.check_settings(to_dict(job))
        if recipe and job.recipe:
            raise BadSettings("give recipe_json or a recipe file in settings_json, not both")
        with self._turn:
            return dict(self._swaps().frame(job, frame, recipe))

    def tweak_frame(
        self, settings: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Look at one frame with changed recipe values."""
        job = parse_job(find_verb(self._settings.verbs, "tweak"), settings)
        self._roots.check_settings(to_dict(job))
        with self._turn:
            return dict(self._swaps().tweak(job, changes))

    def swap_buffer(
        self,
        frame: int,
        settings: Mapping[str, Any],
        recipe: Mapping[str, Any],
        buffer: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Swap the frame in a shared buffer, in place."""
        self._roots.check_settings(settings)
        with self._turn:
            return dict(self._swaps().buffer(frame, settings, recipe, buffer))

    def _swaps(self) -> Any:
        if self._swapper is None:
            # loads torch: seconds, and only where frames are swapped
            from faceplate_server.swapper import Swapper

            self._swapper = Swapper(self._context)
        return self._swapper


def main() -> int:
    """Answer until standard input closes."""
    writer = claim_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = from_dict(RoomSettings, read_line() or {}, "engine room")
    module, _, name = settings.engine.partition(":")
    engine = getattr(import_module(module), name)(settings)
    with ThreadPoolExecutor(THREADS) as pool:
        while (line := read_line()) is not None:
            pool.submit(_answer, engine, writer, line)
    return 0


def _answer(engine: Any, writer: Writer, line: Mapping[str, Any]) -> None:
    number = line["number"]
    try:
        value = getattr(engine, line["question"])(**line["values"])
    except Exception as error:  # noqa: BLE001 - the border of the process: logged, and answered
        if not isinstance(error, FaceplateError):
            traceback.print_exc()
        writer("error", number=number, code=type(error).__name__, message=str(error))
    else:
        writer("answer", number=number, value=value)


if __name__ == "__main__":
    sys.exit(main())
