"""A UHD frame to the server and back on one machine, against two plain copies of it.

`python -m benchmarks.roundtrip`. The frame is float32 RGBA in a buffer that client and server share
(Frames.OpenBuffer); nobody is in it, so the time is that of the way alone: the client copies the
frame in, calls SwapBuffer over a unix socket with token, track, model and consent checked as ever,
and copies it out. The server is a process of its own, and the engine another.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Outcome, alternate, finish
from faceplate.io.tracked import PlateInfo
from faceplate.io.trackfile import Track
from faceplate.models.df import DF, DFConfig
from faceplate.models.folder import ModelFolder, SwapModelConfig
from faceplate_protos.v1 import frames_pb2, frames_pb2_grpc

WIDTH, HEIGHT, FRAME = 3840, 2160, 1001
GOAL = 1.3
"""Time of the way over that of two copies, at most (design.md, section 11)."""


def main() -> int:
    """Run it; 0 where goal and accuracy are held."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (stub, token):
        outcome = measure(Path(folder), stub, (("authorization", f"Bearer {token}"),))
    return 0 if outcome.passed else 1


def measure(
    folder: Path, stub: frames_pb2_grpc.FramesStub, metadata: tuple[tuple[str, str], ...]
) -> Outcome:
    """Time copies and round trips in turn."""
    opened = stub.OpenBuffer(
        frames_pb2.OpenBufferRequest(width=WIDTH, height=HEIGHT), metadata=metadata
    )
    shape = (HEIGHT, WIDTH, 4)
    shared = np.memmap(opened.buffer, np.float32, "r+", shape=shape)
    plate = plate_of(shape)
    scratch, result = np.ones(shape, np.float32), np.ones(shape, np.float32)
    request = frames_pb2.SwapBufferRequest(
        buffer=opened.buffer, frame=FRAME, track=str(folder / "track.json"), model=str(folder / "m")
    )

    def copies() -> None:
        np.copyto(scratch, plate)
        np.copyto(result, scratch)

    def call() -> None:
        stub.SwapBuffer(request, metadata=metadata, timeout=60)

    def round_trip() -> None:
        np.copyto(shared, plate)
        call()
        np.copyto(result, shared)

    timings = alternate(
        {"two copies": copies, "there and back": round_trip, "the call alone": call}, repeats=15
    )
    result[:] = 0
    round_trip()
    wrong = float(np.count_nonzero(result.view(np.uint32) != plate.view(np.uint32)))
    ratio = timings["there and back"].median / timings["two copies"].median
    outcome = Outcome("roundtrip", ratio, GOAL, wrong, 0.0, ratio <= GOAL and wrong == 0)
    finish(outcome, timings)
    return outcome


def plate_of(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return scene-linear noise from below 0 to well above 1."""
    return np.random.default_rng(1).normal(0.5, 1.0, shape).astype(np.float32)


@contextmanager
def server(folder: Path) -> Iterator[tuple[frames_pb2_grpc.FramesStub, str]]:
    """Run a real server over a folder with a track without faces and an untrained model."""
    info = PlateInfo("plate.%04d.exr", WIDTH, HEIGHT, FRAME, FRAME, 24.0, 1.0, "ACEScg")
    Track(info, (FRAME,)).save(folder / "track.json")
    net = DFConfig(resolution=64, ae_dims=8, e_dims=4, d_dims=4, d_mask_dims=4)
    config = SwapModelConfig("nobody", "nobody", "full_face", "acescct", net=net)
    ModelFolder.create(folder / "m", config).write_save(1, DF(net).state_dict(), None, {})
    settings = ("--home", folder / "home", "--roots", folder, "--consent-policy", "warn")
    code = "import sys; from faceplate_server.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *map(str, settings)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        log = next(line for line in process.stderr if "listening on" in line)
        token = (folder / "home" / "token").read_text().strip()
        with grpc.insecure_channel(log.split("listening on ")[1].strip()) as channel:
            yield frames_pb2_grpc.FramesStub(channel), token
    finally:
        process.terminate()
        process.communicate(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
