"""Resolve's names of colour spaces, and those of the OCIO config: ``spaces.json``."""

from __future__ import annotations

from typing import Any

from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.settings import HERE, Settings, read_json

__all__ = ["clip_space", "render_space", "returned", "tags"]


def clip_space(host: Host, media: Any, settings: Settings) -> str:
    """Return the OCIO space of a clip's file; empty where only the file can say.

    Raises:
        HostError: A name of Resolve's that the table lacks; says what to edit.
    """
    if settings.plate_space:
        return str(settings.plate_space)
    mode = host.setting("colorScienceMode")
    if _is_aces(mode):
        name = host.media_property(media, "IDT")
        name = host.setting("colorAcesIDT") if name in ("", "Project") else name
        return _named(name, "", "the clip's input transform", settings)
    if not _is_managed(mode):
        return ""
    name = host.media_property(media, "Input Color Space").replace("Project - ", "", 1)
    gamma = host.media_property(media, "Input Gamma") if _is_split(host) else ""
    if name in ("", "Project"):
        name, gamma = host.setting("colorSpaceInput"), host.setting("colorSpaceInputGamma")
    return _resolve(host, name, gamma, "the clip's input colour space", settings)


def render_space(host: Host, settings: Settings) -> str:
    """Return the OCIO space in which Resolve renders. Raises HostError as `clip_space`."""
    if settings.plate_space:
        return str(settings.plate_space)
    mode = host.setting("colorScienceMode")
    if _is_aces(mode):
        name = host.setting("colorAcesODT")
        return _named(name, "", "the project's output transform", settings)
    key = "colorSpaceOutput" if _is_managed(mode) else "colorSpaceTimeline"
    name, gamma = host.setting(key), host.setting(f"{key}Gamma")
    return _resolve(host, name, gamma, "the colour space that it renders in", settings)


def tags(space: str) -> dict[str, str]:
    """Return what a render in an OCIO space is tagged with."""
    entry = _entry(space)
    if entry is None:
        return {"ColorSpaceTag": "Same as Project", "GammaTag": "Same as Project"}
    return {"ColorSpaceTag": entry["gamut"], "GammaTag": entry["gamma"]}


def returned(host: Host, media: Any, space: str) -> str:
    """Tell Resolve which space a result is in, read it back, and return a sentence about it.

    Args:
        host: Resolve.
        media: The result in the media pool.
        space: Its OCIO space; empty where only the plate's files say it.
    """
    mode, entry = host.setting("colorScienceMode"), _entry(space)
    if not _is_managed(mode) and not _is_aces(mode):
        return "The result has the colours of the plate; this project is not colour managed."
    wanted = _wanted(host, mode, entry)
    if not wanted:
        return f"Set the result's Input Color Space by hand: it is {space or 'the plate’s own'}."
    for name, value in wanted:
        if not host.set_media_property(media, name, value):
            return f"Resolve did not take {name} = {value} for the result: set it by hand."
    return "Input Color Space of the result: " + ", ".join(value for _, value in wanted) + "."


def _wanted(host: Host, mode: str, entry: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return properties of a clip and their values; empty where the table has none."""
    if entry is None:
        return []
    if _is_aces(mode):
        return [("IDT", entry["aces"][-1])] if entry["aces"] else []
    if _is_split(host):
        return [("Input Color Space", entry["gamut"]), ("Input Gamma", entry["gamma"])]
    return [("Input Color Space", entry["combined"][0])] if entry["combined"] else []


def _resolve(host: Host, name: str, gamma: str, what: str, settings: Settings) -> str:
    if name == "Same as Timeline":
        name = host.setting("colorSpaceTimeline")
        gamma = host.setting("colorSpaceTimelineGamma")
    return _named(name, gamma, what, settings)


def _named(name: str, gamma: str, what: str, settings: Settings) -> str:
    for entry in read_json(HERE / "spaces.json"):
        if gamma and (name, gamma) == (entry["gamut"], entry["gamma"]):
            return str(entry["ocio"])
        if not gamma and name in entry["combined"] + entry["aces"]:
            return str(entry["ocio"])
    said = f"{name}, {gamma}" if gamma else name
    raise HostError(
        f'Resolve calls {what} "{said}", for which Faceplate has no name in OCIO: set '
        f'"plate_space" in {settings.path} to a space of the OCIO config, such as ACEScg.'
    )


def _entry(space: str) -> dict[str, Any] | None:
    found = [entry for entry in read_json(HERE / "spaces.json") if entry["ocio"] == space]
    return found[0] if found else None


def _is_managed(mode: str) -> bool:
    return mode.startswith("davinciYRGBColorManaged")


def _is_aces(mode: str) -> bool:
    return mode.startswith("aces")


def _is_split(host: Host) -> bool:
    return host.setting("separateColorSpaceAndGamma") == "1"
