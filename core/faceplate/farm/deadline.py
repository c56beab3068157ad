"""The verb `farm deadline`: a shot as jobs of Deadline 10's plug-in CommandLine.

Job and plug-in files as its manual describes them, and a script that submits them one after the
other with their dependencies. Not tried with a real Deadline.
"""

import shlex
import subprocess
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

__all__ = ["deadline"]

_CHUNK = "<STARTFRAME>-<ENDFRAME>"

_SUBMIT = """\
#!/bin/sh
# Submits the shot {name} to Deadline; written by `faceplate farm deadline`.
set -eu
cd "$(dirname "$0")"
before=""
for step in {steps}; do
    cp "$step.job" "$step.submitted.job"
    if [ -n "$before" ]; then echo "JobDependencies=$before" >> "$step.submitted.job"; fi
    answer=$(deadlinecommand "$step.submitted.job" "$step.plugin")
    before=$(printf '%s\\n' "$answer" | sed -n 's/^JobID=//p')
    if [ -z "$before" ]; then
        printf 'Deadline did not take %s:\\n%s\\n' "$step" "$answer" >&2
        exit 1
    fi
    echo "$step $before"
done
"""


def deadline(job: FarmJob, context: Context) -> FarmResult:
    """Write a .job and a .plugin file for each step, and submit.sh.

    Raises:
        BadSettings: Frames with gaps: Deadline gives a task its first and last frame only.
        FaceplateError: What `farm_shot` raises.
        DiskFull: No room.
    """
    shot = farm_shot(job, context)
    require_no_gaps(shot, "Deadline")
    folder = Path(job.bundle)
    folder.mkdir(parents=True, exist_ok=True)
    made = steps(
        shot, Words(path_text, shot.range, _CHUNK, "tractor")
    )  # Deadline reads its "Progress: 25%"
    names = [step.name.lower() for step in made]
    files = {}
    for step, name in zip(made, names, strict=True):
        files[f"{name}.job"] = _job(shot, step)
        files[f"{name}.plugin"] = _plugin(step)
    files["submit.sh"] = _SUBMIT.format(name=shot.name, steps=" ".join(names))
    for file, text in files.items():
        write_text(folder / file, text)
    submit = f"sh {shlex.quote(str(folder / 'submit.sh'))}"
    return FarmResult(str(folder), tuple(files), shot.range, shot.tasks, submit)


def _job(shot: FarmShot, step: Step) -> str:
    values = {
        "Plugin": "CommandLine",
        "Name": f"Faceplate {shot.name} {step.name}",
        "BatchName": f"Faceplate {shot.name}",
        "Frames": shot.range.replace("x", "step") if step.chunked else "0",
        "ChunkSize": shot.job.chunk if step.chunked else 1,
        "OutputDirectory0": Path(shot.job.out).resolve().parent,
    }
    return _lines(values)


def _plugin(step: Step) -> str:
    command, *words = step.words
    # one line: Deadline takes double quotes on every system, as Windows does
    return _lines(
        {"Executable": command, "Arguments": subprocess.list2cmdline(words), "Shell": "default"}
    )


def _lines(values: dict[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
