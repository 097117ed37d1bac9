"""A label tool's export and the files beside it: which exports there are, and where their images lie."""

from pathlib import Path

from sightline.common.errors import SightlineError, quote_some
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.beside_table import BesideTable
from sightline.images.sources.containers import ARCHIVE_SUFFIXES, TEXT_LIMIT, Container, open_container
from sightline.images.sources.folder import Folder, refuse_linked
from sightline.images.sources.label_tools.list_export import Told, list_told
from sightline.images.sources.label_tools.matching import Files
from sightline.images.sources.label_tools.recognise import Export, find_exports, recognise, table_reader
from sightline.images.sources.layouts.by_folder import keep_images, list_by_folder
from sightline.images.sources.listing import Listing
from sightline.images.sources.naming import Naming, refuse_unused
from sightline.images.sources.records.records import Records
from sightline.images.sources.records.shard_names import shard_subsets

LONGEST_HEADER = 1 << 16  # bytes


def open_exports(
    root: Path, container: Container, names: list[str], naming: Naming, source: str
) -> tuple[Listing, Container] | None:
    """List the images that a label tool's export in a folder or an archive names; None where it holds none.

    Raises
    ------
    SightlineError
        There are several exports that are no subsets, folders may be classes too, or what an export says cannot be
        used.
    """
    exports = find_exports(root, container, names)
    if not exports:
        return None
    subsets = _subsets(exports, source)
    told = [Told(export.name, export.where, export.read(naming), subsets[export.name]) for export in exports]
    opened = _list(root, container, _with_archives(root, container, names, told), told, naming, source)
    if "label" not in naming.changed():
        _refuse_two_readings(opened[0], names, told[0], source)
    return opened


def is_named_export(path: Path) -> bool:
    """Tell whether `prepare.source` names an export itself: JSON, XML, or a table with the columns of a label tool."""
    if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
        with path.open("rb") as stream:
            return table_reader(stream.readline(LONGEST_HEADER)) is not None
    return path.suffix.lower() in (".json", ".xml") and not path.is_dir()


def open_named_export(path: Path, within: Path, naming: Naming, source: str) -> tuple[Listing, Container, Container]:
    """List the images of the export at `path`; they lie below its folder, or below the one around it.

    Returns
    -------
    Listing, what bytes are read from, and the folder with all its files

    Raises
    ------
    SightlineError
        It is no export that is known, or none of its images is there.
    """
    if naming.is_template or naming.pattern:
        refuse_unused(naming, source, used=("group", "subset"))
    recognised = recognise(str(path), _read(path, within))
    if recognised is None:
        raise SightlineError(
            f"params.yaml: prepare.source: {path} is no export that is known: JSON, JSON-MIN or CSV of Label Studio, "
            f"XML of CVAT for images, COCO, or CSV or JSON of VoTT, with something annotated in it"
        )
    annotations = Export(path.name, str(path), *recognised).read(naming)
    around = path.parent.parent
    for root in [path.parent] if within in (path.parent, around) else [path.parent, around]:
        container = open_container(root, within)
        told = Told(path.relative_to(root).as_posix(), str(path), annotations)
        names = _with_archives(root, container, container.names(), [told])
        if told.missing(Files(names)) < len(annotations.images):
            break
    return *_list(root, container, names, [told], naming, source), container


def _list(
    root: Path, container: Container, names: list[str], told: list[Told], naming: Naming, source: str
) -> tuple[Listing, Container]:
    records = Records(naming, source)
    exports = {each.name for each in told}
    images = keep_images([name for name in names if name not in exports], records.listing)
    listing = list_told(told, images, source, records)
    place = {name: row for row, name in enumerate(names)}
    listing.reorder(sorted(range(len(listing.paths)), key=lambda row: place[listing.paths[row]]))
    return listing, BesideTable(root, listing.paths) if isinstance(container, Folder) else container


def _refuse_two_readings(listing: Listing, names: list[str], told: Told, source: str) -> None:
    """Raise SightlineError where folders are classes too, and some image has another class by them."""
    try:
        folders = list_by_folder(names, source)
    except SightlineError:  # they are none
        return
    by_folder = dict(zip(folders.paths, folders.classes, strict=True))
    for path, label in zip(listing.paths, listing.classes, strict=True):
        if len(set(folders.classes)) > 1 and by_folder.get(path, label) != label:
            raise SightlineError(
                f"prepare.source: {source}: {path} is {label!r} by {told.name} and {by_folder[path]!r} by its folder: "
                f"prepare.label: {told.annotations.label} takes what {told.annotations.tool} says; to take folders, "
                f"move {told.name} out of the source"
            )


def _with_archives(root: Path, container: Container, names: list[str], told: list[Told]) -> list[str]:
    """Add the members of archives that lie beside an export in a folder, where images are missing without them."""
    folders = {each.folder for each in told}
    archives = [
        name for name in names if name.lower().endswith(ARCHIVE_SUFFIXES) and name.rpartition("/")[0] in folders
    ]
    if not archives or not isinstance(container, Folder):
        return names
    files = Files(names)
    if not any(each.missing(files) for each in told):
        return names
    inside = []
    for name in archives:
        archive = open_container(root / name)
        inside += [f"{name}/{member}" for member in archive.names()]
        container.refused += [(f"{name}/{member}", reason) for member, reason in archive.refused]
    return [name for name in names if name not in archives] + inside


def _subsets(exports: list[Export], source: str) -> dict[str, str]:
    """Return the subset of each export by its file's name or folder; a single one tells none."""
    names = [export.name for export in exports]
    if len(names) == 1:
        return {names[0]: ""}
    try:
        subsets = shard_subsets(names)
    except SightlineError:  # some tell one and others do not
        subsets = {}
    if "" in subsets.values() or len(set(subsets.values())) < len(names):
        raise SightlineError(
            f"prepare.source: {source}: holds several exports of labels ({quote_some(names)}): name one of them by "
            f"prepare.source, or keep one; only such as labels_train.json and labels_val.json are read together"
        )
    return subsets


def _read(path: Path, within: Path) -> bytes:
    refuse_linked(path.parent, within)
    try:
        return Folder(path.parent).read(path.name, TEXT_LIMIT)
    except BadImageError as error:
        raise SightlineError(f"params.yaml: prepare.source: {path}: {error}: put the export there") from None
