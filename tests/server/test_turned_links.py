"""A link that is turned between the asking and the doing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.calls import submit, wait
from tests.support.servers import Client, fake_settings, running_server

from faceplate_protos.v1 import jobs_pb2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Client]:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    with running_server(fake_settings(tmp_path / "root")) as client:
        yield client


def test_a_job_whose_link_was_turned_while_it_waited_is_not_run(
    server: Client, tmp_path: Path
) -> None:
    root, gate = tmp_path / "root", tmp_path / "root" / "gate"
    (root / "inside").mkdir()
    (root / "link").symlink_to(root / "inside")
    first = submit(server, out=root / "first", gate=gate)
    second = submit(server, out=root / "link" / "second")
    (root / "link").unlink()
    (root / "link").symlink_to(tmp_path / "outside")
    gate.touch()

    assert wait(server, first.id).state == jobs_pb2.JOB_STATE_DONE
    refused = wait(server, second.id)
    assert refused.state == jobs_pb2.JOB_STATE_FAILED
    assert refused.error.code == "OutsideRoots"
    assert list((tmp_path / "outside").iterdir()) == []
