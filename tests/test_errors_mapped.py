"""Every error of engine and server has a gRPC status of its own family, and a known exit code."""

import grpc
import pytest

from faceplate.errors import FaceplateError
from faceplate_server import faults
from faceplate_server.status import STATUS, status_of

assert faults.__all__  # the server's own errors count too

EXIT_CODES = {1, 2, 3, 4, 5, 6, 7, 11, 130}


def descendants(kind: type[FaceplateError]) -> list[type[FaceplateError]]:
    below = [kind for child in kind.__subclasses__() for kind in descendants(child)]
    return [*kind.__subclasses__(), *below]


@pytest.mark.parametrize("kind", sorted(set(descendants(FaceplateError)), key=lambda k: k.__name__))
def test_every_error_is_mapped(kind: type[FaceplateError]) -> None:
    status, hint = status_of(kind)

    assert any(parent in STATUS for parent in kind.__mro__), f"{kind.__name__} is in no family"
    assert grpc.StatusCode[status] is not grpc.StatusCode.OK
    assert hint.endswith(".")
    assert kind.exit_code in EXIT_CODES


def test_nothing_is_mapped_to_what_grpc_itself_says() -> None:
    reserved = {"OK", "UNAVAILABLE", "UNIMPLEMENTED", "UNKNOWN"}

    assert not reserved & {status for status, _ in STATUS.values()}
