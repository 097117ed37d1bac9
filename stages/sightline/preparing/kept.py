"""`.prepared-cache/`: the last run's images, found by the bytes of their files, so that only new ones are decoded.

Its pixels are the images.npy of that run, and that of its pool, under a second name (a hard link), so that they take no
time to keep, and no room where DVC links too. Beside each lies what `shards.IMAGE` tells of each image; whatever
prepare says of one must stand there. Both names begin with how the pixels were made, and end with the SHA-256 of that
table; each image has its own. Labelled images and the pool are searched alike, since a label may have come.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import uuid4

import numpy as np

from sightline.common.errors import in_one_line
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.preparing.fingerprint import fingerprint
from sightline.preparing.shards import IMAGE, Encoded

FOLDER = Path(".prepared-cache")  # in .gitignore and .dvcignore
BEGIN = 8  # bytes of a SHA-256 that are compared first


class Known(NamedTuple):
    """An image that was decoded before: its position in the listing, its `IMAGE`, uint8 [side, side, bands]."""

    position: int
    image: np.ndarray
    pixels: np.ndarray


class KeptFile:
    """One images.npy of an earlier run.

    Parameters
    ----------
    images : ndarray of IMAGE [N]
    stream : BinaryIO
        That file, open, just behind its header.
    """

    def __init__(self, images: np.ndarray, stream: BinaryIO):
        begins = np.ascontiguousarray(images["source"]).view(">u8")[:: IMAGE["source"].itemsize // BEGIN]
        self._order = np.argsort(begins, kind="stable")
        self._begins = begins[self._order].astype(np.uint64)
        self._images = images
        self._stream = stream
        self._start = stream.tell()

    def read(self, source: bytes, size: int) -> tuple[np.ndarray, bytes] | None:
        """Return the `IMAGE` and the `size` bytes that the file with this SHA-256 became, if it is here."""
        row = self._row(source)
        if row is None:
            return None
        return self._images[row], os.pread(self._stream.fileno(), size, self._start + row * size)

    def _row(self, source: bytes) -> int | None:
        begin = np.uint64(int.from_bytes(source[:BEGIN], "big"))
        place = int(np.searchsorted(self._begins, begin))
        while place < len(self._begins) and self._begins[place] == begin:
            row = int(self._order[place])
            if self._images["source"][row].tobytes() == source:
                return row
            place += 1
        return None


class Kept:
    """Images of an earlier run, each of `shape`.

    Attributes
    ----------
    taken, damaged : int
        How many images were found, and how many of them were found damaged.
    """

    def __init__(self, files: list[KeptFile], shape: tuple[int, int, int]):
        self._files = files
        self._shape = shape
        self.taken = 0
        self.damaged = 0

    def find(self, file: Encoded) -> Known | None:
        """Return the image that an equal file became, if it is here and whole."""
        size = int(np.prod(self._shape))
        found = next(filter(None, (kept.read(file.source, size) for kept in self._files)), None)
        if found is None:
            return None
        image, data = found
        if hashlib.sha256(data).digest() != image["sha256"].tobytes():
            self.damaged += 1
            return None
        self.taken += 1
        return Known(file.position, image, np.frombuffer(data, dtype=np.uint8).reshape(self._shape))

    def notes(self) -> list[str]:
        """Return lines on what was taken from here."""
        lines = [f"{self.taken:,} images were decoded by an earlier run ({FOLDER})"] if self.taken else []
        return lines + ([f"{self.damaged:,} images of {FOLDER} are damaged: decoded anew"] if self.damaged else [])


def describe_way(preprocessing: Preprocessing, max_pixels: int) -> str:
    """Return a hash of all that decides, besides a file's bytes, what it becomes.

    No image was decoded that needs a range where none was looked for, so that it says the same as that there is none.
    """
    how = asdict(preprocessing) | {"ranges": preprocessing.ranges or {}}
    way = {"code": fingerprint(), "preprocessing": how, "max_pixels": max_pixels}
    return hashlib.sha256(json.dumps(way, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def open_kept(way: str, shape: tuple[int, int, int]) -> Iterator[Kept]:
    """Open what an earlier run kept that made its pixels in the same way, which may be nothing."""
    with ExitStack() as opened:
        files = []
        for table in sorted(FOLDER.glob(f"{way}-*.images")):
            try:
                stream = opened.enter_context(table.with_suffix(".npy").open("rb"))
                files.append(KeptFile(_read_table(table), _skip_header(stream)))
            except (OSError, ValueError) as error:
                print(f"prepare: {table} is damaged, so that all images are decoded anew: {in_one_line(error)}")
        yield Kept(files, shape)


def _read_table(path: Path) -> np.ndarray:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != path.stem.partition("-")[2]:
        raise ValueError("it is not what its name says")
    return np.frombuffer(data, dtype=IMAGE)


def _skip_header(stream: BinaryIO) -> BinaryIO:
    np.lib.format.read_magic(stream)
    np.lib.format.read_array_header_1_0(stream)
    return stream


def keep(way: str, made: dict[Path, np.ndarray]) -> None:
    """Keep a run's images for the next one, and nothing else.

    Each file appears whole or not at all, so that a run may be killed, or another one may do the same at once.

    Parameters
    ----------
    made : dict of Path to ndarray of IMAGE [N]
        What is told of the images of each images.npy, in its order.
    """
    names = set()
    try:
        FOLDER.mkdir(exist_ok=True)
        for pixels, images in made.items():
            table = images.tobytes()
            name = f"{way}-{hashlib.sha256(table).hexdigest()}"
            _put(FOLDER / f"{name}.npy", lambda beside, pixels=pixels: beside.hardlink_to(pixels))
            _put(FOLDER / f"{name}.images", lambda beside, table=table: beside.write_bytes(table))
            names.add(name)
        for path in FOLDER.iterdir():
            if path.stem not in names:
                path.unlink(missing_ok=True)
    except OSError as error:
        print(f"prepare: {FOLDER}: this run's images could not be kept: {in_one_line(error)}")


def _put(path: Path, make: Callable[[Path], object]) -> None:
    beside = path.with_name(f".{uuid4().hex}.partial")
    make(beside)
    beside.replace(path)
