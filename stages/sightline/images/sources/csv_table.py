"""A CSV of `path,label`, optionally `group,subset` and further columns: images beside it, archives included."""

import csv
import math
from collections import Counter
from pathlib import Path, PurePosixPath

from sightline.common.errors import SightlineError
from sightline.images.decode import BadImageError
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, Container, Folder, open_container
from sightline.images.sources.layouts import SUBSETS, Listing
from sightline.images.store import BOX_COLUMNS, INDEX_COLUMNS

KNOWN = ("path", "label", "group", "subset")
RESERVED = {*INDEX_COLUMNS, "row", "fold"} - {*KNOWN}  # names of what prepare and split tell of an image


class BesideCsv:
    """Files below the CSV's folder, or inside archives there: ``photos.zip/cats/1.jpg``."""

    def __init__(self, root: Path, paths: list[str]):
        self.folder = Folder(root)
        self._paths = paths
        self._archives: dict[str, Container] = {}

    def names(self) -> list[str]:
        return self._paths

    def read(self, name: str, limit: int) -> bytes:
        archive, member = _split_archive(name)
        if not archive:
            return self.folder.read(name, limit)
        if not (self.folder.root / archive).exists():
            raise BadImageError(f"file not found: {archive}")
        if archive not in self._archives:
            self._archives[archive] = open_container(self.folder.root / archive)
        return self._archives[archive].read(member, limit)


def open_csv(path: Path) -> tuple[Listing, BesideCsv]:
    """List the CSV's rows; each path is relative to the CSV, and columns that are not known are kept as text.

    Raises
    ------
    SightlineError
        The file is missing, lacks a column, has one twice or under a reserved name, or has a row that is empty,
        repeated, outside its folder, of an unknown subset, or with half a box; the message names the line.
    """
    listing = Listing()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = list(reader.fieldnames) if reader.fieldnames else []
            _check_columns(path, columns)
            listing.further = {name: [] for name in columns if name.strip() and name not in KNOWN}
            for row in reader:
                _add_row(listing, row, f"{path}: line {reader.line_num}")
    except FileNotFoundError:
        raise SightlineError(f"params.yaml: prepare.source: {path} does not exist: put your table there") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SightlineError(f"{path}: not a UTF-8 CSV file: {error}") from None
    _refuse_repeats(path, listing.paths)
    return listing, BesideCsv(path.parent, listing.paths)


def _check_columns(path: Path, columns: list[str]) -> None:
    for name in ("path", "label"):
        if name not in columns:
            raise SightlineError(f"{path}: has no column {name!r} (found: {', '.join(columns) or 'none'})")
    for name, times in Counter(filter(str.strip, columns)).items():
        if times > 1:
            raise SightlineError(f"{path}: has the column {name!r} twice: keep one")
        if name in RESERVED:
            raise SightlineError(f"{path}: the column {name!r} has a name that Sightline needs itself: rename it")
    missing = [name for name in BOX_COLUMNS if name not in columns]
    if 0 < len(missing) < len(BOX_COLUMNS):
        raise SightlineError(f"{path}: has no column {missing[0]!r}: a box needs {', '.join(BOX_COLUMNS)}")


def _add_row(listing: Listing, row: dict[str, str | None], where: str) -> None:
    name = _cell(row, "path")
    label = _cell(row, "label")
    if not name or not label:
        raise SightlineError(f"{where}: path and label must not be empty")
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise SightlineError(f"{where}: {name!r} must lie beside the table or below it")
    subset = _cell(row, "subset").lower()
    if subset and subset not in SUBSETS:
        raise SightlineError(f"{where}: subset {subset!r} must be one of {', '.join(SUBSETS)} or empty")
    further = {column: _cell(row, column) for column in listing.further}
    _check_box([further.get(name, "") for name in BOX_COLUMNS], where)
    listing.add(pure.as_posix(), label, SUBSETS.get(subset, ""), _cell(row, "group"), further.values())


def _cell(row: dict[str, str | None], column: str) -> str:
    """Return a cell's text; nothing where the column is missing or the line is too short."""
    text = row.get(column)
    return "" if text is None else text.strip()


def _check_box(box: list[str], where: str) -> None:
    if any(box) and not (all(_is_number(text) for text in box) and min(map(float, box[2:])) > 0):
        raise SightlineError(
            f"{where}: {', '.join(BOX_COLUMNS)} must be four numbers, the width and height above 0, "
            f"or all empty (got {', '.join(map(repr, box))})"
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text.isascii() and "_" not in text  # pandas reads neither back
    except ValueError:
        return False


def _refuse_repeats(path: Path, names: list[str]) -> None:
    listed = set()
    for name in names:
        if name in listed:
            raise SightlineError(f"{path}: {name!r} stands there twice: keep one row an image")
        listed.add(name)


def _split_archive(name: str) -> tuple[str, str]:
    steps = name.split("/")
    for index, step in enumerate(steps[:-1]):
        if step.lower().endswith(ARCHIVE_SUFFIXES):
            return "/".join(steps[: index + 1]), "/".join(steps[index + 1 :])
    return "", name
