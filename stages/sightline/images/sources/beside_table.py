"""The files that a table names: below its folder, or inside archives there."""

import unicodedata
from collections import defaultdict
from pathlib import Path

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.archives import TarArchive
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, Container, open_container
from sightline.images.sources.folder import Folder

MOST_OPEN = 512  # archives, each of which is an open file; the one opened first is closed for another


class BesideTable:
    """Files below the table's folder, or inside archives there: ``photos.zip/cats/1.jpg``."""

    def __init__(self, root: Path, paths: list[str], within: Path | None = None, most_open: int = MOST_OPEN):
        self.root = root
        self.folder = Folder(root, within)
        self.refused: list[tuple[str, str]] = []
        self.hidden: list[str] = []
        self.notes: list[str] = []
        self._paths = paths
        self._most_open = most_open
        self._archives: dict[str, Container] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def names(self) -> list[str]:
        return self._paths

    def read(self, name: str, limit: int) -> bytes:
        archive, member = split_archive(name)
        if not archive:
            return self.folder.read(name, limit)
        if not _is_there(self.folder.root / archive):
            raise BadImageError(f"file not found: {archive}")
        return self._open(archive).read(member, limit)

    def spelt(self, name: str) -> str:
        """Return a path as it is stored, which may compose its letters in another way than the table does."""
        if name.isascii():
            return name
        forms = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
        return next(filter(self._holds, forms), name)

    def _holds(self, name: str) -> bool:
        archive, member = split_archive(name)
        if not archive:
            return _is_there(self.folder.root / name)
        return _is_there(self.folder.root / archive) and member in self._members(archive)

    def _members(self, archive: str) -> frozenset[str]:
        if archive not in self._listed:
            self._listed[archive] = frozenset(self._open(archive).names())
        return self._listed[archive]

    def cheapest_order(self) -> list[int]:
        """Return the paths' positions so that each tar is read forwards; all others keep their place."""
        rows = defaultdict(list)
        for row, name in enumerate(self._paths):
            archive = split_archive(name)[0]
            if archive:
                rows[archive].append(row)
        order = list(range(len(self._paths)))
        for archive, places in rows.items():
            if _is_there(self.folder.root / archive) and isinstance(self._open(archive), TarArchive):
                stored = {name: place for place, name in enumerate(self._open(archive).names())}
                last = len(stored)  # where what is not in the tar goes
                members = [(stored.get(self._paths[row][len(archive) + 1 :], last), row) for row in places]
                for place, (_, row) in zip(places, sorted(members), strict=True):
                    order[place] = row
        return order

    def _open(self, archive: str) -> Container:
        if archive not in self._archives:
            while len(self._archives) >= self._most_open:
                del self._archives[next(iter(self._archives))]
            self._archives[archive] = open_container(self.folder.root / archive)
        return self._archives[archive]


def split_archive(name: str) -> tuple[str, str]:
    """Cut a path into that of an archive and that inside it; the first is ``""`` for a file outside of archives."""
    steps = name.split("/")
    for index, step in enumerate(steps[:-1]):
        if step.lower().endswith(ARCHIVE_SUFFIXES):
            return "/".join(steps[: index + 1]), "/".join(steps[index + 1 :])
    return "", name


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for a disk
        return False
