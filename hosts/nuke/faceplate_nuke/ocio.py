"""Which OCIO config a script works in: ``$OCIO``, else the script's own, else Nuke's stock one."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from faceplate_nuke.errors import PluginError

__all__ = [
    "INTEROP", "NUKE_LINEAR", "OcioChoice", "discover", "pick", "plain_name", "root_values",
]  # fmt: skip

NUKE_LINEAR = "lin_rec709_scene"
"""What Nuke's own colour management calls linear, by its interop id."""
INTEROP = (NUKE_LINEAR, "lin_ap1_scene", "lin_ap0_scene", "srgb_rec709_scene")
"""Names that every OCIO config of today knows, to choose from where Nuke uses none."""


@dataclass(frozen=True)
class OcioChoice:
    """A config and the space that the script works in."""

    path: str
    """Path, or name of a built-in config; empty where Nuke's own colour management is used."""
    source: str
    """Where it was found."""
    working_space: str
    """The script's scene-linear space."""
    sha256: str = ""
    """Of the config's file; empty for a built-in one."""
    version: str = ""
    """Version that the config says it has, such as 2.4."""

    @property
    def is_nuke(self) -> bool:
        """Whether it is Nuke's own colour management, whose names are none of OCIO's."""
        return self.source == "Nuke"

    def record(self) -> dict[str, str]:
        """Return it as plain values."""
        return asdict(self)


def discover(environment: Mapping[str, str], root: Mapping[str, str]) -> OcioChoice:
    """Return the config, by the three steps that Nuke itself takes.

    Args:
        environment: Variables of the process.
        root: Text of the root's knobs colorManagement, OCIO_config, customOCIOConfigPath,
            OCIOConfigPath and workingSpaceLUT, those that it has.

    Raises:
        PluginError: The config that is named does not exist, or is unsuited.
    """
    working = plain_name(root.get("workingSpaceLUT", "")) or "scene_linear"
    if environment.get("OCIO"):
        return _choice(environment["OCIO"], "$OCIO", working)
    if root.get("colorManagement") != "OCIO":
        return OcioChoice("", "Nuke", NUKE_LINEAR)
    if root.get("OCIO_config") == "custom" and root.get("customOCIOConfigPath"):
        return _choice(root["customOCIOConfigPath"], "the script's custom config", working)
    if root.get("OCIOConfigPath"):
        return _choice(root["OCIOConfigPath"], "Nuke's stock config", working)
    raise PluginError(
        "NoOcio", f"the script uses OCIO and names no config ({root.get('OCIO_config')})",
        "Choose one in the project settings, or set $OCIO.", 5,
    )  # fmt: skip


def plain_name(text: str) -> str:
    """Return the space in a value of a colour space knob: without a role, and without its family.

    Example:
        >>> plain_name("default (ACES - ACEScg)"), plain_name("scene_linear (ACES/ACEScg)")
        ('ACES - ACEScg', 'ACEScg')
        >>> plain_name("ACES/ACES - ACEScg"), plain_name("Utility/Linear Rec.709 (sRGB)")
        ('ACES - ACEScg', 'Linear Rec.709 (sRGB)')
    """
    inside = re.fullmatch(r"(?:default|[a-z_]+) \((.+)\)", text.strip())
    name = inside.group(1) if inside else text.strip()
    return name.rpartition("/")[2]  # OCIO's names have no slash; Nuke's menus put families before


def pick(values: Sequence[str], space: str) -> str:
    """Return which value of a colour space knob means a space; empty where none does.

    Knobs of different versions of Nuke show roles, families, or both around a name.

    Example:
        >>> pick(["default (linear)", "ACES/ACES - ACEScg", "scene_linear (ACEScg)"], "ACEScg")
        'scene_linear (ACEScg)'
        >>> pick(["Utility/Raw", "ACES/ACES - ACEScg"], "ACES - ACEScg"), pick(["sRGB"], "ACEScg")
        ('ACES/ACES - ACEScg', '')
    """
    for known in (str, plain_name):
        for value in values:
            if known(value) == space:
                return value
    return ""


def _choice(path: str, source: str, working: str) -> OcioChoice:
    if path.startswith("ocio://"):
        if path == "ocio://default":  # another config in each version of the library
            raise PluginError(
                "NoOcio", f"{source} is ocio://default, which is another config in every program",
                "Name a config: a file, or ocio:// with its full name.", 5,
            )  # fmt: skip
        return OcioChoice(path, source, working)
    content = _read(path)
    if content is None:
        raise PluginError(
            "NoOcio", f"the OCIO config {path} ({source}) cannot be read", "Correct the path.", 5
        )
    version = re.search(rb"^ocio_profile_version:\s*([0-9.]+)", content, re.MULTILINE)
    return OcioChoice(
        os.path.abspath(path),
        source,
        working,
        hashlib.sha256(content).hexdigest(),
        version.group(1).decode() if version else "",
    )


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def root_values(root: Any, text_of: Callable[[Any], str]) -> dict[str, str]:
    """Return the texts of the root's colour knobs, those that this version of Nuke has.

    Args:
        root: The root node.
        text_of: Returns the text of a knob, its Tcl worked out.
    """
    names = ("colorManagement", "OCIO_config", "customOCIOConfigPath", "OCIOConfigPath",
             "workingSpaceLUT")  # fmt: skip
    knobs = root.knobs()
    return {name: text_of(knobs[name]) for name in names if name in knobs}
