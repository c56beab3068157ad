"""Running one TensorFlow Lite network on one image, through LiteRT."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from faceplate.errors import Damaged

__all__ = ["TfliteNet"]

_quiet_lock = threading.Lock()


class TfliteNet:
    """A network with one square RGB input. Not safe to share between threads.

    Args:
        weights: The .tflite file.
        outputs: Names of the outputs wanted, in the order in which `run` returns them.
        threads: Threads of the network; 0 leaves the library's own default.

    Raises:
        Damaged: The file is no such network.
    """

    def __init__(self, weights: Path, outputs: tuple[str, ...], *, threads: int = 0) -> None:
        try:
            with _native_stderr_off():
                self._net = Interpreter(str(weights), num_threads=threads or None)
                self._net.allocate_tensors()
            places = {detail["name"]: detail["index"] for detail in self._net.get_output_details()}
            self._outputs = [places[name] for name in outputs]
        except (ValueError, RuntimeError, KeyError) as error:
            raise Damaged(f"{weights} is not the network wanted: {error}") from error
        entry = self._net.get_input_details()[0]
        self._input = entry["index"]
        self.side = int(entry["shape"][1])
        """Width and height of the input in pixels."""

    def run(self, image: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """Return the outputs, flat, for a side x side x 3 RGB image in 0..1."""
        clean = np.clip(np.nan_to_num(image, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
        self._net.set_tensor(self._input, clean[None])  # (1, side, side, 3)
        self._net.invoke()
        return [self._net.get_tensor(index).ravel() for index in self._outputs]


@contextlib.contextmanager
def _native_stderr_off() -> Iterator[None]:
    """Drop what the library's native code writes to stderr when it starts; it has no switch."""
    with _quiet_lock:
        kept = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(null)
            os.close(kept)
