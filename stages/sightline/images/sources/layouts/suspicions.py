"""Folders that are no classes: each is refused with a line, since nothing later would show the mistake."""

from collections.abc import Iterator

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.layouts.subset_names import hidden_subset, subset_of, words_of
from sightline.images.sources.layouts.tree import Tree, is_neutral, join

# what no class is called
NO_CLASS = """
    images imgs img jpegimages data dataset datasets annotations annotation annots trimaps trimap groundtruth gt
    bbox bboxes boundingboxes segmentationclass segmentationobject segmim unlabeled unlabelled
"""
NEVER = frozenset(NO_CLASS.split())
# what may be a class, but not beside a folder called images
TOLD_OF_IMAGES = """
    mask masks label labels segmentation segmentations seg segs edges contours outlines depth heatmaps saliency
    instances semantic labelme yolo voc coco xml xmls json
"""
BESIDE_IMAGES = frozenset(TOLD_OF_IMAGES.split())
# words for another state, or another part, of the same images
OF_COPIES = """
    original originals augmented aug raw processed preprocessed cropped resized clean cleaned enhanced color
    colour gray grey grayscale greyscale segmented fold folds split part batch chunk shard cv dataset set data
"""
COPIES = frozenset(OF_COPIES.split())
FEW = 4  # folders, among which a subset's name is hardly a class such as train_station


def refuse_no_classes(tree: Tree, outer: list[str], source: str) -> None:
    """Raise SightlineError where a folder that holds the classes, or one further inside, holds what is none.

    Parameters
    ----------
    outer : list of str
        Folders whose folders are classes: one, or one a subset.
    """
    for folder in outer:
        _refuse_never(tree.folders(folder), source)
        _refuse_whole_again(tree, folder, source)
    for folder in outer:
        for inner in _inside(tree, folder):
            _refuse_pairs(tree.folders(inner), source, inner)
            if inner != folder:
                _refuse_subsets_below(tree.folders(inner), source, inner)


def _inside(tree: Tree, folder: str) -> Iterator[str]:
    yield folder
    for name in sorted(tree.folders(folder)):
        yield from _inside(tree, join(folder, name))


def _refuse_never(names: set[str], source: str) -> None:
    never = sorted(name for name in names if "".join(words_of(name)) in NEVER)
    if never:
        raise SightlineError(
            f"prepare.source: {source}: {quote_some(never)} cannot be {'a class' if len(never) == 1 else 'classes'}: "
            f"put one folder a class there and nothing else, or name the images and their labels in a table"
        )


def _refuse_whole_again(tree: Tree, folder: str, source: str) -> None:
    """Raise SightlineError for a folder among classes that holds folders of all their names: the data set once more."""
    names = tree.folders(folder)
    for name in sorted(names):
        others = names - {name}
        if len(others) > 1 and others <= tree.folders(join(folder, name)):
            raise SightlineError(
                f"prepare.source: {source}: {join(folder, name)!r} holds all the folders that stand beside it "
                f"({quote_some(sorted(others))}) and is no class: remove it, or name it as prepare.source"
            )


def _refuse_pairs(names: set[str], source: str, folder: str) -> None:
    images = sorted(filter(is_neutral, names))
    others = sorted(name for name in names if set(words_of(name)) & (BESIDE_IMAGES | NEVER) and name not in images)
    if images and others:
        where = f"below {folder!r}, " if folder else ""
        raise SightlineError(
            f"prepare.source: {source}: {where}{quote_some(others)} beside {images[0]!r} cannot hold images of a "
            f"class: move {'it' if len(others) == 1 else 'them'} out of the source"
        )


def _refuse_subsets_below(names: set[str], source: str, folder: str) -> None:
    subsets = sorted(filter(subset_of, names))
    if len(set(map(subset_of, subsets))) > 1:
        raise SightlineError(
            f"prepare.source: {source}: {folder!r} holds the subsets {quote_some(subsets)}: put them above all classes "
            f"({subsets[0]}/<class>/image), or below each class and nothing else beside them"
        )


def refuse_copies(tree: Tree, root: str, source: str) -> None:
    """Raise SightlineError where the folders in the place of classes are subsets, folds or copies under other names."""
    names = sorted(tree.folders(root))
    subsets = {name: hidden_subset(name) for name in names if hidden_subset(name)}
    holds_folders = any(len(tree.folders(join(root, name))) > 1 for name in names)
    divided = len(set(subsets.values())) > 1 and len(subsets) == len(names)
    if divided or (subsets and holds_folders and len(names) <= FEW):
        raise SightlineError(
            f"prepare.source: {source}: {quote_some(sorted(subsets))} may be subsets or classes: call subsets train, "
            f"val and test (with every class below them), rename classes, or list images and labels in a table"
        )
    shared = shared_folders(tree, root)
    if shared and all(COPIES.intersection(words_of(name)) for name in names):
        raise SightlineError(
            f"prepare.source: {source}: {quote_some(names)} hold the same folders ({quote_some(shared)}) and are no "
            f"classes: name one of them as prepare.source, or give a table with a column group or subset"
        )


def shared_folders(tree: Tree, root: str) -> list[str]:
    """Return the two or more folders that each of the folders in `root` holds, sorted, where all hold the same."""
    inner = [tree.folders(join(root, name)) for name in tree.folders(root)]
    alike = len(inner) > 1 and len(inner[0]) > 1 and all(names == inner[0] for names in inner)
    return sorted(inner[0]) if alike else []
