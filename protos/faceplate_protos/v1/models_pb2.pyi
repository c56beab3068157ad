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
