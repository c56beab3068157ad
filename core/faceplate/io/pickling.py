"""Writing pickles that other programs read: plain values and numpy arrays, no more.

The operations are written one by one, protocol 3, with the names that numpy 1 has: what numpy 2
would write itself, those programs cannot import.

Source: the description of the operations in the standard library's `pickletools`.
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import InvalidInput

__all__ = ["write_pickle"]

_FORMATS = {"uint8": ("u1", "|"), "float32": ("f4", "<"), "float64": ("f8", "<")}


def write_pickle(value: Any) -> bytes:
    """Return a value as a pickle: dicts, lists, tuples, texts, bytes, numbers, None and arrays.

    Raises:
        InvalidInput: Something else, or an array of other than uint8, float32 or float64.

    Example:
        >>> from faceplate.io.pickled import read_pickle
        >>> read_pickle(write_pickle({"iter": 7, "pts": np.zeros((2, 3))}), "a.jpg")["pts"].shape
        (2, 3)
    """
    return b"\x80\x03" + _value(value) + b"."


def _value(value: Any) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool | np.bool_):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int | np.integer):
        return _integer(int(value))
    if isinstance(value, float | np.floating):
        return b"G" + struct.pack(">d", float(value))
    if isinstance(value, str):
        return _sized(b"X", value.encode())
    if isinstance(value, bytes):
        return _sized(b"B", value)
    if isinstance(value, np.ndarray):
        return _array(value)
    return _container(value)


def _container(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return b"}(" + b"".join(_value(k) + _value(v) for k, v in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_value, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_value, value)) + b"t"
    raise InvalidInput(f"a {type(value).__name__} cannot be written for other programs")


def _integer(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def _sized(operation: bytes, content: bytes) -> bytes:
    return operation + struct.pack("<I", len(content)) + content


def _array(array: NDArray[Any]) -> bytes:
    found = _FORMATS.get(array.dtype.name)
    if found is None:
        raise InvalidInput(f"an array of {array.dtype} cannot be written for other programs")
    code, order = found
    kind = b"cnumpy\ndtype\n" + _value((code, False, True)) + b"R"
    kind += _value((3, order, None, None, None, -1, -1, 0)) + b"b"
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + _value((0,))
    content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    state = b"(" + _value(1) + _value(array.shape) + kind + _value(False) + _value(content) + b"t"
    return empty + _value(b"b") + b"tR" + state + b"b"
