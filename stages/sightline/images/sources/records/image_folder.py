"""Hugging Face's imagefolder: `metadata.csv` or `metadata.jsonl` tells what each `file_name` beside it shows."""

import io
import json
import posixpath
from collections.abc import Iterator

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.containers import TEXT_LIMIT, Container
from sightline.images.sources.layouts.by_folder import keep_images, subsets_in
from sightline.images.sources.layouts.tree import enclosing, grow, steps_inside
from sightline.images.sources.listing import Listing
from sightline.images.sources.naming import Naming, refuse_missing, refuse_unused
from sightline.images.sources.records.records import Records
from sightline.images.sources.table_rows import parse_rows

METADATA = ("metadata.csv", "metadata.jsonl")
FILE_NAME = "file_name"


def find_metadata(container: Container, names: list[str], naming: Naming, source: str) -> dict[str, list[dict]]:
    """Return the rows of each metadata file that has the column `file_name`, by its path.

    Raises
    ------
    SightlineError
        One is damaged, or no text in a known encoding.
    """
    files = sorted(name for name in names if name.rpartition("/")[2] in METADATA)
    found = {name: list(_rows(name, container, naming, source)) for name in files}
    return {name: rows for name, rows in found.items() if any(FILE_NAME in row for row in rows)}


def list_image_folder(names: list[str], metadata: dict[str, list[dict]], naming: Naming, source: str) -> Listing:
    """List the images that metadata names; what it forgets, and files that are not there, are refused with a reason.

    Raises
    ------
    SightlineError
        A metadata file has no column of labels, or names an image twice.
    """
    refuse_unused(naming, source, used=("label", "group", "subset"))
    records = Records(naming, source)
    images = keep_images(names, records.listing)
    tree = grow(images)
    root = enclosing(tree)
    kinds = subsets_in(tree, root, source, records.listing)
    place = {name: row for row, name in enumerate(names)}
    told: set[str] = set()
    for file, rows in metadata.items():
        columns = dict.fromkeys(column for row in rows for column in row)
        refuse_missing(columns, naming, f"{source}/{file}", keys=("label",))
        for row in rows:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file), str(row.get(FILE_NAME) or "")))
            if path in told:
                raise SightlineError(f"{source}/{file}: {path!r} stands there twice: keep one row an image")
            told.add(path)
            subset = kinds.get(steps_inside(root, path)[0], "")
            if path in place:
                cells = {column: value for column, value in row.items() if column != FILE_NAME}
                records.add(path, row.get(naming.label), cells, subset)
            else:
                records.put_aside(path, f"file not found: {file} names it", subset)
    for path in images:
        if path not in told:
            records.put_aside(path, "no row in the metadata", kinds.get(steps_inside(root, path)[0], ""))
    listing = records.finish()
    listing.reorder(sorted(range(len(listing.paths)), key=lambda row: place[listing.paths[row]]))
    return listing


def _rows(name: str, container: Container, naming: Naming, source: str) -> Iterator[dict]:
    where = f"{source}/{name}"
    try:
        raw = container.read(name, TEXT_LIMIT)
    except BadImageError as error:
        raise SightlineError(f"{where}: {error}: mend it, or remove the file") from None
    return _csv_rows(raw, naming, where) if name.endswith(".csv") else _json_rows(raw, where)


def _csv_rows(raw: bytes, naming: Naming, where: str) -> Iterator[dict]:
    rows = parse_rows(io.BytesIO(raw), [FILE_NAME, naming.label, naming.group, naming.subset], where)
    _, header = next(rows, (0, []))
    for _, cells in rows:
        yield dict(zip(header, cells, strict=True))


def _json_rows(raw: bytes, where: str) -> Iterator[dict]:
    number = 0
    try:
        for line in filter(str.strip, raw.decode("utf-8-sig").split("\n")):
            yield {**json.loads(line)}
            number += 1
    except (ValueError, TypeError) as error:
        raise SightlineError(f"{where}: behind row {number}: {error}: mend it, or remove the file") from None
