from faceplate_protos.v1 import jobs_pb2 as _jobs_pb2
from faceplate_protos.v1 import models_pb2 as _models_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Device(_message.Message):
    __slots__ = ("name", "job")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    name: str
    job: str
    def __init__(self, name: _Optional[str] = ..., job: _Optional[str] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("role", "pid", "bytes")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    role: str
    pid: int
    bytes: int
    def __init__(self, role: _Optional[str] = ..., pid: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "started", "address", "roots", "devices", "jobs", "job_counts", "models", "bytes", "workers", "frames_waiting", "worker_deaths")
    class JobCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    JOB_COUNTS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_WAITING_FIELD_NUMBER: _ClassVar[int]
    WORKER_DEATHS_FIELD_NUMBER: _ClassVar[int]
    version: str
    started: _timestamp_pb2.Timestamp
    address: str
    roots: _containers.RepeatedScalarFieldContainer[str]
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    jobs: _containers.RepeatedCompositeFieldContainer[_jobs_pb2.Job]
    job_counts: _containers.ScalarMap[str, int]
    models: _containers.RepeatedCompositeFieldContainer[_models_pb2.LoadedModel]
    bytes: int
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    frames_waiting: int
    worker_deaths: int
    def __init__(self, version: _Optional[str] = ..., started: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., address: _Optional[str] = ..., roots: _Optional[_Iterable[str]] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., jobs: _Optional[_Iterable[_Union[_jobs_pb2.Job, _Mapping]]] = ..., job_counts: _Optional[_Mapping[str, int]] = ..., models: _Optional[_Iterable[_Union[_models_pb2.LoadedModel, _Mapping]]] = ..., bytes: _Optional[int] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., frames_waiting: _Optional[int] = ..., worker_deaths: _Optional[int] = ...) -> None: ...
