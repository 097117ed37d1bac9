"""WebDataset: tars in which files of one name up to the first dot are one sample, `1.jpg` and `1.cls` or `1.json`."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.beside_table import BesideTable
from sightline.images.sources.containers import Container, open_container
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import IMAGE_SUFFIXES
from sightline.images.sources.naming import PLAIN, Naming, refuse_unused
from sightline.images.sources.records.records import Records, as_text
from sightline.images.sources.records.shard_names import note_missing_shards, shard_subsets

CLASSES = "classes.txt"  # a class a line, from number 0 on
LONGEST_LABEL = 1 << 20  # bytes
NUMBER = re.compile(r"[+-]?\d{1,9}(\.0*)?")  # of a class, also where a program made it a fraction
OPEN_SHARDS = 4  # thousands of them would be more files than a process may open


class Shard(NamedTuple):
    """One of the tars."""

    name: str
    archive: Container
    subset: str


def is_web_dataset(names: list[str]) -> bool:
    """Tell whether the members of one tar are samples with labels of their own, not images in folders of classes."""
    return any(name.endswith(".cls") for name in names)


def open_shards(root: Path, shards: list[str], naming: Naming, source: str) -> tuple[Listing, BesideTable]:
    """List the samples of tars in their stored order.

    The label is the file of the suffix that prepare.label names, or that key of the sample's `.json`; by default
    `.cls`, the key `label`, or `.txt`. Numbers are lines of `classes.txt` where there is one. prepare.path names the
    suffix of the image where a sample has several.

    Raises
    ------
    SightlineError
        A shard is damaged, a sample has several images, or no sample has a label.
    """
    if naming.pattern or naming.is_template:
        refuse_unused(naming, source, used=("group", "subset"))
    subsets = shard_subsets(shards)
    records = Records(naming, source)
    records.listing.notes += note_missing_shards(shards)
    beside = root / CLASSES
    classes = _read_classes(beside.read_bytes, beside) if beside.is_file() else []
    for name in shards:
        shard = Shard(name, open_container(root / name), subsets[name])
        members = shard.archive.names()
        if CLASSES in members and not classes:
            classes = _read_classes(lambda archive=shard.archive: archive.read(CLASSES, LONGEST_LABEL), root / name)
        records.listing.notes += shard.archive.notes
        records.listing.refused += [(f"{name}/{member}", reason) for member, reason in shard.archive.refused]
        for parts in _samples(members):
            _add(records, shard, parts, classes, naming)
    listing = records.finish()
    return listing, BesideTable(root, listing.paths, most_open=OPEN_SHARDS)


def _samples(names: list[str]) -> Iterable[dict[str, str]]:
    """Return the members of each sample by what stands behind the first dot of their names, in lower case."""
    samples: dict[str, dict[str, str]] = {}
    for name in names:
        folder, slash, last = name.rpartition("/")
        key, _, ending = last.partition(".")
        if name != CLASSES:
            samples.setdefault(f"{folder}{slash}{key}", {})[ending.lower()] = name
    return samples.values()


def _add(records: Records, shard: Shard, parts: dict[str, str], classes: list[str], naming: Naming) -> None:
    images = [ending for ending in parts if f".{ending.rpartition('.')[2]}" in IMAGE_SUFFIXES]
    if naming.path != PLAIN.path:
        images = [ending for ending in images if ending == naming.path.lower().removeprefix(".")]
    place = f"{shard.name}/{parts[images[0]] if images else next(iter(parts.values()))}"
    if len(images) > 1:
        raise SightlineError(f"{place}: has the images {', '.join(sorted(images))}: name the one by prepare.path")
    if not images:
        records.put_aside(place, "no image beside it", shard.subset)
        return
    try:
        cells = _read_json(shard.archive, parts)
        label = _class_name(_label(shard.archive, parts, cells, naming), classes)
    except (BadImageError, ValueError) as error:  # a damaged member, no JSON, no UTF-8
        records.put_aside(place, f"its label cannot be read: {error}", shard.subset)
        return
    records.add(place, label, cells, shard.subset)


def _label(archive: Container, parts: dict[str, str], cells: dict[str, object], naming: Naming) -> str:
    wanted = naming.label
    if wanted == PLAIN.label:
        wanted = next((kind for kind in ("cls", "label", "txt") if kind in parts or kind in cells), "")
    ending = wanted.lower().removeprefix(".")
    if ending in parts and ending != "json":
        return archive.read(parts[ending], LONGEST_LABEL).decode("utf-8-sig").strip()
    return as_text(cells.get(wanted))


def _read_json(archive: Container, parts: dict[str, str]) -> dict[str, object]:
    if "json" not in parts:
        return {}
    found = json.loads(archive.read(parts["json"], LONGEST_LABEL))
    return found if isinstance(found, dict) else {PLAIN.label: found}


def _class_name(label: str, classes: list[str]) -> str:
    """Return the line of classes.txt that a number means, nothing for one below 0; any other text is a class itself."""
    if not classes or not NUMBER.fullmatch(label):
        return label
    number = int(float(label))
    if number >= len(classes):
        raise ValueError(f"{CLASSES} has {len(classes)} lines and none for {label}")
    return classes[number] if number >= 0 else ""


def _read_classes(read: Callable[[], bytes], where: Path) -> list[str]:
    try:
        return read().decode("utf-8-sig").splitlines()
    except (OSError, ValueError, BadImageError) as error:
        raise SightlineError(f"{where}: {CLASSES} cannot be read: {error}: save it in UTF-8") from None
