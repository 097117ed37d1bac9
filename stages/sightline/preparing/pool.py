"""Images without labels, decoded as the labelled ones are, into `data/pool`: none that equals one of those."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.common.files import CsvLines, replacing
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import find_near
from sightline.preparing.executing.ahead import Executor
from sightline.preparing.ingest import Ingested
from sightline.preparing.kept import describe_way, open_kept
from sightline.preparing.pack import pack
from sightline.preparing.pixel_file import PixelFile
from sightline.preparing.pool_source import PoolPart, count_files
from sightline.preparing.shards import IMAGE, Packed

COLUMNS = ("id", "sha256", "phash", "width", "height", "near_labelled", "group")
EQUAL = "equal to a labelled image"
REPEATED = "equal to another image of the pool"

Place = tuple[PoolPart, int]  # an image: its part, and its position there


@dataclass
class Pooled:
    """What became of the pool: (path, reason) of what was left out because it is known, and of unusable files.

    `images` is `IMAGE` [N], `near_labelled` counts those that are near duplicates of a labelled one.
    """

    images: np.ndarray
    known: list[tuple[str, str]]
    bad: list[tuple[str, str]]
    near_labelled: int


class Sieve:
    """Lets through each image that is neither labelled nor has come before, by the hash of its stored pixels."""

    def __init__(self, labelled: Ingested):
        self._labelled = {sha256.tobytes(): row for row, sha256 in reversed(list(enumerate(labelled.sha256)))}
        self._ids = labelled.ids
        self._came: dict[bytes, str] = {}

    def refuse(self, sha256: bytes, name: str) -> str:
        """Return why the image `name` is left out, ``""`` where it is not."""
        row = self._labelled.get(sha256)
        if row is not None:
            return f"{EQUAL}: {self._ids[row]}"
        if sha256 in self._came:
            return f"{REPEATED}: {self._came[sha256]}"
        self._came[sha256] = name
        return ""


class PoolDecoder:
    """Decodes the pool as the labelled images are decoded; `notes` are lines on what it found.

    Parameters
    ----------
    preprocessing : Preprocessing
        With the ranges that were found in the labelled images.
    max_pixels : int
        Of an image, > 0.
    executor : Executor
    """

    def __init__(self, preprocessing: Preprocessing, max_pixels: int, executor: Executor):
        self.shape = preprocessing.shape
        self.notes: list[str] = []
        self._preprocessing = preprocessing
        self._max_pixels = max_pixels
        self._executor = executor

    def decode(self, parts: list[PoolPart]) -> Iterator[tuple[PoolPart, Packed]]:
        """Yield decoded shards, part by part; what an earlier run decoded, labelled then or not, is not decoded."""
        if not parts:
            return
        with open_kept(describe_way(self._preprocessing, self._max_pixels), self.shape) as kept:
            for part in parts:
                paths = part.listing.paths
                shards = pack(paths, part.container, self._preprocessing, self._max_pixels, self._executor, kept)
                yield from ((part, shard) for shard in shards)
        self.notes += [f"pool: {note}" for note in kept.notes()]


def store_pool(parts: list[PoolPart], decoder: PoolDecoder, labelled: Ingested, near_bits: int, folder: Path) -> Pooled:
    """Write `folder`/images.npy, then index.csv, with a progress bar where there is a pool.

    Parameters
    ----------
    near_bits : int
        In how many bits of the perceptual hash near duplicates may differ.
    """
    sieve = Sieve(labelled)
    places: list[Place] = []
    images: list[np.ndarray] = []
    known = [(part.before + path, reason) for part in parts for path, reason in part.listing.aside]
    bad = [(part.before + path, reason) for part in parts for path, reason in part.listing.refused]
    with (
        replacing(folder / "images.npy") as path,
        PixelFile(path, decoder.shape) as pixel_file,
        tqdm(total=count_files(parts), desc="pool", unit="img", disable=None if parts else True) as progress,
    ):
        for part, shard in decoder.decode(parts):
            names = [part.id_of(position) for position in shard.positions]
            hashes = shard.images["sha256"]
            reasons = [sieve.refuse(sha256.tobytes(), name) for sha256, name in zip(hashes, names, strict=True)]
            new = np.array([not reason for reason in reasons], dtype=bool)
            pixel_file.append(shard.pixels[new])
            images.append(shard.images[new])
            places += [(part, int(position)) for position in shard.positions[new]]
            known += [(name, reason) for name, reason in zip(names, reasons, strict=True) if reason]
            bad += [(part.id_of(position), reason) for position, reason in shard.bad]
            progress.update(len(names) + len(shard.bad))
    kept = np.concatenate([np.empty(0, dtype=IMAGE), *images])
    near = find_near(kept["phash"], labelled.phash, near_bits)
    alike = [labelled.ids[row] if row >= 0 else "" for row in near]
    _write_index(folder / "index.csv", places, kept, alike, parts)
    return Pooled(kept, known, bad, int((near >= 0).sum()))


def refuse_useless_pool(pooled: Pooled, unlabelled: str) -> None:
    """Raise SightlineError where none of the files that `prepare.unlabelled` names is an image that can be read.

    Some that cannot fail nothing, however many: nobody has looked at them, and no label is lost with them.
    """
    if unlabelled and pooled.bad and not len(pooled.images) and not pooled.known:
        path, reason = pooled.bad[0]
        raise SightlineError(
            f"params.yaml: prepare.unlabelled: {unlabelled}: none of its files can be used: first {path} ({reason}): "
            "put images there, or set it to ''"
        )


def _write_index(path: Path, places: list[Place], images: np.ndarray, alike: list[str], parts: list[PoolPart]) -> None:
    further = list(dict.fromkeys(column for part in parts for column in part.listing.further))
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        index = csv.writer(CsvLines(stream))
        index.writerow((*COLUMNS, *further))
        for (part, position), image, near in zip(places, images, alike, strict=True):
            told = part.listing.further
            cells = [told[column][position] if column in told else "" for column in further]
            hashes = (image["sha256"].tobytes().hex(), f"{image['phash']:016x}")
            group = part.listing.groups[position]
            index.writerow((part.id_of(position), *hashes, image["width"], image["height"], near, group, *cells))
