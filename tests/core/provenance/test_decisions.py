import json
import subprocess
import sys
from pathlib import Path

import pytest

from faceplate.errors import Damaged, DiskFull, NotFound, NotReady
from faceplate.provenance.decisions import LogHead, append_decision, verify_log


def written(tmp_path: Path, count: int = 5) -> Path:
    log = tmp_path / "consent.log"
    for number in range(count):
        append_decision(log, {"use": "swap", "number": number})
    return log


def test_an_untouched_log_verifies_and_names_its_head(tmp_path: Path) -> None:
    log = written(tmp_path)
    last = json.loads(log.read_text().splitlines()[-1])

    assert verify_log(log) == LogHead(5, last["sha256"])


def test_each_line_holds_the_hash_of_the_one_before(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path).read_text().splitlines()]

    assert lines[0]["previous"] == "0" * 64
    assert [line["previous"] for line in lines[1:]] == [line["sha256"] for line in lines[:-1]]


@pytest.mark.parametrize("victim", range(5))
def test_a_changed_line_is_found_wherever_it_is(tmp_path: Path, victim: int) -> None:
    log = written(tmp_path)
    lines = log.read_text().splitlines()
    lines[victim] = lines[victim].replace("swap", "look")
    log.write_text("\n".join(lines) + "\n")

    with pytest.raises(Damaged, match=f"line {victim + 1} was changed"):
        verify_log(log)


def test_a_line_that_was_forged_with_its_own_hash_is_found_by_the_next(tmp_path: Path) -> None:
    log = written(tmp_path)
    lines = log.read_text().splitlines(keepends=True)
    other = tmp_path / "other.log"
    append_decision(other, {"use": "look", "number": 0})
    log.write_text(other.read_text() + "".join(lines[1:]))

    with pytest.raises(Damaged, match="before line 2"):
        verify_log(log)


@pytest.mark.parametrize("victim", [0, 2, 3])
def test_a_dropped_line_is_found(tmp_path: Path, victim: int) -> None:
    log = written(tmp_path)
    lines = log.read_text().splitlines(keepends=True)
    del lines[victim]
    log.write_text("".join(lines))

    with pytest.raises(Damaged, match=f"before line {victim + 1} a line was dropped"):
        verify_log(log)


def test_a_line_torn_by_a_crash_is_kept_and_found_and_the_log_goes_on(tmp_path: Path) -> None:
    log = written(tmp_path, 2)
    with log.open("ab") as file:
        file.write(b'{"use": "sw')
    append_decision(log, {"use": "train"})
    append_decision(log, {"use": "train"})

    assert len(log.read_text().splitlines()) == 5
    with pytest.raises(Damaged, match="line 3 was changed or torn"):
        verify_log(log)


def test_lines_longer_than_the_reading_step_chain_too(tmp_path: Path) -> None:
    log = tmp_path / "consent.log"
    for size in (10, 5000, 40000, 10):
        append_decision(log, {"reason": "x" * size})

    assert verify_log(log).lines == 4


def test_two_processes_at_once_make_one_unbroken_chain(tmp_path: Path) -> None:
    log = tmp_path / "consent.log"
    code = (
        "import sys; from pathlib import Path\n"
        "from faceplate.provenance.decisions import append_decision\n"
        "for n in range(40): append_decision(Path(sys.argv[1]), {'who': sys.argv[2], 'n': n})\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(log), who]) for who in ("one", "two")
    ]

    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert verify_log(log).lines == 80


def test_a_log_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verify_log(tmp_path / "consent.log")


def test_what_cannot_be_logged_stops_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(NotReady, match="cannot be written"):
        append_decision(tmp_path / "file" / "consent.log", {})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_to_be_full() -> None:
    with pytest.raises(DiskFull, match="no room for the decision log"):
        append_decision(Path("/dev/full"), {"use": "swap"})
