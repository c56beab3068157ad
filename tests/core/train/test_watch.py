import os
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faceplate.train import watch as module
from faceplate.train.checkpoint import History
from faceplate.train.step import StepLosses
from faceplate.train.watch import Watch, resident_mb, scalars

LOSSES = StepLosses((0.5, 0.25), {"gan": 0.7})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(module, "time", clock)
    return clock


def watched(loader: Any, clock: SimpleNamespace, steps: int, paused_s: float = 0.0) -> Watch:
    """Watch steps of half a second, a tenth of which waits for data."""
    watch = Watch(loader, torch.device("cpu"))
    for _ in range(steps):
        clock.now += 0.5
        loader.waited += 0.05
        watch.mark(paused_s)
    return watch


def test_speed_wait_and_losses_are_those_of_the_last_steps(clock: SimpleNamespace) -> None:
    history = History()
    history.add(1, 0.5, 0.25)
    loader = SimpleNamespace(waited=3.0, pids=[])
    figures = watched(loader, clock, 80).figures(LOSSES, history)
    assert figures["it_per_s"] == pytest.approx(2.0)
    assert figures["data_wait_pct"] == pytest.approx(10.0)
    assert (figures["loss_likeness"], figures["loss_performer"], figures["gan"]) == (0.5, 0.25, 0.7)


def test_a_pause_costs_no_speed(clock: SimpleNamespace) -> None:
    loader = SimpleNamespace(waited=0.0, pids=[])
    watch = watched(loader, clock, 4)
    clock.now += 60.5
    watch.mark(60.0)
    assert watch.figures(LOSSES, History())["it_per_s"] == pytest.approx(2.0)


def test_memory_is_that_of_all_processes(clock: SimpleNamespace) -> None:
    alone = watched(SimpleNamespace(waited=0.0, pids=[]), clock, 1)
    double = watched(SimpleNamespace(waited=0.0, pids=[os.getpid()]), clock, 1)
    one, two = (watch.figures(LOSSES, History())["memory_mb"] for watch in (alone, double))
    assert one > 20
    assert two == pytest.approx(2 * one, rel=0.2)


def test_a_process_that_is_gone_holds_no_memory() -> None:
    assert resident_mb(2**22 + 1) == 0


def test_tensorboard_gets_every_part_by_group(clock: SimpleNamespace) -> None:
    loader = SimpleNamespace(waited=0.0, pids=[])
    figures = watched(loader, clock, 2).figures(LOSSES, History())
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=3e-4)
    values = scalars(LOSSES, figures, optimizer)
    assert values["loss/likeness"] == 0.5
    assert values["loss/gan"] == 0.7
    assert values["learning_rate"] == 3e-4
    assert set(values) >= {"speed/it_per_s", "speed/data_wait_pct", "memory_mb"}
