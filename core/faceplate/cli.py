"""The command line: every verb without a server.

Only this file prints. A result goes to standard output, progress and messages to standard error.
"""

import argparse
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import FrameType, NoneType, UnionType
from typing import Any, Union, get_args

from faceplate import __version__
from faceplate.commands.table import OTHERS
from faceplate.config import OFFLINE, default_home
from faceplate.console import ProgressStyle, TqdmHandler, progress_sink, result_text
from faceplate.context import Context
from faceplate.control import Control, drop_after
from faceplate.errors import (
    BadSettings,
    Cancelled,
    DiskFull,
    FaceplateError,
    FramesFailed,
    InvalidInput,
    OutOfMemory,
    UnknownComponent,
    near_names,
    ran_out_of_memory,
)
from faceplate.io.atomic import is_no_room
from faceplate.jobs import JOBS, Verb, run_verb
from faceplate.keys import is_foreground, key_help, listening
from faceplate.progress import Progress

__all__ = ["main"]

_TITLE = "Faceplate: face replacement for visual-effects artists."
_GROUP = "faceplate.commands"

_PLUGGED = {
    "serve": "run the server for Nuke, Resolve and faceplate-client",
    "status": "tell what the running server does",
}
"""Summaries of commands of other packages, which are not imported to be listed."""

_VERBS = {verb.name: verb for verb in (*JOBS.values(), *OTHERS)}


