"""A context with weights, and the tracks of the rendered shots, made once per worker."""

import os
from pathlib import Path

import pytest
from tests.support.paths import MINI, REPO

from faceplate.context import Context
from faceplate.errors import WeightsMissing
from faceplate.extract.analyse import AnalyseJob, analyse
from faceplate.io.trackfile import Track
from faceplate.models.cards import DEFAULTS
from faceplate.models.store import WeightStore


@pytest.fixture(scope="session")
def context() -> Context:
    """Return a context of one thread; skips where the weights are not here."""
    home = Path(os.environ.get("FACEPLATE_HOME") or REPO / ".faceplate")
    store = WeightStore(home / "weights")
    try:
        for card in DEFAULTS:
            store.path(card)
    except WeightsMissing as error:
        pytest.skip(str(error))
    return Context(home, threads=1)


def _analysed(actor: str, context: Context, folder: Path) -> Path:
    job = AnalyseJob(str(MINI / actor / f"{actor}.%04d.exr"), str(folder / f"{actor}.json"))
    return Path(analyse(job, context).track)


@pytest.fixture(scope="session")
def track_path_b(context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the track file of `mini` B; read only."""
    return _analysed("B", context, tmp_path_factory.mktemp("b"))


@pytest.fixture(scope="session")
def track_b(track_path_b: Path) -> Track:
    """Return the track of `mini` B."""
    return Track.load(track_path_b)


@pytest.fixture(scope="session")
def track_a(context: Context, tmp_path_factory: pytest.TempPathFactory) -> Track:
    """Return the track of `mini` A."""
    return Track.load(_analysed("A", context, tmp_path_factory.mktemp("a")))
