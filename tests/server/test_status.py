import pytest

from faceplate import errors
from faceplate_server.faults import WorkerDied
from faceplate_server.status import fault_of, rebuild, status_of


def test_an_error_keeps_its_words_and_exit_code() -> None:
    fault = fault_of(errors.UnknownColorSpace("acesgc", "studio", ["ACEScg"]))

    assert (fault.code, fault.exit_code) == ("UnknownColorSpace", 5)
    assert "did you mean ACEScg" in fault.message
    assert fault.hint


def test_a_foreign_error_gives_nothing_away() -> None:
    fault = fault_of(KeyError("secret"))

    assert fault.code == "Internal"
    assert "secret" not in fault.message
    assert status_of(KeyError)[0] == "INTERNAL"


@pytest.mark.parametrize(
    "error",
    [
        errors.HashMismatch("w", "a", "b"),
        errors.MissingFrames("p", [1, 2]),
        errors.OutsideRoots("o"),
        WorkerDied("d"),
    ],
)
def test_an_error_of_another_process_is_rebuilt(error: errors.FaceplateError) -> None:
    rebuilt = rebuild(type(error).__name__, str(error))

    assert type(rebuilt) is type(error)
    assert str(rebuilt) == str(error)
    assert fault_of(rebuilt) == fault_of(error)


def test_an_unknown_error_of_another_process_stays_foreign() -> None:
    assert isinstance(rebuild("KeyError", "x"), RuntimeError)
