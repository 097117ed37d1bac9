"""Answers become labels of the table that prepare reads: cells of its rows, or rows that it did not have."""

import csv
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sightline.common.files import CsvLines, replacing
from sightline.images.sources.naming import Naming
from sightline.images.sources.table_rows import read_rows

TRAIN = "train"  # the subset of all that was asked for: chosen images are no fair sample to be judged on


class Change(NamedTuple):
    """What became of an image's label; `before` is ``""`` where it had none."""

    path: str
    before: str
    label: str


@dataclass
class Table:
    """A header and rows as long as it; paths are relative to the table's folder."""

    header: list[str]
    rows: list[list[str]]

    def has_path(self, naming: Naming) -> set[str]:
        """Return the paths of all rows."""
        return {same(naming.path_in(self._cells(row))) for row in self.rows}

    def fix_division(self, subsets: Mapping[str, str], naming: Naming) -> None:
        """Write down which subset each image is in, by its path, where the table leaves that open.

        Else the next split would draw test images from those that were asked for too.
        """
        place = self._column(naming.subset)
        for row in self.rows:
            known = subsets.get(same(naming.path_in(self._cells(row))), "")
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
    """Read a table as prepare does."""
    (_, header), *rows = read_rows(path, naming.columns())
    return Table(header, [cells for _, cells in rows])


def write_source_table(path: Path, table: Table) -> None:
    """Write a table in UTF-8, with tabs where its name ends so."""
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        write_lines(CsvLines(stream), [table.header, *table.rows], delimiter)


def write_lines(stream: CsvLines, rows: Iterable[list[str]], delimiter: str) -> None:
    csv.writer(stream, delimiter=delimiter).writerows(rows)
