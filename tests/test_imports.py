"""What importing costs, seen in a fresh interpreter with every warning an error."""

import json
import subprocess
import sys

import pytest
from tests.support.source import modules

HEAVY = {"torch", "cv2", "OpenImageIO", "PyOpenColorIO", "onnxruntime", "scipy", "matplotlib", "av"}
PACKAGES = sorted(name for name, path in modules().items() if path.name == "__init__.py")


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules that it loaded."""
    code += "\nimport sys, json; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_no_package_loads_anything_heavy_by_itself() -> None:
    loaded = loaded_by("\n".join(f"import {package}" for package in PACKAGES))

    assert {"faceplate", "faceplate_server", "faceplate_client"} <= loaded
    assert loaded & {*HEAVY, "grpc", "tyro"} == set()


@pytest.mark.parametrize("module", ["faceplate.jobs", "faceplate.cli"])
def test_what_only_forwards_work_stays_light(module: str) -> None:
    assert loaded_by(f"import {module}") & {*HEAVY, "tyro", "grpc"} == set()


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    loaded = loaded_by("from faceplate.cli import main\nassert main(['--help']) == 0")

    assert loaded & {*HEAVY, "tyro", "tqdm", "faceplate_server"} == set()


def test_the_client_knows_nothing_of_the_engine() -> None:
    names = [name for name in modules("faceplate_client") if not name.endswith("__main__")]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))

    assert loaded & {*HEAVY, "numpy", "pydantic", "faceplate", "faceplate_server"} == set()
