"""A zip or a tar, read in place: its images are listed once, then found by their offset."""

import bisect
import gzip
import lzma
import tarfile
import zipfile
import zlib
from array import array
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.decode import BadImageError
from sightline.images.sources.zip_entries import ENCRYPTED, ZipEntry, list_entries, read_entry

UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError)
LITTER = {"__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "lost+found"}


class ZipArchive:
    """Members of a zip, sorted by path; where two have the same path, the last one counts."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        names, entries = list_entries(self._file)
        row_of = {name: row for row, name in enumerate(names) if _is_offered(path, name)}
        self._names = sorted(row_of)
        self._entries = entries[[row_of[name] for name in self._names]]

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        row = bisect.bisect_left(self._names, name)
        if self._names[row : row + 1] != [name]:
            raise BadImageError("not in the archive")
        entry = ZipEntry(*self._entries[row].tolist())
        refuse_long(max(entry.size, entry.packed), limit)
        if entry.flags & ENCRYPTED:
            raise BadImageError("encrypted in the archive")
        try:
            return read_entry(self._file.fileno(), entry)
        except zipfile.BadZipFile as error:
            raise BadImageError(f"damaged in the archive: {error}") from None


class TarArchive:
    """Members of a tar in their stored order, since a compressed tar can only be read forwards."""

    def __init__(self, path: Path):
        self._archive = tarfile.open(path)  # noqa: SIM115  (open as long as the container lives)
        self._place: dict[str, int] = {}  # the last of equal names
        self._offsets = array("Q")
        self._sizes = array("Q")
        self._sparse: dict[str, tarfile.TarInfo] = {}
        while (member := self._archive.next()) is not None:
            if member.isreg() and _is_offered(path, member.name):
                self._add(member)
            self._archive.members.clear()  # tarfile would keep an object of 1 kB for each

    def _add(self, member: tarfile.TarInfo) -> None:
        self._place[member.name] = len(self._sizes)
        self._offsets.append(member.offset_data)
        self._sizes.append(member.size)
        if member.issparse():
            self._sparse[member.name] = member

    def names(self) -> list[str]:
        return list(self._place)

    def read(self, name: str, limit: int) -> bytes:
        if name not in self._place:
            raise BadImageError("not in the archive")
        place = self._place[name]
        refuse_long(self._sizes[place], limit)
        try:
            if name in self._sparse:
                return self._archive.extractfile(self._sparse[name]).read()
            self._archive.fileobj.seek(self._offsets[place])
            data = self._archive.fileobj.read(self._sizes[place])
        except (*UNREADABLE, OSError) as error:
            raise BadImageError(f"damaged in the archive: {error}") from None
        if len(data) < self._sizes[place]:
            raise BadImageError("damaged in the archive: truncated")
        return data


def is_litter(name: str) -> bool:
    """Tell whether a path is hidden or left behind by an operating system."""
    return any(step.startswith(".") or step in LITTER for step in name.split("/"))


def refuse_long(size: int, limit: int) -> None:
    """Raise BadImageError for a file of more bytes than any image that is decoded can have."""
    if size > limit:
        raise BadImageError(f"too large: {size} bytes (prepare.max_pixels)")


def _is_offered(path: Path, name: str) -> bool:
    """Tell whether an archive's member is a file that may be an image; refuse it where it points outside."""
    steps = [step for step in name.replace("\\", "/").split("/") if step not in ("", ".")]
    if name[:1] in ("/", "\\") or ".." in steps or (steps and steps[0][1:2] == ":"):
        raise SightlineError(f"{path}: member {name!r} points outside the archive: pack it again with plain paths")
    return not name.endswith("/") and not is_litter(name.removeprefix("./"))
