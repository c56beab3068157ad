"""Where the data of tests lies."""

import os
from pathlib import Path

import pytest

__all__ = ["MINI", "REPO", "shared_data"]

REPO = Path(__file__).resolve().parents[2]
MINI = REPO / "examples" / "mini"
"""Rendered shots with their exact truth; its landmark pixels are edge based (ours: minus 0.5)."""


def shared_data(name: str) -> Path:
    """Return a folder or file of the larger data outside the repository, or skip the test."""
    root = Path(os.environ.get("FACEPLATE_TEST_DATA") or REPO.parent / "shared" / "data")
    path = root / name
    if not path.exists():
        pytest.skip(f"needs the data {name!r}: {path} is absent (see FACEPLATE_TEST_DATA)")
    return path
