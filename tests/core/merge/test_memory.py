"""What a swap takes at its most: one process, from its start to the file, by the system."""

import json
import subprocess
import sys

import pytest
from tests.support.paths import REPO
from tests.support.shots4k import large_shot

_SWAP = """
import json, sys
from pathlib import Path
from faceplate.context import Context
from faceplate.merge.swap import SwapJob, swap
job = SwapJob(**json.loads(sys.argv[1]))
result = swap(job, Context(Path(sys.argv[2]), device="cpu", threads=1))
assert result.swapped == 1, result
from benchmarks.harness import peak_bytes
print(peak_bytes())
"""


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["inside", "beside"])
@pytest.mark.parametrize(
    ("size", "face_height", "limit"),
    [((3840, 2160), 512.0, 1.2e9), ((7680, 4320), 1024.0, 4.0e9)],
    ids=["uhd", "8k"],
)
def test_a_float_swap_stays_within_its_memory(tmp_path, size, face_height, limit, layers):
    shot = large_shot(tmp_path, *size, face_height, pixel_type="float", compression="zips")
    job = {
        **shot.job(), "out": str(tmp_path / "out" / "s.%04d.exr"), "layers": layers,
        "pixel_type": "float", "compression": "zips",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _SWAP, json.dumps(job), str(tmp_path / "home")],
        capture_output=True, text=True, cwd=REPO, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < limit
