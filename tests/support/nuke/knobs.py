"""Knobs: their kinds, what they take, animation and expressions."""
# ruff: noqa: N801, N802 - the names are Nuke's

import re
from typing import Any

from tests.support.nuke.table import ApiError, Unknown, strict

__all__ = ["KNOBS", "Knob", "make_knob"]


@strict
class Knob(Unknown):
    kind = "Knob"
    made_by_plugins = True
    _first_flags: tuple[str, ...] = ("STARTLINE",)

    def __init__(self, name: str, label: str = "") -> None:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ApiError(f"{name!r} is no name for a knob")
        self._name, self._label, self._value = name, label, self._empty()
        self._tooltip, self._flags, self._node = "", set(self._first_flags), None
        self._enabled, self._keys, self._expression = True, {}, ""

    def _empty(self) -> Any:
        return ""

    def name(self) -> str:
        return self._name

    def label(self) -> str:
        return self._label

    def Class(self) -> str:
        return self.kind

    def tooltip(self) -> str:
        return self._tooltip

    def setTooltip(self, tooltip: str) -> None:
        self._tooltip = self._text(tooltip)

    def setFlag(self, flag: int) -> None:
        self._flags.add(flag)

    def clearFlag(self, flag: int) -> None:
        self._flags.discard(flag)

    def setEnabled(self, enabled: bool) -> None:
        self._enabled = enabled

    def value(self) -> Any:
        return self._now() if self._keys or self._expression else self._value

    def setValue(self, val: Any, chan: int = 0) -> bool:
        self._set(self._checked(val))
        return True

    def isAnimated(self, channel: int = 0) -> bool:
        return bool(self._keys)

    def hasExpression(self, index: int = 0) -> bool:
        return bool(self._expression)

    def _now(self) -> Any:
        frame = self._node._host.current if self._node is not None else 1
        return self._sample(frame)

    def _sample(self, frame: float) -> Any:
        return self._value

    def _checked(self, val: Any) -> Any:
        return self._text(val)

    def _set(self, val: Any) -> None:
        if self._node is not None:
            self._node._host.changed(f"{self._node._title}.{self._name}")
            self._node._host.writes.append((self._node._title, self._name, val))
        self._value = val

    def _text(self, val: Any) -> str:
        if not isinstance(val, str):
            raise TypeError(f"{self.kind} {self._name}: expected a text, got {val!r}")
        return val


@strict
class Array_Knob(Knob):
    kind = "Array_Knob"

    def setRange(self, low: float, high: float) -> None:
        if low >= high:
            raise ApiError(f"{self._name}: range {low} to {high}")

    def setAnimated(self, channel: int = 0) -> bool:
        if "NO_ANIMATION" in self._flags:
            raise ApiError(f"{self._name} is not animatable")
        self._keys = {1.0: float(self._number(self._value))}
        return True

    def setValueAt(self, val: Any, time: float, index: int = 0) -> bool:
        if not self._keys:
            raise ApiError(f"{self._name}.setValueAt before setAnimated")
        self._keys[float(time)] = float(self._number(self._checked(val)))
        return True

    def clearAnimated(self, channel: int = 0) -> bool:
        self._keys = {}
        return True

    def setExpression(self, expression: str, channel: int = 0, view: Any = None) -> bool:
        if self._node is not None:
            self._node._host.changed(f"{self._node._title}.{self._name}")
        self._expression = expression
        return True

    def getValueAt(self, frame: float, index: int = 0, view: Any = None) -> float:
        return float(self._number(self._sample(frame)))

    def _number(self, value: Any) -> float:
        return float(value)

    def _sample(self, frame: float) -> Any:
        if self._expression:
            return float(self._node._host.evaluate(self._expression, self._node, frame))
        if not self._keys:
            return self._value
        times = sorted(self._keys)
        before = max((at for at in times if at <= frame), default=times[0])
        after = min((at for at in times if at >= frame), default=times[-1])
        if before == after:
            return self._keys[before]
        share = (frame - before) / (after - before)
        return self._keys[before] * (1 - share) + self._keys[after] * share


@strict
class Double_Knob(Array_Knob):
    kind = "Double_Knob"

    def _empty(self) -> float:
        return 0.0

    def _checked(self, val: Any) -> float:
        if isinstance(val, str) or not isinstance(val, (int, float)):
            raise TypeError(f"{self._name}: expected a number, got {val!r}")
        return float(val)


@strict
class Int_Knob(Array_Knob):
    kind = "Int_Knob"

    def _empty(self) -> int:
        return 0

    def _checked(self, val: Any) -> int:
        if isinstance(val, bool) or not isinstance(val, int):
            raise TypeError(f"{self._name}: integer argument expected, got {val!r}")
        return val

    def setValue(self, val: Any) -> bool:
        self._set(self._checked(val))
        return True

    def value(self) -> int:
        return round(float(Knob.value(self)))


class Unsigned_Knob(Int_Knob):
    kind = "Unsigned_Knob"


