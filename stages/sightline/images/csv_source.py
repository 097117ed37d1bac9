"""A CSV of `path,label` and optionally `group,subset`: images anywhere beside it, archives included."""

import csv
from pathlib import Path, PurePosixPath

from sightline.common.errors import SightlineError
from sightline.images.containers import ARCHIVE_SUFFIXES, Container, Folder, open_container
from sightline.images.decode import BadImageError
from sightline.images.layouts import SUBSETS, Listing


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
    """List the CSV's rows; each path is relative to the CSV.

    Raises
    ------
    SightlineError
        The file is missing, lacks a column, or has a row that is empty, repeated, outside its folder, or of an
        unknown subset; the message names the line.
    """
    listing = Listing()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            _check_columns(path, reader.fieldnames or [])
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


def _add_row(listing: Listing, row: dict[str, str | None], where: str) -> None:
    name, label = (row["path"] or "").strip(), (row["label"] or "").strip()
    if not name or not label:
        raise SightlineError(f"{where}: path and label must not be empty")
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise SightlineError(f"{where}: {name!r} must lie beside the table or below it")
    subset = (row.get("subset") or "").strip().lower()
    if subset and subset not in SUBSETS:
        raise SightlineError(f"{where}: subset {subset!r} must be one of {', '.join(SUBSETS)} or empty")
    listing.add(pure.as_posix(), label, SUBSETS.get(subset, ""), (row.get("group") or "").strip())


def _refuse_repeats(path: Path, names: list[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise SightlineError(f"{path}: {name!r} stands there twice: keep one row an image")
        seen.add(name)


def _split_archive(name: str) -> tuple[str, str]:
    parts = name.split("/")
    for index, part in enumerate(parts[:-1]):
        if part.lower().endswith(ARCHIVE_SUFFIXES):
            return "/".join(parts[: index + 1]), "/".join(parts[index + 1 :])
    return "", name
