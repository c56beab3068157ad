"""The recorded table of Nuke's Python module, and classes that refuse what is not in it."""

import functools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["ApiError", "NODES", "TABLE", "Table", "strict"]

HERE = Path(__file__).parent
NODES = json.loads((HERE / "nodes.json").read_text())


class ApiError(BaseException):
    """Something that Nuke would refuse, hang at, or does not have.

    No `Exception`, so that no guard of the plug-in can hide it.
    """

    seen: ClassVar[list[str]] = []

    def __init__(self, message: str) -> None:
        super().__init__(message)
        ApiError.seen.append(message)


class Table:
    """Names and signatures."""

    def __init__(self) -> None:
        api = json.loads((HERE / "api.json").read_text())
        more = json.loads((HERE / "more.json").read_text())
        self.values = {*api["values"], *more["values"]}
        self.functions = {**api["functions"], **more["functions"]}
        self.classes = api["classes"]
        self._more = more["classes"]

    def signature(self, kind: str, method: str) -> Any:
        """Return [names, needed], None where nobody told, or raise where there is no such name."""
        for name in self.lineage(kind):
            for table in (self._more.get(name, {}), self.classes.get(name, {}).get("methods", {})):
                if table.get(method) is not None:
                    return table[method]
        if any(method in self.classes[name]["methods"] for name in self.lineage(kind)):
            return None
        raise ApiError(f"Nuke's {kind} has no {method}")

    def lineage(self, kind: str) -> list[str]:
        """Return a class and its bases."""
        found = [kind]
        for base in self.classes.get(kind, {"bases": []})["bases"]:
            if base in self.classes:
                found += self.lineage(base)
        return found


TABLE = Table()


def check_call(what: str, signature: Any, args: Any, kwargs: Any) -> None:
    """Raise ApiError where a call does not fit, or comes from another thread than the main one."""
    if threading.current_thread() is not threading.main_thread():
        raise ApiError(f"{what} was called from the thread {threading.current_thread().name}")
    names, needed = signature[0], signature[1]
    unknown = set(kwargs) - set(names)
    if unknown or len(args) > len(names) or len(args) + len(kwargs) < needed:
        raise ApiError(f"{what}{args}{kwargs}: Nuke takes ({', '.join(names)}), {needed} needed")


def checked(what: str, signature: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that checks how it is called."""

    @functools.wraps(call)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check_call(what, signature, args, kwargs)
        return call(*args, **kwargs)

    return guarded


def strict(kind: type[Any]) -> type[Any]:
    """Check that a fake class offers nothing that Nuke's lacks, and every call of it."""
    name = getattr(kind, "kind", kind.__name__)
    for method, call in list(vars(kind).items()):
        if method.startswith("_") and method != "__init__":
            continue
        fixed = isinstance(call, staticmethod)
        call = call.__func__ if isinstance(call, staticmethod) else call
        if not callable(call) or isinstance(call, type | property):
            continue
        if method == "__init__" and not getattr(kind, "made_by_plugins", False):
            continue
        signature = TABLE.signature(name, method)
        if signature is None:
            raise ApiError(f"{name}.{method}: give its arguments in more.json")
        what = f"{name}.{method}"
        made = staticmethod(checked(what, signature, call)) if fixed else None
        setattr(kind, method, made or _method(what, signature, call))
    return kind


def _method(what: str, signature: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        check_call(what, signature, args, kwargs)
        return call(self, *args, **kwargs)

    return guarded


class Unknown:
    """Raises for whatever the fake does not have, and says whether Nuke has it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = getattr(type(self), "kind", type(self).__name__)
        TABLE.signature(kind, name)
        raise ApiError(f"{kind}.{name} is in Nuke, but this fake does not model it")
