import numpy as np
import pytest

from faceplate.errors import BadShape
from faceplate.io.integers import decode, encode


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (16, np.uint16)])
def test_every_integer_survives_decode_and_encode(bits: int, kind: type[np.generic]) -> None:
    every = np.arange(2**bits).astype(kind)
    back = encode(decode(every), bits)
    assert back.dtype == kind
    assert (back == every).all()


def test_values_outside_are_held_and_nan_is_0() -> None:
    values = np.array([-5, np.nan, 2, np.inf, -np.inf], np.float32)
    assert encode(values, 10).tolist() == [0, 0, 1023, 1023, 0]


def test_other_types_are_refused() -> None:
    with pytest.raises(BadShape, match="uint8 or uint16"):
        decode(np.zeros(3, np.int32))  # type: ignore[arg-type] # on purpose
