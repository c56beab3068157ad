"""The wheel holds what it should, and works where nothing else of the repository is."""

import os
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from tests.support.paths import REPO
from tests.support.source import ROOTS

from faceplate.commands.install import TARGETS

pytest.importorskip("hatchling", reason="the build back end is not installed here")


def built(kind: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_of(root: Path, pattern: str) -> set[str]:
    return {str(path.relative_to(root.parent)) for path in root.rglob(pattern)}


def test_every_module_card_and_stub_is_in_the_wheel(members: set[str]) -> None:
    stubs = REPO / "protos" / "faceplate_protos"
    wanted = set().union(*(files_of(root, "*.py") for root in ROOTS.values()))
    wanted |= files_of(ROOTS["faceplate"], "*.toml") | files_of(stubs, "*.py*")
    wanted |= {f"{package}/py.typed" for package in (*ROOTS, "faceplate_protos")}
    wanted = {name for name in wanted if "__pycache__" not in name}

    assert wanted - members == set()
    assert sum(name.endswith(".toml") for name in members) >= 10
    assert "faceplate/models/weights/occlusion.safetensors" in members
    assert sum(name.endswith("_pb2.py") for name in members) >= 3


def test_the_plug_ins_are_in_the_wheel_where_install_looks_for_them(members: set[str]) -> None:
    for name in TARGETS:
        root = REPO / "hosts" / name
        files = {f"faceplate/{path.relative_to(REPO)}" for path in root.rglob("*") if is_ours(path)}
        assert files
        assert files - members == set()


def is_ours(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def test_nothing_else_is_in_the_wheel(members: set[str]) -> None:
    tops = {name.partition("/")[0] for name in members}
    (info,) = (top for top in tops if top.endswith(".dist-info"))

    assert tops - {info} == {*ROOTS, "faceplate_protos"}
    suffixes = {Path(name).suffix for name in members if not name.startswith(info)}
    of_hosts = {".lua", ".json", ".setting", ".gizmo"}
    assert suffixes - of_hosts <= {".py", ".pyi", ".toml", ".typed", ".proto", ".safetensors", ""}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= members


def test_the_wheel_offers_the_commands(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        text = archive.read(name).decode()

    assert "faceplate = faceplate.cli:main" in text
    assert "faceplate-client = faceplate_client.main:main" in text
    assert "serve = faceplate_server.app:main" in text


def test_the_source_archive_builds_the_same_wheel(tmp_path: Path, members: set[str]) -> None:
    archive = built("sdist", tmp_path / "sdist")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.name.startswith("faceplate-"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "w")]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (wheel,) = (tmp_path / "w").iterdir()

    with zipfile.ZipFile(wheel) as again:
        assert set(again.namelist()) == members


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    # dependencies are those installed here, as there is no network; ours come from the wheel alone
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(
        [*install, "--no-index", "--quiet", str(wheel)], check=True, env=environment, cwd=tmp_path
    )
    # a .pth line would also bring the editable install of this checkout
    borrowed = "".join(f"sys.path.append({path!r})\n" for path in site.getsitepackages())
    (packages / "sitecustomize.py").write_text(f"import sys\n{borrowed}")

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run(str(python), "-c", "import faceplate; print(faceplate.__file__)")
    assert Path(where.strip()).is_relative_to(packages)
    faceplate = str(tmp_path / "env" / "bin" / "faceplate")
    assert "commands:" in run(faceplate, "--help")
    assert "--plate" in run(faceplate, "swap", "--help")
    assert "retinaface-mobilenet0.25" in run(faceplate, "models", "list", "--home", str(tmp_path))
    assert "usage" in run(str(tmp_path / "env" / "bin" / "faceplate-client"), "--help")
    run(faceplate, "install", "nuke", "--dir", str(tmp_path / "nuke"))
    assert f"{packages}/faceplate/hosts/nuke" in (tmp_path / "nuke" / "init.py").read_text()
    serve = run(str(python), "-c", "import faceplate_server.app as app; print(app.__file__)")
    assert Path(serve.strip()).is_relative_to(packages)
