"""Every RPC against malformed and hostile messages: no crash, no hang, no file outside."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.support.hostile import Case, Hostile, methods_of
from tests.support.paths import MINI
from tests.support.servers import Client, fake_settings, running_server
from tests.support.swaps import consent_file, tiny_model, truth_track

from faceplate_protos.v1 import errors_pb2, jobs_pb2, status_pb2
from faceplate_server.app import ENGINE
from faceplate_server.verbs import ENGINE_VERBS

PATIENCE_S = 60.0
"""A call that has not ended by then hangs."""

# What a server may say. UNKNOWN would be an error that got past its table.
ALLOWED = {
    "OK", "CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "DATA_LOSS", "DEADLINE_EXCEEDED", "UNIMPLEMENTED",
}  # fmt: skip


@dataclass
class Outcome:
    """What became of a case."""

    case: Case
    code: str
    detail: errors_pb2.ErrorDetail = field(default_factory=errors_pb2.ErrorDetail)

    @property
    def is_bad(self) -> bool:
        """Whether the server did not know what happened to it."""
        return self.code not in ALLOWED or (
            self.code == "DEADLINE_EXCEEDED" and not self.detail.code
        )


def call(client: Client, case: Case) -> Outcome:
    shapes = {(False, False): "unary_unary", (False, True): "unary_stream",
              (True, False): "stream_unary", (True, True): "stream_stream"}  # fmt: skip
    method = getattr(client.channel, shapes[case.streams])(case.method)
    metadata = client.metadata if case.metadata is None else case.metadata
    request = iter(case.messages) if case.streams[0] else case.messages[0]
    try:
        if case.streams[1]:
            stream = method(request, metadata=metadata, timeout=PATIENCE_S)
            if not case.cancel:
                next(stream, None)
            stream.cancel()
        elif case.cancel:
            method.future(request, metadata=metadata, timeout=PATIENCE_S).cancel()
        else:
            method(request, metadata=metadata, timeout=PATIENCE_S)
    except grpc.RpcError as error:
        trailer = dict(error.trailing_metadata() or ())
        content = trailer.get("faceplate-error-bin", b"")
        return Outcome(case, error.code().name, errors_pb2.ErrorDetail.FromString(content))
    return Outcome(case, "OK")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the root, and beside it what nobody may touch."""
    place = tmp_path_factory.mktemp("f")
    root, outside = place / "root", place / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text('{"secret": "do not tell"}')
    (root / "loop").parent.mkdir()
    (root / "loop").symlink_to(root / "loop")
    (root / "link").symlink_to(outside)
    (root / "linked.json").symlink_to(outside / "secret.json")
    (root / "linked.1004.exr").symlink_to(outside / "secret.json")
    os.mkfifo(root / "fifo")
    shutil.copy(MINI / "B" / "B.1004.exr", root / "plate.1004.exr")
    truth_track(root / "B.json")
    tiny_model(root / "tiny")
    consent_file(root / "consent.json")
    return place


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Client]:
    settings = fake_settings(
        place / "root", max_queued=3, buffer_limit_mib=16, stream_silence_s=2.0, stream_limit_mib=4
    )
    with running_server(settings, ENGINE_VERBS, ENGINE) as client:
        yield client


def state_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Return every file below a folder with its hash and when it was changed."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fuzz(server: Client, place: Path, each: int, seed: int) -> list[Outcome]:
    """Make so many calls of every RPC; returns what became of them."""
    before = state_of(place / "outside"), sorted(path.name for path in place.iterdir())
    hostile = Hostile(place / "root", place / "outside", str(server.token), seed)
    methods = methods_of(server)
    cases = [case for method in methods for case in hostile.cases(method, each)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda case: call(server, case), cases))

    bad = [
        (o.case.method, o.case.kind, o.code, o.detail.message[:300]) for o in outcomes if o.is_bad
    ]
    assert bad == []
    assert "do not tell" not in "".join(outcome.detail.message for outcome in outcomes)
    strangers = [
        o.code for o in outcomes if o.case.kind == "stranger" and "Health" not in o.case.method
    ]
    assert set(strangers) <= {"UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "INTERNAL"}, Counter(
        strangers
    )
    after = state_of(place / "outside"), sorted(path.name for path in place.iterdir())
    assert after == before
    assert_alive(server)
    return outcomes


def assert_alive(server: Client) -> None:
    health = health_pb2_grpc.HealthStub(server.channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=20).status == 1
    status = server(server.server.GetStatus, status_pb2.GetStatusRequest())
    assert status.frames_waiting == 0
    server(server.jobs.ListJobs, jobs_pb2.ListJobsRequest())


def table(outcomes: list[Outcome]) -> str:
    """Return how often each RPC answered what."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.case.method, Counter())[outcome.code] += 1
    lines = [f"{'rpc':58}{'cases':>7}  answers"]
    for method, codes in counts.items():
        answers = ", ".join(f"{code} {count}" for code, count in codes.most_common())
        lines.append(f"{method:58}{codes.total():7}  {answers}")
    return "\n".join([*lines, f"{'all':58}{len(outcomes):7}"])


def test_the_server_has_the_services_that_it_should(server: Client) -> None:
    names = {method.containing_service.name for method in methods_of(server)}

    assert {"Jobs", "Models", "Frames", "Likenesses", "Server", "Health"} <= names


def test_every_rpc_survives_hostile_messages(server: Client, place: Path) -> None:
    outcomes = fuzz(server, place, 80, seed=1)

    assert len(outcomes) >= 1900
    assert {outcome.code for outcome in outcomes} >= {"OK", "INVALID_ARGUMENT", "UNAUTHENTICATED"}


@pytest.mark.slow
def test_every_rpc_survives_ten_thousand_hostile_messages(
    server: Client, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = fuzz(server, place, 460, seed=2)

    with capsys.disabled():
        print(f"\n{table(outcomes)}")  # noqa: T201 - the table is what the test is for
    assert len(outcomes) >= 10_000


def test_methods_that_are_not_there_and_endless_headers_are_refused(server: Client) -> None:
    method = server.channel.unary_unary("/faceplate.v1.Jobs/../../etc/passwd")
    with pytest.raises(grpc.RpcError) as caught:
        method(b"", metadata=server.metadata, timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as caught:
        method(b"", metadata=(("x", "y" * 40_000),), timeout=10)
    assert caught.value.code() in (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
    )
    assert_alive(server)
