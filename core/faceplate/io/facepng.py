"""Faces as PNG bytes: 16-bit RGB pictures and 8-bit mattes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape, Damaged

__all__ = ["decode_image", "decode_mask", "encode_image", "encode_mask"]

# Level 3 with the default filter: 16-bit log pictures hardly get smaller above it.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 3]


def encode_image(image: NDArray[np.float32]) -> bytes:
    """Return an S x S x 3 RGB picture of 0..1 (clipped) as a 16-bit PNG; NaN becomes 0."""
    _check(image, 3, "picture of a face")
    whole = np.rint(np.clip(np.nan_to_num(image), 0, 1) * 65535).astype(np.uint16)
    return _encode(np.ascontiguousarray(whole[..., ::-1]))


def encode_mask(mask: NDArray[np.float32]) -> bytes:
    """Return an S x S matte of 0..1 (clipped) as an 8-bit PNG; NaN becomes 0."""
    _check(mask, 2, "matte of a face")
    return _encode(np.rint(np.clip(np.nan_to_num(mask), 0, 1) * 255).astype(np.uint8))


def decode_image(blob: bytes, what: str) -> NDArray[np.float32]:
    """Return S x S x 3 RGB, 0..1. Raises Damaged."""
    whole = _decode(blob, what)
    if whole.ndim != 3 or whole.dtype != np.uint16:
        raise Damaged(f"{what}: not a 16-bit RGB PNG; extract that face again")
    return np.ascontiguousarray(whole[..., ::-1]).astype(np.float32) / np.float32(65535)


def decode_mask(blob: bytes, what: str) -> NDArray[np.float32]:
    """Return S x S, 0..1. Raises Damaged."""
    whole = _decode(blob, what)
    if whole.ndim != 2 or whole.dtype != np.uint8:
        raise Damaged(f"{what}: not an 8-bit grey PNG; extract that face again")
    return whole.astype(np.float32) / np.float32(255)


def _check(picture: NDArray[np.float32], dimensions: int, what: str) -> None:
    square = picture.ndim == dimensions and picture.shape[0] == picture.shape[1]
    if not square or (dimensions == 3 and picture.shape[2] != 3):
        raise BadShape(what, picture.shape, "S x S x 3" if dimensions == 3 else "S x S")


def _encode(picture: NDArray[np.uint16] | NDArray[np.uint8]) -> bytes:
    _, blob = cv2.imencode(".png", picture, _PNG)
    return bytes(blob)


def _decode(blob: bytes, what: str) -> NDArray[np.generic]:
    picture = cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise Damaged(f"{what}: its PNG cannot be decoded; extract that face again")
    return np.asarray(picture)
