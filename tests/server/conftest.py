from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.servers import Client, fake_settings, running_server


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("r")


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Client]:
    """One server for all tests of a file; `root` is its only root."""
    with running_server(fake_settings(root)) as client:
        yield client
