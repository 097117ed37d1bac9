"""Decode a source once, with threads, into one growing array; memory stays that of the batches in flight."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import perceptual_hashes, pixel_hashes
from sightline.images.sources.containers import Container

BATCH_IMAGES = 64
BATCH_BYTES = 4 << 20  # of files, and of the pixels that they become
MOST_WORKERS = 16  # so that what they hold stays below 300 MB; the thread that reads and writes feeds no more
SMALL_FILE = 4096  # bytes, on average
BYTES_PER_PIXEL = 8  # no honest file takes more, whatever its format

Item = TypeVar("Item")
Result = TypeVar("Result")


class Encoded(NamedTuple):
    """An image file before decoding: its position in the listing, and its bytes or why there are none."""

    position: int
    data: bytes | None
    reason: str


@dataclass
class Packed:
    """A decoded batch: columns of equal length for the good images, (position, reason) for the bad ones.

    `filled` are the positions of good ones whose files are damaged or lack their end.
    """

    positions: list[int]
    pixels: np.ndarray
    widths: list[int]
    heights: list[int]
    sha256: np.ndarray
    phash: np.ndarray
    filled: list[int]
    bad: list[tuple[int, str]]


def pack(paths: list[str], container: Container, preprocessing: Preprocessing, max_pixels: int) -> Iterator[Packed]:
    """Decode the files at `paths`, in order, a batch at a time.

    Photos are decoded by a thread a core. Thumbnails are not: with so little decoding for each, threads would wait for
    Python's lock most of the time, and two of them took half as long again as none.
    """
    most = min(BATCH_IMAGES, max(1, BATCH_BYTES // (3 * preprocessing.image_size**2)))
    batches = _batches(_read(paths, container, BYTES_PER_PIXEL * max_pixels), most)
    yield from _map_batches(lambda batch: _decode_batch(batch, preprocessing, max_pixels), batches)


def map_files(
    work: Callable[[bytes], Result], paths: list[str], container: Container, max_pixels: int
) -> Iterator[Result]:
    """Apply `work` to the bytes of each file that can be read, in order, as `pack` does."""
    batches = _batches(_read(paths, container, BYTES_PER_PIXEL * max_pixels), BATCH_IMAGES)
    for results in _map_batches(lambda batch: [work(one.data) for one in batch if one.data is not None], batches):
        yield from results


def _map_batches(work: Callable[[list[Encoded]], Result], batches: Iterator[list[Encoded]]) -> Iterator[Result]:
    first = next(batches, [])
    batches = itertools.chain([first], batches)
    if sum(map(_length, first)) < SMALL_FILE * len(first):
        yield from map(work, batches)
    else:
        cores = os.cpu_count()
        workers = 1 if cores is None else min(MOST_WORKERS, cores)
        yield from _map_ahead(work, batches, workers)


def _read(paths: list[str], container: Container, limit: int) -> Iterator[Encoded]:
    for position, path in enumerate(paths):
        try:
            yield Encoded(position, container.read(path, limit), "")
        except BadImageError as error:
            yield Encoded(position, None, str(error))


def _batches(items: Iterable[Encoded], most: int) -> Iterator[list[Encoded]]:
    batch = []
    size = 0
    for item in items:
        batch.append(item)
        size += _length(item)
        if len(batch) == most or size >= BATCH_BYTES:
            yield batch
            batch = []
            size = 0
    if batch:
        yield batch


def _length(item: Encoded) -> int:
    return 0 if item.data is None else len(item.data)


def _map_ahead(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Map with threads, in order, never more than two items a worker ahead of the consumer."""
    pending: deque[Future] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _decode_batch(batch: list[Encoded], preprocessing: Preprocessing, max_pixels: int) -> Packed:
    good = []
    bad = []
    for item in batch:
        try:
            if item.data is None:
                raise BadImageError(item.reason)
            good.append((item.position, decode(item.data, preprocessing, max_pixels)))
        except BadImageError as error:
            bad.append((item.position, str(error)))
    shape = (len(good), preprocessing.image_size, preprocessing.image_size, 3)
    pixels = np.stack([image.pixels for _, image in good]) if good else np.empty(shape, dtype=np.uint8)
    return Packed(
        positions=[position for position, _ in good],
        pixels=pixels,
        widths=[image.width for _, image in good],
        heights=[image.height for _, image in good],
        sha256=pixel_hashes(pixels),
        phash=perceptual_hashes(pixels),
        filled=[position for position, image in good if image.filled],
        bad=bad,
    )


class PixelFile:
    """A .npy file, uint8 [N, side, side, 3], whose N grows: written front to back, its header last."""

    def __init__(self, path: Path, side: int):
        self._stream = path.open("wb")
        self._shape = (side, side, 3)
        self._count = 0
        self._write_header()

    def append(self, pixels: np.ndarray) -> None:
        """Append uint8 [n, side, side, 3]."""
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
