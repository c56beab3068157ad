"""The reference networks, S3FD and 2DFAN4, as Faceplate runs them against plain eager float32.

Baseline: the face-alignment package's networks as they come: float32, NCHW. Candidate: the same
networks in `FastNet`: channels_last, bfloat16 weights where the machine has AMX, else float32.
Same input sizes for both: a 16:9 frame at half the detect size, and one crop of 256 x 256. Weights
are synthetic and of the right shape, since the real ones are imported; speed does not depend on
their values, and decoding is left out. On one thread, in processor seconds.

The bfloat16 row is always measured, so that the table says what the machine would gain by it.

Gate: the largest difference of any answer from eager float32, over the largest value.

    python -m benchmarks.reference [--repeats 5]
"""

import copy
import sys
import time
from collections.abc import Callable

import torch
from face_alignment.detection.sfd.net_s3fd import s3fd
from face_alignment.models import FAN
from torch import Tensor, nn

from benchmarks.harness import Outcome, Timing, alternate, finish, run
from faceplate.io.torchfile import FastNet, fast_dtype

__all__ = ["main", "measure"]

GOAL = 3.0
GATES = {torch.float32: 1e-3, torch.bfloat16: 5e-2}


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    return run(measure, __doc__)


def measure(repeats: int = 5) -> Outcome:
    """Time both networks each way and print the table, the stages and the outcome."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    stages: dict[str, tuple[nn.Module, Tensor]] = {
        "S3FD 320x180": (s3fd().eval(), 100 * torch.randn(1, 3, 180, 320)),
        "2DFAN4 256x256": (FAN(4).eval(), torch.rand(1, 3, 256, 256)),
    }
    dtype = fast_dtype()
    timings: dict[str, Timing] = {}
    worst = 0.0
    for stage, (net, image) in stages.items():
        ways = _ways(net, dtype)
        runs: dict[str, Callable[[], object]] = {
            f"{stage}, {way}": _bound(call, image) for way, call in ways.items()
        }
        timings |= alternate(runs, repeats, clock=time.process_time)
        errors = {
            way: _difference(call(image), ways["eager fp32"](image)) for way, call in ways.items()
        }
        worst = max(worst, errors["as shipped"])
        eager = timings[f"{stage}, eager fp32"].median
        for way in ways:
            ratio = eager / timings[f"{stage}, {way}"].median
            print(f"{stage + ', ' + way:32}{ratio:8.2f} times{errors[way]:12.1e} off")
    ratio = _total(timings, "eager fp32") / _total(timings, "as shipped")
    print(f"as shipped on this machine: {dtype}; both networks together {ratio:.2f} times")
    passed = ratio >= GOAL and worst <= GATES[dtype]
    outcome = Outcome("reference", round(ratio, 2), GOAL, worst, GATES[dtype], passed)
    finish(outcome, timings)
    return outcome


def _ways(net: nn.Module, dtype: torch.dtype) -> dict[str, Callable[[Tensor], list[Tensor]]]:
    def eager(image: Tensor) -> list[Tensor]:
        with torch.inference_mode():
            answers: list[Tensor] = net(image)
        return answers

    return {
        "eager fp32": eager,
        "as shipped": FastNet(copy.deepcopy(net), dtype),
        "bf16 channels_last": FastNet(copy.deepcopy(net), torch.bfloat16),
    }


def _bound(call: Callable[[Tensor], list[Tensor]], image: Tensor) -> Callable[[], list[Tensor]]:
    return lambda: call(image)


def _difference(answers: list[Tensor], wanted: list[Tensor]) -> float:
    return max(
        float((one - other).abs().max() / other.abs().max())
        for one, other in zip(answers, wanted, strict=True)
    )


def _total(timings: dict[str, Timing], way: str) -> float:
    return sum(timing.median for name, timing in timings.items() if name.endswith(way))


if __name__ == "__main__":
    sys.exit(main())
