"""Decode labelled images once, into one array that every later stage maps into memory.

Reads   data/raw                       what `prepare.source` and `prepare.unlabelled` name; archives are read in place;
                               `prepare.corrections`, a table of labels that people corrected
Writes  data/prepared/images.npy       uint8 [N, H, W, 3] RGB, or [N, H, W, 1] grey
        data/prepared/index.csv        one row an image, in the same order: id (path inside the source), label, class,
                                       group, subset (where the source fixes it), width, height, sha256, phash, then
                                       the further columns of a CSV source
        data/prepared/dataset.json     classes in order, stored size, how the pixels were made
        data/prepared/quarantine.csv   what could not be used, or was not meant to be: path, reason
        data/prepared/conflicts.csv    equal pixels under two labels: both classes, both ids
        data/pool/images.npy           images without labels, in the same way; none where there is no pool
        data/pool/index.csv            one row an image, in the same order: id (path below data/raw), sha256, phash,
                                       width, height, near_labelled (id of a labelled near duplicate), group, then the
                                       further columns of a table
        data/pool/quarantine.csv       what could not be used, or equals another image: path, reason
        metrics/prepare.json           counts of images, classes, unusable files, side files, duplicates
        plots/prepare/classes.csv      images per class
        plots/prepare/samples.png      some images of each class
        plots/prepare/conflicts.png    the first equal pixels under two labels, with classes and ids
"""

from sightline.common.arithmetic import set_environment

if __name__ == "__main__":
    set_environment()  # before NumPy; always, since perceptual hashes take no time

# isort: split
import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sightline.common.files import CsvLines, replacing, write_json
from sightline.common.process import share_freed_memory
from sightline.common.stage import run_stage
from sightline.drawing.canvas import save_png
from sightline.drawing.contact_sheet import contact_sheet
from sightline.images.decoding.depth import RangeUnknownError
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import count_duplicates, exact_clusters, find_conflicts, near_clusters
from sightline.images.sources.containers import Container
from sightline.images.sources.listing import Listing
from sightline.images.sources.naming import Naming
from sightline.images.sources.open import open_source
from sightline.images.store import DatasetSpec, open_pixels
from sightline.parameters.prepare import PrepareParams, PrepareSection
from sightline.preparing.aside import count_offered, describe_aside, describe_filled
from sightline.preparing.checks import refuse_bad_fraction, refuse_classes, refuse_small_classes
from sightline.preparing.correct import apply_corrections, describe_corrections
from sightline.preparing.counts import describe_pool, summarize_images, summarize_pool
from sightline.preparing.executing.ahead import Executor
from sightline.preparing.executing.executor import open_executor
from sightline.preparing.ingest import Ingested, store_images
from sightline.preparing.kept import describe_way, keep, open_kept
from sightline.preparing.pack import pack
from sightline.preparing.pool import PoolDecoder, Pooled, refuse_useless_pool, store_pool
from sightline.preparing.pool_source import PoolPart, count_files, open_unlabelled, rows_without_label
from sightline.preparing.previews import CONFLICT_COLUMNS, Sheet, conflict_rows, conflict_sheet, sample_sheet
from sightline.preparing.ranges import find_ranges, given_ranges

PREPARED = Path("data/prepared")
POOL = Path("data/pool")
PLOTS = Path("plots/prepare")
THUMBNAIL = 64  # px


