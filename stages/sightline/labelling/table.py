"""Answers become labels of the table that prepare reads: cells of its rows, or rows that it did not have."""

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sightline.common.files import CsvLines, replacing
from sightline.images.sources.naming import Naming
from sightline.images.sources.table_rows import DELIMITERS, UTF16, read_rows

TRAIN = "train"  # the subset of all that was asked for: chosen images are no fair sample to be judged on


class Change(NamedTuple):
    """What became of an image's label; `before` is ``""`` where it had none."""

    path: str
    before: str
    label: str


@dataclass
class Table:
    """A header and rows as long as it; paths are relative to the table's folder.

    `written` is how the file spells the first columns, which `header` calls as parameters do.
    """

    header: list[str]
    rows: list[list[str]]
    delimiter: str = ","
    written: list[str] = field(default_factory=list)

    def has_path(self, naming: Naming) -> set[str]:
        """Return the paths of all rows."""
        return {same(naming.path_in(self._cells(row))) for row in self.rows}

    def has_label(self, naming: Naming) -> set[str]:
        """Return the paths of the rows that have a label."""
        place = self._column(naming.label)
        return {same(naming.path_in(self._cells(row))) for row in self.rows if row[place]}

    def add_missing(self, other: "Table", naming: Naming) -> int:
        """Add the rows of another table whose paths are not in this one, and return how many these are."""
        there = self.has_path(naming)
        missing = [cells for cells in map(other._cells, other.rows) if same(naming.path_in(cells)) not in there]
        for name in other.header if missing else ():
            self._column(name)
        self.rows += [[cells.get(column, "") for column in self.header] for cells in missing]
        return len(missing)

    def labels(self, naming: Naming) -> list[str]:
        """Return the labels of the rows that have one."""
        place = self._column(naming.label)
        return [row[place] for row in self.rows if row[place]]

    def fix_division(self, subsets: Mapping[str, str], naming: Naming) -> None:
        """Write down which subset each image is in, by its path, where the table leaves that open.

        Else the next split would draw test images from those that were asked for too.
        """
        place = self._column(naming.subset)
        told = {same(path): subset for path, subset in subsets.items()}
        for row in self.rows:
            known = told.get(same(naming.path_in(self._cells(row))), "")
            row[place] = row[place] or known

    def set_labels(self, labels: Mapping[str, str], naming: Naming) -> list[Change]:
        """Label images by their paths, and return what that changed; images that have no row get one.

        Images that had no label join the training images.
        """
        label, subset = self._column(naming.label), self._column(naming.subset)
        wanted = {same(path): name for path, name in labels.items()}
        changes = []
        for row in self.rows:
            path = same(naming.path_in(self._cells(row)))
            name = wanted.pop(path, row[label])
            if name != row[label]:
                changes.append(Change(path, row[label], name))
                row[subset] = row[subset] if row[label] else TRAIN
                row[label] = name
        for path, name in wanted.items():
            cells = {naming.path: path, naming.label: name, naming.subset: TRAIN}
            self.rows.append([cells.get(column, "") for column in self.header])
            changes.append(Change(path, "", name))
        return changes

    def _cells(self, row: list[str]) -> dict[str, str]:
        return dict(zip(self.header, row, strict=True))

    def _column(self, name: str) -> int:
        if name not in self.header:
            self.header.append(name)
            for row in self.rows:
                row.append("")
        return self.header.index(name)


def same(path: str) -> str:
    """Return a path as tables may write it in another way: with backslashes, or letters composed otherwise."""
    return unicodedata.normalize("NFC", PurePosixPath(path.replace("\\", "/")).as_posix()) if path else ""


def read_source_table(path: Path, naming: Naming) -> Table:
    """Read a table as prepare does, and note how it is written."""
    (line, header), *rows = read_rows(path, naming.columns())
    delimiter, written = _find_writing(path, line, header)
    return Table(header, [cells for _, cells in rows], delimiter, written)


def write_source_table(path: Path, table: Table) -> None:
    """Write a table as it was written, but in UTF-8."""
    header = table.written + table.header[len(table.written) :]
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(CsvLines(stream), delimiter=table.delimiter).writerows([header, *table.rows])


def _find_writing(path: Path, line: int, header: list[str]) -> tuple[str, list[str]]:
    """Return the delimiter by which the header's line is what was read, and its columns as they are spelt."""
    with path.open("rb") as stream:
        encoding = "utf-16" if stream.read(2) in UTF16 else "utf-8-sig"
    text = path.read_text(encoding=encoding).split("\n")[line - 1]
    for delimiter in DELIMITERS:
        cells = [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter))]
        if [cell.lower() for cell in cells] == [name.lower() for name in header]:
            return delimiter, cells
    return ",", []
