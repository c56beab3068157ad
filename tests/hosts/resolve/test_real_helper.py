"""The real helper and a real server behind both scripts; the verbs copy files."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.hosts.resolve.conftest import Stage
from tests.hosts.resolve.fake_resolve import FakeResolve
from tests.support.servers import fake_settings, running_server

VERBS = "tests.hosts.resolve.fake_verbs:VERBS"
HELPER = Path(sys.executable).parent / "faceplate-client"


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder with a short name: the path of a socket may not be long."""
    # a helper that has said its last word may still write how it ended while this is cleared
    with tempfile.TemporaryDirectory(prefix="fp-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def shot(root: Path) -> Callable[[str], Stage]:
    """Return a stage of eight frames in a language, all of it under the root."""

    def make(language: str) -> Stage:
        stage = Stage(root, language, FakeResolve())
        for number in range(1001, 1009):
            (root / f"p.{number}.exr").write_text(f"frame {number}")
        stage.resolve.clip(str(root / "p.%04d.exr"), (1001, 1008))
        (root / "model").mkdir()
        stage.set(client=str(HELPER))
        return stage

    return make


@pytest.mark.parametrize("language", ["lua", pytest.param("python", marks=pytest.mark.slow)])
def test_a_clip_comes_back_through_helper_and_server(
    root: Path, shot: Callable[[str], Stage], language: str
) -> None:
    stage = shot(language)
    stage.set(server=f"unix:{root}/home/s")
    with running_server(fake_settings(root), VERBS):
        assert stage(), stage.said

    item = stage.resolve.project.timeline.tracks[0][0]
    assert item.take == 2
    assert item.media.file(7).read_text() == "frame 1008"
    assert "A face is in 8 of 8 frames." in stage.said
    assert "8 frames are swapped" in stage.said


@pytest.mark.slow
def test_what_the_server_refuses_is_said_as_the_server_says_it(
    root: Path, shot: Callable[[str], Stage]
) -> None:
    stage = shot("lua")
    stage.set(server=f"unix:{root}/home/s")
    item = stage.resolve.project.timeline.tracks[0][0]
    with tempfile.TemporaryDirectory(prefix="other-") as other:
        for path in root.glob("p.*.exr"):
            shutil.copy(path, other)
        item.media.properties["File Path"] = f"{other}/p.[1001-1008].exr"
        with running_server(fake_settings(root), VERBS):
            assert not stage()

        assert "Faceplate: " in stage.lines[-1]
        assert other in stage.lines[-1]
        assert "(request " in stage.lines[-1]
    assert item.takes == [item.media]


@pytest.mark.slow
def test_a_server_that_is_away_is_said_and_the_next_run_goes_on(
    root: Path, shot: Callable[[str], Stage]
) -> None:
    stage = shot("python")
    stage.set(server=f"unix:{root}/home/s")

    assert not stage()
    assert "no Faceplate server answers at unix:" in stage.said
    assert "Start one with `faceplate serve`" in stage.said

    with running_server(fake_settings(root), VERBS):
        assert stage(), stage.said
