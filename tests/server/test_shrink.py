import torch

from faceplate.errors import DiskFull, OutOfMemory
from faceplate.jobs import parse_job
from faceplate_server.faults import SystemRefused
from faceplate_server.shrink import foreseen, smaller_job


def test_what_libraries_raise_without_memory_is_recognised() -> None:
    allocator = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")
    caused = ValueError("while loading")
    caused.__cause__ = MemoryError("Unable to allocate 4 GiB")

    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), allocator, caused):
        assert isinstance(foreseen(error), OutOfMemory), error


def test_other_errors_stay_what_they_are() -> None:
    for error in (RuntimeError("a mistake"), DiskFull("out of memory cards"), ValueError("x")):
        assert foreseen(error) is error


def test_what_the_system_refuses_is_told_in_its_words() -> None:
    refused = foreseen(PermissionError(13, "Permission denied", "/x"))

    assert isinstance(refused, SystemRefused)
    assert "Permission denied: '/x'" in str(refused)
    assert isinstance(foreseen(OSError(28, "No space left on device")), DiskFull)


def test_the_batch_of_a_training_is_halved() -> None:
    job = parse_job("mask train", {"faceset": ["f"], "out": "o", "batch": 8})
    assert smaller_job(job) == ({"batch": 4}, "batch 4 in place of 8, as memory ran out")
    assert smaller_job(parse_job("mask train", {"faceset": ["f"], "out": "o", "batch": 1})) is None


def test_a_training_that_leaves_its_batch_to_the_preset_is_halved_too() -> None:
    values = {"likeness": "a", "performer": "b", "out": "/absent", "preset": "df-ud"}
    changes, note = smaller_job(parse_job("train", values)) or ({}, "")

    assert changes["batch"] * 2 >= 4
    assert f"in place of {changes['batch'] * 2}" in note


def test_accumulation_still_divides_the_smaller_batch() -> None:
    values = {"likeness": "a", "performer": "b", "out": "o", "batch": 8, "gradient_accumulation": 8}

    assert (smaller_job(parse_job("train", values)) or [{}])[0] == {
        "batch": 4,
        "gradient_accumulation": 4,
    }


def test_processes_are_halved_and_what_has_none_cannot_be_made_smaller() -> None:
    shot = {"plate": "a", "track": "b", "model": "c", "out": "d.%04d.exr"}

    assert (smaller_job(parse_job("swap", {**shot, "processes": 5})) or [0])[0] == {"processes": 2}
    assert smaller_job(parse_job("swap", shot)) is None
    assert smaller_job(parse_job("analyse", {"plate": "a", "out": "b"})) is None
