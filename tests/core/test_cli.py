import ast
import dataclasses
import inspect
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest

from faceplate import cli
from faceplate.context import Context
from faceplate.errors import DiskFull, FaceplateError
from faceplate.jobs import JOBS, Verb


@dataclass(frozen=True)
class CountJob:
    """Count the frames of a plate."""

    plate: str
    """Sequence of frames."""
    kind: Literal["all", "even"] = "all"
    """Which frames count."""
    ocio: str | None = None
    """OCIO config."""


@dataclass(frozen=True)
class CountResult:
    frames_counted: int
    plate: str


class Counting:
    """A verb of the test's own, with what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[CountJob, Context]] = []
        self.error: Exception | None = None

    def __call__(self, job: CountJob, context: Context) -> CountResult:
        self.given.append((job, context))
        context.progress.report("count", 1, 2, frame=1001)
        context.progress.report("count", 2, 2, frame=1002)
        if self.error:
            raise self.error
        return CountResult(2, job.plate)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    module = ModuleType("faceplate_counting")
    vars(module).update(CountJob=CountJob, count=counting)
    monkeypatch.setitem(sys.modules, "faceplate_counting", module)
    verb = Verb("count", "count frames", "faceplate_counting:CountJob", "faceplate_counting:count")
    monkeypatch.setitem(cli._VERBS, "count", verb)
    return counting


Capture = pytest.CaptureFixture[str]


def test_a_verb_runs_and_its_result_is_readable(counting: Counting, capsys: Capture) -> None:
    assert cli.main(["count", "b.%04d.exr", "--kind", "even"]) == 0

    assert counting.given[0][0] == CountJob("b.%04d.exr", "even")
    printed = capsys.readouterr()
    assert printed.out == "frames counted   2\nplate            b.%04d.exr\n"
    assert "count 2/2 100%, frame 1002" in printed.err


def test_the_first_setting_may_be_named_as_well(counting: Counting) -> None:
    assert cli.main(["count", "--kind", "even", "--plate", "b.exr"]) == 0
    assert counting.given[0][0] == CountJob("b.exr", "even")


def test_json_is_one_object_on_the_last_line(counting: Counting, capsys: Capture) -> None:
    assert cli.main(["count", "b.exr", "--json", "--progress", "none"]) == 0

    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1]) == {"frames_counted": 2, "plate": "b.exr"}
    assert printed.err == ""


def test_global_options_stand_before_or_after_the_verb(counting: Counting, tmp_path: Path) -> None:
    words = ["--home", str(tmp_path), "--device", "cpu", "--threads", "3"]
    cli.main([*words, "count", "b.exr", "--consent-policy", "warn"])
    cli.main(["count", "b.exr", *words, "--consent-policy", "warn"])

    for _, context in counting.given:
        assert context.home == tmp_path
        assert (context.device, context.threads, context.consent_policy) == ("cpu", 3, "warn")


def test_the_environment_is_looked_at_here_and_nowhere_else(
    counting: Counting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACEPLATE_HOME", str(tmp_path))
    monkeypatch.setenv("OCIO", "studio.ocio")
    cli.main(["count", "b.exr"])
    monkeypatch.setenv("OCIO", "")
    cli.main(["count", "b.exr"])

    assert counting.given[0][1].home == tmp_path
    assert [job.ocio for job, _ in counting.given] == ["studio.ocio", None]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DiskFull("no room on the disk"), 7),
        (FaceplateError("something else"), 1),
        (PermissionError(13, "Permission denied", "b.exr"), 1),
    ],
)
def test_an_error_is_one_sentence_with_its_exit_code(
    counting: Counting, capsys: Capture, error: Exception, code: int
) -> None:
    counting.error = error

    assert cli.main(["count", "b.exr", "--progress", "none"]) == code
    assert capsys.readouterr().err == f"faceplate: {error}\n"


def test_debug_shows_where_an_error_came_from(counting: Counting) -> None:
    counting.error = DiskFull("no room")

    with pytest.raises(DiskFull):
        cli.main(["count", "b.exr", "--debug"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cuont", "b.exr"], "no command is called 'cuont'; there are: count"),
        (["models", "fecth"], "no command is called 'models fecth'; there are: models list"),
        (["consent", "show", "no.json"], "no.json does not exist"),
    ],
)
def test_wrong_words_are_told_what_there_is(
    counting: Counting, capsys: Capture, words: list[str], message: str
) -> None:
    assert cli.main(words) in (2, 6)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("words", [["count"], ["count", "b.exr", "--knd", "all"]])
def test_usage_errors_exit_with_2(counting: Counting, capsys: Capture, words: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(words)

    assert error.value.code == 2
    assert "--help" in capsys.readouterr().err


def test_the_overview_names_every_command_and_global_option(capsys: Capture) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out

    for name in [*JOBS, "evaluate truth", "models fetch", "consent new", "serve", "--home"]:
        assert name in text


def test_a_group_lists_its_own_commands(capsys: Capture) -> None:
    assert cli.main(["consent"]) == 0
    text = capsys.readouterr().out

    assert "consent check" in text
    assert "models" not in text


def test_nothing_asked_is_a_usage_error_that_helps(capsys: Capture) -> None:
    assert cli.main([]) == 2
    assert "usage: faceplate COMMAND" in capsys.readouterr().out


def test_the_version_is_told(capsys: Capture) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("faceplate 0.")


def test_a_command_of_another_package_gets_its_words_and_gives_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[str]] = []
    module = ModuleType("faceplate_plugged")
    vars(module)["main"] = lambda words: seen.append(words) or 6
    monkeypatch.setitem(sys.modules, "faceplate_plugged", module)
    points = EntryPoints([EntryPoint("plugged", "faceplate_plugged:main", "faceplate.commands")])
    monkeypatch.setattr(cli, "entry_points", lambda group: points)

    assert cli.main(["--home", "h", "plugged", "--port", "0"]) == 6
    assert seen == [["--home", "h", "--port", "0"]]


def all_verbs() -> list[str]:
    return sorted(cli._VERBS)


def undocumented(kind: type[Any]) -> list[str]:
    """Return the fields without a docstring below them, which is what their help is made of."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    pairs = zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True)
    return [
        ast.unparse(field.target)
        for field, below in pairs
        if isinstance(field, ast.AnnAssign)
        and not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant))
    ]


