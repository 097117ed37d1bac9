"""COCO JSON whose annotations give images a category: iNaturalist's, camera traps', those of several programs."""

from collections import Counter, defaultdict

from sightline.common.errors import SightlineError
from sightline.images.sources.label_tools.choosing import choose
from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.naming import PLAIN, Naming, refuse_unused
from sightline.images.sources.records.records import as_text

NAME = "name"  # of a category: what its class is called, unless prepare.label names another of its keys
PARTS = ("images", "annotations", "categories")
OF_THE_FILE = ("id", "file_name", "width", "height", "license", "flickr_url", "coco_url", "date_captured")


def is_coco(content: object) -> bool:
    """Tell whether a JSON file has the parts of COCO's."""
    parts = (content.get(key) for key in PARTS) if isinstance(content, dict) else [None]
    return all(isinstance(part, list) and all(isinstance(each, dict) for each in part[:1]) for part in parts)


def read_coco(content: dict, naming: Naming, where: str) -> Annotations:
    """Read one category an image; `prepare.label` may name another key of the categories, or of `attributes`."""
    refuse_unused(naming, where, used=("label", "group", "subset"))
    categories = _by_id(content["categories"], "categories", where)
    known = _by_id(content["images"], "images", where)
    annotations = content["annotations"]
    key = NAME
    if naming.label != PLAIN.label:
        told = {name for category in content["categories"] for name in category} - {"id"}
        told |= {name for annotation in annotations for name in annotation.get("attributes") or {}}
        key = choose(told, naming, where, "key of categories or attributes", ())
    said = defaultdict(set)
    boxes = 0
    unknown = sum(annotation["image_id"] not in known for annotation in annotations)
    for annotation in annotations:
        number = annotation.get("category_id")
        if number is not None and number not in categories:
            raise SightlineError(f"{where}: an annotation names the category {number}, which it does not have")
        told = {**categories.get(number, {}), **(annotation.get("attributes") or {})}
        said[annotation["image_id"]].add(as_text(told.get(key)))
        boxes += bool(annotation.get("bbox") or annotation.get("segmentation"))
    images = []
    for image in content["images"]:
        labels = tuple(sorted(said[image["id"]] - {""}))
        cells = {name: value for name, value in image.items() if name not in OF_THE_FILE}
        images.append(TaggedImage(as_text(image["file_name"]), [Vote(labels)] if labels else [], cells))
    notes = [f"{where}: an image whose boxes all have one class has that class"] if boxes else []
    if unknown:
        notes.append(f"{where}: {unknown:,} annotations are of images that it does not name")
    return Annotations("COCO", key, images, notes)


def _by_id(items: list[dict], what: str, where: str) -> dict[object, dict]:
    found = {item["id"]: item for item in items}
    if len(found) < len(items):
        often = next(number for number, times in Counter(item["id"] for item in items).items() if times > 1)
        raise SightlineError(f"{where}: several of its {what} have the id {often}: number them anew")
    return found
