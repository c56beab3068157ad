"""Laying a 512 px face into a UHD RGBA float frame: its ROI in one pass, against the full frame.

    python -m benchmarks.warp [--repeats 7]

The face is magnified by 1.4 and turned by 12 degrees. Baseline: cv2.warpAffine of the face (cubic)
and of its matte (linear) into the full frame, float32, and a composite of the full frame into a
buffer that is there. Candidate: `warp_back` of the matte over the ROI and `warp_over`, in place.
The same filters; one thread, processor seconds, in turn.

Gate: largest difference of the two results (OpenCV before 5 rounds positions to 1/32 of a pixel).
Outside the ROI the frame must be bit for bit what it was, or the gate is missed.
"""

import sys
import time

import cv2
import numpy as np

from benchmarks.harness import Outcome, alternate, finish, run
from faceplate.geometry.over import warp_over
from faceplate.geometry.points import invert
from faceplate.geometry.warp import roi_of, warp_back

__all__ = ["main", "measure"]

GOAL, GATE = 15.0, 5e-3
WIDTH, HEIGHT, FACE = 3840, 2160, 512
NAMES = ("full frame, warpAffine", "ROI, warp_back and numpy", "ROI, one pass")


def main() -> int:
    """Run the benchmark; 1 if goal or gate is missed."""
    return run(measure, __doc__, repeats=7)


def measure(repeats: int = 7) -> Outcome:
    """Time them in turn and print the table and the outcome."""
    cv2.setNumThreads(1)
    scene = Scene()
    timings = alternate(
        {NAMES[0]: scene.full, NAMES[1]: scene.in_roi, NAMES[2]: scene.fused},
        repeats,
        clock=time.process_time,
    )
    ratio = timings[NAMES[0]].median / timings[NAMES[2]].median
    accuracy = scene.difference()
    passed = ratio >= GOAL and accuracy <= GATE
    outcome = Outcome("warp", ratio, GOAL, accuracy, GATE, passed)
    finish(outcome, timings)
    return outcome


class Scene:
    """A frame, a face, and three ways to bring them together."""

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.plate = rng.random((HEIGHT, WIDTH, 4), np.float32)
        self.frame, self.result = self.plate.copy(), self.plate.copy()
        y, x = np.mgrid[:FACE, :FACE].astype(np.float32) / FACE - 0.5
        waves = np.sin(40 * x + 25 * y)[..., None] * np.array([0.2, 0.15, 0.1], np.float32)
        self.face = np.ascontiguousarray(0.5 + waves, np.float32)
        self.matte = np.clip((0.46 - np.hypot(1.15 * x, y)) * 20, 0, 1).astype(np.float32)
        turned = cv2.getRotationMatrix2D((FACE / 2, FACE / 2), 12, 1.4)
        turned[:, 2] += [1700, 800]
        self.matrix = invert(turned)
        self.roi = roi_of(self.matrix, FACE, (0, 0, WIDTH, HEIGHT))

    def full(self) -> None:
        size, inverse = (WIDTH, HEIGHT), cv2.WARP_INVERSE_MAP
        face = cv2.warpAffine(self.face, self.matrix, size, flags=cv2.INTER_CUBIC | inverse,
                              borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        matte = cv2.warpAffine(self.matte, self.matrix, size, flags=cv2.INTER_LINEAR | inverse)
        share = matte[..., None]
        self.result[..., :3] = self.plate[..., :3] + share * (face - self.plate[..., :3])

    def in_roi(self) -> None:
        part, matte = self._restored()
        face = warp_back(self.face, self.matrix, self.roi, border="replicate")
        part += matte[..., None] * (face - part)

    def fused(self) -> None:
        _, matte = self._restored()
        warp_over(self.frame, self.face, self.matrix, self.roi, matte)

    def difference(self) -> float:
        """Return the largest difference inside the ROI; infinity where the rest has changed."""
        self.full()
        self.fused()
        x0, y0, x1, y1 = self.roi
        inside = np.zeros((HEIGHT, WIDTH), np.bool_)
        inside[y0:y1, x0:x1] = True
        untouched = np.array_equal(self.frame[~inside], self.plate[~inside])
        untouched &= np.array_equal(self.frame[..., 3], self.plate[..., 3])
        worst = float(np.abs(self.frame[inside] - self.result[inside]).max())
        return worst if untouched else float("inf")

    def _restored(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ROI of the frame with the plate in it again, and the matte over it."""
        x0, y0, x1, y1 = self.roi
        place = slice(y0, y1), slice(x0, x1), slice(0, 3)
        np.copyto(self.frame[place], self.plate[place])
        return self.frame[place], warp_back(
            self.matte, self.matrix, self.roi, interpolation="linear"
        )


if __name__ == "__main__":
    sys.exit(main())
