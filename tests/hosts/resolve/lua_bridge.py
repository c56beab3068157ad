"""Lua as it runs in Resolve: the fake's objects as Lua tables, lists counted from 1."""

from pathlib import Path
from typing import Any

from lupa import luajit21
from tests.hosts.resolve.recorded import Recorded

PROXY = """
function(object, call, read)
  return setmetatable({}, {
    __index = function(_, name)
      read(object, name)
      return function(self, ...)
        assert(self, "called with a dot instead of a colon")
        return call(object, name, select("#", ...), ...)
      end
    end,
  })
end
"""


class Lua:
    """A LuaJIT with the globals of a script of Resolve.

    Args:
        environ: What ``os.getenv`` finds.
        lines: Takes what the script prints.
    """

    def __init__(self, environ: dict[str, str], lines: list[str]) -> None:
        self.runtime = luajit21.LuaRuntime(unpack_returned_tuples=True)
        self._proxy = self.runtime.eval(PROXY)
        self._made: dict[int, tuple[Any, Any]] = {}
        self._objects: list[tuple[Any, Recorded]] = []
        values = self.runtime.globals()
        values.os.getenv = environ.get
        values.print = lambda *words: lines.append(" ".join(map(str, words)))

    def give(self, name: str, value: Any) -> None:
        """Set a global."""
        self.runtime.globals()[name] = self.to_lua(value)

    def run(self, path: Path) -> Any:
        """Run a file, as Resolve's menu does."""
        return self.runtime.globals().dofile(str(path))

    def to_lua(self, value: Any) -> Any:
        """Return a value as Resolve gives it to Lua."""
        if isinstance(value, Recorded):
            if id(value) not in self._made:
                proxy = self._proxy(value, self._call, getattr)
                self._made[id(value)] = (proxy, value)
                self._objects.append((proxy, value))
            return self._made[id(value)][0]
        if isinstance(value, dict):
            items = {key: self.to_lua(one) for key, one in value.items()}
            return self.runtime.table_from(items)
        if isinstance(value, list | tuple):
            return self.runtime.table_from([self.to_lua(one) for one in value])
        return value

    def from_lua(self, value: Any) -> Any:
        """Return what Lua gave to Resolve."""
        if luajit21.lua_type(value) != "table":
            return value
        for proxy, recorded in self._objects:
            if self.runtime.globals().rawequal(proxy, value):
                return recorded
        items = {key: self.from_lua(one) for key, one in value.items()}
        if items and list(items) == list(range(1, len(items) + 1)):
            return list(items.values())
        return items

    def _call(self, target: Recorded, name: str, count: int, *arguments: Any) -> Any:
        given = [*arguments, *[None] * (count - len(arguments))]
        return self.to_lua(getattr(target, name)(*[self.from_lua(one) for one in given]))
