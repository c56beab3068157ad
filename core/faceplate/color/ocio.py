"""Colour spaces, through PyOpenColorIO only.

OpenImageIO bundles another OCIO with other built-in configs, so its colour calls are never used.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyOpenColorIO import (
    COLORSPACE_ACTIVE,
    OPTIMIZATION_LOSSLESS,
    SEARCH_REFERENCE_SPACE_ALL,
    BuiltinConfigRegistry,
    Config,
    CPUProcessor,
    DisplayViewTransform,
    ExceptionMissingFile,
    ResolveConfigPath,
)
from PyOpenColorIO import Exception as OcioError

from faceplate.errors import BadSettings, BadShape, NotFound, UnknownColorSpace, near_names

__all__ = ["BUILTIN_CONFIG", "OcioConfig", "load_config"]

FloatArray = NDArray[np.float32]

BUILTIN_CONFIG = "studio-config-v2.2.0_aces-v1.3_ocio-v2.4"
"""Fixed by name: its OCIO 2.4 is read by every host of the VFX platforms 2025 and later."""


class OcioConfig:
    """An OCIO config with its processors kept.

    Args:
        config: The config.
        name: A path or a built-in's resolved name, fit for a header.
        digest: sha256 (hex) of the config's text.
    """

    def __init__(self, config: Config, name: str, digest: str) -> None:
        self.name = name
        """Path, or name of a built-in config; never ``ocio://default``."""
        self.hash = digest
        """sha256 (hex) of the file, or of a built-in's text."""
        self._config = config
        self._processors: dict[tuple[str, str], CPUProcessor] = {}

    def resolve(self, space: str) -> str:
        """Return the config's own name of a space, role, alias or interop identifier.

        Raises:
            UnknownColorSpace: The config has none; near names are listed.
        """
        found = self._config.getColorSpace(space) if space else None
        if found is None:
            raise UnknownColorSpace(space, self.name, self._near(space))
        return str(found.getName())

    def apply(self, rgb: FloatArray, source: str, target: str) -> FloatArray:
        """Return pixels converted from one space to another; nothing is clipped.

        Args:
            rgb: HxWx3 float32 (any number of leading axes), encoded in `source`.
            source: A space, role or alias.
            target: Likewise.

        Raises:
            UnknownColorSpace: One of them is not in the config.
            BadShape: Not three float32 channels.
        """
        return _run(self._processor(source, target), rgb)

    def to_standard(self, rgb: FloatArray, source: str, standard: str) -> FloatArray:
        """Return pixels converted to a space of our built-in config, whatever this config is.

        A space that this config has under one of the standard's names is taken; else the way leads
        over the ``aces_interchange`` role of both configs. So ACEScct is the same in every shop.

        Raises:
            UnknownColorSpace: `source` is not in this config.
            BadSettings: The config has neither such a space nor the role.
        """
        return _run(self._bridge(source, standard, forward=True), rgb)

    def from_standard(self, rgb: FloatArray, standard: str, target: str) -> FloatArray:
        """Return pixels of a space of our built-in config in a space of this one; the inverse."""
        return _run(self._bridge(target, standard, forward=False), rgb)

    def to_display(
        self, rgb: FloatArray, source: str, display: str | None = None, view: str | None = None
    ) -> FloatArray:
        """Return pixels as a display shows them, for pictures and movies; nominally 0..1.

        Args:
            rgb: HxWx3 float32 in `source`.
            source: A space, role or alias.
            display: One of the config's displays; None takes its default.
            view: One of that display's views; None takes its default.

        Raises:
            UnknownColorSpace: `source` is not in the config.
            BadSettings: No such display or view; those that there are are listed.
        """
        shown = _choice("display", display, self._config.getDefaultDisplay(), self._displays())
        views = list(self._config.getViews(shown))
        seen = _choice("view", view, self._config.getDefaultView(shown), views)
        key = (self.resolve(source), f"display {shown} view {seen}")
        if key not in self._processors:
            transform = DisplayViewTransform(src=key[0], display=shown, view=seen)
            processor = self._config.getProcessor(transform)
            self._processors[key] = processor.getOptimizedCPUProcessor(OPTIMIZATION_LOSSLESS)
        return _run(self._processors[key], rgb)

    def _displays(self) -> list[str]:
        return list(self._config.getDisplays())

    def _processor(self, source: str, target: str) -> CPUProcessor:
        key = (self.resolve(source), self.resolve(target))
        if key not in self._processors:
            self._processors[key] = self._build((self._config, key[0]), (self._config, key[1]))
        return self._processors[key]

    def _bridge(self, space: str, standard: str, *, forward: bool) -> CPUProcessor:
        ends = (self.resolve(space), f"standard {standard}")
        key = ends if forward else ends[::-1]
        if key not in self._processors:
            own, other = (self._config, ends[0]), self._standard(standard)
            self._processors[key] = self._build(own, other) if forward else self._build(other, own)
        return self._processors[key]

    def _standard(self, standard: str) -> tuple[Config, str]:
        """Return where a standard space is found: in this config or in our built-in one."""
        builtin = _load_builtin(BUILTIN_CONFIG)._config
        space = builtin.getColorSpace(standard)
        for name in (space.getName(), *space.getAliases()):
            found = self._config.getColorSpace(name)
            if found is not None:
                return self._config, str(found.getName())
        return builtin, str(space.getName())

    def _build(self, source: tuple[Config, str], target: tuple[Config, str]) -> CPUProcessor:
        try:
            if source[0] is target[0]:
                processor = source[0].getProcessor(source[1], target[1])
            else:
                processor = Config.GetProcessorFromConfigs(*source, *target)
            # Lossless: OCIO's default approximates curves, and there and back is ten times worse.
            return processor.getOptimizedCPUProcessor(OPTIMIZATION_LOSSLESS)
        except (OcioError, ExceptionMissingFile) as error:
            way = f"{source[1]!r} to {target[1]!r}"
            raise BadSettings(
                f"the OCIO config {self.name} cannot convert {way}: {error}"
            ) from error

    def _near(self, space: str) -> list[str]:
        known = [role for role, _ in self._config.getRoles()]
        for item in self._config.getColorSpaces(SEARCH_REFERENCE_SPACE_ALL, COLORSPACE_ACTIVE):
            known += [item.getName(), *item.getAliases()]
        return near_names(space, known)


