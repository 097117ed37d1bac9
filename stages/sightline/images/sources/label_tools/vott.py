"""VoTT's CSV and JSON exports: an image whose regions all have one tag has that class."""

from collections import defaultdict

from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.naming import Naming, refuse_unused
from sightline.images.sources.records.records import as_text

COLUMNS = ("image", "xmin", "ymin", "xmax", "ymax", "label")

TAG = "tag"  # what prepare.label may say, to tell it from folders


def is_project(content: object) -> bool:
    """Tell whether a JSON file is VoTT's export of a project."""
    assets = content.get("assets") if isinstance(content, dict) else None
    return isinstance(assets, dict) and all(isinstance(each, dict) and "asset" in each for each in assets.values())


def read_project(content: dict, naming: Naming, where: str) -> Annotations:
    """Read a JSON export, which names images without tags too."""
    _refuse_unused(naming, where)
    images = []
    for entry in content["assets"].values():
        tags = {tag for region in entry.get("regions") or [] for tag in region.get("tags") or []}
        images.append(_image(entry["asset"]["name"], tags))
    return Annotations("VoTT", TAG, images)


def read_regions(rows: list[dict[str, str]], naming: Naming, where: str) -> Annotations:
    """Read a CSV export, one row a region and tag."""
    _refuse_unused(naming, where)
    tags = defaultdict(set)
    for row in rows:
        tags[row["image"]].add(row["label"])
    return Annotations("VoTT", TAG, [_image(name, said) for name, said in tags.items()])


def _refuse_unused(naming: Naming, where: str) -> None:
    refuse_unused(naming, where, used=("group", "subset", "label") if naming.label == TAG else ("group", "subset"))


def _image(name: str, tags: set[str]) -> TaggedImage:
    labels = tuple(sorted(filter(None, map(as_text, tags))))
    return TaggedImage(name, [Vote(labels)] if labels else [])
