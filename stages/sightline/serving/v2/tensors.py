"""Tensors of the Open Inference Protocol v2, as JSON and as binary data behind it, to NumPy and back."""

import base64
import binascii
import math
import struct
from typing import Any

import numpy as np

from sightline.serving.errors import bad_request

TEXT_LENGTH = struct.Struct("<I")


def read_pixels(shape: list[int], data: Any) -> np.ndarray:
    """Return a tensor uint8 of `shape` from its bytes, or from numbers in lists, nested or flat.

    Raises
    ------
    ServiceError
        There are too few or too many, or some are no uint8.
    """
    values = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else _read_numbers(data)
    if values.size != math.prod(shape):
        raise bad_request(f"{values.size} values for shape {shape}")
    return values.reshape(shape)


def read_texts(shape: list[int], data: Any) -> list[bytes]:
    """Return the elements of a BYTES tensor: binary, each after its length in 4 bytes; or base64 in JSON.

    Raises
    ------
    ServiceError
        Their number is not that of `shape`, or one cannot be read.
    """
    texts = _cut(data) if isinstance(data, bytes) else [_from_base64(text) for text in _flat(data)]
    if len(texts) != math.prod(shape):
        raise bad_request(f"{len(texts)} elements for shape {shape}")
    return texts


def write_texts(texts: list[str]) -> bytes:
    """Return a BYTES tensor in binary form."""
    return b"".join(TEXT_LENGTH.pack(len(text.encode())) + text.encode() for text in texts)


def _read_numbers(data: Any) -> np.ndarray:
    try:
        values = np.asarray(data)
    except ValueError:
        raise bad_request("data: lists of different lengths") from None
    if values.dtype.kind not in "iu" or (values.size and (values.min() < 0 or values.max() > 255)):
        raise bad_request("data: must be whole numbers from 0 to 255")
    return values.astype(np.uint8)


def _cut(data: bytes) -> list[bytes]:
    texts = []
    start = 0
    while start < len(data):
        end = start + TEXT_LENGTH.size
        length = TEXT_LENGTH.unpack(data[start:end])[0] if end <= len(data) else len(data)
        if end + length > len(data):
            raise bad_request("BYTES: a length goes beyond the data")
        texts.append(data[end : end + length])
        start = end + length
    return texts


def _flat(data: Any) -> list:
    if not isinstance(data, list):
        raise bad_request("data: must be a list")
    if any(isinstance(part, list) for part in data):
        return [text for part in data for text in _flat(part)]
    return data


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise bad_request("data: an encoded image in JSON must be base64; or send it as binary data") from None
