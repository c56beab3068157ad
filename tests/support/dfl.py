"""Models and faces as DeepFaceLab stores them, made up from the description of its formats.

The forward pass here is numpy, rows x columns x channels, BGR, depth to space in the order of
TensorFlow: written apart from the engine's networks, to be compared with them.
"""

import pickle
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["FakeDfl", "face_jpeg", "face_record", "write_pak"]

Array = np.ndarray[Any, Any]


class FakeDfl:
    """A random model of DeepFaceLab's layout: writes its files and swaps with numpy."""

    def __init__(self, archi: str, resolution: int, ae: int, e: int, d: int, m: int) -> None:
        self.base, _, self.options = archi.partition("-")
        self.archi, self.resolution, self.dims = archi, resolution, (ae, e, d, m)
        self._rng = np.random.default_rng(7)
        outputs = ae if self.base == "df" else 2 * ae
        inputs = ae if self.base == "df" else 4 * ae
        inters = ["inter"] if self.base == "df" else ["inter_AB", "inter_B"]
        decoders = ["decoder_src", "decoder_dst"] if self.base == "df" else ["decoder"]
        self.parts = {"encoder": self._make_encoder(e)}
        self.parts |= {name: self._make_inter(ae, outputs) for name in inters}
        self.parts |= {name: self._make_decoder(inputs, d, m) for name in decoders}

    def write(self, folder: Path, kind: str = "SAEHD", name: str = "new", **changes: Any) -> None:
        folder.mkdir(exist_ok=True)
        names = ("ae_dims", "e_dims", "d_dims", "d_mask_dims")
        options = {"archi": self.archi, "resolution": self.resolution, "face_type": "wf"}
        options |= dict(zip(names, self.dims, strict=True)) | {"batch_size": 8, "pretrain": False}
        history = [[np.float32(0.5), np.float32(0.25)]] * 3
        data = {"iter": 1234, "options": options, "loss_history": history}
        data |= {"sample_for_preview": np.zeros((1, 4, 4, 3)), "choosed_gpu_indexes": [0]}
        parts = {**self.parts, "data": {**data, **changes}}
        for part, content in parts.items():
            suffix = "dat" if part == "data" else "npy"
            path = folder / f"{name}_{kind}_{part}.{suffix}"
            path.write_bytes(pickle.dumps(content, 4))

    def swap(self, face: Array) -> tuple[Array, Array, Array]:
        """Map a BGR face HxWx3 to the likeness's face and matte and the performer's matte."""
        code = self._encode(face)
        if self.base == "df":
            inner = self._inter("inter", code)
            face, matte = self._decode("decoder_src", inner)
            return face, matte, self._decode("decoder_dst", inner)[1]
        ab, b = self._inter("inter_AB", code), self._inter("inter_B", code)
        face, matte = self._decode("decoder", np.concatenate([ab, ab], axis=-1))
        return face, matte, self._decode("decoder", np.concatenate([b, ab], axis=-1))[1]

    # ---- its tensors

    def _conv_tensors(self, name: str, size: int, inputs: int, outputs: int) -> dict[str, Array]:
        spread = (2.0 / (size * size * inputs)) ** 0.5
        kernel = self._rng.normal(0, spread, (size, size, inputs, outputs))
        bias = self._rng.normal(0, 0.1, outputs)
        return {
            f"{name}/weight:0": kernel.astype(np.float32),
            f"{name}/bias:0": bias.astype(np.float32),
        }

    def _dense_tensors(self, name: str, inputs: int, outputs: int) -> dict[str, Array]:
        kernel = self._rng.normal(0, inputs**-0.5, (inputs, outputs))
        bias = self._rng.normal(0, 0.1, outputs)
        return {
            f"{name}/weight:0": kernel.astype(np.float32),
            f"{name}/bias:0": bias.astype(np.float32),
        }

    def _make_encoder(self, e: int) -> dict[str, Array]:
        if "t" not in self.options:
            widths = [3, e, 2 * e, 4 * e, 8 * e]
            names = [f"down1/downs_{i}/conv1" for i in range(4)]
        else:
            widths = [3, e, 2 * e, 4 * e, 8 * e, 8 * e]
            names = [f"down{i}/conv1" for i in range(1, 6)]
        found: dict[str, Array] = {}
        for name, a, b in zip(names, widths, widths[1:], strict=False):
            found |= self._conv_tensors(name, 5, a, b)
        if "t" in self.options:
            for name, width in (("res1", e), ("res5", 8 * e)):
                for conv in ("conv1", "conv2"):
                    found |= self._conv_tensors(f"{name}/{conv}", 3, width, width)
        return found

    @property
    def _side(self) -> int:
        return self.resolution // (32 if "d" in self.options else 16)

    def _make_inter(self, ae: int, outputs: int) -> dict[str, Array]:
        side = self.resolution // (32 if "t" in self.options else 16)
        found = self._dense_tensors("dense1", side * side * self.dims[1] * 8, ae)
        found |= self._dense_tensors("dense2", ae, self._side**2 * outputs)
        if "t" not in self.options:
            found |= self._conv_tensors("upscale1/conv1", 3, outputs, outputs * 4)
        return found

    def _make_decoder(self, inputs: int, d: int, m: int) -> dict[str, Array]:
        factors = [8, 8, 4, 2] if "t" in self.options else [8, 4, 2]
        found: dict[str, Array] = {}
        last = inputs
        for level, factor in enumerate(factors):
            found |= self._conv_tensors(f"upscale{level}/conv1", 3, last, factor * d * 4)
            last = factor * d
            for conv in ("conv1", "conv2"):
                found |= self._conv_tensors(f"res{level}/{conv}", 3, last, last)
        found |= self._conv_tensors("out_conv", 1, last, 3)
        if "d" in self.options:
            for head in (1, 2, 3):
                found |= self._conv_tensors(f"out_conv{head}", 3, last, 3)
        last = inputs
        for level, factor in enumerate([*factors, 1] if "d" in self.options else factors):
            found |= self._conv_tensors(f"upscalem{level}/conv1", 3, last, factor * m * 4)
            last = factor * m
        return found | self._conv_tensors("out_convm", 1, last, 1)

    # ---- its forward pass

    def _act(self, x: Array, slope: float = 0.1) -> Array:
        return x * np.cos(x) if "c" in self.options else np.where(x > 0, x, slope * x)

    def _conv(self, tensors: dict[str, Array], name: str, x: Array, stride: int = 1) -> Array:
        kernel, bias = tensors[f"{name}/weight:0"], tensors[f"{name}/bias:0"]
        pad = kernel.shape[0] // 2
        padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
        # windows: rows, columns, in, kernel rows, kernel columns
        return np.einsum("hwcij,ijco->hwo", windows, kernel, optimize=True) + bias

    def _to_space(self, x: Array) -> Array:
        height, width, channels = x.shape
        count = channels // 4
        out = np.zeros((height * 2, width * 2, count), x.dtype)
        for by in range(2):
            for bx in range(2):
                block = by * 2 + bx
                out[by::2, bx::2] = x[..., block * count : (block + 1) * count]
        return out

    def _res(self, tensors: dict[str, Array], name: str, x: Array) -> Array:
        inner = self._act(self._conv(tensors, f"{name}/conv1", x), 0.2)
        return self._act(x + self._conv(tensors, f"{name}/conv2", inner), 0.2)

    def _encode(self, x: Array) -> Array:
        tensors = self.parts["encoder"]
        if "t" not in self.options:
            for place in range(4):
                x = self._act(self._conv(tensors, f"down1/downs_{place}/conv1", x, 2))
        else:
            for place in range(1, 6):
                x = self._act(self._conv(tensors, f"down{place}/conv1", x, 2))
                if place in (1, 5):
                    x = self._res(tensors, f"res{place}", x)
        flat = x.transpose(2, 0, 1).ravel()
        return flat / np.sqrt(np.mean(flat**2) + 1e-6) if "u" in self.options else flat

    def _inter(self, part: str, code: Array) -> Array:
        tensors = self.parts[part]
        for name in ("dense1", "dense2"):
            code = code @ tensors[f"{name}/weight:0"] + tensors[f"{name}/bias:0"]
        x = code.reshape(-1, self._side, self._side).transpose(1, 2, 0)
        if "t" in self.options:
            return x
        return self._to_space(self._act(self._conv(tensors, "upscale1/conv1", x)))

    def _decode(self, part: str, code: Array) -> tuple[Array, Array]:
        tensors, x, matte = self.parts[part], code, code
        level = 0
        while f"upscale{level}/conv1/weight:0" in tensors:
            x = self._to_space(self._act(self._conv(tensors, f"upscale{level}/conv1", x)))
            x = self._res(tensors, f"res{level}", x)
            level += 1
        level = 0
        while f"upscalem{level}/conv1/weight:0" in tensors:
            matte = self._to_space(self._act(self._conv(tensors, f"upscalem{level}/conv1", matte)))
            level += 1
        if "d" in self.options:
            heads = [self._conv(tensors, f"out_conv{n or ''}", x) for n in range(4)]
            image = self._to_space(np.concatenate(heads, axis=-1))
        else:
            image = self._conv(tensors, "out_conv", x)
        return _sigmoid(image), _sigmoid(self._conv(tensors, "out_convm", matte))[..., 0]


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def face_jpeg(picture: Array, record: dict[str, Any] | bytes | None) -> bytes:
    """Return an RGB picture 0..1 as JPEG with a record in its APP15 segment."""
    pixels = np.rint(picture[..., ::-1] * 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    jpeg = encoded.tobytes()
    if record is None:
        return jpeg
    payload = record if isinstance(record, bytes) else pickle.dumps(record, 4)
    segment = b"\xff\xef" + struct.pack(">H", len(payload) + 2) + payload
    assert jpeg[2:4] == b"\xff\xe0"  # APP0: the record comes after the last APPn
    end = 4 + struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:end] + segment + jpeg[end:]


