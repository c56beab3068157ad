"""The table of parameters in docs/architectures.md against the code."""

import re

import pytest
import torch
from tests.support.paths import REPO

from faceplate.models import ARCHITECTURES

PAGE = (REPO / "docs" / "architectures.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\w+) \| (\d+) \| (\w+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)


def parameters(name: str, **values: object) -> int:
    kind = ARCHITECTURES.load(name)
    with torch.device("meta"):
        net = kind(kind.Config(**values))  # type: ignore[arg-type]  # values of a table
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(("name", "resolution", "options", "count"), ROWS)
def test_the_page_has_the_number_of_parameters(
    name: str, resolution: str, options: str, count: str
) -> None:
    letters = "" if options == "plain" else options
    found = parameters(name, resolution=int(resolution), options=letters)
    assert f"{found:,}" == count


def test_the_page_has_every_architecture() -> None:
    assert {row[0] for row in ROWS} == set(ARCHITECTURES.names())


def test_a_grown_model_has_hardly_more_parameters() -> None:
    small = parameters("df", resolution=128, options="ud")
    large = parameters("df", resolution=1024, options="ud", grown=3)
    assert f"{small / 1e6:.1f} M parameters at 128 and {large / 1e6:.1f} M at 1024" in PAGE
