"""A table of interchangeable parts, imported on first use.

Adding a part is one file and one line in the table of its kind; third parties add theirs through an
entry-point group.
"""

import logging
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from faceplate.errors import InvalidInput, UnknownComponent

__all__ = ["Registry"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind of part, each with the place it is imported from.

    Args:
        kind: The word for one such part, used in error messages.
        table: Name to ``"package.module:attribute"``.
        group: Entry-point group through which third parties add parts; their names may not repeat
            ours.

    Example:
        >>> sums = Registry[object]("sum", {"fsum": "math:fsum"})
        >>> sums.names()
        ['fsum']
        >>> sums.load("fsum")([0.1] * 10)
        1.0
    """

    def __init__(self, kind: str, table: Mapping[str, str], group: str | None = None) -> None:
        self.kind = kind
        self._table = dict(table)
        self._group = group

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted({**self._plugins(), **self._table})

    def add(self, name: str, target: str) -> None:
        """Add a part. Raises InvalidInput if the name is taken."""
        if name in self._table:
            raise InvalidInput(f"there is already a {self.kind} called {name!r}; choose another")
        self._table[name] = target

    def load(self, name: str) -> T:
        """Import and return the part. Raises UnknownComponent, which lists the choices."""
        if name in self._table:
            return self._import(self._table[name])
        others = self._plugins()
        try:
            if name in others:
                return self._import(others.pop(name))
        except (ImportError, AttributeError) as error:
            # a broken plug-in is its maker's business: it is as if it were not installed
            logger.warning("%s %r of a plug-in cannot be loaded: %s", self.kind, name, error)
        raise UnknownComponent(self.kind, name, sorted({**others, **self._table}))

    def _import(self, target: str) -> T:
        module, _, attribute = target.partition(":")
        return cast(T, getattr(import_module(module), attribute))

    def _plugins(self) -> dict[str, str]:
        if self._group is None:
            return {}
        found = {}
        for point in entry_points(group=self._group):
            if point.name in self._table:
                logger.warning(
                    "%s %r of a plug-in repeats ours; ours is used", self.kind, point.name
                )
            else:
                found[point.name] = point.value
        return found
