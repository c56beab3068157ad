"""The engine room, seen from inside: `python -m faceplate_server.engine`.

Questions come as JSON lines and are answered as they are done, several at a time; swaps take turns.
"""

import logging
import signal
import sys
import threading
import time
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
from faceplate_server.shrink import foreseen, smaller_job
from faceplate_server.verbs import find_verb, parse_job

__all__ = ["Engine", "main"]

logger = logging.getLogger(__name__)

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
            allowed_roots=self._roots.folders,
        )
        self._turn = threading.Lock()
        self._swapper: Any = None

    def check_job(self, verb: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a job's settings with all defaults. Raises UnknownComponent or BadSettings."""
        return to_dict(parse_job(find_verb(self._settings.verbs, verb), values))

    def smaller_job(self, verb: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what to change of a job that ran out of memory, and a note; empty for nothing."""
        smaller = smaller_job(parse_job(find_verb(self._settings.verbs, verb), values))
        return {} if smaller is None else {"changes": smaller[0], "note": smaller[1]}

    def list_models(self) -> dict[str, Any]:
        """Return the models under the roots, and the recipe's JSON schema."""
        from faceplate.merge.recipe import Recipe
        from faceplate_server.models import find_models

        return {
            "models": find_models(self._roots.folders),
            "recipe_schema": json_schema(Recipe),
        }

    def describe_model(self, model: str) -> dict[str, Any]:
        """Return everything about one model."""
        from faceplate_server.models import find_model, model_details

        folder = find_model(self._roots, model)
        loaded = [each["path"] for each in self.loaded_models()]
        return {**model_details(folder, self._context), "loaded": str(folder) in loaded}

    def load_model(self, model: str) -> dict[str, Any]:
        """Bring a model into memory."""
        from faceplate_server.models import find_model

        folder = find_model(self._roots, model)
        with self._turn:
            loaded, was_read = self._swaps().models.load(folder)
        return {"model": loaded, "was_read": was_read}

    def unload_model(self, model: str) -> dict[str, Any]:
        """Free a model's memory."""
        from faceplate_server.models import find_model

        folder = find_model(self._roots, model)
        with self._turn:
            return {"was_loaded": self._swapper is not None and self._swapper.unload(folder)}

    def import_model(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Take a model over; returns its description."""
        from faceplate.commands.model import ImportModel
        from faceplate_server.models import take_over

        named = {"likeness": "", "performer": "", **values}  # one of ours knows its people
        return take_over(from_dict(ImportModel, named, "import"), self._roots, self._context)

    def loaded_models(self) -> list[dict[str, Any]]:
        """Return the models in memory."""
        return [] if self._swapper is None else list(self._swapper.models.loaded())

    def list_consents(self, use: str, shot: str, on: str, likeness: str) -> list[dict[str, Any]]:
        """Return the consent records under the roots, and whether each holds."""
        from faceplate_server.consents import find_consents, question_of

        return find_consents(self._roots, question_of(use, shot, on, self._context.home), likeness)

    def show_consent(self, consent: str, use: str, shot: str, on: str) -> dict[str, Any]:
        """Return one consent record, and whether it holds."""
        from faceplate_server.consents import question_of, show_consent

        return show_consent(self._roots, consent, question_of(use, shot, on, self._context.home))

    def import_consent(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Take a consent record in."""
        from faceplate_server.consents import import_consent

        return import_consent(self._roots, self._context.home, record)

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

    def swap_stream(
        self, number: int, settings: Mapping[str, Any], recipe: Mapping[str, Any], folder: str
    ) -> dict[str, Any]:
        """Swap the frame that a client has sent into `folder`, which is the server's own."""
        from faceplate_server.sent import sent_job

        if settings.get("track"):
            self._roots.check(str(settings["track"]), "track")
        job = sent_job(Path(folder), number, settings, self._roots)
        with self._turn:
            return dict(self._swaps().frame(job, number, recipe))

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

            self._swapper = Swapper(self._context, self._settings.kept_models)
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
    began = time.perf_counter()
    try:
        value = getattr(engine, line["question"])(**line["values"])
    except Exception as raised:  # the border of the process: logged, and answered
        error = foreseen(raised)
        if not isinstance(error, FaceplateError):
            logger.exception("request %s failed", line["request"])
        writer("error", number=number, code=type(error).__name__, message=str(error))
    else:
        took_ms = (time.perf_counter() - began) * 1e3
        logger.info("request %s: %s took %.1f ms", line["request"], line["question"], took_ms)
        writer("answer", number=number, value=value)


if __name__ == "__main__":
    sys.exit(main())
