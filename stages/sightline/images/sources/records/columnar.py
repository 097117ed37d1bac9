"""Parquet files, and data sets that Hugging Face's datasets saved to disk: which rows there are, and their labels."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.common.errors import SightlineError, in_one_line
from sightline.images.sources.listing import Listing
from sightline.images.sources.naming import Naming, refuse_missing, refuse_unused
from sightline.images.sources.records.columnar_files import (
    ColumnarFile,
    RowImages,
    hugging_face_features,
    open_columnar,
)
from sightline.images.sources.records.records import Records
from sightline.images.sources.records.shard_names import note_missing_shards, shard_subsets

if TYPE_CHECKING:
    import pyarrow as pa

STATE = "state.json"  # what save_to_disk writes beside data-00000-of-00001.arrow


def find_columnar(names: list[str]) -> list[str]:
    """Return the Parquet or state files of a folder's files; none where it holds neither."""
    states = [name for name in names if name.rpartition("/")[2] == STATE]
    arrows = any(name.endswith(".arrow") for name in names)
    return states if states and arrows else [name for name in names if name.lower().endswith(".parquet")]


def open_rows(root: Path, found: list[str], naming: Naming, source: str) -> tuple[Listing, RowImages]:
    """List the rows of Parquet files, or of the Arrow files that state files name, in order.

    Parameters
    ----------
    found : list of str
        Paths below `root`.

    Raises
    ------
    SightlineError
        A file is missing or damaged, has no column of images or labels, or pyarrow is not installed.
    """
    if naming.pattern or naming.is_template:
        refuse_unused(naming, source, used=("group", "subset"))
    files = [file for name in found for file in (_of_state(root, name) if name.endswith(STATE) else [name])]
    subsets = shard_subsets(files)
    records = Records(naming, source)
    records.listing.notes += note_missing_shards(files)
    column = ""
    bare = set()
    for file in files:
        opened = open_columnar(root / file)
        column = _image_column(opened, naming, f"{source}: {file}", column)
        refuse_missing(opened.schema.names, naming, f"{root / file}", ("label", "group", "subset"))
        bare.add(_are_bare_numbers(opened, naming.label, f"{root / file}"))
        if len(bare - {None}) > 1:
            raise SightlineError(
                f"{root / file}: some files have names for the numbers of {naming.label!r} and others do not: "
                f"save all of them alike"
            )
        for row, cells in enumerate(_rows(opened, root / file)):
            records.add(f"{file}/{row:06d}", cells.get(naming.label), cells, subsets[file])
    listing = records.finish()
    return listing, RowImages(root, listing.paths, column)


def _of_state(root: Path, name: str) -> list[str]:
    folder = name.rpartition("/")[0]
    try:
        listed = json.loads((root / name).read_text(encoding="utf-8"))["_data_files"]
        files = [f"{folder}/{entry['filename']}".lstrip("/") for entry in listed]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SightlineError(f"{root / name}: not what save_to_disk writes: {in_one_line(error)}") from None
    missing = [file for file in files if not (root / file).is_file()]
    if missing:
        raise SightlineError(f"{root / missing[0]}: not there, though {STATE} names it: copy the folder once more")
    return files


def _image_column(opened: ColumnarFile, naming: Naming, where: str, before: str) -> str:
    """Return the column of images: the one that is named, or the only one that there is."""
    holders = [field.name for field in opened.schema if _holds_images(field.type)]
    if before in holders:
        return before
    if naming.path in holders:
        return naming.path
    found = ", ".join(holders) or "none"
    if len(holders) != 1 or "path" in naming.changed():
        raise SightlineError(
            f"{where}: {naming.path!r} is no column of images (bytes, or bytes and path; found: {found}): "
            f"name one by prepare.path"
        )
    return holders[0]


def _holds_images(kind: "pa.DataType") -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(field.name == "bytes" and _holds_images(field.type) for field in kind)
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)


def _are_bare_numbers(opened: ColumnarFile, label: str, where: str) -> bool | None:
    """Return whether classes are numbers without names; None where they are no numbers.

    Raises
    ------
    SightlineError
        The column holds lists or objects.
    """
    from pyarrow import types

    kind = opened.schema.field(label).type
    if types.is_nested(kind):
        raise SightlineError(f"{where}: the column {label!r} is of {kind}: one class an image is needed")
    return not hugging_face_features(opened.schema).get(label, {}).get("names") if types.is_integer(kind) else None


def _rows(opened: ColumnarFile, path: Path) -> Iterator[dict[str, object]]:
    """Yield all columns but those of bytes and of further columns inside; numbers of classes as their names."""
    import pyarrow as pa

    plain = [field.name for field in opened.schema if not (pa.types.is_nested(field.type) or _holds_images(field.type))]
    names = {column: noted.get("names") for column, noted in hugging_face_features(opened.schema).items()}
    try:
        for batch in opened.batches(plain):
            columns = [_named(batch.column(place).to_pylist(), names.get(name)) for place, name in enumerate(plain)]
            yield from (dict(zip(plain, cells, strict=True)) for cells in zip(*columns, strict=True))
    except (pa.ArrowException, ValueError, OSError) as error:
        raise SightlineError(f"{path}: damaged: {in_one_line(error)}") from None


def _named(numbers: list, names: list[str] | None) -> list:
    """Return the names of classes for their numbers, nothing for one without a name, such as -1."""
    if names is None:
        return numbers
    return [names[number] if isinstance(number, int) and 0 <= number < len(names) else None for number in numbers]
