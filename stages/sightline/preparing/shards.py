"""A source cut into shards of files, and what one shard becomes: a function of its bytes alone, wherever it runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import perceptual_hashes, pixel_hashes
from sightline.images.sources.containers import Container

MOST_IMAGES = 64
MOST_BYTES = 4 << 20  # of files, and of the pixels that they become
BYTES_PER_PIXEL = 8  # no honest file takes more, whatever its format


class Encoded(NamedTuple):
    """An image file before decoding: its position in the listing, and its bytes or why there are none."""

    position: int
    data: bytes | None
    reason: str


Shard = list[Encoded]


@dataclass
class Packed:
    """A decoded shard: columns of equal length for the good images, (position, reason) for the bad ones.

    `filled` are the positions of good ones whose files lack their end.
    """

    positions: list[int]
    pixels: np.ndarray
    widths: list[int]
    heights: list[int]
    sha256: np.ndarray
    phash: np.ndarray
    filled: list[int]
    bad: list[tuple[int, str]]


def read_files(paths: list[str], container: Container, max_pixels: int) -> Iterator[Encoded]:
    """Read files in order; none is longer than an image of `max_pixels` can be."""
    for position, path in enumerate(paths):
        try:
            yield Encoded(position, container.read(path, BYTES_PER_PIXEL * max_pixels), "")
        except BadImageError as error:
            yield Encoded(position, None, str(error))


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
    good = []
    bad = []
    for file in shard:
        try:
            if file.data is None:
                raise BadImageError(file.reason)
            good.append((file.position, decode(file.data, preprocessing, max_pixels)))
        except BadImageError as error:
            bad.append((file.position, str(error)))
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
