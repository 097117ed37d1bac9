"""Decode labelled images once, into one array that every later stage maps into memory.

Reads   data/raw                       what `prepare.source` names; archives are read in place
Writes  data/prepared/images.npy       uint8 [N, H, W, 3] RGB
        data/prepared/index.csv        one row an image, in the same order: id (path inside the source), label, class,
                                       group, subset (where the source fixes it), width, height, sha256, phash
        data/prepared/dataset.json     classes in order, stored size, how the pixels were made
        data/prepared/quarantine.csv   files that could not be used: path, reason
        data/prepared/conflicts.csv    equal pixels under two labels: both classes, both ids
        metrics/prepare.json           counts of images, classes, unusable files, duplicates
        plots/prepare/classes.csv      images per class
        plots/prepare/samples.png      some images of each class
        plots/prepare/conflicts.png    the first equal pixels under two labels, with classes and ids
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field
from tqdm import tqdm

from sightline.common.files import replacing, write_json
from sightline.common.params import StageParams, StrictModel
from sightline.common.stage import run_stage
from sightline.images.checks import count_reasons, refuse_bad_fraction, refuse_classes, refuse_small_classes
from sightline.images.containers import Container
from sightline.images.decode import Decoding
from sightline.images.duplicates import count_duplicates, find_conflicts
from sightline.images.layouts import Listing
from sightline.images.pack import Packed, PixelFile, pack
from sightline.images.sheet import contact_sheet
from sightline.images.sources import open_source
from sightline.images.store import INDEX_COLUMNS, DatasetSpec, open_pixels

PREPARED, PLOTS = Path("data/prepared"), Path("plots/prepare")
THUMBNAIL = 64  # px
CONFLICTS_SHOWN, LONGEST_NAME = 24, 32  # pairs, characters


class PrepareParams(StrictModel):
    source: str = Field(min_length=1)
    image_size: int = Field(ge=8, le=4096)
    fit: Literal["crop", "pad", "stretch"]
    resample: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
    background: list[int] = Field(min_length=3, max_length=3)
    max_pixels: int = Field(gt=0)
    max_bad_fraction: float = Field(ge=0, le=1)
    contact_sheet: int = Field(ge=1, le=100)


class Params(StageParams):
    near_bits: int = Field(ge=0, le=8)
    prepare: PrepareParams


@dataclass
class Images:
    """What is remembered of the written images: columns of length N, and (path, reason) of unusable files."""

    ids: list[str]
    labels: np.ndarray
    sha256: np.ndarray
    phash: np.ndarray
    bad: list[tuple[str, str]]


def main(params: Params) -> None:
    chosen = params.prepare
    listing, container = open_source(chosen.source)
    classes = sorted(set(listing.classes))
    refuse_classes(classes, chosen.source)
    images = store_images(listing, container, classes, decoding(chosen))
    write_rows(PREPARED / "quarantine.csv", ("path", "reason"), images.bad)
    refuse_bad_fraction(images.bad, len(listing.paths) + len(listing.unlabelled), chosen.max_bad_fraction)
    counts = np.bincount(images.labels, minlength=len(classes)).tolist()
    refuse_small_classes(classes, counts, chosen.source)
    write_json(PREPARED / "dataset.json", describe(chosen, classes, len(images.ids)).model_dump())
    conflicts = find_conflicts(images.sha256, images.labels)
    write_json("metrics/prepare.json", summarize(images, counts, conflicts, params.near_bits))
    write_rows(PLOTS / "classes.csv", ("class", "images"), zip(classes, counts, strict=True))
    write_rows(PREPARED / "conflicts.csv", CONFLICT_COLUMNS, conflict_rows(images, conflicts, classes))
    pixels, side = open_pixels(PREPARED), min(chosen.image_size, THUMBNAIL)
    write_picture(PLOTS / "samples.png", samples(pixels, images.labels, classes, chosen.contact_sheet), side)
    write_picture(PLOTS / "conflicts.png", conflict_pictures(pixels, images, conflicts, classes), THUMBNAIL)


def decoding(chosen: PrepareParams) -> Decoding:
    return Decoding(chosen.image_size, chosen.fit, chosen.resample, tuple(chosen.background), chosen.max_pixels)


def describe(chosen: PrepareParams, classes: list[str], images: int) -> DatasetSpec:
    return DatasetSpec(
        source=chosen.source,
        classes=classes,
        images=images,
        image_size=chosen.image_size,
        fit=chosen.fit,
        resample=chosen.resample,
        background=chosen.background,
    )


def store_images(listing: Listing, container: Container, classes: list[str], how: Decoding) -> Images:
    """Decode everything into images.npy and index.csv, a batch at a time."""
    label_of = {name: label for label, name in enumerate(classes)}
    written, bad = [], [(path, "not below a class folder") for path in listing.unlabelled]
    with (
        replacing(PREPARED / "images.npy") as pixels_path,
        replacing(PREPARED / "index.csv") as index_path,
        PixelFile(pixels_path, how.image_size) as pixel_file,
        index_path.open("w", encoding="utf-8", newline="") as stream,
        tqdm(total=len(listing.paths), desc="prepare", unit="img", disable=None) as progress,
    ):
        index = csv.writer(stream, lineterminator="\n")
        index.writerow(INDEX_COLUMNS)
        for batch in pack(listing.paths, container, how):
            pixel_file.append(batch.pixels)
            index.writerows(index_rows(batch, listing, label_of))
            bad += [(listing.paths[position], reason) for position, reason in batch.bad]
            written.append((batch.positions, batch.sha256, batch.phash))
            progress.update(len(batch.positions) + len(batch.bad))
    positions = [position for part, _, _ in written for position in part]
    return Images(
        ids=[listing.paths[position] for position in positions],
        labels=np.array([label_of[listing.classes[position]] for position in positions], dtype=np.int64),
        sha256=np.concatenate([part for _, part, _ in written]),
        phash=np.concatenate([part for _, _, part in written]),
        bad=bad,
    )


def index_rows(batch: Packed, listing: Listing, label_of: dict[str, int]) -> Iterable[tuple]:
    """Yield one row of index.csv for each image of a batch."""
    columns = (batch.positions, batch.widths, batch.heights, batch.sha256, batch.phash)
    for position, width, height, sha256, phash in zip(*columns, strict=True):
        name = listing.classes[position]
        source = (label_of[name], name, listing.groups[position], listing.subsets[position])
        yield listing.paths[position], *source, width, height, sha256.decode(), f"{phash:016x}"


def summarize(images: Images, counts: list[int], conflicts: np.ndarray, near_bits: int) -> dict[str, Any]:
    return {
        "images": len(images.ids),
        "classes": len(counts),
        "smallest_class": min(counts),
        "largest_class": max(counts),
        "quarantined": len(images.bad),
        "quarantined_by_reason": count_reasons(reason for _, reason in images.bad),
        "label_conflicts": len(conflicts),
        **count_duplicates(images.sha256, images.phash, near_bits),
    }


def samples(
    pixels: np.ndarray, labels: np.ndarray, classes: list[str], each: int
) -> tuple[str, list[tuple[str, np.ndarray]]]:
    """Choose `each` images of a class, evenly spaced, for the contact sheet."""
    rows = []
    for label, name in enumerate(classes):
        members = np.flatnonzero(labels == label)
        chosen = members[np.linspace(0, len(members) - 1, min(each, len(members))).astype(int)]
        rows.append((f"{name} ({len(members)})", pixels[chosen]))
    return "samples of each class (images)", rows


CONFLICT_COLUMNS = ("class", "other_class", "id", "other_id")


def conflict_rows(images: Images, conflicts: np.ndarray, classes: list[str]) -> list[tuple[str, str, str, str]]:
    """Name the classes and ids of each pair of equal images."""
    return [
        (classes[images.labels[one]], classes[images.labels[other]], images.ids[one], images.ids[other])
        for one, other in conflicts
    ]


def conflict_pictures(
    pixels: np.ndarray, images: Images, conflicts: np.ndarray, classes: list[str]
) -> tuple[str, list[tuple[str, np.ndarray]]]:
    """Show the first pairs of equal images with their labels."""
    title = f"equal pixels under two labels: {len(conflicts)}"
    shown = conflicts[:CONFLICTS_SHOWN]
    names = conflict_rows(images, shown, classes)
    captions = [f"{one} / {other}: {short(one_id)} = {short(other_id)}" for one, other, one_id, other_id in names]
    return title, [(caption, pixels[pair]) for caption, pair in zip(captions, shown, strict=True)]


def short(name: str) -> str:
    """Return the end of a long path, which tells files apart."""
    return name if len(name) <= LONGEST_NAME else f"...{name[-LONGEST_NAME:]}"


def write_rows(path: Path, columns: tuple[str, ...], rows: Iterable[tuple]) -> None:
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_picture(path: Path, content: tuple[str, list[tuple[str, np.ndarray]]], side: int) -> None:
    title, rows = content
    with replacing(path) as beside:
        contact_sheet(rows, title, side).save(beside, "PNG")


if __name__ == "__main__":
    run_stage(main, Params)
