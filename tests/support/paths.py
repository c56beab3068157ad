"""Where test data lies, relative to the repository."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
MINI = REPO / "examples" / "mini"
"""Rendered shots with their exact truth; its landmark pixels are edge based (ours: minus 0.5)."""


def shared_data(name: str) -> Path:
    """Return a folder of the larger test data, or skip the test where it is not on this machine."""
    root = Path(os.environ.get("FACEPLATE_TEST_DATA") or REPO.parent / "shared" / "data")
    path = root / name
    if not path.exists():
        pytest.skip(
            f"the larger test data {name!r} is not here; FACEPLATE_TEST_DATA names its folder"
        )
    return path
