"""The habits of the house that no other tool checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.paths import REPO
from tests.support.source import calls, dotted, modules, tracked, tree

MODULES = modules()
SOURCES = sorted(
    path
    for folder in ("core", "server", "hosts", "benchmarks", "examples", "scripts")
    for path in (REPO / folder).rglob("*.py")
)

EXITS = {"sys.exit", "os._exit", "exit", "quit", "os.abort", "SystemExit"}
UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}

# The brackets keep this file from finding itself.
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:[w]ork|[h]ome|[U]sers|[r]oot|[t]mp|[o]pt/venv)/")
REGISTRY = re.compile(r"[p]ypi\.|[p]ythonhosted|[i]ndex-url|[.]pytorch[.]org|/[s]imple/")


def outside_main(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those of a `main` function and of ``if __name__ == "__main__"``."""
    for child in ast.iter_child_nodes(node):
        is_main = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name == "main"
        is_script = isinstance(child, ast.If) and "__name__" in ast.unparse(child.test)
        if not is_main and not is_script:
            yield child
            yield from outside_main(child)


def test_only_main_exits() -> None:
    found = []
    for name, path in MODULES.items():
        for node in outside_main(tree(path)):
            named = node.func if isinstance(node, ast.Call) else None
            named = node.exc if isinstance(node, ast.Raise) else named
            if named is not None and dotted(named) in EXITS:
                found.append(f"{name}, line {named.lineno}: {dotted(named)}")

    assert found == []


def test_only_the_command_line_prints() -> None:
    found = [
        f"{name}, line {call.lineno}"
        for name, path in MODULES.items()
        for called, call in calls(path)
        if called == "print" and name != "faceplate.cli"
    ]

    assert found == []


def test_the_engine_does_not_know_the_standard_streams() -> None:
    found = [
        f"{name}, line {node.lineno}: {dotted(node)}"
        for name, path in modules("faceplate").items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and dotted(node) in ("sys.stdout", "sys.stderr", "sys.stdin")
        and name != "faceplate.cli"
    ]

    assert found == []


def test_nothing_is_unpickled() -> None:
    assert [f"{path.relative_to(REPO)}: {what}" for path in SOURCES for what in unsafe(path)] == []


def unsafe(path: Path) -> Iterator[str]:
    """Yield what in a file could run code out of data."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            uses = [(dotted(node.value), node.attr)]
        elif isinstance(node, ast.ImportFrom):
            uses = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for module, name in uses:
            # the error of a refused pickle may be caught
            if module.partition(".")[0] in UNSAFE and name != "UnpicklingError":
                yield f"line {node.lineno}: {module}.{name}"
    for called, call in calls(path):
        words = {ast.unparse(keyword) for keyword in call.keywords}
        if called == "torch.load" and "weights_only=True" not in words:
            yield f"line {call.lineno}: torch.load without weights_only=True"
        if called.endswith(".load") and "allow_pickle=True" in words:
            yield f"line {call.lineno}: {called} with allow_pickle"


def test_files_stay_short_enough_to_read() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}

    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    files = tracked()
    if not files:
        pytest.skip("not a git checkout")
    found = []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(lines, start=1):
            if MACHINE_PATH.search(line) or REGISTRY.search(line):
                found.append(f"{path.relative_to(REPO)}:{number}: {line.strip()[:100]}")

    assert found == []


def test_constraints_are_names_and_versions_and_nothing_else() -> None:
    lines = (REPO / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line.strip() and not line.startswith("#")]

    assert len(pins) > 20
    assert [
        pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", pin)
    ] == []
    names = [pin.partition("==")[0].lower().replace("_", "-") for pin in pins]
    assert len(set(names)) == len(names)


def test_every_package_is_typed_for_its_users() -> None:
    for name, path in MODULES.items():
        if "." not in name:
            assert (path.parent / "py.typed").is_file()
