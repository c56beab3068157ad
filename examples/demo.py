"""The main job from end to end on the bundled shot; `make demo` runs it.

Starts the server, and through `faceplate-client` analyses and extracts both actors, trains a copy
of the demo model on for a minute, swaps the shot and then measures the result against its exact
truth. Everything that it makes is in out/demo.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
MINI = REPO / "examples/mini"
OUT = REPO / "out/demo"
BIN = Path(sys.executable).parent
TRAINING_MINUTES = float(os.environ.get("FACEPLATE_DEMO_MINUTES", "1"))

_SECONDS_TO_START = 60


class DemoError(Exception):
    """A step failed; carries its exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def main() -> None:
    """Run the demo."""
    began = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    shutil.copytree(REPO / "examples/demo_model", OUT / "model")
    shutil.copy(REPO / "examples/demo_recipe.json", OUT / "recipe.json")
    with _server() as address:
        for actor in "AB":
            _analyse_and_extract(address, actor)
        _train(address)
        _swap(address)
    _measure()
    print(f"\nmade in {time.monotonic() - began:.0f} s, all of it in {OUT.relative_to(REPO)}:")
    print("  swap/swap.1001.exr ...     the EXR layers")
    print("  panel/sheet.png            plate | swap | truth | matte")
    print("  panel/panel.png            every figure over the shot, as a plot")


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """Run `faceplate serve` on a unix socket; its path must be short, so it has its own folder."""
    with tempfile.TemporaryDirectory(prefix="faceplate-") as folder:
        address = f"unix:{folder}/server.sock"
        with (OUT / "server.log").open("w") as log:
            server = subprocess.Popen(
                [BIN / "faceplate", "serve", "--address", address, "--roots", OUT, MINI],
                stdout=log,
                stderr=log,
            )
        try:
            for _ in _client(address, "--patience", str(_SECONDS_TO_START), "health"):
                print(f"server on {address}", flush=True)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def _analyse_and_extract(address: str, actor: str) -> None:
    plate = f"{MINI}/{actor}/{actor}.%04d.exr"
    track, faceset = f"{OUT}/{actor}.track.json", f"{OUT}/{actor}.faceset"
    found = _submit(address, "analyse", plate=plate, out=track)
    print(f"  p1{actor}: a face in {found['frames_with_face']} of {found['frames']} frames")
    # Mattes rendered with the shot stand for the roto of a real one: they hold the face up
    # to the hairline, and leave a hand and a bar that cross it in the plate.
    mattes = {"A": "A_masks/face/face", "B": "B_masks/visible/visible"}[actor]
    _submit(
        address,
        "extract",
        plate=plate,
        track=track,
        out=faceset,
        name=f"p1{actor}",
        mattes=f"{MINI}/{mattes}.%04d.png",
    )


def _train(address: str) -> None:
    result = _submit(
        address,
        "train",
        likeness=f"{OUT}/A.faceset",
        performer=f"{OUT}/B.faceset",
        out=f"{OUT}/model",
        consent=f"{MINI}/consent.json",
        minutes=TRAINING_MINUTES,
        # Gently and without pairs: this shot alone is too short to learn another face from, and the
        # model would forget the larger one.
        learning_rate=1e-4,
        performer_pairs=0.0,
        preview_every=50,
    )
    print(f"  step {result['step']}; preview: {Path(str(result['preview'])).relative_to(REPO)}")


def _swap(address: str) -> None:
    _submit(
        address,
        "swap",
        plate=f"{MINI}/B/B.%04d.exr",
        track=f"{OUT}/B.track.json",
        model=f"{OUT}/model",
        consent=f"{MINI}/consent.json",
        out=f"{OUT}/swap/swap.%04d.exr",
        recipe=f"{OUT}/recipe.json",
        shot="mini",
    )


def _measure() -> None:
    print("\nthe swap against the exact truth (0 is the plate, 1 the truth in identity transfer):")
    command: list[str | Path] = [
        *(BIN / "faceplate", "evaluate", "truth"),
        *("--result", OUT / "swap/swap.%04d.exr"),
        *("--plate", MINI / "B/B.%04d.exr"),
        *("--truth", MINI / "S/S.%04d.exr"),
        *("--masks", MINI / "B_masks/visible"),
        *("--truth-json", MINI / "truth_B.json"),
        *("--out", OUT / "panel"),
    ]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise DemoError("faceplate evaluate truth failed", done.returncode)


def _submit(address: str, verb: str, **settings: object) -> dict[str, Any]:
    """Run one job through the helper, show its progress, and return its result."""
    began = time.monotonic()
    print(f"{verb} ...", flush=True)
    for event in _client(address, "submit", verb, "--json", json.dumps(settings)):
        if event["event"] == "progress":
            _show(verb, event)
        elif event["event"] == "done":
            _line(f"{verb}: done in {time.monotonic() - began:.1f} s", last=True)
            return dict(event["result"])
    raise DemoError(f"{verb} ended without a result; see {OUT / 'server.log'}", 1)


def _client(address: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of one call of `faceplate-client`."""
    command: list[str | Path] = [BIN / "faceplate-client", "--server", address, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as helper:
        if helper.stdout is None:
            raise DemoError("faceplate-client has no output", 1)
        for line in helper.stdout:
            event = json.loads(line)
            if event["event"] in ("error", "cancelled"):
                _line("", last=True)
                print(event.get("message", line), file=sys.stderr)
            yield event
    if helper.returncode:
        raise DemoError(f"faceplate-client {arguments[0]} failed", helper.returncode)


def _show(verb: str, event: dict[str, Any]) -> None:
    figures = event.get("figures") or {}
    shown = "  ".join(f"{name} {value:.3g}" for name, value in figures.items())
    total, left = event.get("total"), event.get("seconds_left")
    time_left = f"  {left:.0f} s left" if left else ""
    _line(f"{verb} {event['done']}/{total or '?'}{time_left}  {shown}")


class _Line:
    """The line of progress: over the last one on a terminal, every ten seconds in a log."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def __call__(self, text: str, last: bool = False) -> None:
        if sys.stdout.isatty():
            print(f"\r{text:78.78}", end="\n" if last else "", flush=True)
        elif last or time.monotonic() - self._shown > 10:
            self._shown = time.monotonic()
            print(f"  {text}", flush=True)


_line = _Line()


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
