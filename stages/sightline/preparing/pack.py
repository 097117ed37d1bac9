"""Decode a source once: shards are read and cut here, decoded elsewhere unless they were before, gathered in order."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np

from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.containers import Container
from sightline.preparing.executing.ahead import Executor
from sightline.preparing.kept import Kept, Known
from sightline.preparing.shards import Packed, Shard, cut, decode_shard, images_at_once, read_files

Result = TypeVar("Result")


def pack(
    paths: list[str],
    container: Container,
    preprocessing: Preprocessing,
    max_pixels: int,
    executor: Executor,
    kept: Kept,
) -> Iterator[Packed]:
    """Decode the files at `paths`, in order, a shard at a time; what is kept is not decoded."""
    waiting: deque[list[Known]] = deque()

    def unknown() -> Iterator[Shard]:
        for shard in cut(read_files(paths, container, max_pixels), images_at_once(preprocessing.image_size)):
            known = list(filter(None, map(kept.find, shard)))
            waiting.append(known)
            positions = {image.position for image in known}
            yield [file for file in shard if file.position not in positions]

    work = partial(decode_shard, preprocessing=preprocessing, max_pixels=max_pixels)
    for decoded in executor.map(work, unknown()):
        known = waiting.popleft()
        yield _join(decoded, known) if known else decoded


def _join(decoded: Packed, known: list[Known]) -> Packed:
    positions = np.concatenate([decoded.positions, [image.position for image in known]]).astype(np.int64)
    order = np.argsort(positions)
    return Packed(
        positions[order],
        np.concatenate([decoded.images, np.stack([image.image for image in known])])[order],
        np.concatenate([decoded.pixels, np.stack([image.pixels for image in known])])[order],
        decoded.bad,
    )


def map_files(
    work: Callable[[bytes], Result], paths: list[str], container: Container, max_pixels: int, executor: Executor
) -> Iterator[Result]:
    """Apply `work` to the bytes of each file that can be read, in order."""
    shards = cut(read_files(paths, container, max_pixels))
    for results in executor.map(partial(_apply, work), shards):
        yield from results


def _apply(work: Callable[[bytes], Result], shard: Shard) -> list[Result]:
    return [work(file.data) for file in shard if file.data is not None]
