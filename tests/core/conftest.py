"""Fixtures that several floors of the engine share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.paths import REPO

from faceplate.errors import WeightsMissing
from faceplate.models.store import WeightStore


@pytest.fixture(scope="session")
def weights() -> Callable[[str], Path]:
    """Return what gives the weights of a card, skipping the test where they are not here."""
    home = Path(os.environ.get("FACEPLATE_HOME") or REPO / ".faceplate")
    store = WeightStore(home / "weights")

    def path(card: str) -> Path:
        try:
            return store.path(card)
        except WeightsMissing as error:
            pytest.skip(str(error))

    return path
