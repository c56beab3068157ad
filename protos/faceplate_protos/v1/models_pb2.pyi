from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Model(_message.Message):
    __slots__ = ("name", "path", "likeness", "performer", "config_json", "sha256", "step", "problem")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    LIKENESS_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_FIELD_NUMBER: _ClassVar[int]
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    path: str
    likeness: str
    performer: str
    config_json: str
    sha256: str
    step: int
    problem: str
    def __init__(self, name: _Optional[str] = ..., path: _Optional[str] = ..., likeness: _Optional[str] = ..., performer: _Optional[str] = ..., config_json: _Optional[str] = ..., sha256: _Optional[str] = ..., step: _Optional[int] = ..., problem: _Optional[str] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "recipe_schema_json")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    recipe_schema_json: str
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., recipe_schema_json: _Optional[str] = ...) -> None: ...

class DescribeModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class DescribeModelResponse(_message.Message):
    __slots__ = ("model", "resolution", "architecture", "face_type", "people", "details_json", "loaded")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    FACE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_JSON_FIELD_NUMBER: _ClassVar[int]
    LOADED_FIELD_NUMBER: _ClassVar[int]
    model: Model
    resolution: int
    architecture: str
    face_type: str
    people: _containers.RepeatedScalarFieldContainer[str]
    details_json: str
    loaded: bool
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., resolution: _Optional[int] = ..., architecture: _Optional[str] = ..., face_type: _Optional[str] = ..., people: _Optional[_Iterable[str]] = ..., details_json: _Optional[str] = ..., loaded: bool = ...) -> None: ...

class LoadedModel(_message.Message):
    __slots__ = ("path", "sha256", "bytes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    path: str
    sha256: str
    bytes: int
    def __init__(self, path: _Optional[str] = ..., sha256: _Optional[str] = ..., bytes: _Optional[int] = ...) -> None: ...

class LoadModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class LoadModelResponse(_message.Message):
    __slots__ = ("model", "milliseconds", "was_read")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    WAS_READ_FIELD_NUMBER: _ClassVar[int]
    model: LoadedModel
    milliseconds: float
    was_read: bool
    def __init__(self, model: _Optional[_Union[LoadedModel, _Mapping]] = ..., milliseconds: _Optional[float] = ..., was_read: bool = ...) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class UnloadModelResponse(_message.Message):
    __slots__ = ("was_loaded",)
    WAS_LOADED_FIELD_NUMBER: _ClassVar[int]
    was_loaded: bool
    def __init__(self, was_loaded: bool = ...) -> None: ...

class ImportModelRequest(_message.Message):
    __slots__ = ("source", "out", "likeness", "performer", "name", "consent_id")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OUT_FIELD_NUMBER: _ClassVar[int]
    LIKENESS_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONSENT_ID_FIELD_NUMBER: _ClassVar[int]
    source: str
    out: str
    likeness: str
    performer: str
    name: str
    consent_id: str
    def __init__(self, source: _Optional[str] = ..., out: _Optional[str] = ..., likeness: _Optional[str] = ..., performer: _Optional[str] = ..., name: _Optional[str] = ..., consent_id: _Optional[str] = ...) -> None: ...

class ImportModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...
