"""From the paths in a source to labelled images: which class, which fixed subset."""

from dataclasses import dataclass

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.layouts.notes import note_empty, note_merged, note_shared
from sightline.images.sources.layouts.subset_names import PLAIN, subsets_of
from sightline.images.sources.layouts.suspicions import refuse_copies, refuse_no_classes
from sightline.images.sources.layouts.tree import Tree, enclosing, grow, join, steps_inside, unwrapped
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import ARCHIVES_WITHIN, IMAGE_SUFFIXES, side_kind, tidy

NOT_MEANT = {"test", "unlabelled"}  # subsets that are often published without labels
NO_LABEL = "no_label"  # where CVAT's export in ImageNet's layout puts images without a tag


@dataclass(frozen=True)
class Place:
    """A folder whose folders are classes, or subsets of the class that it is; its subset, ``""`` for none."""

    folder: str
    subset: str


def list_by_folder(names: list[str], source: str) -> Listing:
    """Read ``<class>/**/image``, ``<subset>/<class>/**/image`` or ``<class>/<subset>/**/image``.

    All may lie below enclosing folders. Files that are no images make no folder a class.

    Raises
    ------
    SightlineError
        Folders stand where classes do and are none, or could be read in two ways; the line names them.
    """
    listing = Listing()
    images = keep_images(names, listing)
    if listing.aside and not images:
        raise SightlineError(
            f"prepare.source: {source}: holds {quote_some([name for name, _ in listing.aside])} and no image: archives "
            f"inside are not opened: unpack the outer one, or put the inner one into data/raw and name it"
        )
    tree = grow(images)
    root = enclosing(tree)
    kinds = subsets_in(tree, root, source, listing)
    if kinds:
        places = {join(root, top): Place(unwrapped(tree, join(root, top)), kind) for top, kind in kinds.items()}
        refuse_no_classes(tree, [place.folder for place in places.values()], source)
        for name in images:
            _add_below_subset(listing, name, places, root)
        _refuse_unlabelled(listing, kinds, source)
    else:
        below = _subsets_below(tree, root, listing)
        if not below:
            refuse_no_classes(tree, [root], source)
            refuse_copies(tree, root, source)
            note_shared(tree, root, listing)
        for name in images:
            _add_below_class(listing, name, below, root)
    note_merged(listing, tree)
    note_empty(listing, names, tree, root)
    return listing


def keep_images(names: list[str], listing: Listing) -> list[str]:
    """Return what may be an image; count the files beside them."""
    images = []
    for name in names:
        kind = side_kind(name)
        if kind:
            listing.side_files[kind] += 1
        elif name.lower().endswith(ARCHIVES_WITHIN):
            listing.aside.append(
                (name, "an archive inside the source is not opened: unpack it, or name it as the source")
            )
        else:
            images.append(name)
    return images


def subsets_in(tree: Tree, root: str, source: str, listing: Listing) -> dict[str, str]:
    """Return the kind of each subset folder in `root`: all of its folders, or none."""
    tops = tree.folders(root)
    kinds = subsets_of(tops)
    if not kinds:
        return {}
    if set(kinds) != tops:
        if len(kinds) == 1 and _is_vehicle(tree, root, tops, kinds):
            listing.notes.append(f"{join(root, next(iter(kinds)))} is read as a class, not as the training subset")
            return {}
        raise SightlineError(
            f"{source}: has the subset folder {min(kinds)!r} beside {min(tops - set(kinds))!r}: "
            f"put every class below train, val or test, or none (or name the images and their labels in a table)"
        )
    if any(PLAIN.get(name.lower()) != kind for name, kind in kinds.items()):
        listing.notes.append("subsets: " + ", ".join(f"{name!r} is {kind}" for name, kind in sorted(kinds.items())))
    return kinds


def _is_vehicle(tree: Tree, root: str, tops: set[str], kinds: dict[str, str]) -> bool:
    """Tell whether ``train`` is one of several folders that hold nothing but images, beside ``bus`` and ``car``."""
    flat = all(not tree.folders(join(root, top)) for top in tops)
    return flat and len(tops) > 2 and next(iter(kinds)).lower() in ("train", "trains")


def _subsets_below(tree: Tree, root: str, listing: Listing) -> dict[str, dict[str, str]]:
    """Return the subsets inside each class: every class holds nothing but several subsets, and they images alone."""
    found = {}
    for name in sorted(tree.folders(root)):
        folder = join(root, name)
        kinds = subsets_of(tree.folders(folder))
        flat = not any(tree.folders(join(folder, inner)) for inner in kinds)  # else subsets of folds or of places
        if folder in tree.filled or not kinds or set(kinds) != tree.folders(folder) or not flat:
            return {}
        found[name] = kinds
    if len({kind for kinds in found.values() for kind in kinds.values()}) < 2:
        return {}
    listing.notes.append(f"subsets are read below each class: {quote_some(sorted(next(iter(found.values()))))}")
    return found


def _add_below_subset(listing: Listing, name: str, places: dict[str, Place], root: str) -> None:
    top = steps_inside(root, name)[0]
    place = places.get(join(root, top))
    if place is None:
        _add_unlabelled(listing, name, "")
        return
    steps = steps_inside(place.folder, name)
    if len(steps) > 1 and place.subset != "unlabelled":
        _add_labelled(listing, name, steps[0], place.subset)
    else:
        _add_unlabelled(listing, name, place.subset)


def _add_below_class(listing: Listing, name: str, below: dict[str, dict[str, str]], root: str) -> None:
    steps = steps_inside(root, name)
    if len(steps) == 1:
        _add_unlabelled(listing, name, "")
        return
    subset = below[steps[0]][steps[1]] if below else ""
    if subset == "unlabelled":
        _add_unlabelled(listing, name, subset)
    else:
        _add_labelled(listing, name, steps[0], subset)


def _add_labelled(listing: Listing, name: str, folder: str, subset: str) -> None:
    if folder == NO_LABEL:
        listing.aside.append((name, "without a label: no_label is no class"))
    else:
        listing.add(name, _label(folder, name), subset)


def _add_unlabelled(listing: Listing, name: str, subset: str) -> None:
    if subset in NOT_MEANT or not name.lower().endswith(tuple(IMAGE_SUFFIXES)):
        listing.aside.append((name, "not below a class folder"))
    else:
        listing.unlabelled.append(name)


def _label(step: str, name: str) -> str:
    label = tidy(step)
    if not label:
        raise SightlineError(f"{name!r}: the class folder's name is blank: rename it")
    return label


def _refuse_unlabelled(listing: Listing, kinds: dict[str, str], source: str) -> None:
    if not listing.paths:
        raise SightlineError(
            f"prepare.source: {source}: no labelled image found: {quote_some(sorted(kinds))} hold no class folders: "
            f"expected train/<class>/image, or a table of paths and labels"
        )
