"""Decode a source into `data/prepared`: pixels and index grow together, and only what is needed is remembered."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sightline.common.files import CsvLines, replacing
from sightline.images.sources.listing import Listing
from sightline.images.store import INDEX_COLUMNS
from sightline.preparing.pixel_file import PixelFile
from sightline.preparing.shards import IMAGE, Packed


@dataclass
class Ingested:
    """What is remembered of the N written images, and (path, reason) of unusable files.

    `labels` is int64 [N], `images` `IMAGE` [N].
    """

    ids: list[str]
    labels: np.ndarray
    images: np.ndarray
    bad: list[tuple[str, str]]

    @property
    def sha256(self) -> np.ndarray:
        """Hashes of the pixels, V32 [N]."""
        return self.images["sha256"]

    @property
    def phash(self) -> np.ndarray:
        """Perceptual hashes, uint64 [N]."""
        return self.images["phash"]

    @property
    def filled(self) -> list[str]:
        """Images whose files lack their end."""
        return [self.ids[row] for row in np.flatnonzero(self.images["filled"])]


def store_images(
    listing: Listing, classes: list[str], shards: Iterable[Packed], shape: tuple[int, int, int], folder: Path
) -> Ingested:
    """Write decoded shards to `folder`/images.npy and index.csv as they come, with a progress bar.

    `shape` is that of an image.

    Neither file is replaced unless both are complete.
    """
    label_of = {name: label for label, name in enumerate(classes)}
    bad = [*listing.refused, *((path, "not below a class folder") for path in listing.unlabelled)]
    positions = np.empty(len(listing.paths), dtype=np.int64)
    images = np.empty(len(listing.paths), dtype=IMAGE)
    count = 0
    with (
        replacing(folder / "images.npy") as pixels_path,
        replacing(folder / "index.csv") as index_path,
        PixelFile(pixels_path, shape) as pixel_file,
        index_path.open("w", encoding="utf-8", newline="") as stream,
        tqdm(total=len(listing.paths), desc="prepare", unit="img", disable=None) as progress,
    ):
        index = csv.writer(CsvLines(stream))
        index.writerow((*INDEX_COLUMNS, *listing.further))
        for shard in shards:
            pixel_file.append(shard.pixels)
            index.writerows(index_rows(shard, listing, label_of))
            bad += [(listing.paths[position], reason) for position, reason in shard.bad]
            rows = slice(count, count + len(shard.positions))
            positions[rows] = shard.positions
            images[rows] = shard.images
            count = rows.stop
            progress.update(len(shard.positions) + len(shard.bad))
    return Ingested(
        ids=[listing.paths[position] for position in positions[:count]],
        labels=np.array([label_of[listing.classes[position]] for position in positions[:count]], dtype=np.int64),
        images=images[:count],
        bad=bad,
    )


def index_rows(shard: Packed, listing: Listing, label_of: dict[str, int]) -> Iterable[tuple]:
    """Yield one row of index.csv for each image of a shard."""
    further = listing.further.values()
    for position, image in zip(shard.positions, shard.images, strict=True):
        name = listing.classes[position]
        labels = (label_of[name], name, listing.groups[position], listing.subsets[position])
        hashes = (image["sha256"].tobytes().hex(), f"{image['phash']:016x}")
        size = (image["width"], image["height"])
        yield listing.paths[position], *labels, *size, *hashes, *(values[position] for values in further)
