"""ONNX files: networks that others trained, run by ONNX Runtime on the CPU."""

from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from faceplate.errors import Damaged

__all__ = ["open_onnx"]


def open_onnx(path: Path, what: str, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """Return a session of the network in a file.

    Args:
        path: The file.
        what: What it should be, such as `RetinaFace`, for the message of an error.
        threads: Threads of the network; 0 leaves ONNX Runtime's own default.

    Raises:
        Damaged: The file is no ONNX network.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # old graphs warn once per initialiser
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.Fail) as error:
        raise Damaged(f"{path} is not the ONNX network of {what}: {error}") from error
