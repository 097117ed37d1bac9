"""The compared images once more from their files: what a server would feed the exported model."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.common.errors import SightlineError
from sightline.deployment.parity import ParitySet
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.containers import Container
from sightline.images.sources.naming import PLAIN, Naming
from sightline.images.sources.open import open_source

ANY_SIZE = 1 << 62  # prepare has refused what is too large


@dataclass(frozen=True)
class SourceFiles:
    """Images as files: where they lie, and how they become pixels."""

    source: str
    container: Container
    preprocessing: Preprocessing

    def read(self, ids: list[str]) -> np.ndarray:
        """Return the pixels uint8 [n, H, W, 3] of n > 0 files.

        Raises
        ------
        SightlineError
            A file cannot be read or decoded any more.
        """
        contents = [self._read(name) for name in ids]
        with ThreadPoolExecutor() as pool:
            return np.stack(list(pool.map(self._decode, ids, contents)))

    def _read(self, name: str) -> bytes:
        try:
            return self.container.read(name, ANY_SIZE)
        except BadImageError as error:
            raise self._changed(name, error) from None

    def _decode(self, name: str, content: bytes) -> np.ndarray:
        try:
            return decode(content, self.preprocessing, ANY_SIZE).pixels
        except BadImageError as error:
            raise self._changed(name, error) from None

    def _changed(self, name: str, error: BadImageError) -> SightlineError:
        return SightlineError(f"{self.source}: {name}: {error}, but prepare could read it: run `dvc repro prepare`")


def open_files(source: str, preprocessing: Preprocessing, naming: Naming = PLAIN) -> SourceFiles | None:
    """Open a source as prepare did.

    None where it has no files: torchvision hands over arrays, and `dvc pull` may have brought the outputs alone.
    """
    if not _is_here(source):
        return None
    return SourceFiles(source, open_source(source, naming)[1], preprocessing)


@dataclass(frozen=True)
class ParityImages:
    """The compared images, twice: as stored, and decoded again from their files where these are here.

    Parameters
    ----------
    pixels : ndarray
        uint8 [N, H, W, 3], all stored images.
    compared : ParitySet
        Which of them are compared.
    files : SourceFiles or None
        Where they lie.
    at_once : int
        Images at a time, > 0.
    """

    pixels: np.ndarray
    compared: ParitySet
    files: SourceFiles | None
    at_once: int

    def stored(self) -> Iterator[np.ndarray]:
        """Yield batches uint8 [at most at_once, H, W, 3]."""
        for start in range(0, len(self.compared.rows), self.at_once):
            yield np.ascontiguousarray(self.pixels[self.compared.rows[start : start + self.at_once]])

    def decoded(self) -> Iterator[np.ndarray]:
        """Yield the same batches from the files' bytes; as stored where there are no files."""
        if self.files is None:
            yield from self.stored()
            return
        for start in range(0, len(self.compared.ids), self.at_once):
            yield self.files.read(self.compared.ids[start : start + self.at_once])


def _is_here(source: str) -> bool:
    path = Path(source)
    return source == "digits" or (path.parent if "{" in path.name else path).exists()  # {0000..0063}.tar