def load_config(
    request: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    sha256: str | None = None,
) -> OcioConfig:
    """Load the config asked for, else that of ``OCIO`` in the environment, else our built-in.

    Args:
        request: A path, or the name of a built-in config (``ocio://`` may stand before it).
        environment: The process's variables; only a `main()` passes ``os.environ``.
        sha256: Of the file that the caller works with, where there is one.

    Raises:
        NotFound: No such file.
        BadSettings: A file that is no config, another one than the caller's, or no such built-in.
    """
    config = _load(request, environment)
    if sha256 and sha256 != config.hash:
        raise BadSettings(
            f"the OCIO config {config.name} is another one here than where this was asked for "
            f"(sha256 {config.hash[:12]}, there {sha256[:12]}): let both read the same file"
        )
    return config


def _load(request: str | Path | None, environment: Mapping[str, str] | None) -> OcioConfig:
    wish = str(request or (environment or {}).get("OCIO") or BUILTIN_CONFIG)
    if wish.startswith("ocio://"):
        # `default` and `latest` mean another config in every release: the real name is kept.
        wish = str(ResolveConfigPath(wish)).removeprefix("ocio://")
    names = [item[0] for item in BuiltinConfigRegistry().getBuiltinConfigs()]
    if wish in names:
        return _load_builtin(wish)
    return _load_file(Path(wish), names)


@cache  # parsing takes a tenth of a second, and a built-in config never changes
def _load_builtin(name: str) -> OcioConfig:
    config = Config.CreateFromBuiltinConfig(name)
    digest = hashlib.sha256(config.serialize().encode()).hexdigest()
    return OcioConfig(config, name, digest)


def _load_file(path: Path, builtin: list[str]) -> OcioConfig:
    if not path.is_file():
        near = near_names(path.name, builtin, 3)
        hint = f"; built-in configs near it: {', '.join(near)}" if near else ""
        raise NotFound(f"there is no OCIO config {path}{hint}")
    try:
        config = Config.CreateFromFile(str(path))
        config.validate()
    except (OcioError, ExceptionMissingFile) as error:
        raise BadSettings(f"{path} is no valid OCIO config: {error}") from error
    return OcioConfig(config, str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def _choice(what: str, wish: str | None, default: str, known: list[str]) -> str:
    if wish is None:
        return default
    if wish not in known:
        near = near_names(wish, known) or known
        raise BadSettings(f"the OCIO config has no {what} {wish!r}; there are: {', '.join(near)}")
    return wish


def _run(processor: CPUProcessor, rgb: FloatArray) -> FloatArray:
    if rgb.ndim < 1 or rgb.shape[-1] != 3 or rgb.dtype != np.float32:
        raise BadShape("colours", f"{rgb.dtype} {rgb.shape}", "float32 (..., 3)")
    converted = np.array(rgb, np.float32, order="C", copy=True)
    if converted.size:
        processor.applyRGB(converted)
    return converted
