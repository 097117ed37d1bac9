"""Corrections of images that have another id now, found again by their content; and of those that are gone."""

import hashlib
from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath

from sightline.common.errors import SightlineError, name_some, quote_some
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.beside_table import BesideTable
from sightline.images.sources.containers import Container
from sightline.images.sources.listing import Listing
from sightline.preparing.corrections import Correction


def follow(
    corrections: dict[str, Correction], listing: Listing, container: Container, longest: int
) -> tuple[dict[str, Correction], list[Correction]]:
    """Return corrections by the ids that their images have in a listing, and those whose image it lacks.

    A row whose id is not there goes with its `sha256`: to the image of that content under another id, of which no other
    row speaks. The listing's notes tell of such images.

    Parameters
    ----------
    longest : int
        Bytes that an image may have.

    Raises
    ------
    SightlineError
        More images have that content than rows look for it, or these rows contradict each other.
    """
    known = set(listing.paths)
    placed = {name: correction for name, correction in corrections.items() if name in known}
    gone = [correction for name, correction in corrections.items() if name not in known]
    free = [name for name in listing.paths if name not in placed]
    moved: list[str] = []
    copies = _find_content(free, container, {one.sha256 for one in gone} - {""}, longest)
    starts = _table_folders(listing, container) if copies else []
    for digest, names in copies.items():
        rows = [one for one in gone if one.sha256 == digest and not _lies_below(starts, one, container, longest)]
        _refuse_doubtful(rows, names)
        for one, name in zip(rows, names, strict=False):
            gone.remove(one)
            placed[name] = replace(one, id=name)
            moved.append(f"{one.id!r} is {name!r}")
    if moved:
        listing.notes.append(
            f"{len(moved):,} corrections apply to images that have another id now (found by sha256): "
            f"{name_some(moved)}: mend the ids, or delete rows whose image is gone"
        )
    return placed, gone


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


def _refuse_doubtful(rows: list[Correction], names: list[str]) -> None:
    if rows and (len(names) > len(rows) or len({one.decision for one in rows}) > 1):
        one = rows[0]
        raise SightlineError(
            f"{one.where}: prepare.source has no labelled image {one.id!r}, but its sha256 under {quote_some(names)}: "
            "put the id of the one that is meant, or delete the row"
        )
