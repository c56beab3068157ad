from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.facesets import INFO, drawn_face

from faceplate.context import Context
from faceplate.io.faceset import Faceset
from faceplate.io.tracked import Pose


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "home")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a faceset of twelve faces that turn from -30 to 25 degrees and get darker."""
    path = tmp_path / "amy.faceset"
    with Faceset.create(path, INFO) as faceset:
        for number in range(12):
            face = drawn_face(number + 1)
            faceset.add(
                drawn_face(
                    number + 1,
                    image=face.image * (1 - number / 120),
                    pose=Pose(number * 5.0 - 30, float(number % 3), 0.0),
                )
            )
    return path


@pytest.fixture
def faceset(path: Path) -> Iterator[Faceset]:
    with Faceset.open(path) as opened:
        yield opened
