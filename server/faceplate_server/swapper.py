"""Swaps single frames, with the models, tracks and plates that were used last kept in memory."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from faceplate.config import from_dict, to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.merge.animated import AnimatedRecipe, parse_recipe
from faceplate.merge.openers import Openers
from faceplate.merge.roles import Role
from faceplate.merge.tweak import TweakJob, TweakShot
from faceplate.merge.writing import SwapJob, SwapShot
from faceplate_server.inbuffer import (
    Buffer,
    BufferJob,
    buffer_role,
    buffer_version,
    swap_in_buffer,
)
from faceplate_server.kept import KeptPlates, KeptTracks
from faceplate_server.shelf import ModelShelf
from faceplate_server.versions import tweak_version

__all__ = ["Swapper"]

Job = TypeVar("Job", SwapJob, TweakJob, BufferJob)


class Swapper:
    """Not for several threads at once.

    Args:
        context: Home folder, device and consent policy.
        kept: Models in memory at most.

    Attributes:
        models: Those in memory.
    """

    def __init__(self, context: Context, kept: int = 2) -> None:
        self._context = context
        self.models = ModelShelf(context, kept)
        self._tracks, self._plates = KeptTracks(), KeptPlates()
        # the shot and the role of the last tweak and buffer, each with all that they depend on
        self._tweaked: tuple[object, TweakShot] | None = None
        self._in_buffer: tuple[object, Role] | None = None

    def frame(self, job: SwapJob, number: int, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """Swap one frame of a plate; returns ``path``, ``faces`` and ``network_runs``.

        Args:
            job: What to swap.
            number: Of the frame.
            recipe: Plain values; where there are any, they go instead of the job's recipe.
        """
        job, openers = self._with_config(job), self._openers(job.cache_gib)
        if recipe:
            given = _given_recipe(recipe, job)
            openers = replace(openers, recipe=lambda path: given)
        shot = SwapShot(job, self._context, openers)
        before = shot.network_runs
        outcome = shot.swap(number)
        faces = 0 if outcome in ("no face", "skipped") else len(shot.faces(number))
        ran = shot.network_runs - before
        return {"path": str(shot.out.path(number)), "faces": faces, "network_runs": ran}

    def tweak(self, job: TweakJob, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Look at one frame with changed recipe values; returns a `TweakResult` as plain values."""
        job = self._with_config(job)
        version = tweak_version(job, self._context)
        if self._tweaked is None or self._tweaked[0] != version:
            self._tweaked = None  # while another one is opened, which may fail
            shot = TweakShot(job, self._context, self._openers(job.cache_gib))
            self._tweaked = (version, shot)
        return to_dict(self._tweaked[1].answer(changes, job))

    def buffer(
        self,
        number: int,
        settings: Mapping[str, Any],
        recipe: Mapping[str, Any],
        buffer: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Lay the swap over the pixels in a buffer; returns ``faces``."""
        job = self._with_config(from_dict(BufferJob, settings, "settings"))
        wanted, place = parse_recipe(recipe), from_dict(Buffer, buffer, "buffer")
        openers = replace(self._openers(job.cache_gib), recipe=lambda path: wanted)
        track = openers.track(Path(job.track))
        version = buffer_version(job, track, self._context)
        kept, self._in_buffer = self._in_buffer, None  # a refusal leaves nothing
        if kept is not None and kept[0] == version:
            role = kept[1].with_recipe(wanted)
        else:
            role = buffer_role(job, track, openers, self._context)
        self._in_buffer = (version, role)
        return {"faces": swap_in_buffer(role, number, place)}

    def unload(self, model: Path) -> bool:
        """Free a model's memory; returns whether it was there."""
        self._tweaked = self._in_buffer = None  # they hold on to theirs
        return self.models.unload(model)

    def _openers(self, cache_gib: float) -> Openers:
        return Openers(
            self.models.opener(cache_gib),
            track=self._tracks.load,
            rows=self._plates.rows,
            predict=self._plates.predict if cache_gib else None,
        )

    def _with_config(self, job: Job) -> Job:
        return replace(job, ocio=job.ocio or self._context.ocio)


def _given_recipe(values: Mapping[str, Any], job: SwapJob) -> AnimatedRecipe:
    if job.cast:
        raise BadSettings("recipe: with a cast, each of its members has an own one; write it there")
    return parse_recipe(values)
