import pickle
import warnings
from typing import Any

import numpy as np
import pytest

from faceplate.errors import InvalidInput
from faceplate.io.pickled import read_pickle
from faceplate.io.pickling import write_pickle

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**31 - 1,
    2**40,
    -(2**70),
    1.5,
    float("inf"),
    "",
    "größe",
    b"\x00\xff" * 300,
    [],
    [1, [2.5, None]],
    (),
    (1, "a"),
    {},
    {"polys": [{"type": 1, "pts": [(1, 2)]}]},
]


def by_python(content: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy 2 finds numpy 1's names old
        return pickle.loads(content)


@pytest.mark.parametrize("value", VALUES)
def test_plain_values_come_back_by_our_reader_and_by_pythons(value: Any) -> None:
    content = write_pickle(value)
    assert read_pickle(content, "a.jpg") == value
    assert by_python(content) == value


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0,), (5,), (68, 2), (2, 3, 4)])
def test_arrays_come_back_by_our_reader_and_by_numpys(kind: type, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    content = write_pickle({"pts": array, "strided": np.swapaxes(array, 0, -1)})
    for got in (read_pickle(content, "a.jpg"), by_python(content)):
        assert got["pts"].dtype == kind
        assert (got["pts"] == array).all()
        assert got["pts"].shape == shape
        assert (got["strided"] == np.swapaxes(array, 0, -1)).all()


def test_names_are_those_that_numpy_1_can_import() -> None:
    content = write_pickle(np.zeros(3, np.float32))
    assert b"numpy.core.multiarray" in content
    assert b"numpy._core" not in content


@pytest.mark.parametrize("value", [{1, 2}, object(), np.zeros(2, np.int64), 1j])
def test_what_other_programs_would_not_read_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_pickle(value)
