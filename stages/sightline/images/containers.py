"""Where image bytes lie: a folder, a zip or a tar. Each lists its files and reads one; none is unpacked."""

import os
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Protocol

from sightline.common.errors import SightlineError
from sightline.images.decode import BadImageError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
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
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
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
        path = self.root / name
        try:
            _refuse_long(path.stat().st_size, limit)
            return path.read_bytes()
        except FileNotFoundError:
            raise BadImageError("file not found") from None
        except (PermissionError, IsADirectoryError) as error:
            raise BadImageError(f"cannot be read: {error.strerror}") from None


class ZipArchive:
    """Members of a zip, sorted by path."""

    def __init__(self, path: Path):
        self.archive = zipfile.ZipFile(path)
        self._names = sorted(_safe_names(path, (info.filename for info in self.archive.infolist())))

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        try:
            _refuse_long(self.archive.getinfo(name).file_size, limit)
            return self.archive.read(name)
        except KeyError:
            raise BadImageError("not in the archive") from None
        except (zipfile.BadZipFile, zipfile.zlib.error, EOFError, NotImplementedError) as error:
            raise BadImageError(f"damaged in the archive: {error}") from None
        except RuntimeError:
            raise BadImageError("encrypted in the archive") from None


class TarArchive:
    """Members of a tar in their stored order, since a compressed tar can only be read forwards."""

    def __init__(self, path: Path):
        self.archive = tarfile.open(path)  # noqa: SIM115  (open as long as the container lives)
        self.members = {member.name: member for member in self.archive if member.isreg()}
        self._names = list(_safe_names(path, self.members))

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        if name not in self.members:
            raise BadImageError("not in the archive")
        _refuse_long(self.members[name].size, limit)
        try:
            return self.archive.extractfile(self.members[name]).read()
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BadImageError(f"damaged in the archive: {error}") from None


def is_litter(name: str) -> bool:
    """Tell whether a path is hidden or left behind by an operating system."""
    return any(part.startswith(".") or part in LITTER for part in name.split("/"))


def _safe_names(path: Path, names) -> list[str]:
    kept = []
    for name in names:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or pure.as_posix()[1:2] == ":":
            raise SightlineError(f"{path}: member {name!r} points outside the archive: pack it again with plain paths")
        if not name.endswith("/") and not is_litter(name.removeprefix("./")):
            kept.append(name)
    return kept


def _refuse_long(size: int, limit: int) -> None:
    if size > limit:
        raise BadImageError(f"too large: {size} bytes (prepare.max_pixels)")
