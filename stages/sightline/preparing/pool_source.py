"""`prepare.unlabelled`, and rows of a labelled table that have no label: where images without labels come from."""

from dataclasses import dataclass
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, Container, open_container
from sightline.images.sources.layouts.by_folder import keep_images
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import side_kind
from sightline.images.sources.open import RAW, inside_raw


@dataclass
class PoolPart:
    """Images without labels from one place; `before` makes their paths those below data/raw, which are their ids."""

    listing: Listing
    container: Container
    before: str

    def id_of(self, position: int) -> str:
        return self.before + self.listing.paths[position]


def rows_without_label(listing: Listing, container: Container, source: str) -> list[PoolPart]:
    """Return the part of the pool that a labelled source holds, if any."""
    if listing.pool is None:
        return []
    return [PoolPart(listing.pool, container, _below_raw(getattr(container, "root", Path(source))))]


def open_unlabelled(unlabelled: str) -> list[PoolPart]:
    """List what may be an image in a folder or an archive below ``data/raw``, whatever its folders are called.

    Parameters
    ----------
    unlabelled : str
        `prepare.unlabelled`; ``""`` for none.

    Raises
    ------
    SightlineError
        Nothing is there, it is neither a folder nor an archive, or no file in it may be an image.
    """
    if not unlabelled:
        return []
    path = inside_raw(unlabelled, "unlabelled", others="")
    where = f"params.yaml: prepare.unlabelled: {path}"
    if not path.exists():
        raise SightlineError(f"{where} does not exist: put a folder or an archive of images there, or set it to ''")
    if not path.is_dir() and not path.name.lower().endswith(ARCHIVE_SUFFIXES):
        raise SightlineError(f"{where} must be a folder or one of {' '.join(ARCHIVE_SUFFIXES)}")
    container = open_container(path, RAW)
    listing = Listing()
    listing.paths = keep_images(container.names(), listing)
    listing.groups = [""] * len(listing.paths)
    listing.notes += container.notes
    listing.refused += [(name, reason) for name, reason in container.refused if not side_kind(name)]
    if not listing.paths:
        raise SightlineError(f"{where} holds no image: put images there, or set it to ''")
    return [PoolPart(listing, container, _below_raw(path))]


def _below_raw(root: Path) -> str:
    below = root.relative_to(RAW).as_posix()
    return "" if below == "." else f"{below}/"


def count_files(parts: list[PoolPart]) -> int:
    """Return how many files were listed that may be images."""
    return sum(len(part.listing.paths) for part in parts)
