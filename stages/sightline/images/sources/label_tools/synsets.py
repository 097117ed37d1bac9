"""ImageNet's layout without folders of classes, as CVAT exports it: `synsets.txt`, and images in `train.txt`."""

import re

from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.naming import Naming, refuse_unused

CLASSES = "synsets.txt"  # a class a line, from number 0 on
LINE = re.compile(r'(?:"(?P<quoted>[^"]+)"(?P<suffix>\S*)|(?P<plain>[^\s"]+))(?P<numbers>(?: \d+)*)')


def find_lists(names: list[str]) -> dict[str, list[str]]:
    """Return the other text files beside each file of classes, which may hold lines of images."""
    folders = {name: name.rpartition("/")[0] for name in names if name.rpartition("/")[2] == CLASSES}
    texts = [name for name in names if name.lower().endswith(".txt") and name not in folders]
    return {name: [text for text in texts if text.rpartition("/")[0] == folder] for name, folder in folders.items()}


def parse_list(classes: str, lines: str) -> list[tuple[str, list[str]]] | None:
    """Return images and their classes; None where a line is of another kind, or a class has no name."""
    names = classes.splitlines()
    found = []
    for line in filter(str.strip, lines.splitlines()):
        parts = LINE.fullmatch(line.rstrip())
        numbers = [int(number) for number in parts["numbers"].split()] if parts else [len(names)]
        if any(number >= len(names) for number in numbers):
            return None
        name = parts["plain"] or parts["quoted"] + parts["suffix"]
        found.append((name, [names[number] for number in numbers]))
    return found or None


def read_list(content: list[tuple[str, list[str]]], naming: Naming, where: str) -> Annotations:
    """Read the classes of images."""
    refuse_unused(naming, where, used=("group", "subset", "label") if naming.label == CLASSES else ("group", "subset"))
    images = [TaggedImage(name, [Vote(tuple(sorted(set(said))))] if said else []) for name, said in content]
    return Annotations("ImageNet", CLASSES, images)
