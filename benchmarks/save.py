"""How long a save of Quick96 with its optimiser keeps the training waiting.

Baseline: the save is written before the training goes on. Candidate: `faceplate.train.saver`, which
copies the state in memory and writes it behind the training. Wall time, for a disk counts here.

Gate: what is on disk afterwards is bit for bit what the training held when the save began.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.harness import Outcome, alternate, finish
from faceplate.config import to_dict
from faceplate.models import ARCHITECTURES
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate.train.checkpoint import TrainState
from faceplate.train.presets import PRESETS
from faceplate.train.saver import Saver

__all__ = ["main", "measure"]

GOAL_S = 1.5


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count, at least 5")
    parser.add_argument("--folder", type=Path, help="disk to write to, else the temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        outcome = measure(Path(folder), options.repeats)
    return 0 if outcome.passed else 1


def measure(folder: Path, repeats: int = 5) -> Outcome:
    """Time both and print the table and the outcome."""
    kind = ARCHITECTURES.load("quick96")
    shape = kind.Config()
    config = SwapModelConfig("a", "b", "full_face", "acescct", "quick96", shape)
    model = ModelFolder.create(folder / "model", config)
    weights = kind(shape).state_dict()
    moments = {f"{name}.square": torch.rand_like(tensor) for name, tensor in weights.items()}
    step = [0]
    with Saver(model, keep=2) as saver:

        def behind() -> None:
            step[0] += 1
            saver.save(weights, moments, _state(step[0]))

        def before() -> None:
            step[0] += 1
            model.write_save(step[0], weights, moments, to_dict(_state(step[0])), keep=2)

        rest = "... and until it is on disk"
        runs = {"written at once": before, "written behind": behind, rest: saver.wait}
        timings = alternate(runs, repeats)
    saved = model.latest()
    size = saved.size() / 1e6
    wrong = _differences(saved.weights(), weights) + _differences(saved.optimizer() or {}, moments)
    at_once, pause, _ = (timing.median for timing in timings.values())
    print(f"{size:.0f} MB a save; the training waits {pause:.2f} s of {GOAL_S:.1f} s allowed")
    passed = pause <= GOAL_S and wrong == 0
    outcome = Outcome("save", at_once / pause, at_once / GOAL_S, wrong, 0.0, passed)
    finish(outcome, timings)
    return outcome


def _state(step: int) -> TrainState:
    return TrainState(step, 100, PRESETS["quick96"].settings, "quick96", 0)


def _differences(got: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    return float(sum(not torch.equal(got[name], wanted[name]) for name in wanted))


if __name__ == "__main__":
    sys.exit(main())
