"""Reading the pickles of other programs without running what is in them.

A pickle is a little program: the standard reader imports and calls whatever it names. This reader
walks over the operations itself and knows numbers, texts, bytes, lists, tuples, sets and dicts, and
numpy arrays, numbers and number formats, which it builds from their bytes with its own code.
Nothing is imported and nothing is called; whatever else a pickle names is refused by its name.

Source: the description of the operations in the standard library's `pickletools`.
"""

import math
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import Damaged, Refused

__all__ = ["read_pickle"]

_MARK = object()
_BROKEN = (
    ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError, RecursionError,
)  # fmt: skip
_MOST_ARRAY_BYTES = 1 << 33


def read_pickle(content: bytes, what: str, enums: frozenset[str] = frozenset()) -> Any:
    """Return what a pickle holds: plain values and numpy arrays of numbers.

    Args:
        content: The bytes of one pickle, any protocol; what follows it is left alone.
        what: Name of the file, for messages.
        enums: Classes, as ``module.Name``, whose members stand for their value.

    Raises:
        Refused: It names something that is no plain value; the message says what.
        Damaged: It is no pickle, or it is cut short.

    Example:
        >>> import pickle
        >>> read_pickle(pickle.dumps({"iter": 7, "w": np.zeros((2, 3))}), "a.npy")["w"].shape
        (2, 3)
    """
    machine = _Machine(what, enums)
    try:
        for operation, argument, _ in pickletools.genops(content):
            if operation.name == "STOP":
                return machine.plain(machine.stack.pop())
            machine.run(operation.name, argument)
    except _BROKEN as error:
        raise Damaged(f"{what} is no whole pickle: {error}") from error
    raise Damaged(f"{what} is no whole pickle: it has no end")


