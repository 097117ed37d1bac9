"""Decode a source into `data/prepared`: pixels and index grow together, and only what is needed is remembered."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sightline.common.files import CsvLines, replacing
from sightline.images.duplicates import SHA256
from sightline.images.sources.listing import Listing
from sightline.images.store import INDEX_COLUMNS
from sightline.preparing.pixel_file import PixelFile
from sightline.preparing.shards import Packed

WRITTEN = np.dtype([("positions", np.int64), ("sha256", SHA256), ("phash", np.uint64)])


@dataclass
class Ingested:
    """What is remembered of the N written images, which of them lacked their end, and (path, reason) of unusable files.

    `labels` is int64 [N], `sha256` V32 [N] and `phash` uint64 [N].
    """

    ids: list[str]
    labels: np.ndarray
    sha256: np.ndarray
    phash: np.ndarray
    filled: list[str]
    bad: list[tuple[str, str]]


def store_images(
    listing: Listing, classes: list[str], shards: Iterable[Packed], image_size: int, folder: Path
) -> Ingested:
    """Write decoded shards to `folder`/images.npy and index.csv as they come, with a progress bar.

    Neither file is replaced unless both are complete.
    """
    label_of = {name: label for label, name in enumerate(classes)}
    bad = [*listing.refused, *((path, "not below a class folder") for path in listing.unlabelled)]
    filled = []
    written = np.empty(len(listing.paths), dtype=WRITTEN)
    count = 0
    with (
        replacing(folder / "images.npy") as pixels_path,
        replacing(folder / "index.csv") as index_path,
        PixelFile(pixels_path, image_size) as pixel_file,
        index_path.open("w", encoding="utf-8", newline="") as stream,
        tqdm(total=len(listing.paths), desc="prepare", unit="img", disable=None) as progress,
    ):
        index = csv.writer(CsvLines(stream))
        index.writerow((*INDEX_COLUMNS, *listing.further))
        for batch in shards:
            pixel_file.append(batch.pixels)
            index.writerows(index_rows(batch, listing, label_of))
            bad += [(listing.paths[position], reason) for position, reason in batch.bad]
            filled += [listing.paths[position] for position in batch.filled]
            for column in WRITTEN.names:
                written[column][count : count + len(batch.positions)] = getattr(batch, column)
            count += len(batch.positions)
            progress.update(len(batch.positions) + len(batch.bad))
    written = written[:count]
    positions = written["positions"]
    return Ingested(
        ids=[listing.paths[position] for position in positions],
        labels=np.array([label_of[listing.classes[position]] for position in positions], dtype=np.int64),
        sha256=written["sha256"],
        phash=written["phash"],
        filled=filled,
        bad=bad,
    )


def index_rows(batch: Packed, listing: Listing, label_of: dict[str, int]) -> Iterable[tuple]:
    """Yield one row of index.csv for each image of a batch."""
    columns = (batch.positions, batch.widths, batch.heights, batch.sha256, batch.phash)
    further = listing.further.values()
    for position, width, height, sha256, phash in zip(*columns, strict=True):
        name = listing.classes[position]
        source = (label_of[name], name, listing.groups[position], listing.subsets[position])
        image = (width, height, sha256.tobytes().hex(), f"{phash:016x}")
        yield listing.paths[position], *source, *image, *(values[position] for values in further)