def main(params: PrepareParams) -> None:
    share_freed_memory()
    options = params.prepare
    listing, container = open_source(options.source, naming_in(options))
    corrections = apply_corrections(options.corrections, listing, container, options.max_pixels)
    rows = rows_without_label(listing, container, options.source)
    parts = [*rows, *open_unlabelled(options.unlabelled, listing, options.source)]
    say([*listing.notes, *describe_aside(listing), *describe_corrections(corrections)])
    say([f"pool: {note}" for part in parts for note in part.listing.notes])
    classes = sorted(set(listing.classes))
    refuse_classes(classes, options.source)
    with open_executor() as executor:
        images, preprocessing = decode_images(listing, container, classes, options, executor)
        decoder = PoolDecoder(preprocessing, options.max_pixels, executor)
        pooled = store_pool(parts, decoder, images, params.near_bits, POOL)
    say(decoder.notes)
    keep_decoded(images, pooled, preprocessing, options.max_pixels)
    write_rows(PREPARED / "quarantine.csv", ("path", "reason"), [*images.bad, *listing.aside])
    refuse_bad_fraction(images.bad, count_offered(listing), options.max_bad_fraction)
    counts = np.bincount(images.labels, minlength=len(classes)).tolist()
    refuse_small_classes(classes, counts, options.source)
    write_json(PREPARED / "dataset.json", describe_dataset(options, classes, len(images.ids), preprocessing))
    exact = exact_clusters(images.sha256)
    near = near_clusters(images.phash, params.near_bits)
    conflicts = find_conflicts(exact, images.labels)
    summary = summarize_images(counts, [*images.bad, *listing.aside], len(conflicts)) | count_duplicates(exact, near)
    summary["side_files"] = dict(listing.side_files)
    summary["filled"] = len(images.filled)
    summary["corrections"] = corrections
    say(describe_filled(images.filled))
    summary |= report_pool(pooled, parts, rows, options.unlabelled)
    write_json("metrics/prepare.json", summary)
    write_rows(PLOTS / "classes.csv", ("class", "images"), zip(classes, counts, strict=True))
    write_rows(PREPARED / "conflicts.csv", CONFLICT_COLUMNS, conflict_rows(images, conflicts, classes))
    pixels = open_pixels(PREPARED)
    side = min(options.image_size, THUMBNAIL)
    samples = sample_sheet(pixels, images.labels, classes, options.contact_sheet, side)
    write_picture(PLOTS / "samples.png", samples, side)
    write_picture(PLOTS / "conflicts.png", conflict_sheet(pixels, images, conflicts, classes), THUMBNAIL)


def decode_images(
    listing: Listing, container: Container, classes: list[str], options: PrepareSection, executor: Executor
) -> tuple[Ingested, Preprocessing]:
    """Store all images; where one of more than 8 bits turns up, look for a range in all of them and begin anew."""
    preprocessing = preprocessing_of(options)

    def store(preprocessing: Preprocessing) -> Ingested:
        way = describe_way(preprocessing, options.max_pixels)
        with open_kept(way, preprocessing.shape) as kept:
            shards = pack(listing.paths, container, preprocessing, options.max_pixels, executor, kept)
            images = store_images(listing, classes, shards, preprocessing.shape, PREPARED)
        say(kept.notes())
        return images

    try:
        images = store(preprocessing)
    except RangeUnknownError:
        ranges, notes = find_ranges(options.range, listing.paths, container, options.max_pixels, executor)
        say(notes)
        preprocessing = replace(preprocessing, ranges=ranges)
        return store(preprocessing), preprocessing
    return images, preprocessing if preprocessing.ranges is not None else replace(preprocessing, ranges={})


def keep_decoded(images: Ingested, pooled: Pooled, preprocessing: Preprocessing, max_pixels: int) -> None:
    """Leave what was decoded to the next run."""
    made = {PREPARED / "images.npy": images.images, POOL / "images.npy": pooled.images}
    keep(describe_way(preprocessing, max_pixels), {path: told for path, told in made.items() if len(told)})


def report_pool(pooled: Pooled, parts: list[PoolPart], rows: list[PoolPart], unlabelled: str) -> dict[str, Any]:
    """List what the pool left out, say what it holds, and return its counts; nothing where there is no pool."""
    write_rows(POOL / "quarantine.csv", ("path", "reason"), [*pooled.bad, *pooled.known])
    if not parts:
        return {}
    refuse_useless_pool(pooled, unlabelled)
    say(describe_pool(pooled, count_files(rows)))
    return {"pool": summarize_pool(pooled)}


def say(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"prepare: {note}")


def naming_in(options: PrepareSection) -> Naming:
    return Naming(options.path, options.label, options.group, options.subset)


def describe_dataset(
    options: PrepareSection, classes: list[str], images: int, preprocessing: Preprocessing
) -> dict[str, Any]:
    naming = naming_in(options).changed() or None
    dataset = DatasetSpec(
        source=options.source, naming=naming, classes=classes, images=images, preprocessing=preprocessing
    )
    return dataset.model_dump(exclude_none=True)


def preprocessing_of(options: PrepareSection) -> Preprocessing:
    return Preprocessing(
        options.image_size,
        options.fit,
        options.resample,
        options.background,
        options.color,
        options.truncated,
        given_ranges(options.range),
        options.channels,
    )


def write_rows(path: Path, columns: tuple[str, ...], rows: Iterable[tuple]) -> None:
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(CsvLines(stream))
        writer.writerow(columns)
        writer.writerows(rows)


def write_picture(path: Path, content: Sheet, side: int) -> None:
    title, rows = content
    save_png(path, contact_sheet(rows, title, side))


if __name__ == "__main__":
    run_stage(main, PrepareParams)
