"""The ONNX network of a detector: the image in, its named answers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceplate.detect.boxes import check_view, shrunk
from faceplate.errors import Damaged
from faceplate.io.onnxfile import open_onnx

__all__ = ["Answer", "Colours", "OnnxNet"]

Floats = npt.NDArray[np.float32]

_MULTIPLE = 32


@dataclass(frozen=True)
class Colours:
    """How a network wants its pixels: (level - mean) * scale, of levels 0..255."""

    bgr: bool
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """In the order of the channels as the network gets them."""
    scale: float = 1.0
    beyond: float = 0.0
    """What lies beyond the image, in the network's own numbers."""


@dataclass(frozen=True)
class Answer:
    """What a network says about an image."""

    outputs: list[Floats]
    """In the order of the network's outputs, or of the names that were asked for."""
    shape: tuple[int, int]
    """Height and width of what the network saw, with what lies beyond the image."""
    to_view: npt.NDArray[np.float64]
    """Pixels of the image per pixel of the network, x and y."""

    def floats(self, index: int, *shape: int) -> Floats:
        """Return an output in this shape. Raises Damaged where it has another number of values."""
        values = self.outputs[index]
        if values.size != int(np.prod(shape)):
            raise Damaged(
                f"the detector's network answers {values.shape} where {shape} is expected for an "
                f"image of {self.shape}: its file is another network; fetch the card's own"
            )
        return values.reshape(shape)


class OnnxNet:
    """A network that takes images of any size, or of the one size that its file is made for.

    Args:
        weights: The file.
        what: What it should be, for the message of an error.
        outputs: Names of its outputs, or their number where the names mean nothing.
        colours: How it wants its pixels.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.
        long_side: Larger images are shrunk to this, in pixels.

    Raises:
        Damaged: The file is no such network.
    """

    def __init__(
        self,
        weights: Path,
        what: str,
        outputs: Sequence[str] | int,
        colours: Colours,
        *,
        threads: int = 0,
        long_side: int = 640,
    ) -> None:
        self._session = open_onnx(weights, what, threads=threads)
        has = [output.name for output in self._session.get_outputs()]
        wanted = has if isinstance(outputs, int) else list(outputs)
        if not set(wanted) <= set(has) or (isinstance(outputs, int) and len(has) != outputs):
            raise Damaged(
                f"{weights} is not the ONNX network of {what}: it answers {', '.join(has)}; "
                "fetch or import the file of the card"
            )
        entry = self._session.get_inputs()[0]
        self._wanted, self._input = wanted, entry.name
        self._fixed = _fixed_size(entry.shape)
        self._colours = colours
        self._long_side = long_side

    def __call__(self, view: Floats) -> Answer:
        """Run the network over an image. Raises BadShape for an image of another shape."""
        check_view(view)
        height, width = view.shape[:2]
        zoom = min(1.0, self._long_side / max(height, width))
        if self._fixed is not None:
            zoom = min(zoom, self._fixed[0] / height, self._fixed[1] / width)
        size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        blob = self._blob(shrunk(view, size))
        outputs = self._session.run(self._wanted, {self._input: blob})
        to_view = np.array([width / size[0], height / size[1]])
        return Answer(outputs, (blob.shape[2], blob.shape[3]), to_view)

    def _blob(self, small: Floats) -> Floats:
        """Return 1x3xHxW, filled up to whole strides or to the network's one size."""
        colours = self._colours
        height, width = self._fixed or (
            -(-side // _MULTIPLE) * _MULTIPLE for side in small.shape[:2]
        )
        blob = np.full((1, 3, height, width), colours.beyond, dtype=np.float32)
        planes = small[:, :, ::-1] if colours.bgr else small
        levels = planes * np.float32(255) - np.array(colours.mean, np.float32)
        levels *= np.float32(colours.scale)
        blob[0, :, : small.shape[0], : small.shape[1]] = levels.transpose(2, 0, 1)
        return blob


def _fixed_size(shape: Sequence[int | str | None]) -> tuple[int, int] | None:
    height, width = shape[2:4] if len(shape) == 4 else (None, None)
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None
