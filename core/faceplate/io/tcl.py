"""Tcl lists and commands as far as Nuke writes them: braces, quotes and backslashes; nothing runs.

A ``.nk`` file is a Tcl script. Only its words are taken apart here: variables and commands in
brackets stay text.
"""

from faceplate.errors import BadSettings

__all__ = ["commands", "words"]

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def words(text: str) -> list[str]:
    r"""Return the elements of a Tcl list.

    Raises:
        BadSettings: Braces or quotes that do not close; names the line.

    Example:
        >>> words('{1 31 2} "a name" {}  x\\ y')
        ['1 31 2', 'a name', '', 'x y']
    """
    return [word for command in _commands(text, lines=False) for word in command]


def commands(text: str) -> list[list[str]]:
    r"""Return the commands of a Tcl script, each as its words; comments are left out.

    Example:
        >>> commands("# nothing\nRoot {\n fps 24\n}\nname A; push 0")
        [['Root', '\n fps 24\n'], ['name', 'A'], ['push', '0']]
    """
    return _commands(text, lines=True)


def _commands(text: str, lines: bool) -> list[list[str]]:
    found: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        sign = text[at]
        if lines and sign in "\n;":
            found.append([])
            at += 1
        elif sign.isspace():
            at += 1
        elif lines and sign == "#" and not found[-1]:
            at = (text.find("\n", at) + 1 or len(text) + 1) - 1
        else:
            word, at = _word(text, at, lines)
            found[-1].append(word)
    return [command for command in found if command]


def _word(text: str, at: int, lines: bool) -> tuple[str, int]:
    if text[at] == "{":
        end = _closing(text, at)
        return text[at + 1 : end], end + 1
    if text[at] == '"':
        return _until(text, at + 1, '"', at)
    stops = "\n;" if lines else ""
    return _until(text, at, None, at, stops)


def _closing(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise BadSettings(f"line {_line(text, start)}: this brace is never closed")


def _until(text: str, at: int, quote: str | None, start: int, stops: str = "") -> tuple[str, int]:
    """Read to the closing quote, or to a space where there is none; backslashes are resolved."""
    read = []
    while at < len(text):
        sign = text[at]
        if sign == "\\" and at + 1 < len(text):
            read.append(_ESCAPES.get(text[at + 1], text[at + 1]))
            at += 2
            continue
        if sign == quote:
            return "".join(read), at + 1
        if quote is None and (sign.isspace() or sign in stops):
            return "".join(read), at
        read.append(sign)
        at += 1
    if quote is not None:
        raise BadSettings(f"line {_line(text, start)}: this quote is never closed")
    return "".join(read), at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
