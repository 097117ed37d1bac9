"""Apply what people decided about labels to what a source offers, before anything is decoded."""

from collections.abc import Iterable

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.containers import Container
from sightline.images.sources.listing import Listing
from sightline.preparing.corrections import Correction, corrections_path, locate, read_corrections
from sightline.preparing.moved import file_digest, refuse_moved
from sightline.preparing.shards import BYTES_PER_PIXEL

REMOVED = "removed by prepare.corrections"
COUNTED = {"keep": "kept", "relabel": "relabelled", "remove": "removed"}


def apply_corrections(name: str, listing: Listing, container: Container, max_pixels: int) -> dict[str, int]:
    """Do what `correct` does with the table that `prepare.corrections` names, which may be none."""
    given = read_corrections(corrections_path(name)) if name else {}
    return correct(listing, container, given, BYTES_PER_PIXEL * max_pixels)


def correct(listing: Listing, container: Container, corrections: dict[str, Correction], longest: int) -> dict[str, int]:
    """Correct the labels of a listing, and set aside what is removed; return how many were kept, relabelled, removed.

    Parameters
    ----------
    listing : Listing
        As the source tells it; it is changed, and its notes tell of images that have gone.
    container : Container
        Where the bytes of corrected images are read once more, to see whether they are still those.
    corrections : dict of str to Correction
        By id.
    longest : int
        Bytes that an image may have.

    Returns
    -------
    dict of str to int
        An image that already has its new label counts as kept.

    Raises
    ------
    SightlineError
        A row names an image or a class that the source has not, or an image that has changed since.
    """
    corrections = locate(corrections, listing.paths)
    known = set(listing.paths)
    gone = [correction for name, correction in corrections.items() if name not in known]
    refuse_moved(gone, corrections, listing, container, longest)
    _refuse_unknown(gone)
    listing.notes += _describe_gone(gone)
    _refuse_classes(listing, corrections.values())
    counts = dict.fromkeys(COUNTED.values(), 0)
    left = []
    for place, name in enumerate(listing.paths):
        correction = corrections.get(name)
        if correction is None:
            left.append(place)
            continue
        _refuse_changed(container, correction, longest)
        if correction.action == "remove":
            listing.aside.append((name, f"{REMOVED}: {correction.reason or 'no reason given'}"))
        else:
            left.append(place)
        is_new = correction.action == "relabel" and correction.label != listing.classes[place]
        if is_new:
            listing.classes[place] = correction.label
        counts["kept" if correction.action == "relabel" and not is_new else COUNTED[correction.action]] += 1
    listing.reorder(left)
    return counts


def describe_corrections(counts: dict[str, int]) -> list[str]:
    """Return a line that counts what was done, or nothing where nothing was."""
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return [f"labels that people looked at: {said}"] if said else []


def _describe_gone(gone: list[Correction]) -> list[str]:
    """Return a line on images that were to be removed and are not there, or nothing."""
    if not gone:
        return []
    names = quote_some([correction.id for correction in gone])
    return [f"{len(gone):,} corrections remove images that the source does not list any more: {names}"]


def _refuse_unknown(gone: Iterable[Correction]) -> None:
    """Refuse the first row whose image the source has not, but for one that says which file was to be removed."""
    for correction in gone:
        if correction.action != "remove" or not correction.sha256:
            raise SightlineError(
                f"{correction.where}: prepare.source has no labelled image {correction.id!r}: "
                f"mend the id, or delete the row"
            )


def _refuse_classes(listing: Listing, corrections: Iterable[Correction]) -> None:
    classes = set(listing.classes)
    for correction in corrections:
        if correction.action == "relabel" and correction.label not in classes:
            raise SightlineError(
                f"{correction.where}: no class is called {correction.label!r}: "
                f"the classes are {quote_some(sorted(classes))}"
            )


def _refuse_changed(container: Container, correction: Correction, longest: int) -> None:
    if correction.sha256 and file_digest(container, correction.id, longest) != correction.sha256:
        raise SightlineError(
            f"{correction.where}: {correction.id!r} is no longer the file that was looked at (another "
            f"sha256): look again, then empty the row's sha256 or delete the row"
        )
