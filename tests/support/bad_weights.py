"""Files of weights as no training leaves them: what is done to the arrays, or to the bytes."""

import struct
from collections.abc import Callable

import numpy as np

Arrays = dict[str, np.ndarray]


def _with(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | {name: change(arrays[name])}


def _part(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array.flat[0] = value
        return array

    return change


# of an Elman network
BAD_ARRAYS: dict[str, Callable[[Arrays], Arrays]] = {
    "nothing": lambda arrays: {},
    "an array missing": lambda arrays: {k: v for k, v in arrays.items() if k != "cell.bias"},
    "no readout": lambda arrays: {k: v for k, v in arrays.items() if "cell" in k},
    "an array more": lambda arrays: arrays | {"more": np.zeros(1, np.float32)},
    "another name": lambda arrays: {k.replace("cell", "cel"): v for k, v in arrays.items()},
    "a language less": _with("readout.bias", lambda array: array[:-1]),
    "a letter less": _with("cell.weight", lambda array: array[:, 1:]),
    "turned": _with("cell.weight", lambda array: np.ascontiguousarray(array.T)),
    "flat": _with("cell.weight", lambda array: array.ravel()),
    "a number": _with("cell.bias", lambda array: array[:1].reshape(())),
    "no units": lambda arrays: {k: v[..., :0] for k, v in arrays.items()},
    "int8": _with("cell.weight", lambda array: array.astype(np.int8)),
    "float16": _with("cell.weight", lambda array: array.astype(np.float16)),
    "float64": lambda arrays: {k: v.astype(np.float64) for k, v in arrays.items()},
    "booleans": _with("readout.weight", lambda array: array > 0),
    "infinity": _with("readout.weight", _part(np.inf)),
    "one NaN": _with("cell.weight", _part(np.nan)),
    "one array of NaN": _with("cell.bias", lambda array: np.full_like(array, np.nan)),
}


def _header(text: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + body


BAD_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "three bytes": lambda content: content[:3],
    "half": lambda content: content[: len(content) // 2],
    "a byte less": lambda content: content[:-1],
    "a byte more": lambda content: content + b"\0",
    "a page": lambda content: b"<!doctype html><title>404</title>",
    "a header of an exabyte": lambda content: struct.pack("<Q", 2**60) + content[8:],
    "a header of 50 MB": lambda content: _header(b"{" + b" " * 50_000_000 + b"}"),
    "a deep header": lambda content: _header(b'{"a":' * 50_000),
    "an absurd shape": lambda content: _header(
        b'{"0.cell.bias":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}'
    ),
    "bfloat16": lambda content: _header(
        b'{"cell.bias":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}', b"\0\0"
    ),
    "a kind of nobody": lambda content: _header(
        b'{"cell.bias":{"dtype":"Q7","shape":[1],"data_offsets":[0,2]}}', b"\0\0"
    ),
}
