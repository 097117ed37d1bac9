"""Images that corrections name and the source does not list: whether they lie there under another id."""

import hashlib
from collections import defaultdict
from pathlib import PurePosixPath

from sightline.common.errors import SightlineError, quote_some
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.beside_table import BesideTable
from sightline.images.sources.containers import Container
from sightline.images.sources.listing import Listing
from sightline.preparing.corrections import Correction


def refuse_moved(
    gone: list[Correction], corrections: dict[str, Correction], listing: Listing, container: Container, longest: int
) -> None:
    """Refuse a row whose id is not there where its content is, under another id of which no row speaks.

    It may be a renamed image or a copy of a deleted one, which only a person can tell.

    Parameters
    ----------
    gone : list of Correction
        Those of the corrections whose id the listing has not.
    longest : int
        Bytes that an image may have.

    Raises
    ------
    SightlineError
        There is such a row.
    """
    missing = [correction for correction in gone if correction.sha256]
    free = [name for name in listing.paths if name not in corrections]
    copies = _find_content(free, container, {one.sha256 for one in missing}, longest)
    starts = _table_folders(listing, container) if copies else []
    for one in missing:
        if one.sha256 in copies and not _lies_below(starts, one, container, longest):
            raise SightlineError(
                f"{one.where}: prepare.source has no labelled image {one.id!r}, but the same file under "
                f"{quote_some(copies[one.sha256])}: put the id that is meant, or delete the row"
            )


def file_digest(container: Container, name: str, longest: int) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits, or nothing where it cannot be read."""
    try:
        return hashlib.sha256(container.read(name, longest)).hexdigest()
    except BadImageError:
        return ""


def _find_content(names: list[str], container: Container, wanted: set[str], longest: int) -> dict[str, list[str]]:
    """Return which files have a content that is wanted; all are read where any is."""
    found = defaultdict(list)
    for name in names if wanted else ():
        digest = file_digest(container, name, longest)
        if digest in wanted:
            found[digest].append(name)
    return found


def _table_folders(listing: Listing, container: Container) -> list[str]:
    """Return what may stand before the id of a file that a table does not list, as `locate` says; else nothing."""
    if not isinstance(container, BesideTable):
        return []
    folders = {PurePosixPath(name.rpartition("/")[0]) for name in listing.paths}
    return ["", *sorted({f"{above}/" for folder in folders for above in (folder, *folder.parents) if above.name})]


def _lies_below(starts: list[str], correction: Correction, container: Container, longest: int) -> bool:
    """Tell whether an image still lies where it was, so that whatever else has its content is a copy."""
    return any(file_digest(container, start + correction.id, longest) == correction.sha256 for start in starts)
