"""What the pages say works: their Python runs, their commands parse, their links lead somewhere."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.paths import REPO

from faceplate import cli, errors
from faceplate.errors import FaceplateError

PAGES = [*sorted(REPO.glob("*.md")), *sorted((REPO / "docs").rglob("*.md"))]
PLUGGED = {"serve", "status"}
"""Commands of other packages, which parse their own words."""


def name_of(path: Path) -> str:
    return str(path.relative_to(REPO))


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(path: Path) -> Iterator[list[str]]:
    """Yield the words of every ``$ faceplate ...``, continued lines joined."""
    for block in blocks(path, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:2] == ["$", "faceplate"]:
                yield words[2:]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=name_of)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    code = "\n".join(blocks(page, "python"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [p for p in PAGES if any(commands(p))], ids=name_of)
def test_the_commands_of_a_page_parse(page: Path) -> None:
    for words in commands(page):
        options, rest = cli._global_parser().parse_known_args(words)
        if rest and rest[0] not in PLUGGED:
            verb, settings = cli._split(rest, list(cli._VERBS))
            assert verb is not None, f"{words} names no command"
            assert verb.settings_type() is type(cli._parse(verb, settings)), words
        assert rest or options.version


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [target for target in targets if "://" not in target and "mailto:" not in target]

    assert [target for target in inside if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_to_a_decision_names_its_number(page: Path) -> None:
    links = re.findall(
        r"\[([^\]]*)\]\((?:[^)\s]*/)?(\d{3})-[^)]*\)", page.read_text(encoding="utf-8")
    )

    assert [link for link in links if re.findall(r"\d{3}", link[0]) not in ([], [link[1]])] == []


def test_the_exit_codes_of_every_error_are_documented() -> None:
    rows = {}
    for line in (REPO / "docs" / "exit-codes.md").read_text().splitlines():
        if match := re.match(r"\| (\d+) \|", line):
            rows[int(match[1])] = set(re.findall(r"`([A-Z]\w+)`", line))
    kinds = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]

    for kind in kinds:
        if kind is not FaceplateError:
            assert kind.__name__ in rows[kind.exit_code]


def test_decisions_are_numbered_without_gaps_and_say_their_status() -> None:
    pages = sorted((REPO / "docs" / "decisions").glob("[0-9]*.md"))

    assert [int(page.name[:3]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:3]} ")
        for word in ("Status:", "**Driver.**", "**Outcome.**"):
            assert word in text
