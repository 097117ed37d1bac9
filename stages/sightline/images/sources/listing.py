"""What a source offers: labelled images, and all that it holds besides, with the reason why it is not used."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Listing:
    """Labelled images as columns of equal length; equal names are one string, so memory stays near the paths' own.

    `subsets` and `groups` hold ``""`` where the source names none; `unlabelled` are image paths without a class, and
    `pool` the rows of a table that have no label, meant so; both listings hold in `further` what else a table says of
    each image, text by the column's name. `refused` are (path, reason) of
    what cannot be used, `aside` of what was never meant to be; `side_files` counts files beside the images by suffix,
    and `notes` are lines that the user should read once.
    """

    paths: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    subsets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    further: dict[str, list[str]] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    side_files: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    pool: "Listing | None" = None

    def add(self, path: str, class_name: str, subset: str = "", group: str = "", further: Iterable[str] = ()) -> None:
        self.paths.append(path)
        self.classes.append(sys.intern(class_name))
        self.subsets.append(sys.intern(subset))
        self.groups.append(sys.intern(group))
        for values, text in zip(self.further.values(), further, strict=True):
            values.append(sys.intern(text))

    def add_unlabelled(self, path: str, group: str, further: dict[str, str]) -> None:
        """Add a row without a label to the pool, whatever columns those before it had."""
        if self.pool is None:
            self.pool = Listing()
        for column in further.keys() - self.pool.further.keys():
            self.pool.further[column] = [""] * len(self.pool.paths)
        self.pool.add(path, "", group=group, further=[further.get(column, "") for column in self.pool.further])

    def reorder(self, places: list[int]) -> None:
        """Put the images into another order: the one at `places[0]` first; one whose place is not named is dropped."""
        columns = (self.paths, self.classes, self.subsets, self.groups, *self.further.values())
        for column in columns:
            column[:] = [column[place] for place in places]
