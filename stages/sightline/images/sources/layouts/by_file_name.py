"""The class stands in each file's name: ``Abyssinian_100.jpg``; folders above may name subsets."""

import re
from pathlib import Path, PurePosixPath

from sightline.common.errors import SightlineError
from sightline.images.sources.layouts.by_folder import NOT_MEANT, keep_images, subsets_in
from sightline.images.sources.layouts.tree import enclosing, grow, steps_inside
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import IMAGE_SUFFIXES, one_line, tidy
from sightline.images.sources.table_columns import RESERVED, read_subsets, refuse_divisions, refuse_subset

TOLD = ("label", "group", "subset")
UNMATCHED = "no class in the name: it does not match prepare.label"


def list_by_file_name(names: list[str], pattern: re.Pattern, source: str) -> Listing:
    """Find each image's class by a pattern with the group `label`.

    It is searched for in the name without its suffix, or in the whole path without it where the pattern holds a slash.
    The groups `group` and `subset` are what they are in a table, any other becomes a further column.

    Raises
    ------
    SightlineError
        A group is called as a column of index.csv, the group `subset` finds none, another one finds subsets, or subset
        folders stand beside others.
    """
    listing = Listing()
    further = [name for name in pattern.groupindex if name not in TOLD]
    taken = [name for name in further if name in RESERVED]
    if taken:
        raise SightlineError(f"params.yaml: prepare.label: the group {taken[0]!r} has a name that is taken: rename it")
    listing.further = {name: [] for name in further}
    images = keep_images(names, listing)
    tree = grow(images)
    root = enclosing(tree)
    kinds = {} if "subset" in pattern.groupindex else subsets_in(tree, root, source, listing)
    for name in images:
        _add(listing, name, pattern, kinds.get(steps_inside(root, name)[0], ""), source)
    if not any(listing.subsets):
        refuse_divisions(Path(source), listing.further)
    listing.subsets = read_subsets(listing.subsets)
    return listing


def _add(listing: Listing, name: str, pattern: re.Pattern, subset: str, source: str) -> None:
    path = PurePosixPath(name).with_suffix("")
    found = pattern.search(path.as_posix() if "/" in pattern.pattern else path.name)
    told = {} if found is None else {key: text or "" for key, text in found.groupdict().items()}
    label = tidy(told.get("label", ""))
    if label and subset != "unlabelled":
        further = (one_line(told[column]) for column in listing.further)
        subset = told.get("subset", subset)
        refuse_subset(subset, f"{source}/{name}")
        listing.add(name, label, subset, one_line(told.get("group", "")), further)
    elif subset in NOT_MEANT or not name.lower().endswith(tuple(IMAGE_SUFFIXES)):
        listing.aside.append((name, UNMATCHED))
    else:
        listing.refused.append((name, UNMATCHED))
