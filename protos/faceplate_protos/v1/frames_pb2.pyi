from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SwapFrameRequest(_message.Message):
    __slots__ = ("plate", "track", "model", "frame", "out", "recipe_json", "settings_json")
    PLATE_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    OUT_FIELD_NUMBER: _ClassVar[int]
    RECIPE_JSON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    plate: str
    track: str
    model: str
    frame: int
    out: str
    recipe_json: str
    settings_json: str
    def __init__(self, plate: _Optional[str] = ..., track: _Optional[str] = ..., model: _Optional[str] = ..., frame: _Optional[int] = ..., out: _Optional[str] = ..., recipe_json: _Optional[str] = ..., settings_json: _Optional[str] = ...) -> None: ...

class SwapFrameResponse(_message.Message):
    __slots__ = ("path", "milliseconds", "faces", "network_runs")
    PATH_FIELD_NUMBER: _ClassVar[int]
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_RUNS_FIELD_NUMBER: _ClassVar[int]
    path: str
    milliseconds: float
    faces: int
    network_runs: int
    def __init__(self, path: _Optional[str] = ..., milliseconds: _Optional[float] = ..., faces: _Optional[int] = ..., network_runs: _Optional[int] = ...) -> None: ...

class TweakFrameRequest(_message.Message):
    __slots__ = ("plate", "track", "model", "frame", "changes_json", "settings_json", "view", "out")
    PLATE_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    CHANGES_JSON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    OUT_FIELD_NUMBER: _ClassVar[int]
    plate: str
    track: str
    model: str
    frame: int
    changes_json: str
    settings_json: str
    view: str
    out: str
    def __init__(self, plate: _Optional[str] = ..., track: _Optional[str] = ..., model: _Optional[str] = ..., frame: _Optional[int] = ..., changes_json: _Optional[str] = ..., settings_json: _Optional[str] = ..., view: _Optional[str] = ..., out: _Optional[str] = ...) -> None: ...

class TweakFrameResponse(_message.Message):
    __slots__ = ("view", "out", "milliseconds", "faces", "network_runs")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    OUT_FIELD_NUMBER: _ClassVar[int]
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_RUNS_FIELD_NUMBER: _ClassVar[int]
    view: str
    out: str
    milliseconds: float
    faces: int
    network_runs: int
    def __init__(self, view: _Optional[str] = ..., out: _Optional[str] = ..., milliseconds: _Optional[float] = ..., faces: _Optional[int] = ..., network_runs: _Optional[int] = ...) -> None: ...

class OpenBufferRequest(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class OpenBufferResponse(_message.Message):
    __slots__ = ("buffer",)
    BUFFER_FIELD_NUMBER: _ClassVar[int]
    buffer: str
    def __init__(self, buffer: _Optional[str] = ...) -> None: ...

class SwapBufferRequest(_message.Message):
    __slots__ = ("buffer", "frame", "track", "model", "recipe_json", "settings_json", "pixel_aspect", "x0", "y0")
    BUFFER_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RECIPE_JSON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    PIXEL_ASPECT_FIELD_NUMBER: _ClassVar[int]
    X0_FIELD_NUMBER: _ClassVar[int]
    Y0_FIELD_NUMBER: _ClassVar[int]
    buffer: str
    frame: int
    track: str
    model: str
    recipe_json: str
    settings_json: str
    pixel_aspect: float
    x0: int
    y0: int
    def __init__(self, buffer: _Optional[str] = ..., frame: _Optional[int] = ..., track: _Optional[str] = ..., model: _Optional[str] = ..., recipe_json: _Optional[str] = ..., settings_json: _Optional[str] = ..., pixel_aspect: _Optional[float] = ..., x0: _Optional[int] = ..., y0: _Optional[int] = ...) -> None: ...

class SwapBufferResponse(_message.Message):
    __slots__ = ("milliseconds", "faces")
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    milliseconds: float
    faces: int
    def __init__(self, milliseconds: _Optional[float] = ..., faces: _Optional[int] = ...) -> None: ...

class CloseBufferRequest(_message.Message):
    __slots__ = ("buffer",)
    BUFFER_FIELD_NUMBER: _ClassVar[int]
    buffer: str
    def __init__(self, buffer: _Optional[str] = ...) -> None: ...

class CloseBufferResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SwapStreamRequest(_message.Message):
    __slots__ = ("settings", "track", "frame")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    settings: SwapStreamSettings
    track: bytes
    frame: bytes
    def __init__(self, settings: _Optional[_Union[SwapStreamSettings, _Mapping]] = ..., track: _Optional[bytes] = ..., frame: _Optional[bytes] = ...) -> None: ...

class SwapStreamSettings(_message.Message):
    __slots__ = ("number", "model", "track", "recipe_json", "settings_json", "frame_bytes", "track_bytes")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    RECIPE_JSON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    TRACK_BYTES_FIELD_NUMBER: _ClassVar[int]
    number: int
    model: str
    track: str
    recipe_json: str
    settings_json: str
    frame_bytes: int
    track_bytes: int
    def __init__(self, number: _Optional[int] = ..., model: _Optional[str] = ..., track: _Optional[str] = ..., recipe_json: _Optional[str] = ..., settings_json: _Optional[str] = ..., frame_bytes: _Optional[int] = ..., track_bytes: _Optional[int] = ...) -> None: ...

class SwapStreamResponse(_message.Message):
    __slots__ = ("result", "frame")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    result: SwapStreamResult
    frame: bytes
    def __init__(self, result: _Optional[_Union[SwapStreamResult, _Mapping]] = ..., frame: _Optional[bytes] = ...) -> None: ...

class SwapStreamResult(_message.Message):
    __slots__ = ("frame_bytes", "sha256", "milliseconds", "faces", "network_runs")
    FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_RUNS_FIELD_NUMBER: _ClassVar[int]
    frame_bytes: int
    sha256: str
    milliseconds: float
    faces: int
    network_runs: int
    def __init__(self, frame_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., milliseconds: _Optional[float] = ..., faces: _Optional[int] = ..., network_runs: _Optional[int] = ...) -> None: ...
