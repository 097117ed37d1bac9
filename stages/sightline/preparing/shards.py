"""A source cut into shards of files, and what one shard becomes: a function of its bytes alone, wherever it runs."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import Decoded, decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import SHA256, perceptual_hashes, pixel_hashes
from sightline.images.sources.containers import Container

MOST_IMAGES = 64
MOST_BYTES = 4 << 20  # of files, and of the pixels that they become
BYTES_PER_PIXEL = 8  # no honest file takes more, whatever its format


IMAGE = np.dtype(
    [
        ("source", SHA256),  # of the file's bytes
        ("sha256", SHA256),  # of the stored pixels
        ("phash", np.uint64),
        ("width", np.uint32),  # before it was fitted
        ("height", np.uint32),
        ("filled", np.bool),  # the file is damaged or lacks its end
    ]
)


class Encoded(NamedTuple):
    """An image file: its position in the listing, its bytes and their SHA-256, or why there are none."""

    position: int
    data: bytes | None
    reason: str = ""
    source: bytes = b""


Shard = list[Encoded]


@dataclass
class Packed:
    """A decoded shard of n good images, and (position, reason) of the bad ones.

    `positions` are int64 [n], `images` `IMAGE` [n], `pixels` uint8 [n, side, side, bands].
    """

    positions: np.ndarray
    images: np.ndarray
    pixels: np.ndarray
    bad: list[tuple[int, str]]


def read_files(paths: list[str], container: Container, max_pixels: int) -> Iterator[Encoded]:
    """Read files in order; none is longer than an image of `max_pixels` can be."""
    for position, path in enumerate(paths):
        try:
            data = container.read(path, BYTES_PER_PIXEL * max_pixels)
            yield Encoded(position, data, source=hashlib.sha256(data).digest())
        except BadImageError as error:
            yield Encoded(position, None, reason=str(error))


def cut(files: Iterable[Encoded], most: int = MOST_IMAGES) -> Iterator[Shard]:
    """Cut files, in order, into shards of up to `most`, or of fewer that are large."""
    shard = []
    size = 0
    for file in files:
        shard.append(file)
        size += length_of(file)
        if len(shard) == most or size >= MOST_BYTES:
            yield shard
            shard = []
            size = 0
    if shard:
        yield shard


def images_at_once(side: int) -> int:
    """Return how many images of `side` x `side` stored pixels a shard holds at most."""
    return min(MOST_IMAGES, max(1, MOST_BYTES // (3 * side**2)))


def length_of(file: Encoded) -> int:
    """Return a file's bytes."""
    return 0 if file.data is None else len(file.data)


def decode_shard(shard: Shard, preprocessing: Preprocessing, max_pixels: int) -> Packed:
    """Decode the files of a shard and hash their pixels."""
    good: list[tuple[Encoded, Decoded]] = []
    bad = []
    for file in shard:
        try:
            if file.data is None:
                raise BadImageError(file.reason)
            good.append((file, decode(file.data, preprocessing, max_pixels)))
        except BadImageError as error:
            bad.append((file.position, str(error)))
    pixels = np.empty((len(good), *preprocessing.shape), dtype=np.uint8)
    images = np.empty(len(good), dtype=IMAGE)
    for place, (file, image) in enumerate(good):
        pixels[place] = image.pixels
        images[place] = (file.source, b"", 0, image.width, image.height, image.filled)
    images["sha256"] = pixel_hashes(pixels)
    images["phash"] = perceptual_hashes(pixels)
    positions = np.array([file.position for file, _ in good], dtype=np.int64)
    return Packed(positions, images, pixels, bad)
