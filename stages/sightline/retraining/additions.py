"""Labelled images of `make monitor` that training has not seen."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import read_table
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing

TABLE = "labelled/labels.csv"


class Addition(NamedTuple):
    """An image to learn from: its file, its label, what the service called it, and the SHA-256 of its pixels."""

    file: Path
    label: str
    predicted: str
    sha256: str


class Additions(NamedTuple):
    """The images, and how many labels are of no use: their images were not kept, seen before, or cannot be read."""

    images: list[Addition]
    not_kept: int
    seen: int
    unreadable: int

    def describe(self) -> str:
        """Return a line."""
        left_out = {"not kept": self.not_kept, "seen before": self.seen, "unreadable": self.unreadable}
        told = ", ".join(f"{count} {what}" for what, count in left_out.items() if count)
        return f"{len(self.images)} labelled images are new{f'; others: {told}' if told else ''}"


def find_additions(folder: Path, seen: set[str], preprocessing: Preprocessing, max_pixels: int) -> Additions:
    """Read the labelled images of `make monitor`'s folder, in the order of their hashes.

    Parameters
    ----------
    seen : set of str
        SHA-256 of the pixels that the last training, validation and test had.
    preprocessing : Preprocessing
        How pixels are made: two files with equal pixels are one image.
    max_pixels : int
        Larger files are unreadable, as for prepare.

    Raises
    ------
    SightlineError
        The table is not there, or damaged.
    """
    if not (folder / TABLE).exists():
        raise SightlineError(f"{folder / TABLE}: not found: `make monitor` writes it, or name a folder by --monitor")
    table = read_table(folder / TABLE, text=("path", "label", "predicted"))
    known = set(seen)
    images: list[Addition] = []
    counts = {"not_kept": 0, "seen": 0, "unreadable": 0}
    for row in table.itertuples():
        file = folder / "labelled" / row.path
        reason, sha256 = _look(file, known, preprocessing, max_pixels)
        if reason:
            counts[reason] += 1
        else:
            known.add(sha256)
            images.append(Addition(file, row.label, row.predicted, sha256))
    return Additions(images, **counts)


def tabulate(additions: Additions, sides: list[str]) -> pd.DataFrame:
    """Return id, class, subset and predicted of each image as the next training knows it."""
    names = [name_of(image) for image in additions.images]
    columns = {
        "id": names,
        "class": [image.label for image in additions.images],
        "subset": sides,
        "predicted": [image.predicted for image in additions.images],
    }
    return pd.DataFrame(columns, dtype=str)


def name_of(image: Addition) -> str:
    """Return its id: in no folder, since folders may be subsets."""
    return f"later-{image.sha256[:20]}{image.file.suffix}"


def _look(file: Path, known: set[str], preprocessing: Preprocessing, max_pixels: int) -> tuple[str, str]:
    """Return why an image is of no use, or nothing, and the SHA-256 of its pixels."""
    if not file.is_file():
        return "not_kept", ""
    try:
        pixels = decode(file.read_bytes(), preprocessing, max_pixels).pixels
    except BadImageError:
        return "unreadable", ""
    sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
    return ("seen" if sha256 in known else ""), sha256
