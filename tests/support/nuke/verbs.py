"""Verbs and an engine room as the plug-in asks for them, steered by the recipe, without networks.

The swap writes real EXR with every layer; where a file `gate` lies beside its output it waits.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceplate import errors
from faceplate.context import Context
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame, write_frame
from faceplate.io.sequence import Sequence, parse_frames
from faceplate.jobs import Verb

__all__ = ["VERBS", "Room", "layered"]


@dataclass(frozen=True, kw_only=True)
class Work:
    plate: str
    out: str
    frames: str
    color_space: str | None = None
    ocio: str | None = None
    track: str = ""
    model: str = ""
    recipe: str = ""
    consent: str | None = None
    shot: str | None = None
    person: int | str = 0
    mattes: str | None = None
    likeness: str | None = None


@dataclass(frozen=True)
class Done:
    swapped: int = 0


def analyse(job: Work, context: Context) -> Done:
    """Write what the plug-in reads of a track."""
    frames = parse_frames(job.frames)
    Path(job.out).write_text(
        json.dumps({"plate": {"pattern": job.plate}, "frames": [[min(frames), max(frames)]]})
    )
    return Done(len(frames))


def swap(job: Work, context: Context) -> Done:
    """Write layers of each frame."""
    recipe = json.loads(Path(job.recipe).read_text())
    if job.consent is None:
        raise errors.ConsentRefused("no consent record. Name one with --consent")
    frames, plate = parse_frames(job.frames), Sequence.parse(job.plate)
    wait = Path(job.out).parents[1] / "gate"
    for done, frame in enumerate(frames, 1):
        made = layered(read_frame(plate.path(frame), frame), recipe.get("opacity", 1.0))
        write_frame(made, Sequence.parse(job.out).path(frame))
        context.progress.report("swap", done, len(frames), frame=frame)
        while wait.exists():
            time.sleep(0.01)
            context.progress.report("swap", done, len(frames), frame=frame)
    return Done(len(frames) if job.person != "nobody" else 0)


def layered(plate: Frame, opacity: float) -> Frame:
    """Return a frame with the layers of a swap: a brighter square under a soft matte."""
    rgb = plate.rgb()
    height, width = rgb.shape[:2]
    matte = np.zeros((height, width), np.float32)
    matte[height // 4 : height // 2, width // 4 : width // 2] = 0.5 * opacity
    face = (rgb * 2 + 0.1).astype(np.float32)
    result = rgb + matte[..., None] * (face - rgb)
    fp = np.dstack([face * matte[..., None], matte])
    st = np.zeros((height, width, 2), np.float32)
    ones = np.ones((height, width, 1), np.float32)
    names = ("R", "G", "B", "A", "fp.R", "fp.G", "fp.B", "fp.A", "fp_mask.A", "fp_learned.A",
             "fp_occ.A", "fp_conf.A", "fp_st.R", "fp_st.G")  # fmt: skip
    mattes = np.dstack([matte, matte, np.zeros_like(matte), np.ones_like(matte)])
    stack = np.dstack([result, ones, fp, mattes, st]).astype(np.float32)
    window = Window(0, 0, width, height)
    return Frame(plate.number, stack, names, window, window, 1.0, {})


class Room:
    """The engine room: models, a schema, single frames."""

    def __init__(self, settings: Any) -> None:
        self._root = settings.roots[0] if settings else ""

    def check_job(self, verb: str, values: Any) -> dict[str, Any]:
        return dict(values)

    def list_models(self) -> dict[str, Any]:
        from faceplate.merge.recipe import Recipe
        from faceplate_server.schema import json_schema

        people = {"likeness": "a", "performer": "b"}
        common = {"config": people, "sha256": "", "step": 1, **people}
        models = [
            {**common, "name": name, "path": f"{self._root}/m/{name}", "problem": problem}
            for name, problem in (("anna", ""), ("torn", "torn"))
        ]
        return {"models": models, "recipe_schema": json_schema(Recipe)}

    def swap_frame(self, frame: int, settings: Any, recipe: Any) -> dict[str, Any]:
        plate, out = Sequence.parse(settings["plate"]), Sequence.parse(settings["out"])
        write_frame(layered(read_frame(plate.path(frame), frame), recipe.get("opacity", 1.0)),
                    out.path(frame))  # fmt: skip
        return {"path": str(out.path(frame)), "faces": 1, "network_runs": 1}


_WORK = f"{__name__}:Work"
VERBS = {
    "analyse": Verb("analyse", "follows", _WORK, f"{__name__}:analyse", ("plate",), ("out",)),
    "swap": Verb(
        "swap", "swaps", _WORK, f"{__name__}:swap", ("plate", "track", "recipe"), ("out",)
    ),
}
