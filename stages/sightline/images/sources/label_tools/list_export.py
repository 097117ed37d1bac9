"""From what exports say of images to a listing: labelled files, and a reason for all that has no label or no file."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.label_tools.matching import Files, shown_name
from sightline.images.sources.label_tools.votes import (
    NO_SUBSET,
    Annotations,
    TaggedImage,
    Verdict,
    decide,
    merge,
)
from sightline.images.sources.layouts.by_folder import subsets_in
from sightline.images.sources.layouts.subset_names import subsets_of
from sightline.images.sources.layouts.tree import enclosing, grow, steps_inside
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import shown
from sightline.images.sources.records.records import Records

AGREEMENT = "agreement"  # the column of the share of annotators that chose an image's class


@dataclass(frozen=True)
class Told:
    """An export's path in the source, that for messages, what it says, and the subset that its name tells."""

    name: str
    where: str
    annotations: Annotations
    subset: str = ""

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    def find(self, image: TaggedImage, files: Files) -> list[str]:
        return files.find(image.name, self.folder, image.subset or self.subset) if image.name else []

    def missing(self, files: Files) -> int:
        """Count the images of which no file is there."""
        return sum(not self.find(image, files) for image in self.annotations.images)


class Placed(NamedTuple):
    """An image of an export, the files that it may mean, its subset, and its class where it has one."""

    image: TaggedImage
    files: list[str]
    subset: str
    verdict: Verdict | None


def list_told(told: list[Told], paths: list[str], source: str, records: Records) -> Listing:
    """List the images of all exports; files that none of them names are left aside.

    Parameters
    ----------
    paths : list of str
        Files that may be images.

    Raises
    ------
    SightlineError
        An export is empty, nothing in it is annotated, or none of its images is there.
    """
    files = Files(paths)
    placed = [each for export in told for each in _place(export, files, records.listing)]
    if not any(each.verdict for each in placed):
        raise SightlineError(
            f"{told[0].where}: none of its {len(placed)} images has a label: export a project with labels"
        )
    if not any(each.subset for each in placed):
        placed = _with_folders(placed, source, records.listing)
    claimed = Counter(each.files[0] for each in placed if len(each.files) == 1)
    with_shares = any(each.verdict and each.verdict.annotators > 1 for each in placed)
    for each in placed:
        _add(each, claimed, with_shares, records)
    meant = {path for each in placed for path in each.files}
    records.listing.aside += [(path, "not in the export") for path in paths if path not in meant]
    for export in told:
        records.listing.notes += export.annotations.notes
    return records.finish()


def _place(export: Told, files: Files, listing: Listing) -> list[Placed]:
    images = merge(export.annotations.images)
    voted = [image for image in images if image.votes]
    placed = []
    kinds = _told_apart(subsets_of({image.subset for image in images if image.subset}))
    for image in images:
        subset = kinds.get(image.subset, "") or export.subset
        placed.append(Placed(image, export.find(image, files), subset, decide(image.votes) if image.votes else None))
    if voted and not any(each.files for each in placed if each.verdict):
        raise SightlineError(
            f"{export.where}: none of its {len(images)} images is there, such as {shown_name(voted[0].name)!r}: put "
            f"them beside it, under the names that they have there; or is it the export of another project?"
        )
    _note(export, placed, kinds, listing)
    return placed


def _told_apart(kinds: dict[str, str]) -> dict[str, str]:
    """Leave out names that mean no labels: what an export names has been labelled since."""
    return {name: kind for name, kind in kinds.items() if kind != "unlabelled"}


def _with_folders(placed: list[Placed], source: str, listing: Listing) -> list[Placed]:
    """Take subsets from folders called train, val, test, ..., where labelled images lie in such."""
    tree = grow([each.files[0] for each in placed if each.verdict and len(each.files) == 1])
    root = enclosing(tree)
    if not _told_apart(subsets_of(tree.folders(root))):
        return placed
    kinds = _told_apart(subsets_in(tree, root, source, listing))
    tops = [steps_inside(root, each.files[0])[0] if each.files else "" for each in placed]
    return [each._replace(subset=kinds.get(top, "")) for each, top in zip(placed, tops, strict=True)]


def _note(export: Told, placed: list[Placed], kinds: dict[str, str], listing: Listing) -> None:
    shared = [each.verdict for each in placed if each.verdict and each.verdict.annotators > 1]
    line = f"labels are from {export.name} ({export.annotations.tool}, {export.annotations.label!r})"
    if shared:
        agreed = sum(verdict.share == 1 for verdict in shared)
        undecided = sum(verdict.tied for verdict in shared)
        line += (
            f"; several annotators saw {len(shared):,} images: all agree on {agreed:,}, most of them on "
            f"{len(shared) - agreed - undecided:,}, and {undecided:,} are undecided"
        )
    listing.notes.append(line)
    unknown = sorted({each.image.subset for each in placed} - {"", NO_SUBSET, *kinds})
    if unknown:
        listing.notes.append(
            f"{export.name}: subsets that are no train, val or test are left out: {quote_some(unknown)}"
        )


def _add(each: Placed, claimed: Counter[str], with_shares: bool, records: Records) -> None:
    image, files, subset, verdict = each
    listing = records.listing
    name = files[0] if len(files) == 1 else shown(shown_name(image.name)) or "an image without a name"
    if verdict is None:
        listing.aside.append((name, image.reason))
    elif len(files) != 1:
        listing.refused.append((name, _why_missing(image, files)))
    elif claimed[name] > 1:
        listing.refused.append((name, f"{claimed[name]} images of the export may mean this file"))
    elif verdict.tied:
        listing.aside.append((name, verdict.reason))
    elif not verdict.label:
        listing.refused.append((name, verdict.reason))
    else:
        share = f"{verdict.share:.3g}" if verdict.annotators > 1 else ""
        records.add(name, verdict.label, image.cells | ({AGREEMENT: share} if with_shares else {}), subset)


def _why_missing(image: TaggedImage, files: list[str]) -> str:
    if files:
        return f"several files may be meant: {quote_some(files)}"
    if not image.name:
        return "the export names no file"
    if image.name.startswith("data:"):
        return "embedded in the export, which is not read: save it as a file"
    return "file not found: the export names it"
