"""What of a layout the user should read once."""

from collections import defaultdict

from sightline.common.errors import quote_some
from sightline.images.sources.layouts.suspicions import shared_folders
from sightline.images.sources.layouts.tree import Tree, steps_inside
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import tidy


def note_shared(tree: Tree, root: str, listing: Listing) -> None:
    shared = shared_folders(tree, root)
    if shared:
        classes = quote_some(sorted(tree.folders(root)))
        listing.notes.append(
            f"the classes are {classes}, not the folders that each of them holds: {quote_some(shared)}"
        )


def note_merged(listing: Listing, tree: Tree) -> None:
    """Say which folders became one class because their names look the same."""
    spellings = defaultdict(set)
    for folder in set().union(*tree.below.values()):
        spellings[tidy(folder)].add(folder)
    known = set(listing.classes)
    for label in sorted(label for label, spelt in spellings.items() if len(spelt) > 1 and label in known):
        count = len(spellings[label])
        listing.notes.append(f"folders whose names look like {label!r} are one class ({count} spellings)")


def note_empty(listing: Listing, names: list[str], tree: Tree, root: str) -> None:
    """Say which folders in the place of classes or subsets hold files, but no images."""
    inside = (steps_inside(root, name) for name in names)
    empty = sorted({steps[0] for steps in inside if len(steps) > 1} - tree.folders(root))
    if empty:
        listing.notes.append(f"folders without images, which are no classes: {quote_some(empty)}")
