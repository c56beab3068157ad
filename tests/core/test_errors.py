import re
from collections.abc import Iterator

import pytest

from faceplate import errors
from faceplate.errors import FaceplateError, near_names


def hierarchy(kind: type[FaceplateError]) -> Iterator[type[FaceplateError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from hierarchy(child)


def drawn_parents() -> dict[str, str]:
    """Read the tree of the module's docstring: class name to the name of its parent."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ((?:[│ ]   )*)(?:[├└]── )(\w+)", line)
        if match:
            depth = len(match[1]) // 4 + 1
            path = [*path[:depth], match[2]]
            parents[match[2]] = path[depth - 1]
        elif line.strip() == "FaceplateError":
            path = ["FaceplateError"]
    return parents


OURS = [kind for kind in hierarchy(FaceplateError) if kind.__module__ == "faceplate.errors"]


def test_the_drawn_tree_is_the_real_one() -> None:
    real = {
        kind.__name__: kind.__bases__[0].__name__ for kind in OURS if kind is not FaceplateError
    }

    assert drawn_parents() == real


def test_every_error_class_is_public() -> None:
    assert {kind.__name__ for kind in OURS} | {"near_names", "ran_out_of_memory"} == set(
        errors.__all__
    )


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_error_says_when_it_is_raised_and_has_a_documented_exit_code(
    kind: type[FaceplateError],
) -> None:
    assert kind.__doc__
    assert kind.exit_code in {1, 2, 3, 4, 5, 6, 7, 11, 130}


def test_messages_say_what_was_got_and_what_to_do() -> None:
    assert str(errors.UnknownComponent("detector", "yunett", ["yunet"])) == (
        "no detector is called 'yunett'; there are: yunet"
    )
    assert "did you mean ACEScg?" in str(errors.UnknownColorSpace("acesgc", "cg", ["ACEScg"]))
    assert "--missing hold" in str(errors.MissingFrames("a.%04d.exr", [1001]))
    assert "models fetch yunet" in str(errors.WeightsMissing("yunet", "store"))
    assert "pip install 'faceplate[identity]'" in str(errors.ExtraMissing("dlib", "identity"))


def test_a_long_list_of_missing_frames_is_cut() -> None:
    message = str(errors.MissingFrames("a.%04d.exr", range(1, 101)))

    assert "100 frame(s) are missing: 1, 2, 3" in message
    assert "12 and 88 more" in message


def test_near_names_ignore_case_and_come_best_first() -> None:
    assert near_names("ACESCCT", ["ACEScc", "ACEScct", "Raw"])[0] == "ACEScct"
    assert near_names("zzz", ["ACEScct"]) == []
