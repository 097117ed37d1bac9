"""Where image bytes lie: a folder, a zip or a tar. Each lists its files and reads one; none is unpacked."""

from pathlib import Path
from typing import Protocol

from sightline.common.errors import SightlineError
from sightline.images.sources.archives import UNREADABLE, TarArchive, ZipArchive
from sightline.images.sources.folder import Folder, refuse_linked

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
ARCHIVE_SUFFIXES = (".zip", *TAR_SUFFIXES)
TEXT_LIMIT = 1 << 30  # bytes of a text that is read beside images


class Container(Protocol):
    """Files by their POSIX path.

    As soon as names are listed, `refused` holds (path as it can be shown, reason) of what is no readable file, and
    `hidden` images that are hidden, or hidden folders, and `notes` lines that the user should read once.
    """

    refused: list[tuple[str, str]]
    hidden: list[str]
    notes: list[str]

    def names(self) -> list[str]:
        """Return the files' paths in the order in which reading is cheapest; hidden files and litter are left out."""

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's bytes; BadImageError when it is missing, damaged or longer than `limit` bytes."""


def open_container(path: Path, within: Path | None = None) -> Container:
    """Open a folder or an archive, by its suffix.

    Parameters
    ----------
    path : Path
    within : Path or None
        Folder that DVC watches, in which no folder may be a link.

    Raises
    ------
    SightlineError
        Nothing is there, the archive is damaged, or it has members that point outside it.
    """
    if path.is_dir():
        return Folder(path, within)
    if not path.exists():
        raise SightlineError(f"params.yaml: prepare.source: {path} does not exist: put your images there")
    refuse_linked(path.parent, within)
    if not path.is_file():
        raise SightlineError(f"params.yaml: prepare.source: {path} is neither a folder nor a file")
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