class _ReaderLeft(Exception):
    """Nobody reads the output any more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/exit-codes.md).

    Args:
        argv: Words after ``faceplate``; None takes those of the process.
    """
    options, words = _global_parser().parse_known_args(argv)
    options.end_now = os._exit  # work that hangs may have to be dropped from another thread
    _set_up_logging(options)
    # Before torch is loaded: threads that spin while they wait make a busy machine 30 times slower
    # (docs/decisions/008).
    for name, value in {**OFFLINE, "OMP_WAIT_POLICY": "PASSIVE"}.items():
        os.environ.setdefault(name, value)
    try:
        return _run(options, words, list(sys.argv[1:] if argv is None else argv))
    except _ReaderLeft:
        return 0
    except SystemExit as left:  # help, or wrong words: all has been said
        if argv is None:
            # OpenImageIO's bindings complain for 30 lines where an interpreter ends after this
            with suppress(BrokenPipeError):
                sys.stdout.flush()
            options.end_now(int(left.code or 0))
        raise
    except FaceplateError as error:
        if options.debug:
            raise
        print(_complaint(error, options), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if options.debug:
            raise
        # the system's own sentence, such as "Permission denied", names the file
        print(_complaint(error, options), file=sys.stderr)
        return FaceplateError.exit_code


def _complaint(error: Exception, options: argparse.Namespace) -> str:
    """Return the line that tells an error; a session of Open Job Description fails by its word."""
    return f"{'openjd_fail' if options.progress == 'openjd' else 'faceplate'}: {error}"


def _run(options: argparse.Namespace, words: list[str], argv: list[str]) -> int:
    if options.version:
        print(f"faceplate {__version__}")
        return 0
    if not words or words[0] in ("-h", "--help"):
        with _writing_out():
            print(_overview())
        return 0 if words else InvalidInput.exit_code
    plugins = {point.name: point for point in entry_points(group=_GROUP)}
    if words[0] in plugins and words[0] not in _VERBS:
        argv.remove(words[0])
        return _run_plugin(plugins[words[0]], argv)
    verb, rest = _split(words, [*_VERBS, *plugins])
    if verb is None:
        with _writing_out():
            print(_overview(f"{words[0]} "))
        return 0
    return _run_verb(verb, rest, options)


def _run_verb(verb: Verb, words: list[str], options: argparse.Namespace) -> int:
    stopped: list[int] = []
    try:
        result = _result(verb, words, options, stopped)
    except Cancelled as error:
        print(f"faceplate: {error}", file=sys.stderr)
        code = 128 + (stopped[0] if stopped else signal.SIGINT)
        _write_failure(verb, error, code)
        return code
    except SystemExit as left:  # the words are wrong, which has been told
        if left.code:
            _write_failure(verb, BadSettings("see standard error"), BadSettings.exit_code)
        raise
    except Exception as raised:
        found = _foreseen(raised)
        _write_failure(verb, found, getattr(found, "exit_code", FaceplateError.exit_code))
        if found is raised:
            raise
        raise found from raised
    as_json = options.json or verb.summary_line
    with _writing_out():
        print(json.dumps(result, allow_nan=False) if as_json else result_text(result))
    return int(result.get("exit_code", 0))  # what is found may be bad news


def _result(
    verb: Verb, words: list[str], options: argparse.Namespace, stopped: list[int]
) -> dict[str, Any]:
    """Run a verb; `stopped` gets the number of a signal that asks to stop."""
    job = _parse(verb, words)
    style: ProgressStyle = options.progress or ("bar" if sys.stderr.isatty() else "plain")
    control = Control()
    with (
        progress_sink(style, sys.stderr) as sink,
        _signals(
            control, stopped, partial(_drop_all, options.end_now, verb.summary_line), verb.grace_s
        ),
        _keys(verb, control, stopped),
    ):
        context = Context(
            home=options.home or default_home(),
            progress=Progress(sink, lambda: bool(stopped), control),
            device=options.device,
            consent_policy=options.consent_policy,
            threads=options.threads,
            ocio=os.environ.get("OCIO") or None,
            environment=dict(os.environ),
        )
        return run_verb(verb, job, context)


def _foreseen(error: Exception) -> Exception:
    """Return an error of ours where system or library say that there is no room, else the same."""
    if isinstance(error, OSError) and is_no_room(error):
        return DiskFull(f"no room: {error}; free some, and run again")
    if not isinstance(error, FaceplateError) and ran_out_of_memory(error):
        return OutOfMemory(f"memory ran out ({error}): try again where there is more, or free some")
    return error


def _write_failure(verb: Verb, error: Exception, code: int) -> None:
    """Write the summary of work that failed, where a farm reads summaries."""
    if not verb.summary_line:
        return
    frames = sorted(error.failed) if isinstance(error, FramesFailed) else []
    summary = {"exit_code": code, "error": type(error).__name__, "message": str(error)}
    with _writing_out():
        print(json.dumps({**summary, "failed": frames}))


@contextmanager
def _writing_out() -> Iterator[None]:
    """Tell a reader that has gone (`| head`) from a broken pipe inside the work."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:
        # else Python would complain once more while it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _ReaderLeft from error


def _run_plugin(point: EntryPoint, words: list[str]) -> int:
    """Run a command of another package: a function of words that returns an exit code or None.

    It gets every word but its name, since options that both sides know are its own.
    """
    return int(point.load()(words) or 0)


def _split(words: list[str], known: list[str]) -> tuple[Verb | None, list[str]]:
    """Find the verb of one or two words; None where only a group of verbs is named."""
    for count in (2, 1):
        verb = _VERBS.get(" ".join(words[:count]))
        if verb is not None:
            return verb, words[count:]
    group = [name for name in known if name.startswith(f"{words[0]} ")]
    if group and set(words[1:]) <= {"-h", "--help"}:
        return None, []
    wanted = " ".join(words[: 2 if group else 1])
    choices = group or near_names(words[0], known, 3) or sorted(known)
    raise UnknownComponent("command", wanted, choices)


def _parse(verb: Verb, words: list[str]) -> Any:
    """Fill the settings of a verb from words. The first setting may be given without its name."""
    import tyro  # a quarter of a second that `faceplate --help` need not spend

    kind = verb.settings_type()
    first = next(iter(kind.__dataclass_fields__), None)
    if words and first is not None and not words[0].startswith("-"):
        words = [f"--{first.replace('_', '-')}", *words]
    with _writing_out(), _optional_values():
        return tyro.cli(kind, prog=f"faceplate {verb.name}", args=words)


def _optional_values() -> AbstractContextManager[None]:
    """Show a setting that may be left out, ``T | None``, as its T: None is not typed by anybody."""
    from tyro.constructors import (  # as costly as tyro itself
        ConstructorRegistry,
        PrimitiveConstructorSpec,
        PrimitiveTypeInfo,
    )

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def optional_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        inner = [part for part in get_args(info.type) if part is not NoneType]
        if info.type_origin not in (Union, UnionType) or len(inner) != 1:
            return None
        spec = registry.get_primitive_spec(PrimitiveTypeInfo.make(inner[0], info.markers))
        if not isinstance(spec, PrimitiveConstructorSpec):
            return None
        return replace(
            spec,
            is_instance=lambda value: value is None or spec.is_instance(value),
            str_from_instance=lambda value: (
                ["none"] if value is None else spec.str_from_instance(value)
            ),
        )

    return registry


def _global_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("faceplate", add_help=False, allow_abbrev=False)
    add = parser.add_argument_group("options of every command").add_argument
    add("--home", type=Path, metavar="DIR", help="weights, logs; $FACEPLATE_HOME or ~/.faceplate")
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N")
    add("--threads", type=int, default=0, metavar="N", help="threads of the job; 0: all")
    add("--consent-policy", choices=("refuse", "warn"), default="refuse", help="without consent")
    add("--progress", choices=get_args(ProgressStyle), help="bar in a terminal, or plain")
    add("--json", action="store_true", help="the last line of output is the result as JSON")
    add("--verbose", action="store_true", help="tell what is done while it is done")
    add("--debug", action="store_true", help="show where an error came from")
    add("--version", action="store_true", help="print the version")
    return parser


def _overview(prefix: str = "") -> str:
    """Return the help of the whole command line, or of one group of verbs."""
    summaries = {name: verb.summary for name, verb in _VERBS.items() if name.startswith(prefix)}
    if not prefix:
        for point in entry_points(group=_GROUP):
            package = point.value.partition(".")[0]
            summaries.setdefault(point.name, _PLUGGED.get(point.name, f"of the package {package}"))
    width = max(len(name) for name in summaries)
    lines = [f"  {name:<{width}}  {summary}" for name, summary in summaries.items()]
    usage = f"usage: faceplate {prefix}COMMAND ..., and `faceplate {prefix}COMMAND --help` for each"
    rest = _global_parser().format_help().partition("options of every command")
    return "\n".join([_TITLE, "", usage, "", "commands:", *lines, "", rest[1] + rest[2]]).rstrip()


def _set_up_logging(options: argparse.Namespace) -> None:
    handler = TqdmHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    level = logging.DEBUG if options.debug else logging.INFO if options.verbose else logging.WARNING
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("faceplate").setLevel(level)


@contextmanager
def _keys(verb: Verb, control: Control, stopped: list[int]) -> Iterator[None]:
    """Let keys speak to work that can do more than stop, where there is a terminal in front."""
    able = len(verb.commands) > len(Verb.commands) and os.name == "posix"
    if not (able and sys.stdin is not None and sys.stdin.isatty()):
        yield
        return
    terminal = sys.stdin.fileno()
    if not is_foreground(terminal):
        yield
        return
    print(key_help(verb.commands), file=sys.stderr)
    with listening(terminal, control, lambda: stopped.append(signal.SIGINT)):
        yield


@contextmanager
def _signals(
    control: Control, stopped: list[int], drop: Callable[[int], None], grace_s: float | None
) -> Iterator[None]:
    """Turn signals into requests: SIGINT and SIGTERM to stop, SIGUSR1 to save, SIGUSR2 to preview.

    A second one of the first two stops at once; so does a grace of seconds that has passed.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if stopped:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stopped.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    for name, command in (("SIGUSR1", "save"), ("SIGUSR2", "preview")):
        if hasattr(signal, name):  # not on Windows
            number = getattr(signal, name)
            before[number] = signal.signal(number, lambda *_, word=command: control.send(word))
    try:
        with nullcontext() if grace_s is None else drop_after(grace_s, drop):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _drop_all(end_now: Callable[[int], None], summary_line: bool, number: int) -> None:
    """End this process and its children now: what they were writing was not there yet."""
    code, said = 128 + number, "stopped; what was at work was dropped"
    summary = {"exit_code": code, "error": "Cancelled", "message": said, "failed": []}
    stream = sys.stdout if summary_line else sys.stderr
    text = json.dumps(summary) if summary_line else f"faceplate: {said}"
    os.write(stream.fileno(), f"{text}\n".encode())
    # last: the main thread would take their end for a failure, and say so
    for child in multiprocessing.active_children():
        child.kill()
    end_now(code)


if __name__ == "__main__":
    sys.exit(main())
