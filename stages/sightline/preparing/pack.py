"""Decode a source once: shards are read and cut here, decoded elsewhere, and gathered in order."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.containers import Container
from sightline.preparing.executing.ahead import Executor
from sightline.preparing.shards import Packed, Shard, cut, decode_shard, images_at_once, read_files

Result = TypeVar("Result")


def pack(
    paths: list[str], container: Container, preprocessing: Preprocessing, max_pixels: int, executor: Executor
) -> Iterator[Packed]:
    """Decode the files at `paths`, in order, a shard at a time."""
    shards = cut(read_files(paths, container, max_pixels), images_at_once(preprocessing.image_size))
    return executor.map(partial(decode_shard, preprocessing=preprocessing, max_pixels=max_pixels), shards)


def map_files(
    work: Callable[[bytes], Result], paths: list[str], container: Container, max_pixels: int, executor: Executor
) -> Iterator[Result]:
    """Apply `work` to the bytes of each file that can be read, in order."""
    shards = cut(read_files(paths, container, max_pixels))
    for results in executor.map(partial(_apply, work), shards):
        yield from results


def _apply(work: Callable[[bytes], Result], shard: Shard) -> list[Result]:
    return [work(file.data) for file in shard if file.data is not None]
