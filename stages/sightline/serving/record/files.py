"""Files that take no more room than they may: lines that rotate, and images of which the oldest go."""

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from sightline.common.errors import SightlineError

PARTS = 8  # files among which the room is divided
KINDS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"GI": ".gif", b"BM": ".bmp"}


class LineFiles:
    """Files of whole lines in a folder, `most` bytes together; the oldest goes when there are more.

    Each service writes files of its own, named by time and process, so that several may share a folder, and none goes
    on behind a line that a killed one left half-written.
    """

    def __init__(self, folder: Path, most: int):
        self._folder = folder
        self._most = most
        self._file = -1
        self._size = 0

    def write(self, lines: bytes) -> None:
        """Add lines; raises OSError, after which none of them is there."""
        if self._file < 0 or self._size + len(lines) > self._most // PARTS:
            self._begin()
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += len(lines)

    def close(self) -> None:
        """End the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        trim(sorted(self._folder.glob("*.jsonl")), self._most * (PARTS - 1) // PARTS)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{os.getpid()}.jsonl"
        self._file = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        self._size = 0


class ImageFiles:
    """Images under their hashes in a folder, about `most` bytes together; the oldest go when there are more."""

    def __init__(self, folder: Path, most: int):
        self._folder = folder
        self._most = most
        self._room = 0  # bytes that may come before it is looked how much there is

    def write(self, name: str, content: bytes) -> None:
        """Keep an image, unless it is there; raises OSError."""
        path = self._folder / (name + KINDS.get(content[:2], ".tif"))
        if path.exists() or len(content) > self._most // PARTS:
            return
        if len(content) > self._room:
            self._folder.mkdir(parents=True, exist_ok=True)
            files = [file for file in self._folder.iterdir() if file.is_file()]
            trim(sorted(files, key=lambda file: file.stat().st_mtime_ns), self._most * (PARTS - 1) // PARTS)
            self._room = self._most // PARTS
        beside = path.with_name(f".{path.name}.partial")
        try:
            beside.write_bytes(content)
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        self._room -= len(content)


def trim(files: list[Path], most: int) -> None:
    """Delete the first of the files until the others have `most` bytes together or fewer."""
    sizes = [file.stat().st_size for file in files]
    total = sum(sizes)
    for file, size in zip(files, sizes, strict=True):
        if total <= most:
            return
        file.unlink(missing_ok=True)
        total -= size


def refuse_unwritable(folder: Path) -> None:
    """Raise SightlineError where a folder cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SightlineError(f"SIGHTLINE_LOG: {folder}: {error.strerror}: name a folder that can be written") from None
