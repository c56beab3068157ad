"""The reference path, analyse with S3FD and 2DFAN4, against both in plain eager float32.

Baseline: the face-alignment package's networks as they come, float32 and NCHW, both asked of every
frame. Candidate: the same networks in `FastNet` (channels_last, bfloat16 weights where the machine
has AMX, else float32) under analyse's own follower, which asks the detector of every twelfth frame
and where a face was lost. Same shot and same size of images for both, on one thread, in processor
seconds.

The real weights are imported by those who have them. Here they are synthetic, of the right shape:
the price of a look does not depend on their values, but their answers are worth nothing. So each
look pays for the reference network and is answered by the default one, and the follower meets what
it meets on real faces. Recall and landmark error are those answers', over the timed frames.

The first table has the networks alone; its bfloat16 row is always measured, so that it says what
the machine would gain by it.

Gate: the largest difference of any answer of a network from eager float32, over the largest value.
A path that finds fewer faces than the baseline fails it.

    python -m benchmarks.reference [--frames 1021-1044] [--home .faceplate]
"""

import argparse
import copy
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from face_alignment.detection.sfd.net_s3fd import s3fd
from face_alignment.models import FAN
from torch import Tensor, nn

from benchmarks.extract import MIN_FACE, REPO, SIZE, Bench
from benchmarks.harness import Outcome, Timing, alternate, finish
from faceplate.detect.looking import Looking
from faceplate.extract.finder import Finder
from faceplate.io.torchfile import FastNet, fast_dtype
from faceplate.landmarks import load_landmarker
from faceplate.models.store import WeightStore

__all__ = ["main"]

GOAL = 3.0
GATES = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
NET_SIZE = (360, 640)
"""Rows and columns that S3FD sees of a 16:9 frame."""
NAMES = ("eager float32 on every frame", "analyse with the reference nets")

Call = Callable[[Tensor], list[Tensor]]


class Paid:
    """A detector or landmarker whose answers are another's, at the price of a network."""

    def __init__(self, answers: Any, net: Call, image: Tensor) -> None:
        self.card, self.cards = getattr(answers, "card", ""), getattr(answers, "cards", ())
        self.looks = 0
        self._answers, self._net, self._image = answers, net, image

    def __call__(self, *args: Any) -> Any:
        self.looks += 1
        self._net(self._image)
        return self._answers(*args)


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    options = parsed()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    dtype = fast_dtype()
    detector = ways_of(s3fd().eval(), dtype)
    landmarker = ways_of(FAN(4).eval(), dtype)
    frame, crop = 100 * torch.randn(1, 3, *NET_SIZE), torch.rand(1, 3, 256, 256)
    worst = max(
        compared("S3FD 640x360", detector, frame, options.repeats),
        compared("2DFAN4 256x256", landmarker, crop, options.repeats),
    )
    bench = Bench(options.frames)
    paid = {}
    for way, name in (("eager fp32", "large"), ("as shipped", "small")):
        looker, placer = answering(Path(options.home))
        paid[name] = (Paid(looker, detector[way], frame), Paid(placer, landmarker[way], crop))
        setattr(bench, name, Finder(*paid[name], bench.encodings, max(NET_SIZE)))
    recalls = told(bench, paid)
    runs = {
        NAMES[0]: lambda: bench.baseline(bench.timed),
        NAMES[1]: lambda: bench.candidate(bench.timed),
    }
    timings = alternate(runs, options.repeats, warm_up=0, clock=time.process_time)
    ratio = timings[NAMES[0]].median / timings[NAMES[1]].median
    accuracy = worst if recalls[1] >= recalls[0] else 99.0
    passed = ratio >= GOAL and accuracy <= GATES[dtype]
    print(f"as shipped on this machine: {dtype}")
    finish(Outcome("reference", round(ratio, 2), GOAL, accuracy, GATES[dtype], passed), timings)
    return 0 if passed else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", default="1021-1044", help="those that are timed")
    parser.add_argument("--home", default=os.environ.get("FACEPLATE_HOME", REPO / ".faceplate"))
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def ways_of(net: nn.Module, dtype: torch.dtype) -> dict[str, Call]:
    """Return a network as it comes, as Faceplate runs it, and in bfloat16."""

    def eager(image: Tensor) -> list[Tensor]:
        with torch.inference_mode():
            answers: list[Tensor] = net(image)
        return answers

    return {
        "eager fp32": eager,
        "as shipped": FastNet(copy.deepcopy(net), dtype),
        "bf16 channels_last": FastNet(copy.deepcopy(net), torch.bfloat16),
    }


def compared(stage: str, ways: dict[str, Call], image: Tensor, repeats: int) -> float:
    """Print how a network does each way; return how far it is off as shipped."""
    runs = {way: _bound(call, image) for way, call in ways.items()}
    timings = alternate(runs, repeats, clock=time.process_time)
    wanted = ways["eager fp32"](image)
    errors = {way: _difference(call(image), wanted) for way, call in ways.items()}
    for way, timing in timings.items():
        ratio = timings["eager fp32"].median / timing.median
        print(f"{stage + ', ' + way:36}{_ms(timing)}{ratio:8.2f} times{errors[way]:12.1e} off")
    return errors["as shipped"]


def answering(home: Path) -> tuple[Any, Any]:
    """Return the default detector and landmarker."""
    store = WeightStore(home / "weights")
    detector, _ = Looking().load("retinaface", store.path, SIZE, MIN_FACE * SIZE[1], threads=1)
    return detector, load_landmarker("facemesh", store.path, threads=1)


def told(bench: Bench, paid: dict[str, tuple[Paid, Paid]]) -> tuple[float, float]:
    """Print how often each way looks and what it finds; return the recalls."""
    found = {"large": bench.baseline(bench.timed), "small": bench.candidate(bench.timed)}
    bench.truth = {number: bench.truth[number] for number in bench.timed.frames}
    recalls = {way: bench.recall(each) for way, each in found.items()}
    print(f"{'looks at ' + str(len(bench.timed.frames)) + ' frames':32}{'S3FD':>8}{'2DFAN4':>8}")
    for name, (way, (detector, landmarker)) in zip(NAMES, paid.items(), strict=True):
        error = bench.error(found[way])
        print(
            f"{name:32}{detector.looks:8d}{landmarker.looks:8d}"
            f"   recall {recalls[way]:.4f}, error {error:.3f} % of eyes"
        )
    return recalls["large"], recalls["small"]


def _bound(call: Call, image: Tensor) -> Callable[[], list[Tensor]]:
    return lambda: call(image)


def _difference(answers: list[Tensor], wanted: list[Tensor]) -> float:
    return max(
        float((one - other).abs().max() / other.abs().max())
        for one, other in zip(answers, wanted, strict=True)
    )


def _ms(timing: Timing) -> str:
    return f"{timing.median * 1e3:9.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
