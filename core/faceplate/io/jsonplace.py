"""Where in a JSON text a value stands, for the message of an error."""

import re
from collections.abc import Sequence

__all__ = ["line_of"]

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def line_of(text: str, path: Sequence[str | int]) -> int:
    r"""Return the line, from 1, on which the value at a path begins; 1 where there is none.

    Args:
        text: Whole JSON.
        path: Keys of objects and indexes of lists, from the outermost inwards.

    Example:
        >>> line_of('{"a": [1,\n  {"b": 2}]}', ["a", 1, "b"])
        2
    """
    here: list[str | int] = []
    opened: list[str] = []
    key = ""
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word in "}]":
            opened.pop()
            here.pop()
        elif word == ":":
            here[-1] = key
        elif word == ",":
            here[-1] = here[-1] + 1 if isinstance(here[-1], int) else ""
        elif here == list(path):
            return text.count("\n", 0, token.start()) + 1
        elif word in "{[":
            opened.append(word)
            here.append("" if word == "{" else 0)
        else:
            key = word[1:-1]
    return 1
