"""The growing file of stored pixels."""

from pathlib import Path

import numpy as np


class PixelFile:
    """A .npy file, uint8 [N, side, side, bands], whose N grows: written front to back, its header last.

    `shape` is that of an image.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]):
        self._stream = path.open("wb")
        self._shape = shape
        self._count = 0
        self._write_header()

    def append(self, pixels: np.ndarray) -> None:
        """Append uint8 [n, side, side, bands]."""
        self._stream.write(np.ascontiguousarray(pixels).data)
        self._count += len(pixels)

    def __enter__(self) -> "PixelFile":
        return self

    def __exit__(self, *failure: object) -> None:
        self._stream.seek(0)
        self._write_header()
        self._stream.close()

    def _write_header(self) -> None:
        # NumPy pads the header so that it keeps its length while the first axis grows
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, *self._shape)}
        np.lib.format.write_array_header_1_0(self._stream, header)
