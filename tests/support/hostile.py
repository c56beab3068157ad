"""Malformed and hostile requests for every RPC that a server has, found by its reflection."""

import json
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.support.servers import Client

__all__ = ["Case", "Hostile", "methods_of"]

Pairs = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True)
class Case:
    """One call."""

    method: str
    """Such as ``/faceplate.v1.Jobs/GetJob``."""
    streams: tuple[bool, bool]
    """Whether requests and answers are streams."""
    kind: str
    messages: list[bytes] = field(default_factory=list)
    metadata: Pairs | None = None
    """None: those of a client that may enter."""
    cancel: bool = False
    """Whether the client goes away in the middle."""


def methods_of(client: Client) -> list[MethodDescriptor]:
    """Return every RPC that the server itself says it has."""
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    ask = reflection_pb2.ServerReflectionRequest
    (listed,) = stub.ServerReflectionInfo(iter([ask(list_services="")]), metadata=client.metadata)
    names = [service.name for service in listed.list_services_response.service]
    pool, found = DescriptorPool(), []
    for name in names:
        _add_file(pool, client, ask(file_containing_symbol=name))
        found += pool.FindServiceByName(name).methods
    return found


def _add_file(pool: DescriptorPool, client: Client, request: Any) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    (answer,) = stub.ServerReflectionInfo(iter([request]), metadata=client.metadata)
    for content in answer.file_descriptor_response.file_descriptor_proto:
        file = FileDescriptorProto.FromString(content)
        try:
            pool.FindFileByName(file.name)
        except KeyError:
            for needed in file.dependency:
                wanted = reflection_pb2.ServerReflectionRequest(file_by_filename=needed)
                _add_file(pool, client, wanted)
            pool.Add(file)


