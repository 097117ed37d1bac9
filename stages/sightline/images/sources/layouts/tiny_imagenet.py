"""Tiny ImageNet's archive: its validation labels stand in a file, its class names in another."""

from sightline.images.sources.listing import Listing
from sightline.images.sources.names import IMAGE_SUFFIXES

ANNOTATIONS = "val/val_annotations.txt"


def find_root(names: list[str]) -> str | None:
    """Return what stands before Tiny ImageNet's own paths, such as ``tiny-imagenet-200/``; None for another source."""
    return next((name.removesuffix(ANNOTATIONS) for name in names if f"/{name}".endswith(f"/{ANNOTATIONS}")), None)


def list_tiny_imagenet(names: list[str], annotations: str, words: str) -> Listing:
    """Read ``train/<wnid>/images/*`` and ``val/images/*``; the test images have no labels.

    Parameters
    ----------
    annotations, words : str
        The text of ``val/val_annotations.txt`` (file, wnid, box) and ``words.txt`` (wnid, names), tab-separated.
    """
    root = find_root(names)
    label_of = dict(line.split("\t")[:2] for line in annotations.splitlines() if line.strip())
    wnids = {name[len(root) :].split("/")[1] for name in names if name.startswith(f"{root}train/")}
    class_of = _class_names(wnids | set(label_of.values()), words)
    listing = Listing()
    for name in names:
        steps = name[len(root) :].split("/")
        if not name.lower().endswith(tuple(IMAGE_SUFFIXES)):
            continue
        if steps[0] == "train" and steps[2:3] == ["images"]:
            listing.add(name, class_of[steps[1]], "train")
        elif steps[:2] == ["val", "images"] and steps[-1] in label_of:
            listing.add(name, class_of[label_of[steps[-1]]], "val")
        else:
            listing.aside.append((name, "not labelled by Tiny ImageNet"))
    return listing


def _class_names(wnids: set[str], words: str) -> dict[str, str]:
    """Name each wnid by its first word; where two share it, the wnid tells them apart."""
    named = dict(line.split("\t", 1) for line in words.splitlines() if "\t" in line)
    first = {wnid: named.get(wnid, wnid).split(",")[0].strip() for wnid in wnids}
    taken = list(first.values())
    return {wnid: name if taken.count(name) == 1 else f"{name} ({wnid})" for wnid, name in first.items()}