@pytest.mark.parametrize("name", all_verbs())
def test_every_setting_of_every_verb_explains_itself(name: str, capsys: Capture) -> None:
    kind = cli._VERBS[name].settings_type()
    with pytest.raises(SystemExit) as done:
        cli.main([*name.split(), "--help"])
    text = capsys.readouterr().out

    assert done.value.code == 0
    assert undocumented(kind) == []
    assert "{None" not in text  # nobody types None: what may be left out is left out
    for entry in dataclasses.fields(kind):
        assert f"--{entry.name.replace('_', '-')}" in text


@pytest.mark.parametrize("name", all_verbs())
def test_no_setting_of_a_verb_is_hidden_by_a_global_option(name: str) -> None:
    options = {action.dest for action in cli._global_parser()._actions}
    fields = {entry.name for entry in dataclasses.fields(cli._VERBS[name].settings_type())}

    assert not options & fields


STOPPABLE = """
import sys, threading
from dataclasses import dataclass
from types import ModuleType
from faceplate import cli
from faceplate.jobs import Verb

@dataclass(frozen=True)
class Job:
    "Work until somebody asks to stop."
    out: str
    "A file that tells that the work was saved."

def work(job, context):
    try:
        for n in range(1, 100_000):
            context.progress.report("work", n, 100_000)
            threading.Event().wait(0.005)
    finally:
        open(job.out, "w").write("saved")

module = sys.modules["faceplate_working"] = ModuleType("faceplate_working")
vars(module).update(Job=Job, work=work)
cli._VERBS["work"] = Verb("work", "work", "faceplate_working:Job", "faceplate_working:work")
sys.exit(cli.main(["work", sys.argv[1]]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_work_after_it_was_saved(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    script = tmp_path / "work.py"  # a file, since tyro reads the docstrings of its fields
    script.write_text(STOPPABLE)
    command: list[Any] = [sys.executable, script, tmp_path / "out"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("work 1/100000")
        process.send_signal(number)
        rest = process.stderr.read()

    assert process.returncode == code
    assert "faceplate: stopped on request; what was finished is kept" in rest
    assert "Traceback" not in rest
    assert (tmp_path / "out").read_text() == "saved"


@pytest.mark.parametrize(
    ("words", "first"),
    [("models list", "store"), ("--help", "Faceplate"), ("models list --help", "usage")],
)
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, words: str, first: str) -> None:
    command = [sys.executable, "-m", "faceplate.cli", *words.split(), "--home", str(tmp_path)]
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    reader, writer = os.pipe()
    os.close(reader)
    left = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)

    assert whole.stdout.startswith(first)
    assert (left.returncode, left.stderr) == (0, "")


def test_wrong_words_and_help_end_without_the_noise_of_libraries() -> None:
    for words, code in ((["review", "movie", "--wrong"], 2), (["review", "movie", "--help"], 0)):
        done = subprocess.run(
            [sys.executable, "-m", "faceplate.cli", *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code
        assert "leaked" not in done.stderr