@strict
class Boolean_Knob(Array_Knob):
    kind = "Boolean_Knob"
    _first_flags = ()

    def __init__(self, name: str, label: str = "", value: bool = False) -> None:
        Knob.__init__(self, name, label)
        self._value = value

    def _checked(self, val: Any) -> bool:
        if not isinstance(val, (bool, int)):
            raise TypeError(f"{self._name}: expected true or false, got {val!r}")
        return bool(val)

    def setValue(self, b: Any) -> bool:
        self._set(self._checked(b))
        return True

    def value(self) -> bool:
        return bool(Knob.value(self))


@strict
class Enumeration_Knob(Array_Knob):
    kind = "Enumeration_Knob"

    def __init__(self, name: str, label: str, values: list[str]) -> None:
        Knob.__init__(self, name, label)
        self._choices: list[str] = []
        self.setValues(values)

    def values(self) -> list[str]:
        return list(self._choices)

    def setValues(self, values: list[str]) -> None:
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise TypeError(f"{self._name}: expected a list of texts, got {values!r}")
        self._choices = list(values)
        if self._value not in self._choices:
            self._value = self._choices[0]

    def setValue(self, val: Any) -> bool:
        self._set(self._checked(val))
        return True

    def value(self) -> str:
        if self._keys or self._expression:
            return self._choices[round(self._now())]
        return str(self._value)

    def _checked(self, val: Any) -> str:
        if isinstance(val, int):
            return self._choices[val]
        if val not in self._choices:
            raise ApiError(f"{self._name}: {val!r} is none of {self._choices}")
        return str(val)

    def _number(self, value: Any) -> float:
        return float(self._choices.index(value)) if isinstance(value, str) else float(value)


@strict
class String_Knob(Knob):
    kind = "String_Knob"

    def __init__(self, name: str, label: str = "", value: str = "") -> None:
        Knob.__init__(self, name, label)
        self._value = value

    def setValue(self, val: str, view: Any = None) -> None:
        self._set(self._text(val))


class EvalString_Knob(String_Knob):
    kind = "EvalString_Knob"


class Multiline_Eval_String_Knob(EvalString_Knob):
    kind = "Multiline_Eval_String_Knob"


@strict
class File_Knob(EvalString_Knob):
    kind = "File_Knob"

    def __init__(self, name: str, label: str = "") -> None:
        Knob.__init__(self, name, label)

    def setValue(self, val: str) -> None:
        self._set(self._text(val))

    def fromUserText(self, text: str) -> None:
        path, _, frames = text.rpartition(" ")
        if not re.fullmatch(r"-?\d+--?\d+|-?\d+", frames):
            path, frames = text, ""
        self._set(path)
        if frames:
            first, last = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", frames).groups()  # type: ignore[union-attr]  # as matched
            for name, value in (("first", first), ("last", last or first)):
                self._node._knobs[name]._value = int(value)


@strict
class Text_Knob(Knob):
    kind = "Text_Knob"

    def __init__(self, name: str, label: str = "", value: str = "") -> None:
        Knob.__init__(self, name, label)
        self._value = value


@strict
class Tab_Knob(Knob):
    kind = "Tab_Knob"

    def __init__(self, name: str, label: str = "", type: Any = "TABKNOB") -> None:
        Knob.__init__(self, name, label)
        self._type = type


@strict
class PyScript_Knob(String_Knob):
    kind = "PyScript_Knob"
    _first_flags = ()

    def __init__(self, name: str, label: str = "", command: str = "") -> None:
        Knob.__init__(self, name, label)
        self._value = command

    def execute(self) -> None:
        host = self._node._host
        host.this.append(self._node)
        try:
            exec(str(self._value), {"nuke": host.module})  # noqa: S102 - as Nuke does
        finally:
            host.this.pop()


class Channel_Knob(Knob):
    kind = "Channel_Knob"

    def _checked(self, val: Any) -> str:
        self._node._host.check_layer(self._text(val))
        return self._text(val)


class ChannelMask_Knob(Channel_Knob):
    kind = "ChannelMask_Knob"


class Mappings(Knob):
    """Of a Shuffle2; its values are (input, channel, channel)."""

    def _checked(self, val: Any) -> Any:
        for number, source, target in val:
            if number not in (0, 1) or "." not in source or "." not in target:
                raise ApiError(f"mappings: {val}")
            self._node._host.check_layer(source)
            self._node._host.check_layer(target)
        return list(val)


KNOBS = {
    kind.__name__: kind
    for kind in (
        Double_Knob, Int_Knob, Unsigned_Knob, Boolean_Knob, Enumeration_Knob, String_Knob,
        EvalString_Knob, Multiline_Eval_String_Knob, File_Knob, Text_Knob, Tab_Knob,
        PyScript_Knob, Channel_Knob, ChannelMask_Knob,
    )
}  # fmt: skip


def make_knob(name: str, kind: str, default: Any) -> Knob:
    """Make a knob of nodes.json."""
    if kind == "Mappings":
        knob: Any = Mappings(name)
    elif kind == "Enumeration":
        return Enumeration_Knob(name, name, default.split("|"))
    else:
        knob = KNOBS[f"{kind}_Knob"](name)
    knob._value = default
    return knob
