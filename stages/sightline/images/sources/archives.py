"""A zip or a tar, read in place: its images are listed once, then found by their offset."""

import bisect
import contextlib
import gzip
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from array import array
from pathlib import Path

import numpy as np

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.members import clean_member, follow_links, is_offered, link_target
from sightline.images.sources.names import is_hidden_image, shown
from sightline.images.sources.zips.entries import ENCRYPTED, ZipEntry, list_entries, read_entry
from sightline.images.sources.zips.methods import METHODS, UNPACK

UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError)
LONGEST_LINK = 4096  # bytes of the path that a link in a zip holds
PIECE = 1 << 20  # bytes
MODE = ZipEntry._fields.index("mode")
S_IFMT = 0o170000  # the bits of a mode that tell what it is


class ZipArchive:
    """Members of a zip, sorted by path; where two have the same path, the last one counts."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        self.refused: list[tuple[str, str]] = []
        self.hidden: list[str] = []
        repeated = 0
        names, entries = list_entries(self._file)
        row_of = {}
        for row, raw in enumerate(names):
            name = clean_member(raw, path)
            if name.endswith("/"):
                continue
            if is_offered(name, path, self.refused):
                repeated += name in row_of
                row_of[name] = row
            elif is_hidden_image(name):
                self.hidden.append(name)
        self.notes = note_repeated(repeated, path)
        self._follow(row_of, entries)
        self._names = sorted(row_of)
        self._entries = entries[[row_of[name] for name in self._names]]

    def _follow(self, row_of: dict[str, int], entries: np.ndarray) -> None:
        is_link = (entries[:, MODE] & S_IFMT) == stat.S_IFLNK
        links = {}
        for name in [name for name, row in row_of.items() if is_link[row]]:
            with contextlib.suppress(BadImageError):  # told when it is read as a file
                target = self._read(ZipEntry(*entries[row_of[name]].tolist()), LONGEST_LINK)
                links[name] = link_target(name, target.decode("utf-8", "surrogateescape"))
                del row_of[name]
        follow_links(links, row_of, self.refused)

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        row = bisect.bisect_left(self._names, name)
        if self._names[row : row + 1] != [name]:
            raise BadImageError("not in the archive")
        return self._read(ZipEntry(*self._entries[row].tolist()), limit)

    def _read(self, entry: ZipEntry, limit: int) -> bytes:
        refuse_long(max(entry.size, entry.packed), limit)
        if entry.flags & ENCRYPTED:
            raise BadImageError("encrypted in the archive")
        try:
            return read_entry(self._file.fileno(), entry)
        except ImportError:
            method = METHODS.get(entry.method, f"method {entry.method}")
            install = "pip install -r requirements-formats.txt, or " if entry.method in UNPACK else ""
            raise BadImageError(
                f"packed by {method}: {install}pack the archive again, by Deflate or not at all"
            ) from None
        except zipfile.BadZipFile as error:
            raise BadImageError(f"damaged in the archive: {error}") from None


class TarArchive:
    """Members of a tar in their stored order, since a compressed tar can only be read forwards.

    Links are read as the file that they lead to, and stand beside it in that order.
    """

    def __init__(self, path: Path):
        self._archive = tarfile.open(path, encoding="utf-8")  # noqa: SIM115  (open as long as the container lives)
        self._place: dict[str, int] = {}  # the last of equal names
        self._offsets = array("Q")
        self._sizes = array("Q")
        self._sparse: dict[int, tarfile.TarInfo] = {}
        self._last = (-1, b"")  # a link's file was read just before: going back costs the whole archive
        self.refused: list[tuple[str, str]] = []
        self.hidden: list[str] = []
        self._repeated = 0
        links = {}
        while (member := self._archive.next()) is not None:
            self._list(member, path, links)
            self._archive.members.clear()  # tarfile would keep an object of 1 kB for each
        self._refuse_early_end()
        self.notes = note_repeated(self._repeated, path)
        self._follow(links)

    def _refuse_early_end(self) -> None:
        """Raise ReadError where something follows the end: a header that is cut or damaged, or another archive.

        tarfile takes both for the end.
        """
        end = self._archive.offset
        self._archive.fileobj.seek(end)
        if self._archive.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"no header of a member at byte {end}")
        while piece := self._archive.fileobj.read(PIECE):
            if piece.strip(b"\0"):
                raise tarfile.ReadError(
                    f"something follows its end at byte {end}: if archives were put together, use `tar --concatenate`"
                )

    def _list(self, member: tarfile.TarInfo, path: Path, links: dict[str, str]) -> None:
        if member.isdir():
            return
        name = clean_member(member.name, path)
        if not is_offered(name, path, self.refused):
            self.hidden += [name] if is_hidden_image(name) else []
            return
        self._repeated += name in self._place or name in links
        self._place.pop(name, None)
        links.pop(name, None)
        if member.islnk():
            links[name] = posixpath.normpath(member.linkname)
        elif member.issym():
            links[name] = link_target(name, member.linkname)
        elif member.isreg():
            self._add(name, member)
        else:
            self.refused.append((shown(name), "not a file: a device or a pipe"))

    def _add(self, name: str, member: tarfile.TarInfo) -> None:
        self._place[name] = len(self._sizes)
        if member.issparse():
            self._sparse[len(self._sizes)] = member
        self._offsets.append(member.offset_data)
        self._sizes.append(member.size)

    def _follow(self, links: dict[str, str]) -> None:
        if links:
            follow_links(links, self._place, self.refused)
            self._place = dict(sorted(self._place.items(), key=lambda item: item[1]))

    def names(self) -> list[str]:
        return list(self._place)

    def read(self, name: str, limit: int) -> bytes:
        if name not in self._place:
            raise BadImageError("not in the archive")
        place = self._place[name]
        refuse_long(self._sizes[place], limit)
        if self._last[0] != place:
            self._last = (place, self._read(place))
        return self._last[1]

    def _read(self, place: int) -> bytes:
        try:
            if place in self._sparse:
                return self._archive.extractfile(self._sparse[place]).read()
            self._archive.fileobj.seek(self._offsets[place])
            data = self._archive.fileobj.read(self._sizes[place])
        except (*UNREADABLE, OSError) as error:
            raise BadImageError(f"damaged in the archive: {error}") from None
        if len(data) < self._sizes[place]:
            raise BadImageError("damaged in the archive: truncated")
        return data


def note_repeated(count: int, path: Path) -> list[str]:
    """Return a line on paths that stand in an archive more than once, or nothing."""
    return [f"{path}: {count:,} files are there again under the same path: the last one counts"] if count else []


def refuse_long(size: int, limit: int) -> None:
    """Raise BadImageError for a file of more bytes than any image that is decoded can have."""
    if size > limit:
        raise BadImageError(f"too large: {size} bytes (prepare.max_pixels)")
