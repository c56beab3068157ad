"""The committed protobuf stubs are those of the committed .proto files."""

import hashlib
import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from tests.support.paths import REPO

PROTOS = REPO / "protos"
FOLDER = PROTOS / "faceplate_protos" / "v1"
NAMES = sorted(path.stem for path in FOLDER.glob("*.proto"))


def test_what_the_script_recorded_is_what_is_there() -> None:
    recorded = {}
    for line in (FOLDER / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        recorded[name] = digest
    there = [path for path in FOLDER.iterdir() if path.suffix == ".proto" or "_pb2" in path.name]

    assert recorded.keys() == {path.name for path in there}
    for path in there:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert recorded[path.name] == digest, f"{path.name} was edited: run scripts/protos"


@pytest.mark.parametrize("name", NAMES)
def test_stubs_say_the_same_as_their_proto(name: str, tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed: hashes only")
    out = tmp_path / "set"
    # protoc's own google/protobuf/*.proto
    includes = [
        f"--proto_path={PROTOS}",
        f"--proto_path={resources.files('grpc_tools') / '_proto'}",
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, f"--descriptor_set_out={out}"]
    subprocess.run([*command, f"faceplate_protos/v1/{name}.proto"], check=True)
    compiled = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]
    committed = descriptor_pb2.FileDescriptorProto()
    module = importlib.import_module(f"faceplate_protos.v1.{name}_pb2")
    module.DESCRIPTOR.CopyToProto(committed)
    for message in _messages(compiled):
        for field in message.field:
            field.ClearField("json_name")  # follows from the name; only compilers write it out

    assert committed == compiled


def _messages(proto: Any) -> Iterator[Any]:
    for message in getattr(proto, "message_type", None) or getattr(proto, "nested_type", ()):
        yield message
        yield from _messages(message)


def test_stubs_import_without_a_warning() -> None:
    modules = [f"faceplate_protos.v1.{path.stem}" for path in sorted(FOLDER.glob("*_pb2*.py"))]
    code = f"import {', '.join(modules)}"

    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_stubs_are_of_an_old_compiler() -> None:
    """Hosts run old protobuf, and a stub loads on no runtime older than its compiler."""
    text = (FOLDER / "jobs_pb2.py").read_text()

    assert "# Protobuf Python Version: 5.29.0" in text
