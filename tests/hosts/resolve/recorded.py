"""What every object of the fake Resolve is held to: the recorded table of names and arguments."""

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

API = json.loads(Path(__file__).with_name("api.json").read_text())

DIALOG = "a dialog is open: Resolve answers nothing until the artist closes it"


class FakeError(AssertionError):
    """The plug-in did what breaks in the real Resolve."""


class Trouble:
    """What all objects of one fake share: the calls made so far, and what went wrong."""

    def __init__(self, *, free: bool = False) -> None:
        self.free = free
        self.modal = False
        self.calls: list[tuple[str, str, tuple[Any, ...]]] = []
        self.broken: list[str] = []

    def fail(self, message: str) -> FakeError:
        """Note what went wrong, since a script may catch the error; returns it to be raised."""
        self.broken.append(message)
        return FakeError(message)

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every call of a function."""
        return [arguments for _, called, arguments in self.calls if called == name]


class Recorded:
    """An object with the functions of one class of the table and no others.

    A function of a subclass must be in the table. One that the table has and the fake has not
    fails too, as does any other name: the real host would make it up.
    """

    kind = ""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble

    def __init_subclass__(cls, **words: Any) -> None:
        super().__init_subclass__(**words)
        for name, function in list(vars(cls).items()):
            if name[0].isupper():
                if name not in API[cls.kind]:
                    raise FakeError(f"{cls.kind}.{name} is not in the table")
                setattr(cls, name, _guarded(cls.kind, name, function))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name[0].islower():
            raise AttributeError(name)
        entry = API[self.kind].get(name)
        if entry is None:
            raise self.trouble.fail(f"there is no {self.kind}.{name}")
        if not entry.get("studio"):
            raise self.trouble.fail(f"{self.kind}.{name} is not part of the fake: model it first")
        return functools.partial(self._studio_only, name)

    def _studio_only(self, name: str, *_: Any) -> Any:
        if not self.trouble.free:
            raise self.trouble.fail(f"{self.kind}.{name} is not part of the fake: model it first")
        self.trouble.modal = True
        return False


def _guarded(kind: str, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    least, most = API[kind][name]["arguments"]
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(self: Recorded, *arguments: Any) -> Any:
        if not least <= len(arguments) <= most:
            raise self.trouble.fail(
                f"{kind}.{name} takes {least} to {most} arguments, got {len(arguments)}"
            )
        try:
            signature.bind(self, *arguments)
        except TypeError as error:
            raise self.trouble.fail(f"{kind}.{name}: the fake lacks this form: {error}") from None
        self.trouble.calls.append((kind, name, arguments))
        if self.trouble.modal:
            return None
        return function(self, *arguments)

    return call