def face_record(landmarks: Array, frame: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a face's metadata; the face was cut with a scale of 2 at (100, 50) of its frame."""
    matrix = np.array([[0.5, 0.0, -50.0], [0.0, 0.5, -25.0]])
    source = (landmarks + np.array([50.0, 25.0])) / 0.5
    record = {
        "face_type": "whole_face",
        "landmarks": landmarks.tolist(),
        "eyebrows_expand_mod": 1.0,
        "source_filename": f"{frame:05d}.png",
        "source_rect": [90, 40, 400, 350],
        "source_landmarks": source.tolist(),
        "image_to_face_mat": matrix,
    }
    return {key: value for key, value in {**record, **changes}.items() if value is not None}


def write_pak(path: Path, faces: list[tuple[bytes, dict[str, Any]]]) -> None:
    """Write a faceset.pak of version 1, its last offset wrong as DeepFaceLab writes it."""
    configs = pickle.dumps([config for _, config in faces], 4)
    sizes = [len(jpeg) for jpeg, _ in faces]
    offsets = [sum(sizes[:place]) for place in range(len(sizes))]
    head = 16 + len(configs) + 8 * (len(sizes) + 1)
    offsets.append(head + sum(sizes))
    table = struct.pack(f"<{len(offsets)}Q", *offsets)
    start = struct.pack("<QQ", 1, len(configs)) + configs + table
    path.write_bytes(start + b"".join(jpeg for jpeg, _ in faces))
