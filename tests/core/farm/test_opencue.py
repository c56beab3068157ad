import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.support.farms import farm_job

from faceplate.context import Context
from faceplate.errors import BadSettings
from faceplate.farm.opencue import opencue


class FakeOutline(ModuleType):
    """As much of pyoutline as the script uses; anything else is an AttributeError."""

    def __init__(self) -> None:
        super().__init__("outline")
        self.cuerun = ModuleType("outline.cuerun")
        self.modules = ModuleType("outline.modules")
        self.modules.shell = ModuleType("outline.modules.shell")  # type: ignore[attr-defined]
        self.modules.shell.Shell = Layer
        self.cuerun.OutlineLauncher = Launcher  # type: ignore[attr-defined]
        self.Outline = Job


class Job:
    def __init__(self, name: str, frame_range: str) -> None:
        self.name, self.range, self.layers = name, frame_range, list[Layer]()

    def add_layer(self, layer: "Layer") -> None:
        self.layers.append(layer)


class Layer:
    def __init__(self, name: str, *, command: list[str], chunk: int, range: str) -> None:
        self.name, self.command, self.chunk, self.range = name, command, chunk, range
        self.after: list[Layer] = []

    def depend_all(self, on: "Layer") -> None:
        self.after.append(on)


class Launcher:
    launched: list[Job]

    def __init__(self, job: Job) -> None:
        self._job = job

    def launch(self, *, use_pycuerun: bool) -> None:
        assert not use_pycuerun
        Launcher.launched.append(self._job)


def test_the_script_submits_layers_that_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opencue(farm_job(tmp_path), Context(home=tmp_path))
    fake: Any = FakeOutline()
    for name, module in (
        ("outline", fake),
        ("outline.cuerun", fake.cuerun),
        ("outline.modules", fake.modules),
        ("outline.modules.shell", fake.modules.shell),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "argv", ["submit_opencue.py"])
    Launcher.launched = []
    runpy.run_path(str(tmp_path / "bundle" / "submit_opencue.py"))
    (job,) = Launcher.launched
    assert (job.name, job.range) == ("faceplate_s", "1001-1006")
    assert [layer.name for layer in job.layers] == ["analyse", "swap", "seal", "movie", "timeline"]
    swap = job.layers[1]
    assert (swap.chunk, swap.range, swap.after) == (2, "1001-1006", [job.layers[0]])
    assert {layer.range for layer in job.layers} == {"1001", "1001-1006"}
    assert "--frames=#FRAME_START#-#FRAME_END#" in swap.command
    assert f"--model={tmp_path / 'model'}" in swap.command


def test_a_range_with_gaps_needs_tasks_of_one_frame(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="--chunk 1"):
        opencue(farm_job(tmp_path, frames="1001,1003"), Context(home=tmp_path))
    assert (
        opencue(farm_job(tmp_path, frames="1001,1003", chunk=1), Context(home=tmp_path)).tasks == 2
    )
