"""The handful of images of a further class: read, decoded as the model asks, and what is odd about them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError, name_some, quote_some
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import Decoded, decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import pixel_hashes
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, Container, open_container

MOST_PIXELS = 100_000_000  # of an image that is decoded, against decompression bombs
BYTES_PER_PIXEL = 8  # no honest file takes more
MOST = 200  # images: beyond them a training pays
FEW = 5


@dataclass(frozen=True)
class Given:
    """Pixels uint8 [n, S, S, C] of n > 0 images, and a line on each thing that the user should know about them."""

    pixels: np.ndarray
    notes: list[str]


def read_given(path: Path, name: str, preprocessing: Preprocessing, index: pd.DataFrame) -> Given:
    """Decode all images of a folder or an archive, those that have the same pixels once.

    Parameters
    ----------
    name : str
        The class that they are to show.
    index : pandas.DataFrame
        index.csv: an image that stands there already is told.

    Raises
    ------
    SightlineError
        There is no image, or too many.
    """
    files = _open(path)
    decoded: dict[str, Decoded] = {}
    unreadable = []
    for file in sorted(files.names()):
        try:
            decoded[file] = decode(files.read(file, BYTES_PER_PIXEL * MOST_PIXELS), preprocessing, MOST_PIXELS)
        except BadImageError:
            unreadable.append(file)
    if not decoded:
        raise SightlineError(f"add-class: {path} holds no image that can be read: put some images of {name} there")
    if len(decoded) > MOST:
        raise SightlineError(
            f"add-class: {path} holds {len(decoded)} images, and {MOST} are the most: add them to prepare.source and "
            "train"
        )
    pixels = np.stack([image.pixels for image in decoded.values()])
    hashes = pixel_hashes(pixels)
    _, first = np.unique(hashes, return_index=True)
    notes = [] if not unreadable else [f"left out, as they are no images that can be read: {quote_some(unreadable)}"]
    if len(first) < len(pixels):
        notes.append(f"{len(pixels) - len(first)} images stand there twice and count once")
    notes += _note_sizes(decoded, preprocessing.image_size) + _note_known(hashes, index)
    if len(first) < FEW:
        notes.append(f"{len(first)} images say little of a class, and less of how far it reaches: {FEW} do better")
    return Given(pixels[np.sort(first)], notes)


def _open(path: Path) -> Container:
    if not path.exists():
        raise SightlineError(f"add-class: {path} does not exist: name a folder or an archive with images of the class")
    if not path.is_dir() and not path.name.lower().endswith(ARCHIVE_SUFFIXES):
        raise SightlineError(f"add-class: {path} must be a folder or one of {' '.join(ARCHIVE_SUFFIXES)}")
    return open_container(path)


def _note_sizes(decoded: dict[str, Decoded], side: int) -> list[str]:
    small = [file for file, image in decoded.items() if min(image.width, image.height) < side]
    return [f"smaller than the {side} px that the model sees, so blurred: {quote_some(small)}"] if small else []


def _note_known(hashes: np.ndarray, index: pd.DataFrame) -> list[str]:
    """Tell of images that the data set has: the model was trained, or is judged, on them under another name."""
    digests = {digest.tobytes().hex().encode() for digest in hashes}
    classes = index.loc[index["sha256"].isin(digests), "class"].astype(str)
    if classes.empty:
        return []
    return [f"{len(classes)} of them are in the data already, as {name_some(sorted(set(classes)))}: one name is wrong"]
