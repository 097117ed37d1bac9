"""A table of `path,label`, optionally `group,subset` and further columns: images beside it, archives included."""

import re
from pathlib import Path, PurePosixPath

from sightline.common.errors import SightlineError
from sightline.images.sources.beside_table import BesideTable, split_archive
from sightline.images.sources.folder import refuse_linked
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import MISSING, name_fault, one_line, shown, tidy
from sightline.images.sources.naming import PLAIN, Naming, refuse_missing
from sightline.images.sources.table_columns import (
    RESERVED,
    check_box,
    may_be_pooled,
    read_subsets,
    refuse_divisions,
    refuse_missing_group,
    refuse_subset,
)
from sightline.images.sources.table_rows import read_rows
from sightline.images.store import BOX_COLUMNS

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def open_csv(path: Path, within: Path | None = None, naming: Naming = PLAIN) -> tuple[Listing, BesideTable]:
    """List a table's rows; each path is relative to the table, and columns that are not known are kept as text.

    A row without a label goes into the pool, but for those of val and test.

    Images inside a tar are listed in the tar's order, since a compressed one can only be read forwards.

    Parameters
    ----------
    path : Path
    within : Path or None
        Folder that DVC watches, in which no folder may be a link.
    naming : Naming
        Which columns tell path, label, group and subset.

    Raises
    ------
    SightlineError
        The file is missing, lacks a column, has one twice or under a reserved name, or has a row that is empty,
        repeated, too long, outside its folder, of an unknown subset, or with half a box; the message names the line.
        A column divides the images and is not called subset.
    """
    listing = Listing()
    if naming.pattern:
        raise SightlineError(f"params.yaml: prepare.label: {path} is a table: name its column of labels")
    rows = read_rows(path, naming.columns())
    _, columns = next(rows, (0, []))
    listing.further = {name: [] for name in _further_columns(path, columns, naming)}
    for line, cells in rows:
        _add_row(listing, dict(zip(columns, cells, strict=True)), naming, f"{path}: line {line}")
    if not listing.paths:
        raise SightlineError(f"{path}: has a header and no {'row with a label' if listing.pool else 'rows'}")
    if not any(listing.subsets):
        refuse_divisions(path, listing.further)
    listing.subsets = read_subsets(listing.subsets)
    parts = [part for part in (listing, listing.pool) if part]
    names = [name for part in parts for name in part.paths]
    _refuse_repeats(path, names)
    for folder in sorted({(split_archive(name)[0] or name).rpartition("/")[0] for name in names}):
        refuse_linked(path.parent / folder, within)
    containers = [_put_in_order(part, BesideTable(path.parent, part.paths, within)) for part in parts]
    return listing, containers[0]


def _put_in_order(listing: Listing, container: BesideTable) -> BesideTable:
    listing.paths[:] = map(container.spelt, listing.paths)
    listing.reorder(container.cheapest_order())
    return container


def _further_columns(path: Path, columns: list[str], naming: Naming) -> list[str]:
    """Return the columns that are kept as text; those of a template are, unless Sightline needs their names."""
    refuse_missing(columns, naming, str(path))
    used = {name for name in naming.columns() if not (naming.is_template and name in naming.path_columns())}
    built_of = set(naming.path_columns()) & RESERVED
    further = [name for name in columns if name and name not in used | built_of]
    for name in further:
        if name in RESERVED:
            raise SightlineError(f"{path}: the column {name!r} has a name that Sightline needs itself: rename it")
    missing = [name for name in BOX_COLUMNS if name not in columns]
    if 0 < len(missing) < len(BOX_COLUMNS):
        raise SightlineError(f"{path}: has no column {missing[0]!r}: a box needs {', '.join(BOX_COLUMNS)}")
    return further


def _add_row(listing: Listing, row: dict[str, str], naming: Naming, where: str) -> None:
    name = naming.path_in(row)
    label = tidy(row[naming.label])
    if not name:
        raise SightlineError(f"{where}: {naming.path} must not be empty")
    if label.lower() in MISSING:
        raise SightlineError(
            f"{where}: the label {label!r} stands for a missing value: label it, or leave the cell empty for the pool"
        )
    group = one_line(row.get(naming.group, ""))
    refuse_missing_group(group, where)
    subset = row.get(naming.subset, "")
    refuse_subset(subset, where)
    further = {column: one_line(row[column]) for column in listing.further}
    check_box([further.get(name, "") for name in BOX_COLUMNS], where)
    path = _plain_path(name, where)
    if label:
        listing.add(path, label, subset, group, further.values())
    elif may_be_pooled(subset):
        listing.add_unlabelled(path, group, further)
    else:
        raise SightlineError(f"{where}: {naming.label} must not be empty in subset {subset!r}: leave the row out")


def _plain_path(name: str, where: str) -> str:
    """Return a path beside the table with slashes, as Windows writes it or not."""
    if URL.match(name):
        raise SightlineError(
            f"{where}: '{shown(name)}' is an address: fetch the images (`dvc import-url`), then name the files"
        )
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or DRIVE.match(name):
        raise SightlineError(f"{where}: '{shown(name)}' must lie beside the table or below it")
    fault = name_fault(name)
    if fault:
        raise SightlineError(f"{where}: '{shown(name)}': {fault}")
    return pure.as_posix()


def _refuse_repeats(path: Path, names: list[str]) -> None:
    listed = set()
    for name in names:
        if name in listed:
            raise SightlineError(f"{path}: {name!r} stands there twice: keep one row an image")
        listed.add(name)
