"""The folders of a source that hold images, and those that enclose all others."""

from collections import defaultdict
from dataclasses import dataclass

from sightline.images.sources.layouts.subset_names import subset_of, words_of

NEUTRAL_WORDS = "images image imgs img photos pictures pics jpegimages jpegs jpeg jpg png data dataset all"
NEUTRAL = frozenset(NEUTRAL_WORDS.split())


@dataclass(frozen=True)
class Tree:
    """Folders by their path, ``""`` for the outermost: those below each by name, and which hold images themselves."""

    below: dict[str, set[str]]
    filled: set[str]

    def folders(self, folder: str) -> set[str]:
        return self.below.get(folder, set())


def join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def steps_inside(folder: str, name: str) -> list[str]:
    """Return the steps of a path behind a folder; a single one for what does not lie in it."""
    if not folder:
        return name.split("/")
    return name[len(folder) + 1 :].split("/") if name.startswith(f"{folder}/") else [""]


def grow(names: list[str]) -> Tree:
    """Build the tree of the folders in which the files `names` lie."""
    filled = {name.rpartition("/")[0] for name in names}
    below = defaultdict(set)
    for folder in filled:
        inner = folder
        while inner:
            outer, _, name = inner.rpartition("/")
            below[outer].add(name)
            inner = outer
    return Tree(dict(below), filled)


def enclosing(tree: Tree) -> str:
    """Return the innermost folder that encloses all others and is neither a subset nor a class."""
    folder = ""
    while len(tree.folders(folder)) == 1:
        (only,) = tree.folders(folder)
        if subset_of(only) or not tree.folders(join(folder, only)):
            break
        folder = join(folder, only)
    return folder


def unwrapped(tree: Tree, folder: str) -> str:
    """Return the folder inside a subset's that holds its classes: ``seg_train/seg_train``, ``Train/Images``."""
    while len(tree.folders(folder)) == 1:
        (only,) = tree.folders(folder)
        if not (_repeats(folder.rpartition("/")[2], only) or is_neutral(only)):
            break
        folder = join(folder, only)
    return folder


def is_neutral(name: str) -> bool:
    """Tell whether a folder's name says only that there are images in it."""
    words = words_of(name)
    return bool(words) and NEUTRAL.issuperset(words)


def _repeats(outer: str, inner: str) -> bool:
    """Tell whether a folder is called as the one around it, or as the same subset."""
    if inner == outer or (words_of(inner) and words_of(inner) == words_of(outer)):
        return True
    return bool(subset_of(inner)) and subset_of(inner) == subset_of(outer)
