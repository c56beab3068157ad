"""Which Resolve this is, and what that means, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from faceplate_resolve.errors import HostError

__all__ = ["Edition", "check_python", "read_edition"]

FREE_WIDTH, FREE_HEIGHT = 3840, 2160
"""Largest frame that the free edition renders."""


@dataclass(frozen=True)
class Edition:
    """Product and version."""

    studio: bool
    version: tuple[int, int, int]

    @property
    def sentence(self) -> str:
        """What the artist should know."""
        number = ".".join(map(str, self.version))
        if self.studio:
            return f"DaVinci Resolve Studio {number}: nothing is limited."
        return (
            f"DaVinci Resolve (free) {number}: it renders {FREE_WIDTH} x {FREE_HEIGHT} at most and "
            "runs scripts in Lua only from 21.1 on; nothing here needs what Studio alone has."
        )

    def check_render(self, width: int, height: int) -> None:
        """Refuse a render that the free edition would not do. Raises HostError."""
        if not self.studio and (width > FREE_WIDTH or height > FREE_HEIGHT):
            raise HostError(
                f"The timeline is {width} x {height}, and the free edition renders at most "
                f"{FREE_WIDTH} x {FREE_HEIGHT}: use a smaller timeline, or a clip that is not "
                "changed, whose file needs no render."
            )


def read_edition(product: str, version: list[object]) -> Edition:
    """Return the edition from what the host says of itself.

    Raises:
        HostError: Older than 19, whose scripting lacks what is needed.
    """
    numbers = [int(str(part)) for part in version[:3] if str(part).isdigit()]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    if major < 19:
        raise HostError(f"Resolve {major}.{minor} is too old: Faceplate needs 19 or later.")
    return Edition("studio" in product.lower(), (major, minor, patch))


def check_python(edition: Edition) -> None:
    """Refuse Python where only Studio runs it. Raises HostError."""
    if not edition.studio and edition.version >= (21, 1, 0):
        raise HostError(
            "From 21.1 on only Studio runs Python scripts: use Faceplate Swap in Lua from the menu "
            "Workspace > Scripts, which every edition runs."
        )
