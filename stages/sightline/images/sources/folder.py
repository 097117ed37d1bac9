"""Files below a folder: sorted, links followed where DVC sees what lies behind them, all else listed with a reason."""

import os
import stat
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.archives import refuse_long
from sightline.images.sources.members import refuse_folder_name
from sightline.images.sources.names import is_hidden_image, is_litter, name_fault, shown


class Folder:
    """Files below a folder, sorted by path.

    Parameters
    ----------
    root : Path
    within : Path or None
        Folder that DVC watches. It does not look behind links to folders, so that they are refused, but for those to
        what is read anyway; None where nobody watches.
    """

    def __init__(self, root: Path, within: Path | None = None):
        self.root = root
        self._within = within
        self.refused: list[tuple[str, str]] = []
        self.hidden: list[str] = []
        self.notes: list[str] = []

    def names(self) -> list[str]:
        self.refused.clear()
        self.hidden.clear()
        refuse_linked(self.root, self._within)
        visited: set[tuple[int, int]] = set()
        found: list[str] = []
        waiting = [""]
        while waiting:  # links after all that lies at its own place, whatever the order on the disk
            links: list[str] = []
            for folder in sorted(waiting):
                self._list(folder, visited, found, links)
            waiting = links
        self.refused.sort()
        return sorted(found)

    def _list(self, folder: str, visited: set[tuple[int, int]], found: list[str], links: list[str]) -> None:
        """Add the files below `folder` to `found` and linked folders to `links`."""
        place = _identity(self.root / folder)
        if place in visited:
            self.refused.append((folder, "a link to a folder that is read at its own place"))
            return
        refuse_linked(self.root / folder, self._within)
        visited.add(place)
        for entry in _entries(self.root / folder):
            name = f"{folder}/{entry.name}" if folder else entry.name
            kind = "litter" if is_litter(entry.name) else _kind(entry)
            if kind == "folder":
                refuse_folder_name(name, self.root)
                if entry.is_symlink():
                    links.append(name)
                else:
                    self._list(name, visited, found, links)
            elif kind == "file" and not name_fault(entry.name):
                found.append(name)
            elif kind == "litter":
                self.hidden += [name] if is_hidden_image(name) or _is_hidden_folder(entry) else []
            else:
                self.refused.append((shown(name), name_fault(entry.name) or kind))

    def read(self, name: str, limit: int) -> bytes:
        path = self.root / name
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # a pipe without a writer would be waited for
                raise BadImageError(
                    "cannot be read: " + ("Is a directory" if stat.S_ISDIR(status.st_mode) else "a pipe or a device")
                )
            refuse_long(status.st_size, limit)
            with path.open("rb", buffering=0) as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            raise BadImageError("file not found") from None
        except OSError as error:
            raise BadImageError(f"cannot be read: {error.strerror}") from None


def refuse_linked(path: Path, within: Path | None) -> None:
    """Raise SightlineError where a link stands on the way from `within` to a folder below it.

    DVC 3.67 follows links to files, and `within` itself where it is one. Of a link to a folder inside it sees nothing:
    neither what lies behind it, nor that the link is there.
    """
    if within is None:
        return
    target = path.resolve()
    if target != within.resolve() / path.relative_to(within):
        raise SightlineError(
            f"{path}: a link leads to {target}, where DVC sees no changes: move the folder itself below {within} "
            f"(a link may lead to it from its old place), or remove the link and run "
            f"`dvc import-url {target} {path}`; `dvc update {path}.dvc` then brings what changed"
        )


def refuse_linked_folders(root: Path, within: Path) -> None:
    """Raise SightlineError where a source holds a link to a folder that is not read anyway, two levels down at most.

    That is where classes and subsets stand, which people link. DVC does not see that such a link has come.
    """
    refuse_linked(root, within)
    upper = [root, *(Path(entry) for entry in _entries(root) if entry.is_dir(follow_symlinks=False))]
    for folder in upper:
        for entry in _entries(folder):
            is_folder = entry.is_symlink() and entry.is_dir() and not is_litter(entry.name)
            if is_folder and not Path(entry).resolve().is_relative_to(root.resolve()):
                refuse_linked(Path(entry), within)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _entries(folder: Path) -> list[os.DirEntry]:
    """Return what a folder holds; SightlineError where it may not be read, since a class would be missing."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SightlineError(f"{folder}: {reason}: allow reading it, or move it out of the source") from None


def _is_hidden_folder(entry: os.DirEntry) -> bool:
    return entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _kind(entry: os.DirEntry) -> str:
    """Return ``folder``, ``file``, or why it is neither."""
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "a link to nothing" if entry.is_symlink() else "not a file: a pipe, a socket or a device"