class Hostile:
    """Makes cases, the same ones for the same seed.

    Args:
        root: The only allowed folder.
        outside: A folder beside it, with files that nobody may read or write.
        token: The server's.
        seed: Of every choice.
    """

    def __init__(self, root: Path, outside: Path, token: str, seed: int) -> None:
        self._root, self._outside, self._token = root, outside, token
        self._rng = random.Random(seed)

    def cases(self, method: MethodDescriptor, count: int) -> Iterator[Case]:
        """Yield cases for one RPC: most with fields of the right types and wrong content."""
        makers = [self._fields] * 10 + [self._noise, self._flipped, self._cut, self._unknown,
                  self._stranger, self._cancelled]  # fmt: skip
        for number in range(count):
            maker = makers[number % len(makers)]
            name = f"/{method.containing_service.full_name}/{method.name}"
            streams = (method.client_streaming, method.server_streaming)
            made = maker(method.input_type, streams[0])
            yield Case(name, streams, maker.__name__.lstrip("_"), **made)

    def _messages(self, kind: Descriptor, streaming: bool) -> list[bytes]:
        count = self._rng.choice((0, 1, 1, 2, 4)) if streaming else 1
        return [self._message(kind).SerializeToString() for _ in range(count)]

    def _fields(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        return {"messages": self._messages(kind, streaming)}

    def _noise(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        size = self._rng.choice((1, 7, 100, 4096, 300_000))
        return {"messages": [self._rng.randbytes(size)]}

    def _flipped(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        content = bytearray(self._message(kind).SerializeToString() or b"\0")
        for _ in range(self._rng.randint(1, 8)):
            content[self._rng.randrange(len(content))] ^= 1 << self._rng.randrange(8)
        return {"messages": [bytes(content)]}

    def _cut(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        content = self._message(kind).SerializeToString()
        return {"messages": [content[: self._rng.randint(0, len(content))]]}

    def _unknown(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        tag = self._rng.randint(500, 5000) << 3 | 2  # a field that nobody knows, with bytes in it
        extra = _varint(tag) + _varint(3) + b"xyz"
        return {"messages": [self._message(kind).SerializeToString() + extra]}

    def _stranger(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        tokens = ("", "Bearer ", "Bearer " + "x" * 43, self._token, f"bearer {self._token}",
                  f"Bearer {self._token[:-1]}", f"Bearer {self._token} ",
                  "Bearer " + "y" * 8000)  # fmt: skip
        metadata: Pairs = (("authorization", self._rng.choice(tokens)),)
        if self._rng.random() < 0.2:
            metadata = (("authorization-bin", b"\xff\x00"), ("faceplate-client", "n" * 3000))
        return {"messages": self._messages(kind, streaming), "metadata": metadata}

    def _cancelled(self, kind: Descriptor, streaming: bool) -> dict[str, Any]:
        return {"messages": self._messages(kind, streaming), "cancel": True}

    def _message(self, kind: Descriptor, depth: int = 0) -> Any:
        message = GetMessageClass(kind)()
        for each in kind.fields:
            if self._rng.random() < 0.75 and depth < 3:
                self._fill(message, each, depth)
        return message

    def _fill(self, message: Any, each: FieldDescriptor, depth: int) -> None:
        if each.is_repeated and each.message_type is None:
            getattr(message, each.name).extend(self._value(each) for _ in range(3))
        elif each.is_repeated:
            return
        elif each.message_type is not None:
            inner = self._message(each.message_type, depth + 1)
            getattr(message, each.name).CopyFrom(inner)
        else:
            setattr(message, each.name, self._value(each))

    def _value(self, each: FieldDescriptor) -> Any:
        kind, choose = each.cpp_type, self._rng.choice
        if kind == FieldDescriptor.CPPTYPE_STRING and each.type == FieldDescriptor.TYPE_BYTES:
            return choose((b"", b"\0", self._rng.randbytes(999), b"x" * (3 << 20)))
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return self._json() if each.name.endswith("json") else self._text(each.name)
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return choose((True, False))
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return choose((0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e300, 5e-324))
        if kind in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64):
            return choose((0, 1, 1004, 2**31, 2**63 - 1, *self._negative(kind)))
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return choose((0, 1, 2, 99, 2**31 - 1))
        return choose((0, 1, 64, 2**31 - 1, *self._negative(kind)))

    def _negative(self, kind: int) -> tuple[int, ...]:
        if kind in (FieldDescriptor.CPPTYPE_UINT64, FieldDescriptor.CPPTYPE_UINT32):
            return ()
        return (-1, -(2**31))

    def _path(self) -> str:
        root, outside = self._root, self._outside
        return self._rng.choice(
            (
                f"{outside}/secret.json", f"{root}/../outside/secret.json", f"{root}/linked.json",
                f"{root}/link/secret.json", f"{root}/link", f"{root}/loop/loop", "../outside/a",
                "/etc/passwd", "/proc/self/mem", "/dev/zero", "/dev/full", "~root/.ssh/id", "~",
                f"file://{outside}/secret.json", "http://127.0.0.1/x", f"{root}/a\0b", "\0",
                f"{root}/plate.%04d.exr", f"{root}/linked.%04d.exr", f"{root}/%s%n%x", "####",
                f"{root}/tiny", "tiny", f"{root}/B.json", f"{root}/consent.json", f"{root}/new",
                f"{root}/fifo", f"{root}/" + "d/" * 900, f"{root}/" + "n" * 300, str(root), "",
                f"{outside}/new/deep/x.exr", f"{outside}/x.%04d.exr", f"{root}/../outside/new",
                f"{root}/link/new.%04d.exr", "C:\\Windows\\x", "\\\\host\\share", "a" * 70_000,
            )
        )  # fmt: skip

    def _text(self, name: str) -> str:
        if self._rng.random() < 0.6:
            return self._path()
        return self._rng.choice(
            (
                "", "swap", "count", "analyse", "train", "faceset import", "mask train", "C-1",
                "' OR 1=1 --", "$(touch x)", "; touch x", "%s%s%n", "\u202egpj.exe", "é" * 9,
                "\x01\x02", "x" * 50_000, "2026-02-30", "9999-12-31", "0", "-1", "nan", "auto",
                "JOB_STATE_DONE", "20260101-000000-abcdef", "🎬" * 50,
            )
        )  # fmt: skip

    def _json(self) -> str:
        if self._rng.random() < 0.5:
            names = ("plate", "track", "model", "out", "consent", "cast", "recipe", "mattes",
                     "ocio", "frames", "person", "likeness", "view", "color_space", "shot",
                     "cache_gib", "morph", "faceset", "nonsense")  # fmt: skip
            chosen = self._rng.sample(names, self._rng.randint(0, 6))
            return json.dumps({name: self._plain() for name in chosen})
        return self._rng.choice(
            (
                "", "{}", "[]", "null", "1", '"text"', "{", "}", "{'a': 1}", '{"a": NaN}',
                '{"out": Infinity}', '{"frames": 1e999}', '{"a":' * 3000 + "1" + "}" * 3000,
                '{"a": ' + "[" * 900 + "]" * 900 + "}", '{"plate": "\\ud800"}', "9" * 5000,
                '{"person": ' + "9" * 5000 + "}", '{"a": 1, "a": 2}', '{"' + "k" * 99_999 + '": 1}',
                '{"plate": {"$ref": "x"}}', '{"feather": "x"}', '{"feather": [[1, 2]]}',
                json.dumps({"__class__": "os.system", "plate": ["/etc/passwd"] * 999}), "\0",
                '{"frames": "1-99999999999999"}', '{"mode": "raw-predict"}', "x" * 1_100_000,
            )
        )  # fmt: skip

    def _plain(self) -> Any:
        return self._rng.choice(
            (
                self._path(), self._path(), self._path(), None, True, -1, 0, 2**70, 1e300, [], {},
                [self._path()], {"inner": self._path()}, "1001", "1-5x0", "x",
            )
        )  # fmt: skip


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + struct.pack("B", value & 127 | 128), value >> 7
    return out + struct.pack("B", value)
