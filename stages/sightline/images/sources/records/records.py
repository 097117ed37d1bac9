"""Rows that were not written for Sightline: cells of any type, columns of any name, some of them empty."""

import math
from collections.abc import Mapping
from pathlib import Path

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.layouts.by_folder import NOT_MEANT
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import MISSING, name_fault, one_line, shown, tidy
from sightline.images.sources.naming import Naming
from sightline.images.sources.table_columns import (
    RESERVED,
    check_box,
    may_be_pooled,
    read_subsets,
    refuse_divisions,
    refuse_missing_group,
    refuse_subset,
)
from sightline.images.store import BOX_COLUMNS


class Records:
    """Grows a listing row by row; columns may turn up late.

    Columns whose names Sightline needs itself, and cells that are lists or objects, are left out with a note.

    Parameters
    ----------
    naming : Naming
        Which columns tell group and subset.
    where : str
        What the rows come from, for messages.
    """

    def __init__(self, naming: Naming, where: str):
        self.listing = Listing()
        self._naming = naming
        self._where = where
        self._seen: set[str] = set()
        self._left_out: set[str] = set()

    def add(self, path: str, label: object, cells: Mapping[str, object], subset: str = "") -> None:
        """Add an image, to the pool where it has no label; in val and test such are put aside.

        Parameters
        ----------
        cells : mapping
            What else is known of the image by column, its group and subset among it.
        subset : str
            train, val, test, unlabelled or ``""``, where no cell says so.
        """
        self._seen |= cells.keys()
        name = tidy(one_line(as_text(label)))
        subset = as_text(cells.get(self._naming.subset)) or subset
        if subset != "unlabelled":
            refuse_subset(subset, f"{self._where}: {path}")
        labelled = bool(name) and subset != "unlabelled" and name.lower() not in MISSING
        if not labelled and not may_be_pooled(subset):
            self.put_aside(path, "no label", subset)
            return
        fault = name_fault(path)
        if fault:
            self.listing.refused.append((shown(path), fault))
            return
        further = {column: one_line(as_text(value)) for column, value in cells.items() if self._is_kept(column, value)}
        check_box([further.get(column, "") for column in BOX_COLUMNS], f"{self._where}: {path}")
        group = one_line(as_text(cells.get(self._naming.group)))
        refuse_missing_group(group, f"{self._where}: {path}")
        if not labelled:
            self.listing.add_unlabelled(path, group, further)
            return
        for column in further.keys() - self.listing.further.keys():
            self.listing.further[column] = [""] * len(self.listing.paths)
        texts = [further.get(column, "") for column in self.listing.further]
        self.listing.add(path, name, subset, group, texts)

    def put_aside(self, path: str, reason: str, subset: str) -> None:
        """List what cannot be used; it counts as bad, but where images without labels are published."""
        kept = self.listing.aside if subset in NOT_MEANT else self.listing.refused
        kept.append((shown(path), reason))

    def finish(self) -> Listing:
        """Return the listing.

        Raises
        ------
        SightlineError
            There is no image, prepare.group or prepare.subset names a column that no row had, or a column divides the
            images and is not named.
        """
        listing = self.listing
        for key in {"group", "subset"} & self._naming.changed().keys():
            column = getattr(self._naming, key)
            if column not in self._seen:
                found = ", ".join(sorted(self._seen)) or "none"
                raise SightlineError(f"{self._where}: has no {column!r} (found: {found}): set prepare.{key} to one")
        if not listing.paths:
            pooled = [(path, "no label") for path in listing.pool.paths[:1]] if listing.pool else []
            path, reason = (listing.refused or pooled or listing.aside or [("", "no rows")])[0]
            raise SightlineError(f"prepare.source: {self._where}: no image with a label: {path} ({reason})")
        if not any(listing.subsets):
            refuse_divisions(Path(self._where), listing.further)
        listing.subsets = read_subsets(listing.subsets)
        for part in filter(None, (listing, listing.pool)):
            part.further = dict(sorted(part.further.items()))
        if self._left_out:
            listing.notes.append(f"columns that are left out: {quote_some(sorted(self._left_out))}")
        return listing

    def _is_kept(self, column: str, value: object) -> bool:
        if column in (self._naming.group, self._naming.subset, self._naming.label):
            return False
        if column in RESERVED or isinstance(value, list | dict | bytes):
            self._left_out.add(column)
            return False
        return True


def as_text(value: object) -> str:
    """Return a cell as text, ``""`` where it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()
