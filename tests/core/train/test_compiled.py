import logging
from collections.abc import Iterator

import pytest
import torch
from tests.support.training import TINY
from torch import nn

from faceplate.models.df import DF
from faceplate.train.compiled import compile_parts, compiler_problem

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    compiler_problem.cache_clear()
    yield
    compiler_problem.cache_clear()


def is_compiled(part: nn.Module) -> bool:
    return part._compiled_call_impl is not None


def test_without_a_compiler_the_network_stays_as_it_is_and_that_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compile_nothing(function: object) -> object:
        def fail(*_: object) -> None:
            raise RuntimeError("No working C++ compiler found\nin a long text")

        return fail

    monkeypatch.setattr(torch, "compile", compile_nothing)
    net = DF(TINY)
    with caplog.at_level(logging.WARNING):
        assert not compile_parts(net, CPU)
    assert "no compiler for cpu" in caplog.text
    assert caplog.text.strip().endswith("No working C++ compiler found")
    assert not any(is_compiled(part) for part in net.children())


def test_with_a_compiler_every_part_is_compiled_at_its_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "compile", lambda function: function)
    net = DF(TINY)
    assert compile_parts(net, CPU)
    assert all(is_compiled(part) for part in net.children())
