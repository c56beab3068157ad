"""``faceplate selftest``: a script that an artist runs inside the host, and which writes a report.

We never ran the plug-ins inside their hosts; this is how whoever has one finds out what holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceplate.commands.install import hosts_folder
from faceplate.context import Context
from faceplate.errors import BadSettings, UnknownComponent
from faceplate.io.atomic import write_text

__all__ = ["SELFTESTS", "HostTest", "SelfTest", "SelfTestResult", "self_test"]


@dataclass(frozen=True)
class HostTest:
    """What is run inside one host."""

    name: str
    """As it is typed; also the plug-in's folder under `hosts`."""
    file: str
    """Name of the script, where none is given."""
    script: Callable[[Path], str]
    """Takes the plug-in's folder and returns the script."""
    how: tuple[str, ...]
    """How to run it, each way a line; {} is the script's path."""


def _nuke_script(plugin: Path) -> str:
    return f'''"""The self test of Faceplate: run it in Nuke's Script Editor, or with nuke -t.

Makes nodes of its own and deletes them; the script that is open stays as it is. The report is
written to $FACEPLATE_REPORT, else into Nuke's folder of temporary files, and shown.
"""

import os
import sys

plugin = {plugin.as_posix()!a}
if plugin not in sys.path:
    sys.path.append(plugin)

from faceplate_nuke import selftest

selftest.show(os.environ.get("FACEPLATE_REPORT", ""))
'''


SELFTESTS: Mapping[str, HostTest] = {
    test.name: test
    for test in (
        HostTest(
            "nuke",
            "faceplate_selftest_nuke.py",
            _nuke_script,
            ("in Nuke: Script Editor, open {}, run", "in a shell: nuke -t {}"),
        ),
    )
}
"""Host to its self test."""


@dataclass(frozen=True)
class SelfTest:
    """Write a script that checks the plug-in inside its host and writes a report.

    It checks versions, helper, server, models, OCIO, the node and its graph, a render that is read
    back, and threads; it leaves the open script as it is.
    """

    target: str
    """Which host, such as nuke."""
    out: str | None = None
    """File to write; None writes it into the current folder."""
    show: bool = False
    """Only show the script, and write nothing."""


@dataclass(frozen=True)
class SelfTestResult:
    """Where the script is, and how it is run."""

    target: str
    script: str
    """File, or the script itself where it is only shown."""
    run: tuple[str, ...]
    """How to run it."""


def self_test(job: SelfTest, context: Context) -> SelfTestResult:
    """Write the script of a host.

    Raises:
        UnknownComponent: No such host.
        NotFound: This installation lacks the plug-in, or there is no such folder.
        BadSettings: The file is something else than a Python script.
    """
    if job.target not in SELFTESTS:
        raise UnknownComponent("host", job.target, sorted(SELFTESTS))
    test = SELFTESTS[job.target]
    text = test.script(hosts_folder(test.name))
    if job.show:
        return SelfTestResult(test.name, text, ())
    out = Path(job.out or test.file).absolute()
    if out.suffix != Path(test.file).suffix:
        raise BadSettings(f"out: expected a name that ends in {Path(test.file).suffix}, got {out}")
    write_text(out, text)
    return SelfTestResult(test.name, str(out), tuple(way.format(out) for way in test.how))
