"""Read values of a hand-edited JSON file; every mistake is told with its place."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, near_names

__all__ = ["check_keys", "read_list", "read_numbers", "read_object", "read_share", "read_whole"]


def check_keys(
    values: Mapping[str, Any], known: tuple[str, ...], where: str, optional: tuple[str, ...] = ()
) -> None:
    """Raise BadSettings for an unknown key, with the nearest known one, and for a missing one."""
    for key in values:
        if key not in known:
            near = near_names(str(key), known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise BadSettings(f"{where}: unknown key {key!r}; {hint}")
    for key in known:
        if key not in values and key not in optional:
            raise BadSettings(f"{where}: {key!r} is missing")


def read_object(value: Any, where: str) -> Mapping[str, Any]:
    """Return a JSON object, or raise BadSettings."""
    if not isinstance(value, dict):
        raise BadSettings(f"{where}: expected an object, got {type(value).__name__}")
    return value


def read_list(value: Any, where: str) -> list[Any]:
    """Return a JSON list, or raise BadSettings."""
    if not isinstance(value, list):
        raise BadSettings(f"{where}: expected a list, got {type(value).__name__}")
    return value


def read_whole(value: Any, where: str) -> int:
    """Return a whole number (not true or 1.0), or raise BadSettings."""
    if type(value) is not int:
        raise BadSettings(f"{where}: expected a whole number, got {value!r}")
    return value


def read_numbers(value: Any, shape: tuple[int, ...], where: str) -> NDArray[np.float64]:
    """Return finite numbers of a shape; a size of -1 takes any."""
    wanted = " x ".join("N" if size == -1 else str(size) for size in shape) or "one"
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise BadSettings(f"{where}: expected {wanted} numbers: {error}") from error
    fits = array.ndim == len(shape) and all(
        want in (-1, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        got = " x ".join(map(str, array.shape)) or "one"
        raise BadSettings(f"{where}: expected {wanted} finite numbers, got {got}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        at = "".join(f"[{index}]" for index in bad[0])
        raise BadSettings(f"{where}{at}: expected a finite number, got {array[tuple(bad[0])]}")
    return array


def read_share(value: Any, where: str) -> float:
    """Return a number of 0..1, or raise BadSettings."""
    number = float(read_numbers(value, (), where))
    if not 0 <= number <= 1:
        raise BadSettings(f"{where}: expected 0 to 1, got {number}")
    return number
