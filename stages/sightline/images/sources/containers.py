"""Where image bytes lie: a folder, a zip or a tar. Each lists its files and reads one; none is unpacked."""

import bisect
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from array import array
from pathlib import Path
from typing import Protocol

from sightline.common.errors import SightlineError
from sightline.images.decode import BadImageError
from sightline.images.sources.zip_directory import read_directory
from sightline.images.sources.zip_member import ENCRYPTED, Member, read_member

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError)
LITTER = {"__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "lost+found"}


class Container(Protocol):
    """Files by their POSIX path."""

    def names(self) -> list[str]:
        """Return the files' paths in the order in which reading is cheapest; hidden files and litter are left out."""

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's bytes; BadImageError when it is missing, damaged or longer than `limit` bytes."""


def open_container(path: Path) -> Container:
    """Open a folder or an archive, by its suffix.

    Raises
    ------
    SightlineError
        Nothing is there, the archive is damaged, or it has members that point outside it.
    """
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise SightlineError(f"params.yaml: prepare.source: {path} does not exist: put your images there")
    try:
        if path.name.lower().endswith(".zip"):
            return ZipArchive(path)
        if path.name.lower().endswith(ARCHIVE_SUFFIXES):
            return TarArchive(path)
    except UNREADABLE as error:
        raise SightlineError(f"{path}: not a readable archive: {' '.join(str(error).split())}") from None
    raise SightlineError(
        f"params.yaml: prepare.source: {path} must be a folder, a .csv or one of {' '.join(ARCHIVE_SUFFIXES)}"
    )


class Folder:
    """Files below a folder, sorted by path; linked folders are followed once."""

    def __init__(self, root: Path):
        self.root = root

    def names(self) -> list[str]:
        found, seen = [], set()
        for folder, folders, files in os.walk(self.root, followlinks=True):
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            relative = Path(folder).relative_to(self.root).as_posix()
            found += [name if relative == "." else f"{relative}/{name}" for name in files]
        return sorted(name for name in found if not is_litter(name))

    def read(self, name: str, limit: int) -> bytes:
        try:
            with (self.root / name).open("rb", buffering=0) as stream:
                _refuse_long(os.fstat(stream.fileno()).st_size, limit)
                return stream.read()
        except FileNotFoundError:
            raise BadImageError("file not found") from None
        except (PermissionError, IsADirectoryError) as error:
            raise BadImageError(f"cannot be read: {error.strerror}") from None


class ZipArchive:
    """Members of a zip, sorted by path; where two have the same path, the last one counts."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        names, self._members = read_directory(self._file.fileno())
        place = {name: row for row, name in enumerate(names) if _is_offered(path, name)}
        self._names = sorted(place)
        self._members = self._members[[place[name] for name in self._names]]

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        row = bisect.bisect_left(self._names, name)
        if self._names[row : row + 1] != [name]:
            raise BadImageError("not in the archive")
        member = Member(*self._members[row].tolist())
        _refuse_long(max(member.size, member.packed), limit)
        if member.flags & ENCRYPTED:
            raise BadImageError("encrypted in the archive")
        try:
            return read_member(self._file.fileno(), member)
        except zipfile.BadZipFile as error:
            raise BadImageError(f"damaged in the archive: {error}") from None


class TarArchive:
    """Members of a tar in their stored order, since a compressed tar can only be read forwards."""

    def __init__(self, path: Path):
        self._archive = tarfile.open(path)  # noqa: SIM115  (open as long as the container lives)
        self._place: dict[str, int] = {}  # the last of equal names
        self._offsets, self._sizes = array("Q"), array("Q")
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
        _refuse_long(self._sizes[place], limit)
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
    return any(part.startswith(".") or part in LITTER for part in name.split("/"))


def _is_offered(path: Path, name: str) -> bool:
    """Tell whether an archive's member is a file that may be an image; refuse it where it points outside."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if name[:1] in ("/", "\\") or ".." in parts or (parts and parts[0][1:2] == ":"):
        raise SightlineError(f"{path}: member {name!r} points outside the archive: pack it again with plain paths")
    return not name.endswith("/") and not is_litter(name.removeprefix("./"))


def _refuse_long(size: int, limit: int) -> None:
    if size > limit:
        raise BadImageError(f"too large: {size} bytes (prepare.max_pixels)")
