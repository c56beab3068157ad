import asyncio

import pytest

from faceplate.errors import Exhausted
from faceplate_server.turns import Turns


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def order_of(asked: list[str]) -> list[str]:
    """Let these clients ask while the room is busy; return the order in which they got in."""

    async def run() -> list[str]:
        turns, got, tasks = Turns(100), [], []

        async def ask(client: str) -> None:
            async with turns.turn(client):
                got.append(client)
                await asyncio.sleep(0)

        async with turns.turn("first"):
            for client in asked:
                tasks.append(asyncio.create_task(ask(client)))
                await settled()
        await asyncio.gather(*tasks)
        assert turns.waiting == 0
        return got

    return asyncio.run(run())


def test_clients_take_turns_however_many_frames_one_asks_for() -> None:
    assert order_of(["a"] * 4 + ["b"] * 2 + ["c"]) == ["a", "b", "c", "a", "b", "a", "a"]


def test_one_client_alone_is_served_in_order() -> None:
    assert order_of(["a", "a", "a"]) == ["a", "a", "a"]


def test_too_many_that_wait_are_refused() -> None:
    async def run() -> None:
        turns = Turns(1)
        async with turns.turn("a"):
            waiting = asyncio.create_task(_enter(turns, "b"))
            await settled()
            with pytest.raises(Exhausted, match="1 frames are waiting"):
                await _enter(turns, "c")
        await waiting

    asyncio.run(run())


async def _enter(turns: Turns, client: str) -> None:
    async with turns.turn(client):
        pass


def test_who_leaves_the_queue_holds_nobody_up() -> None:
    async def run() -> None:
        turns = Turns(10)
        async with turns.turn("a"):
            tasks = [asyncio.create_task(_enter(turns, client)) for client in "bcd"]
            await settled()
            tasks[1].cancel()
            await settled()
            assert turns.waiting == 2
        await asyncio.gather(*tasks, return_exceptions=True)
        assert turns.waiting == 0
        await _enter(turns, "e")

    asyncio.run(run())


def test_who_is_cancelled_in_the_moment_a_turn_ends_does_not_take_it() -> None:
    async def run() -> None:
        turns = Turns(10)
        async with turns.turn("a"):
            names = ("b", "b", "c", "d")
            gone, behind, staying, alone = (
                asyncio.create_task(_enter(turns, name)) for name in names
            )
            await settled()
            gone.cancel()  # none of them runs again before the turn is passed on
            alone.cancel()
        ended = await asyncio.gather(gone, behind, staying, alone, return_exceptions=True)
        assert [type(each) for each in ended] == [
            asyncio.CancelledError, type(None), type(None), asyncio.CancelledError,
        ]  # fmt: skip
        assert turns.waiting == 0
        await asyncio.wait_for(_enter(turns, "e"), 5)

    asyncio.run(run())


def test_all_who_wait_may_be_cancelled_at_once() -> None:
    async def run() -> None:
        turns = Turns(10)
        async with turns.turn("a"):
            tasks = [asyncio.create_task(_enter(turns, name)) for name in "bbc"]
            await settled()
            for task in tasks:
                task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}
        assert turns.waiting == 0
        await asyncio.wait_for(_enter(turns, "e"), 5)

    asyncio.run(run())


def test_a_turn_that_comes_with_the_cancelling_is_passed_on() -> None:
    async def run() -> None:
        turns = Turns(10)
        async with turns.turn("a"):
            leaving, staying = (asyncio.create_task(_enter(turns, name)) for name in "bc")
            await settled()
        leaving.cancel()  # in the same moment as its turn came
        await asyncio.wait_for(staying, 5)

    asyncio.run(run())


def test_an_error_inside_a_turn_ends_it() -> None:
    async def run() -> None:
        turns = Turns(10)
        with pytest.raises(ValueError, match="inside"):
            async with turns.turn("a"):
                raise ValueError("inside")
        await asyncio.wait_for(_enter(turns, "b"), 5)

    asyncio.run(run())
