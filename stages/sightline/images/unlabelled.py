"""Images without labels, from a folder or an archive: some of them, evenly chosen."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, Container, open_container

MOST_PIXELS = 100_000_000  # of an image that is decoded, against decompression bombs
BYTES_PER_PIXEL = 8  # no honest file takes more


def gather_images(
    path: Path, preprocessing: Preprocessing, most: int, caller: str, within: Path | None = None
) -> Iterator[np.ndarray | None]:
    """Decode up to `most` files, evenly chosen by their path, in the order in which reading is cheapest.

    Parameters
    ----------
    path : Path
        A folder or an archive.
    preprocessing : Preprocessing
        How bytes become pixels.
    most : int
        Files, > 0.
    caller : str
        Who wants it, for messages.
    within : Path or None
        Folder that DVC watches, in which no folder may be a link.

    Yields
    ------
    ndarray of uint8 [image_size, image_size, 3], or None for a file that is no image or damaged

    Raises
    ------
    SightlineError
        Nothing is there, or it is neither a folder nor an archive, or empty.
    """
    container = _open(path, caller, within)
    names = sorted(container.names())
    if not names:
        raise SightlineError(f"{caller}: {path} holds no files")
    wanted = {names[place] for place in evenly(len(names), most)}
    for name in container.names():
        if name in wanted:
            yield _decode(container, name, preprocessing)


def _open(path: Path, caller: str, within: Path | None) -> Container:
    if not path.exists():
        raise SightlineError(f"{caller}: {path} does not exist: put a folder or an archive there")
    if not path.is_dir() and not path.name.lower().endswith(ARCHIVE_SUFFIXES):
        raise SightlineError(f"{caller}: {path} must be a folder or one of {' '.join(ARCHIVE_SUFFIXES)}")
    return open_container(path, within)


def _decode(container: Container, name: str, preprocessing: Preprocessing) -> np.ndarray | None:
    try:
        return decode(container.read(name, BYTES_PER_PIXEL * MOST_PIXELS), preprocessing, MOST_PIXELS).pixels
    except BadImageError:
        return None
