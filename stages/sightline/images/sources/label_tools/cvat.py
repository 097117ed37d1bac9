"""CVAT for images: an XML of images and their tags."""

from collections import Counter
from xml.etree.ElementTree import Element

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.label_tools.choosing import choose
from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote
from sightline.images.sources.naming import PLAIN, Naming, refuse_unused

TAG = "tag"  # what prepare.label may say for the tag itself
OF_A_PROJECT = ("task_id",)  # attributes of its images that tell of them
UNSET = ("", "__undefined__")  # what CVAT writes where an attribute has no value


def is_cvat(root: Element) -> bool:
    """Tell whether an XML is CVAT's, of images or of a video."""
    return root.tag == "annotations" and (root.find("image") is not None or root.find("meta") is not None)


def read_cvat(root: Element, naming: Naming, where: str) -> Annotations:
    """Read the tags of each image, or one attribute of them, which prepare.label names.

    An attribute that tags of several names have may be called ``tag.attribute``.
    """
    refuse_unused(naming, where, used=("label", "group", "subset"))
    if root.find("track") is not None:
        raise SightlineError(f"{where}: holds the tracks of a video: export the task as 'CVAT for images'")
    tags = root.findall("image/tag")
    if not tags:
        kinds = Counter(child.tag for child in root.findall("image/*"))
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing"
        raise SightlineError(f"{where}: no image has a tag (found: {found}): a class is a tag of the whole image")
    attribute = _choose_attribute(tags, naming, where)
    images = [_image(image, attribute) for image in root.iter("image")]
    return Annotations("CVAT", attribute or TAG, images)


def _choose_attribute(tags: list[Element], naming: Naming, where: str) -> str:
    """Return the attribute that tells the class, ``""`` where the tag itself does."""
    if naming.label not in (PLAIN.label, TAG):
        return choose({name for tag in tags for name in _told(tag)}, naming, where, "attribute of tags", ())
    names = {tag.get("label") for tag in tags}
    found = {name for tag in tags for name in _attributes(tag)}
    if len(names) == 1 and found:
        raise SightlineError(
            f"{where}: every tag is {names.pop()!r}: name the attribute that tells the class by prepare.label "
            f"(found: {quote_some(sorted(found))})"
        )
    return ""


def _image(image: Element, attribute: str) -> TaggedImage:
    tags = image.findall("tag")
    said = {_told(tag).get(attribute, "") if attribute else tag.get("label", "") for tag in tags}
    labels = tuple(sorted(said.difference(UNSET)))
    cells = {name: text for tag in tags for name, text in _attributes(tag).items() if text not in UNSET}
    cells.pop(attribute.rpartition(".")[2], None)
    cells |= {key: image.get(key) for key in OF_A_PROJECT if image.get(key)}
    votes = [Vote(labels)] if labels else []
    return TaggedImage(image.get("name", ""), votes, cells, image.get("subset", ""))


def _attributes(tag: Element) -> dict[str, str]:
    return {attribute.get("name", ""): (attribute.text or "").strip() for attribute in tag.findall("attribute")}


def _told(tag: Element) -> dict[str, str]:
    """Return the attributes of a tag, each by its name, and by that of the tag and its own."""
    told = _attributes(tag)
    return {f"{tag.get('label')}.{name}": text for name, text in told.items()} | told
