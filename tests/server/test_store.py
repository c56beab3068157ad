from collections.abc import Iterator
from pathlib import Path

import pytest

from faceplate.errors import NotFound
from faceplate_server.status import Fault
from faceplate_server.store import JobStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "jobs.sqlite")
    yield store
    store.close()


def test_a_job_comes_back_as_it_was_stored(store: JobStore) -> None:
    job = store.add("swap", {"plate": "Größe/α.%04d.exr", "n": [1, 2]}, tied=True)

    assert store.get(job.id) == job
    assert (job.verb, job.state, job.tied, job.attempt) == ("swap", "queued", True, 0)
    assert job.settings["plate"] == "Größe/α.%04d.exr"


def test_jobs_survive_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    first = JobStore(path)
    job = first.add("swap", {})
    first.close()
    second = JobStore(path)

    assert [found.id for found in second.list()] == [job.id]
    second.close()


def test_the_oldest_waiting_job_is_next(store: JobStore) -> None:
    ids = [store.add("swap", {"n": n}).id for n in range(3)]
    store.end(ids[0], "cancelled")
    begun = store.begin_next()

    assert begun is not None
    assert (begun.id, begun.state, begun.attempt) == (ids[1], "running", 1)
    assert store.count("queued") == 1
    second = store.begin_next()
    assert second is not None
    assert second.id == ids[2]
    assert store.begin_next() is None


def test_an_end_is_written_once(store: JobStore) -> None:
    job = store.add("swap", {})
    fault = Fault("BadImage", "torn", "mend it", 3)
    store.end(job.id, "failed", error=fault)
    store.end(job.id, "done", result={"n": 1})
    ended = store.get(job.id)

    assert (ended.state, ended.error, ended.result) == ("failed", fault, None)
    assert ended.ended


def test_a_key_names_one_job(store: JobStore) -> None:
    first = store.add("swap", {"n": 1}, key="k")

    assert store.add("swap", {"n": 2}, key="k") == first
    assert store.add("swap", {}).id != store.add("swap", {}).id


def test_running_jobs_are_recovered_a_few_times(store: JobStore) -> None:
    job, other = store.add("swap", {}), store.add("train", {})
    outcomes = []
    for _ in range(3):
        store.begin_next()
        outcomes.append(store.recover(attempts=3))

    assert outcomes == [(1, 0), (1, 0), (0, 1)]
    given_up = store.get(job.id)
    assert (given_up.state, given_up.attempt) == ("interrupted", 3)
    assert given_up.error is not None
    assert "died 3 times" in given_up.error.message
    assert store.get(other.id).state == "queued"


def test_jobs_are_listed_newest_first(store: JobStore) -> None:
    ids = [store.add("swap", {}).id for _ in range(4)]
    store.end(ids[1], "cancelled")

    assert [job.id for job in store.list()] == ids[::-1]
    assert [job.id for job in store.list(["queued"], 2)] == [ids[3], ids[2]]
    assert [job.id for job in store.list(["cancelled", "done"])] == [ids[1]]


def test_an_unknown_job_is_not_found(store: JobStore) -> None:
    with pytest.raises(NotFound, match="nothing"):
        store.get("nothing")


def test_progress_is_kept(store: JobStore) -> None:
    job = store.add("swap", {})
    store.note(job.id, {"title": "swap", "done": 3, "figures": {"loss": float("nan")}})

    assert store.get(job.id).progress["done"] == 3


def test_clients_take_turns_and_a_higher_priority_goes_first(store: JobStore) -> None:
    for client, count in (("anna", 3), ("berta", 2), ("cora", 1)):
        for n in range(count):
            store.add("swap", {"n": n}, client=client)
    store.add("swap", {"n": "urgent"}, client="anna", priority=9)
    store.add("swap", {"n": "later"}, client="dora", priority=-9)
    assert store.queued(1)[0].settings == {"n": "urgent"}
    order = []
    while (job := store.begin_next()) is not None:
        order.append((job.client, job.settings["n"]))
        store.end(job.id, "done")

    assert order == [
        ("anna", "urgent"), ("berta", 0), ("cora", 0), ("anna", 0), ("berta", 1), ("anna", 1),
        ("anna", 2), ("dora", "later"),
    ]  # fmt: skip
    assert store.counts() == {"done": 8}


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    first = JobStore(tmp_path / "jobs.sqlite")
    job = first.add("swap", {}, key="k")
    first._db.execute("DROP INDEX by_client")
    for name in ("client", "priority", "note"):
        first._db.execute(f"ALTER TABLE jobs DROP COLUMN {name}")
    first.close()
    second = JobStore(tmp_path / "jobs.sqlite")

    assert second.get(job.id) == job
    assert second.key_job("k") == job
    assert second.key_job("absent") is None
    second.close()
