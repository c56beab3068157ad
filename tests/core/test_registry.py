import logging
import math
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from faceplate import registry
from faceplate.errors import InvalidInput, UnknownComponent
from faceplate.registry import Registry


@pytest.fixture
def sums() -> Registry[Any]:
    return Registry("sum", {"fsum": "math:fsum"}, group="faceplate.sums")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    points: list[EntryPoint] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(points))
    return points


def test_a_part_is_imported_on_first_use(sums: Registry[Any]) -> None:
    assert sums.load("fsum") is math.fsum


def test_an_unknown_name_lists_the_choices(sums: Registry[Any]) -> None:
    with pytest.raises(UnknownComponent, match="no sum is called 'gsum'; there are: fsum") as error:
        sums.load("gsum")

    assert error.value.choices == ("fsum",)


def test_a_part_is_added_once(sums: Registry[Any]) -> None:
    sums.add("prod", "math:prod")

    assert sums.names() == ["fsum", "prod"]
    with pytest.raises(InvalidInput, match="already a sum called 'prod'"):
        sums.add("prod", "math:prod")


def test_a_plug_in_adds_a_part(sums: Registry[Any], plugins: list[EntryPoint]) -> None:
    plugins.append(EntryPoint("prod", "math:prod", "faceplate.sums"))

    assert sums.names() == ["fsum", "prod"]
    assert sums.load("prod") is math.prod


def test_a_plug_in_may_not_replace_ours(
    sums: Registry[Any], plugins: list[EntryPoint], caplog: pytest.LogCaptureFixture
) -> None:
    plugins.append(EntryPoint("fsum", "math:prod", "faceplate.sums"))

    with caplog.at_level(logging.WARNING):
        assert sums.names() == ["fsum"]
    assert "repeats ours" in caplog.text
    assert sums.load("fsum") is math.fsum


@pytest.mark.parametrize("target", ["no_such_module:thing", "math:no_such_thing"])
def test_a_broken_plug_in_says_so_and_leaves_the_others(
    sums: Registry[Any], plugins: list[EntryPoint], target: str
) -> None:
    plugins.append(EntryPoint("broken", target, "faceplate.sums"))

    with pytest.raises(UnknownComponent, match=r"'broken'.*there are: fsum"):
        sums.load("broken")
    assert sums.load("fsum") is math.fsum