@dataclass(frozen=True)
class _Name:
    """Something that the pickle refers to by name. Only the names in `_CALLS` mean anything."""

    module: str
    name: str

    @property
    def text(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class _DType:
    """A number format; its state brings the byte order."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "=") or any(part for part in state[2:5]):
            raise ValueError(f"number format {self.code} with fields or of byte order {order!r}")
        self.order = order

    def numpy(self) -> np.dtype[Any]:
        kind, width = self.code[:1], self.code[1:]
        if kind not in "biufSU" or not width.isdecimal() or not 1 <= int(width) <= 1 << 16:
            raise ValueError(f"number format {self.code!r}")
        return np.dtype(f"{'<' if self.order == '=' else self.order}{self.code}")


@dataclass(eq=False)
class _Array:
    """An array whose bytes come with its state."""

    value: NDArray[Any] = field(default_factory=lambda: np.zeros(0))

    def set_state(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
        self.value = _from_bytes(content, kind, shape, "F" if is_fortran else "C")


class _Machine:
    """The stack and the memory of one pickle."""

    def __init__(self, what: str, enums: frozenset[str]) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._tuples: dict[int, tuple[Any, Any]] = {}
        self._what, self._enums = what, enums

    def run(self, name: str, argument: Any) -> None:
        """Do one operation."""
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _PUSHES:
            self.stack.append(argument)
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in _NOTHING:
            raise Refused(f"{self._what} is refused: the pickle operation {name} may run code")

    def put(self, place: int) -> None:
        self._memo[place] = self.stack[-1]

    def put_next(self) -> None:
        self.put(len(self._memo))

    def get(self, place: int) -> None:
        self.stack.append(self._memo[place])

    def plain(self, value: Any) -> Any:
        """Return a complete value in place of its builder; a name has no value."""
        if isinstance(value, _Array):
            return value.value
        if isinstance(value, _DType):
            return value.numpy()
        if isinstance(value, _Name) or value is _MARK:
            raise ValueError("a name where a value should be")
        if not isinstance(value, tuple):
            return value
        # Each tuple once: nested ones that hold each other twice would take for ever.
        known = self._tuples.get(id(value))
        if known is None:
            known = self._tuples[id(value)] = (value, tuple(self.plain(item) for item in value))
        return known[1]

    def to_mark(self) -> list[Any]:
        """Take all above the last mark off the stack."""
        last = max(place for place, value in enumerate(self.stack) if value is _MARK)
        items, self.stack[last:] = self.stack[last + 1 :], []
        return items

    def combine(self, items: list[Any]) -> None:
        self.stack.append(tuple(items))

    def take(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("nothing on the stack")
        items, self.stack[-count:] = self.stack[-count:], []
        return items

    def extend(self, target: Any, items: list[Any]) -> None:
        """Put items into the list, dict or set on top of the stack."""
        if isinstance(target, list):
            target.extend(self.plain(item) for item in items)
        elif isinstance(target, dict) and len(items) % 2 == 0:
            values = (self.plain(item) for item in items[1::2])
            target.update(zip(map(_key, items[::2]), values, strict=True))
        elif isinstance(target, set):
            target.update(map(_key, items))
        else:
            raise ValueError(f"items for a {type(target).__name__}")

    def extend_marked(self) -> None:
        items = self.to_mark()
        self.extend(self.stack[-1], items)

    def make(self, target: Any) -> None:
        self.extend(target, self.to_mark())
        self.stack.append(target)

    def name(self, module: Any, name: Any) -> None:
        named = _Name(str(module), str(name))
        if named.text not in _CALLS and named.text not in _TYPES and named.text not in self._enums:
            raise Refused(
                f"{self._what} is refused: it names {named.text}, and only numbers, texts, lists, "
                "dicts and numpy arrays of numbers are read"
            )
        self.stack.append(named)

    def stack_name(self) -> None:
        name = self.stack.pop()
        self.name(self.stack.pop(), name)

    def reduce(self) -> None:
        """Stand in for a call: arrays, number formats and enum members are built here."""
        arguments, named = self.stack.pop(), self.stack.pop()
        if not isinstance(named, _Name) or not isinstance(arguments, tuple):
            raise Refused(f"{self._what} is refused: it calls something without a name")
        if named.text in self._enums:
            self.stack.append(int(arguments[0]))
        elif named.text in _CALLS:
            self.stack.append(_CALLS[named.text](*arguments))
        else:
            raise Refused(f"{self._what} is refused: it calls {named.text}")

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, _Array | _DType):
            raise Refused(
                f"{self._what} is refused: it sets the inner state of a {type(target).__name__}"
            )
        target.set_state(state)


def _key(value: Any) -> Any:
    if value is not None and not isinstance(value, str | bytes | int | float):
        raise ValueError(f"a {type(value).__name__} as a key")
    return value


def _from_bytes(content: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    if not isinstance(content, bytes | bytearray) or not isinstance(kind, _DType):
        raise ValueError("an array of objects")
    sides = [int(side) for side in shape]
    size = math.prod(sides) * kind.numpy().itemsize
    if min(sides, default=0) < 0 or size > _MOST_ARRAY_BYTES or size != len(content):
        raise ValueError(f"an array of shape {tuple(sides)} in {len(content)} bytes")
    if order not in ("C", "F"):
        raise ValueError(f"an array in the order {order!r}")
    return np.frombuffer(bytes(content), kind.numpy()).reshape(sides, order=order)


def _number(kind: Any, content: Any = b"") -> Any:
    return _from_bytes(content, kind, (), "C")[()].item()


def _bytes(content: Any = b"", encoding: Any = "latin1") -> bytes:
    return _encoded(content, encoding) if isinstance(content, str) else b"" + content


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    # how protocol 2 spells bytes
    if encoding != "latin1" or not isinstance(text, str):
        raise ValueError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def _new_dtype(code: Any, *_: Any) -> _DType:
    if not isinstance(code, str):
        raise ValueError("a number format without a name")
    return _DType(code)


def _new_array(*_: Any) -> _Array:
    return _Array()


def _array_from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    return _from_bytes(content, kind, shape, order)


_CALLS: Mapping[str, Callable[..., Any]] = {
    "numpy.dtype": _new_dtype,
    "_codecs.encode": _encoded,
    **{
        f"{module}.{name}": _bytes
        for module in ("builtins", "__builtin__")
        for name in ("bytes", "bytearray")
    },
    "collections.OrderedDict": lambda items=(): dict(items),
    **{
        f"numpy.{core}.{name}": call
        for core in ("core", "_core")
        for name, call in (
            ("multiarray._reconstruct", _new_array),
            ("multiarray.scalar", _number),
            ("numeric._frombuffer", _array_from_buffer),
        )
    },
}
"""What a pickle may call, and what stands in for it here."""

_TYPES = frozenset({"numpy.ndarray"})
"""What it may name as an argument and not call."""

_CONSTANTS: Mapping[str, Any] = {
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": (),
    "MARK": _MARK,
}

_PUSHES = frozenset(
    [
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    ]
)
"""Operations whose argument is the value."""

_NOTHING = frozenset({"PROTO", "FRAME"})

_OPERATIONS: Mapping[str, Callable[[_Machine, Any], object]] = {
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(set()),
    "LIST": lambda m, _: m.make([]),
    "DICT": lambda m, _: m.make({}),
    "FROZENSET": lambda m, _: m.make(set()),
    "TUPLE": lambda m, _: m.combine(m.to_mark()),
    "TUPLE1": lambda m, _: m.combine(m.take(1)),
    "TUPLE2": lambda m, _: m.combine(m.take(2)),
    "TUPLE3": lambda m, _: m.combine(m.take(3)),
    "APPEND": lambda m, _: m.extend(m.stack[-2], m.take(1)),
    "SETITEM": lambda m, _: m.extend(m.stack[-3], m.take(2)),
    "APPENDS": lambda m, _: m.extend_marked(),
    "SETITEMS": lambda m, _: m.extend_marked(),
    "ADDITEMS": lambda m, _: m.extend_marked(),
    "POP": lambda m, _: m.take(1),
    "POP_MARK": lambda m, _: m.to_mark(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "PUT": lambda m, place: m.put(int(place)),
    "BINPUT": lambda m, place: m.put(place),
    "LONG_BINPUT": lambda m, place: m.put(place),
    "MEMOIZE": lambda m, _: m.put_next(),
    "GET": lambda m, place: m.get(int(place)),
    "BINGET": lambda m, place: m.get(place),
    "LONG_BINGET": lambda m, place: m.get(place),
    "GLOBAL": lambda m, text: m.name(*str(text).split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.stack_name(),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
}
