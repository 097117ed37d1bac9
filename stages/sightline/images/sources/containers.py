"""Where image bytes lie: a folder, a zip or a tar. Each lists its files and reads one; none is unpacked."""

import os
from pathlib import Path
from typing import Protocol

from sightline.common.errors import SightlineError
from sightline.images.decode import BadImageError
from sightline.images.sources.archives import UNREADABLE, TarArchive, ZipArchive, is_litter, refuse_long

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")


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
        names = []
        visited = set()
        for folder, folders, files in os.walk(self.root, followlinks=True):
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in visited:
                folders.clear()
                continue
            visited.add((status.st_dev, status.st_ino))
            relative = Path(folder).relative_to(self.root).as_posix()
            names += [name if relative == "." else f"{relative}/{name}" for name in files]
        return sorted(name for name in names if not is_litter(name))

    def read(self, name: str, limit: int) -> bytes:
        try:
            with (self.root / name).open("rb", buffering=0) as stream:
                refuse_long(os.fstat(stream.fileno()).st_size, limit)
                return stream.read()
        except FileNotFoundError:
            raise BadImageError("file not found") from None
        except (PermissionError, IsADirectoryError) as error:
            raise BadImageError(f"cannot be read: {error.strerror}") from None
