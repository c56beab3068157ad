"""What the artist chose: a JSON file, another one for the project, and the environment.

``settings.json`` beside this file is the table of them: name, type, default, bounds, meaning.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from faceplate_resolve.errors import HostError

__all__ = ["Settings", "faceplate_home", "load_settings", "read_json", "safe_name", "write_json"]

HERE = Path(__file__).resolve().parent


class Settings:
    """The values by name, as attributes.

    Args:
        values: All settings of the table.
        path: The file that the artist edits.
        home: Faceplate's home folder.
    """

    def __init__(self, values: dict[str, Any], path: Path, home: Path) -> None:
        self.values, self.path, self.home = values, path, home

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def work_folder(self) -> Path:
        """Where plates, tracks and results go."""
        return Path(self.full(self.work)) if self.work else self.home / "resolve" / "shots"

    def full(self, text: str) -> str:
        """Return a path in full; a relative one starts from the folder of the settings."""
        return os.path.abspath(os.path.join(self.path.parent, os.path.expanduser(text)))


def load_settings(project: str, environ: dict[str, str]) -> Settings:
    """Return the settings of a project; writes a file of defaults at the first run.

    ``$FACEPLATE_RESOLVE_SETTINGS``, else ``resolve/settings.json`` in Faceplate's home; over it
    ``projects/NAME.json`` beside that file; over both ``$FACEPLATE_RESOLVE_<NAME>``.

    Raises:
        HostError: A value is wrong, or the first run wrote the file; says what to edit.
    """
    home = faceplate_home(environ)
    named = environ.get("FACEPLATE_RESOLVE_SETTINGS")
    path = Path(os.path.expanduser(named)) if named else home / "resolve" / "settings.json"
    table = read_json(HERE / "settings.json")
    values = {entry["name"]: entry["default"] for entry in table}
    if not path.exists():
        write_json(path, values)
        first_run = True
    else:
        first_run = False
        _lay_over(values, path)
    of_project = path.parent / "projects" / f"{safe_name(project)}.json"
    if of_project.exists():
        _lay_over(values, of_project)
    for entry in table:
        text = environ.get(f"FACEPLATE_RESOLVE_{entry['name'].upper()}")
        if text is not None:
            values[entry["name"]] = _of_text(entry, text)
        _check(entry, values[entry["name"]], path)
    if not values["model"]:
        wrote = "A file of settings was written. " if first_run else ""
        raise HostError(
            f'{wrote}Set "model" to the folder of a swap model, and "consent" to its consent '
            f"record, in {path}, then run the script again."
        )
    return Settings(values, path, home)


def faceplate_home(environ: dict[str, str]) -> Path:
    """Return Faceplate's home folder."""
    named = environ.get("FACEPLATE_HOME")
    return Path(named) if named else Path.home() / ".faceplate"


def safe_name(text: str) -> str:
    """Return a name that is a file name everywhere.

    Example:
        >>> safe_name("A001: C002/x.mov")
        'A001_C002_x.mov'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "unnamed"


def read_json(path: Path) -> Any:
    """Return a file's value. Raises HostError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise HostError(f"{path} is not JSON: {error}; correct it or delete it") from error


def write_json(path: Path, value: Any) -> None:
    """Write a file, whole or not at all. Raises HostError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error}") from error


def _lay_over(values: dict[str, Any], path: Path) -> None:
    found = read_json(path)
    if not isinstance(found, dict):
        raise HostError(f"{path} must hold a JSON object; correct it or delete it")
    for name, value in found.items():
        if name not in values:
            raise HostError(
                f"{path} names a setting {name!r} that there is not; there are: "
                + ", ".join(sorted(values))
            )
        values[name] = value


def _of_text(entry: dict[str, Any], text: str) -> Any:
    if entry["type"] == "text" or entry["type"] == "choice":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # of the wrong type, which the check says


def _check(entry: dict[str, Any], value: Any, path: Path) -> None:
    wanted = _wanted(entry, value)
    if wanted:
        raise HostError(f'"{entry["name"]}" must be {wanted}, got {json.dumps(value)}: edit {path}')


def _wanted(entry: dict[str, Any], value: Any) -> str:
    """Return what a value should have been; empty where it is right."""
    kind = entry["type"]
    if kind == "choice":
        return "" if value in entry["choices"] else "one of " + ", ".join(entry["choices"])
    if kind == "number":
        least, most = entry["least"], entry["most"]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if is_number and least <= value <= most else f"a number from {least} to {most}"
    types = {
        "text": (str, "a text"),
        "switch": (bool, "true or false"),
        "object": (dict, "an object"),
    }
    return "" if isinstance(value, types[kind][0]) else types[kind][1]
