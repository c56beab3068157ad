"""The verb `farm opencue`: a shot as a script for OpenCue's pyoutline.

The tokens of frames are those that Cuebot replaces in the commands of layers.
"""

import json
from pathlib import Path

from faceplate.context import Context
from faceplate.farm.shot import (
    FarmJob,
    FarmResult,
    FarmShot,
    Step,
    Words,
    farm_shot,
    path_text,
    require_no_gaps,
    steps,
)
from faceplate.io.atomic import write_text

__all__ = ["opencue"]

_CHUNK = "#FRAME_START#-#FRAME_END#"

_HEAD = '''\
"""Submits the shot {name} to OpenCue; written by `faceplate farm opencue`.

Needs the packages opencue-pycue and opencue-pyoutline, and CUEBOT_HOSTS. Show, shot and user are
taken as pyoutline takes them, from $SHOW, $SHOT and $USER. `--print` shows the job instead.
"""

import sys

import outline
import outline.cuerun
import outline.modules.shell

job = outline.Outline({job}, frame_range={range})
layers = {{}}
'''

_LAYER = """
layers[{name}] = outline.modules.shell.Shell(
    {name},
    command={command},
    chunk={chunk},
    range={range},
)
job.add_layer(layers[{name}])
"""

_TAIL = """
launcher = outline.cuerun.OutlineLauncher(job)
if "--print" in sys.argv[1:]:
    print(launcher.serialize(use_pycuerun=False))
else:
    launcher.launch(use_pycuerun=False)
"""


def opencue(job: FarmJob, context: Context) -> FarmResult:
    """Write submit_opencue.py.

    Raises:
        BadSettings: Frames with gaps: Cuebot gives a task its first and last frame only.
        FaceplateError: What `farm_shot` raises.
        DiskFull: No room.
    """
    shot = farm_shot(job, context)
    require_no_gaps(shot, "OpenCue")
    folder = Path(job.bundle)
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "submit_opencue.py"
    write_text(script, _script(shot))
    return FarmResult(str(folder), (script.name,), shot.range, shot.tasks, f"python {script}")


def _script(shot: FarmShot) -> str:
    texts = [_HEAD.format(name=shot.name, job=_text(f"faceplate_{shot.name}"),
                          range=_text(shot.range))]  # fmt: skip
    for step in steps(shot, Words(path_text, shot.range, _CHUNK, "plain")):
        texts.append(_layer(shot, step))
    return "".join(texts) + _TAIL


def _layer(shot: FarmShot, step: Step) -> str:
    """Return a layer; pyoutline drops those whose frames lie outside the job's range."""
    text = _LAYER.format(
        name=_text(step.name.lower()),
        command=_text(list(step.words)),
        chunk=shot.job.chunk if step.chunked else 1,
        range=_text(shot.range if step.chunked else str(shot.frames[0])),
    )
    if step.after:
        text += (
            f"layers[{_text(step.name.lower())}].depend_all(layers[{_text(step.after.lower())}])\n"
        )
    return text


def _text(value: object) -> str:
    """Return a literal that is the same in JSON and Python."""
    return json.dumps(value)
