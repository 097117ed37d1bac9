"""From the paths in a source to labelled images: which class, which fixed subset."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from sightline.common.errors import SightlineError

SUBSETS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")


@dataclass
class Listing:
    """Labelled images as columns of equal length; equal names are one string, so memory stays near the paths' own.

    `subsets` and `groups` hold ``""`` where the source names none; `unlabelled` are image paths without a class;
    `further` holds what else a table says of each image, text by the column's name.
    """

    paths: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    subsets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    further: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, class_name: str, subset: str = "", group: str = "", further: Iterable[str] = ()) -> None:
        self.paths.append(path)
        self.classes.append(sys.intern(class_name))
        self.subsets.append(sys.intern(subset))
        self.groups.append(sys.intern(group))
        for values, text in zip(self.further.values(), further, strict=True):
            values.append(sys.intern(text))


def list_by_folder(names: list[str], source: str) -> Listing:
    """Read ``<class>/**/image`` or ``<subset>/<class>/**/image``, below any number of single enclosing folders.

    Raises
    ------
    SightlineError
        Subset folders and class folders stand side by side.
    """
    root = common_root(names)
    tops = {name[len(root) :].split("/")[0] for name in names if "/" in name[len(root) :]}
    fixed = {top for top in tops if top.lower() in SUBSETS}
    if fixed and fixed != tops:
        raise SightlineError(
            f"{source}: has the subset folder {sorted(fixed)[0]!r} beside {sorted(tops - fixed)[0]!r}: "
            f"put every class below train, val or test, or none"
        )
    listing = Listing()
    for name in names:
        steps = name[len(root) :].split("/")
        subset = SUBSETS[steps.pop(0).lower()] if fixed and len(steps) > 1 else ""
        if len(steps) > 1:
            listing.add(name, steps[0], subset)
        elif name.lower().endswith(IMAGE_SUFFIXES):
            listing.unlabelled.append(name)
    return listing


def is_tiny_imagenet(names: list[str]) -> bool:
    """Tell whether the paths are those of Tiny ImageNet's archive."""
    return f"{common_root(names)}val/val_annotations.txt" in names


def list_tiny_imagenet(names: list[str], annotations: str, words: str) -> Listing:
    """Read Tiny ImageNet: ``train/<wnid>/images/*`` and ``val/images/*``; its test images have no labels.

    Parameters
    ----------
    annotations, words : str
        The text of ``val/val_annotations.txt`` (file, wnid, box) and ``words.txt`` (wnid, names), tab-separated.
    """
    root = common_root(names)
    label_of = dict(line.split("\t")[:2] for line in annotations.splitlines() if line.strip())
    wnids = {name[len(root) :].split("/")[1] for name in names if name.startswith(f"{root}train/")}
    class_of = _class_names(wnids | set(label_of.values()), words)
    listing = Listing()
    for name in names:
        steps = name[len(root) :].split("/")
        if not name.lower().endswith(IMAGE_SUFFIXES):
            continue
        if steps[0] == "train" and steps[2:3] == ["images"]:
            listing.add(name, class_of[steps[1]], "train")
        elif steps[:2] == ["val", "images"] and steps[-1] in label_of:
            listing.add(name, class_of[label_of[steps[-1]]], "val")
    return listing


def _class_names(wnids: set[str], words: str) -> dict[str, str]:
    """Name each wnid by its first word; where two share it, the wnid tells them apart."""
    named = dict(line.split("\t", 1) for line in words.splitlines() if "\t" in line)
    first = {wnid: named.get(wnid, wnid).split(",")[0].strip() for wnid in wnids}
    taken = list(first.values())
    return {wnid: name if taken.count(name) == 1 else f"{name} ({wnid})" for wnid, name in first.items()}


def common_root(names: list[str]) -> str:
    """Return the folders, with a closing slash, that enclose all paths and are neither a subset nor the only class."""
    root = ""
    while True:
        tops = {name[len(root) :].split("/")[0] for name in names}
        if len(tops) != 1:
            return root
        top = tops.pop()
        below = len(root) + len(top) + 1
        if top.lower() in SUBSETS or not any("/" in name[below:] for name in names):
            return root
        root += f"{top}/"
