"""PyTorch files: networks that others trained, loaded without running what is in the file.

`FastNet` lays them out so that they run fast on a CPU.
"""

import pickle
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from faceplate.errors import Damaged

__all__ = ["FastNet", "fast_dtype", "load_state", "reading"]

# What torch.load and load_state_dict raise for files that are something else.
_NOT_WEIGHTS = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    EOFError,
    struct.error,
    pickle.UnpicklingError,
)


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what PyTorch raises for a file that is no such network into Damaged.

    Args:
        path: The file that is read.
        what: What it should be, such as `S3FD`.
    """
    try:
        yield
    except _NOT_WEIGHTS as error:
        raise Damaged(f"{path} holds no weights of {what}: {error}") from error


def load_state(net: nn.Module, path: Path, what: str) -> None:
    """Fill a network with the state dict of a file; nothing but arrays is read. Raises Damaged."""
    with reading(path, what):
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))


def fast_dtype() -> torch.dtype:
    """Return the number format in which this CPU runs convolutions fastest.

    bfloat16 where there is AMX. With AVX-512 BF16 alone it is slower than float32: S3FD at 320 x
    192 took 572 ms against 398.
    """
    amx = torch.cpu.get_capabilities().get("amx_bf16", False)
    return torch.bfloat16 if amx else torch.float32


class FastNet:
    """A network for inference on the CPU: channels last, in the fast number format.

    Args:
        net: Any convolutional network of one image; it is changed.
        dtype: Number format of weights and inner work; None takes `fast_dtype`.
    """

    def __init__(self, net: nn.Module, dtype: torch.dtype | None = None) -> None:
        self.dtype = dtype or fast_dtype()
        self._net = net.eval().to(self.dtype)
        self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it

    def __call__(self, batch: Tensor) -> list[Tensor]:
        """Return the network's answers as float32.

        Args:
            batch: BxCxHxW float32.
        """
        with torch.inference_mode():
            given = batch.to(self.dtype, memory_format=torch.channels_last)
            answers = self._net(given)
        answers = answers if isinstance(answers, list) else [answers]
        return [answer.float() for answer in answers]
