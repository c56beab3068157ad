import collections
import contextlib
import os
import pickle
import struct
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.errors import Damaged, Refused
from faceplate.io.pickled import read_pickle


class Kind(IntEnum):
    FACE = 3


class Evil:
    """Runs a command when the standard reader opens it."""

    def __init__(self, *call: Any) -> None:
        self._call = call

    def __reduce__(self) -> Any:
        return self._call


PLAIN = {
    "iter": 12345,
    "big": 1 << 90,
    "loss": [[0.5, 0.25], [1e-7, -3.0]],
    "options": {"archi": "df-ud", "resolution": 96, "pretrain": False, "nothing": None},
    "pair": (1, ("two", b"three")),
    "text": "größe " * 100,
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back_whatever_the_protocol(protocol: int) -> None:
    assert read_pickle(pickle.dumps(PLAIN, protocol), "a") == PLAIN


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "|u1", "<i8", "|b1", "<U7", "|S3"])
def test_arrays_come_back_whatever_the_protocol_and_the_number_format(
    protocol: int, dtype: str
) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    arrays = {
        "c": values.astype(dtype),
        "fortran": np.asfortranarray(values.astype(dtype)),
        "none": np.zeros((0, 4), dtype),
        "scalar": values.astype(dtype)[1, 1, 1] if dtype[1] in "fiu" else 7,
    }
    got = read_pickle(pickle.dumps(arrays, protocol), "a")
    for name in ("c", "fortran", "none"):
        assert got[name].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(got[name], arrays[name])
    assert got["scalar"] == arrays["scalar"]


def test_arrays_of_numpy_1_are_read() -> None:
    # numpy 2 only renamed the module, with `core` for `_core` in it
    content = pickle.dumps(np.eye(3, dtype=np.float32), 2).replace(b"numpy._core", b"numpy.core")
    np.testing.assert_array_equal(read_pickle(content, "a"), np.eye(3))


def test_a_value_named_twice_is_the_same_array() -> None:
    array = np.arange(4.0)
    got = read_pickle(pickle.dumps([array, {"again": array}], 4), "a")
    assert got[0] is got[1]["again"]


def test_members_of_a_known_enum_stand_for_their_value() -> None:
    content = pickle.dumps({"kind": Kind.FACE}, 4)
    name = f"{Kind.__module__}.Kind"
    assert read_pickle(content, "a", frozenset({name})) == {"kind": 3}
    with pytest.raises(Refused, match=name.replace(".", r"\.")):
        read_pickle(content, "a")


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("evil", "named"),
    [
        (Evil(os.system, ("touch {}",)), "system"),
        (Evil(eval, ("__import__('os').remove('{}')",)), "eval"),
        (Evil(exec, ("open('{}', 'w')",)), "exec"),
        (Evil(Path, ("/tmp",)), "Path"),
        (Evil(collections.Counter, ({},)), "Counter"),
        (Evil(np.load, ("x.npy",)), "load"),
        (Evil(getattr, (os, "system")), "getattr"),
    ],
)
def test_whatever_would_be_called_is_refused_by_its_name(
    tmp_path: Path, protocol: int, evil: Evil, named: str
) -> None:
    sign = tmp_path / "ran"
    content = None
    call, arguments = evil._call[0], evil._call[1]
    arguments = tuple(a.replace("{}", str(sign)) if isinstance(a, str) else a for a in arguments)
    try:
        content = pickle.dumps({"w": Evil(call, arguments)}, protocol)
    except TypeError:  # a module cannot be pickled: write the operations by hand
        content = b"cbuiltins\ngetattr\n(cos\nsystem\nVx\ntR."
    with pytest.raises(Refused, match=named):
        read_pickle(content, "face.jpg")
    assert not sign.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x02cos\nsystem\nU\x04true\x85\x81.",  # NEWOBJ
        b"Pevil\n.",  # PERSID
        b"\x80\x02\x82\x01.",  # EXT1
        b"cnumpy\nndarray\n(I1000000000\ntR.",  # calls what is only an argument
        b"cnumpy.core.multiarray\n_reconstruct\n.",
        b"}(S'__class__'\nI1\nsb.",
    ],
)
def test_hand_made_programs_are_refused(content: bytes) -> None:
    with pytest.raises((Refused, Damaged)):
        read_pickle(content, "a")


def test_inner_state_of_a_plain_value_cannot_be_set() -> None:
    with pytest.raises(Refused, match="inner state of a dict"):
        read_pickle(b"}}b.", "a")


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises((Refused, Damaged)):
        read_pickle(pickle.dumps(np.array([{}, None], object), 4), "a")
    with pytest.raises(Damaged):
        read_pickle(pickle.dumps(np.zeros(2, [("a", "f4")]), 4), "a")


def test_an_array_that_says_it_is_larger_than_its_bytes_is_damaged() -> None:
    content = pickle.dumps(np.zeros((3, 5), np.uint8), 2)
    assert b"K\x03K\x05" in content
    with pytest.raises(Damaged, match="an array of shape"):
        read_pickle(content.replace(b"K\x03K\x05", b"K\xffK\xff"), "a")
    with pytest.raises(Damaged):
        read_pickle(content.replace(b"K\x03K\x05", b"J" + struct.pack("<i", -3) + b"K\xfb"), "a")


@pytest.mark.parametrize("keep", [0, 1, 10, 60, -1])
def test_a_pickle_cut_short_or_of_zeros_is_damaged(keep: int) -> None:
    content = pickle.dumps({"w": np.eye(4)}, 4)
    with pytest.raises(Damaged, match=r"a\.npy is no whole pickle"):
        read_pickle(content[:keep], "a.npy")
    with pytest.raises((Damaged, Refused)):
        read_pickle(bytes(100), "a.npy")  # what a power cut leaves


def test_tuples_that_hold_each_other_twice_are_read_at_once() -> None:
    nested = b")" + b"2\x86" * 60 + b"."  # DUP, TUPLE2: 2**60 leaves
    assert read_pickle(nested, "a")[0][1][0][1] is not None
    with pytest.raises(Damaged, match="as a key"):
        read_pickle(b"}" + nested[:-1] + b"Ns.", "a")
    with pytest.raises(Damaged):
        read_pickle(b")" + b"\x85" * 100_000 + b".", "a")


def test_random_bytes_never_do_more_than_fail() -> None:
    rng = np.random.default_rng(0)
    good = pickle.dumps({"a": np.eye(3), "b": [1, 2.5, "x"]}, 4)
    for _ in range(300):
        content = bytearray(good)
        for place in rng.integers(0, len(good), 3):
            content[place] = rng.integers(256)
        with contextlib.suppress(Damaged, Refused):
            read_pickle(bytes(content), "a")
