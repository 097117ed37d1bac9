"""`prepare.unlabelled`, and rows of a labelled table that have no label: where images without labels come from."""

from dataclasses import dataclass
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, Container, open_container
from sightline.images.sources.layouts.by_folder import keep_images
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import side_kind, tidy
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


def open_unlabelled(unlabelled: str, labelled: Listing, source: str) -> list[PoolPart]:
    """List what may be an image in a folder or an archive below ``data/raw``, whatever its folders are called.

    Parameters
    ----------
    unlabelled : str
        `prepare.unlabelled`; ``""`` for none.
    labelled : Listing
        What `source` offers.

    Raises
    ------
    SightlineError
        Nothing is there, it is neither a folder nor an archive, no file in it may be an image, or the source
        takes it for a class.
    """
    if not unlabelled:
        return []
    path = inside_raw(unlabelled, "unlabelled", others="")
    where = f"params.yaml: prepare.unlabelled: {path}"
    if not path.exists():
        raise SightlineError(f"{where} does not exist: put a folder or an archive of images there, or set it to ''")
    if not path.is_dir() and not path.name.lower().endswith(ARCHIVE_SUFFIXES):
        raise SightlineError(f"{where} must be a folder or one of {' '.join(ARCHIVE_SUFFIXES)}")
    refuse_pool_as_class(labelled, source, unlabelled)
    container = open_container(path, RAW)
    listing = Listing()
    listing.paths = keep_images(container.names(), listing)
    listing.groups = [""] * len(listing.paths)
    listing.notes += container.notes
    listing.refused += [(name, reason) for name, reason in container.refused if not side_kind(name)]
    if not listing.paths:
        raise SightlineError(f"{where} holds no image: put images there, or set it to ''")
    return [PoolPart(listing, container, _below_raw(path))]


def refuse_pool_as_class(listing: Listing, source: str, unlabelled: str) -> None:
    """Raise SightlineError where the source takes the pool's folder, or one around it, for a class."""
    if not Path(unlabelled).is_relative_to(source):
        return
    steps = {tidy(step) for step in Path(unlabelled).relative_to(source).parts}
    inside = f"{Path(unlabelled).relative_to(source).as_posix()}/"
    for path, name in zip(listing.paths, listing.classes, strict=True):
        if name in steps and path.startswith(inside):
            raise SightlineError(
                f"params.yaml: prepare.unlabelled: {unlabelled} lies inside prepare.source, which takes its images for "
                f"the class {name!r}: move the folder out of {source}"
            )


def _below_raw(root: Path) -> str:
    below = root.relative_to(RAW).as_posix()
    return "" if below == "." else f"{below}/"


def count_files(parts: list[PoolPart]) -> int:
    """Return how many files were listed that may be images."""
    return sum(len(part.listing.paths) for part in parts)
