"""`prepare.source`: where labelled images come from."""

import sys
from pathlib import Path

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.containers import TAR_SUFFIXES, TEXT_LIMIT, Container, open_container
from sightline.images.sources.folder import refuse_linked
from sightline.images.sources.label_tools.open_export import is_named_export, open_exports, open_named_export
from sightline.images.sources.layouts.by_file_name import list_by_file_name
from sightline.images.sources.layouts.by_folder import list_by_folder
from sightline.images.sources.layouts.tiny_imagenet import ANNOTATIONS, find_root, list_tiny_imagenet
from sightline.images.sources.listing import Listing
from sightline.images.sources.names import ARCHIVES_WITHIN, is_litter, side_kind
from sightline.images.sources.naming import PLAIN, Naming, refuse_unused
from sightline.images.sources.records.columnar import find_columnar, open_rows
from sightline.images.sources.records.image_folder import find_metadata, list_image_folder
from sightline.images.sources.records.shard_names import expand_braces
from sightline.images.sources.records.web_dataset import is_web_dataset, open_shards

RAW = Path("data/raw")  # a dependency of prepare in dvc.yaml: what lies elsewhere would escape DVC's notice
DOWNLOADS = RAW / "torchvision"  # in .dvcignore, since a copy without them would seem changed
TABLE_SUFFIXES = (".csv", ".tsv")


def open_source(source: str, naming: Naming = PLAIN) -> tuple[Listing, Container]:
    """List a source's labelled images and open what their bytes are read from.

    Parameters
    ----------
    source : str
        ``digits``, ``torchvision:<Dataset>``, or the path of a folder, archive, table, export of a label tool or
        Parquet below ``data/raw``.
    naming : Naming
        How columns or file names tell path, label, group and subset.

    Raises
    ------
    SightlineError
        Nothing is there, or it cannot be understood, or a download fails.
    """
    if source == "digits" or source.startswith("torchvision:"):
        refuse_unused(naming, source)
    if source == "digits":
        from sightline.images.sources.digits import open_digits  # scikit-learn, for this source alone

        return open_digits()
    if source.startswith("torchvision:"):
        from sightline.images.sources.torchvision_sets import open_torchvision  # torchvision, for this source alone

        return open_torchvision(source.partition(":")[2], DOWNLOADS)
    _refuse_locale(sys.getfilesystemencoding())
    return _open_path(inside_raw(source), source, naming)


def _refuse_locale(encoding: str) -> None:
    """Raise SightlineError where Python takes names of files for another encoding: classes would have other names."""
    if encoding != "utf-8":
        raise SightlineError(
            f"names of files are read as {encoding} by this locale, not as UTF-8: set LC_ALL=C.UTF-8, or PYTHONUTF8=1"
        )


def _open_path(path: Path, source: str, naming: Naming) -> tuple[Listing, Container]:
    if is_named_export(path):
        listing, reader, folder = open_named_export(path, RAW, naming, source)
        return _complete(listing, folder, source), reader
    if path.suffix.lower() in TABLE_SUFFIXES:
        from sightline.images.sources.csv_table import open_csv

        return open_csv(path, RAW, naming)
    if "{" in path.name:
        refuse_linked(path.parent, RAW)
        return open_shards(path.parent, expand_braces(path), naming, source)
    if path.suffix.lower() == ".parquet" and path.is_file():
        refuse_linked(path.parent, RAW)
        return open_rows(path.parent, [path.name], naming, source)
    container = open_container(path, RAW)
    names = container.names()
    opened = _open_records(path, names, source, naming)
    if opened:
        return opened
    listing, reader = _open_images(path, container, names, source, naming)
    return _complete(listing, container, source), reader


def _open_records(path: Path, names: list[str], source: str, naming: Naming) -> tuple[Listing, Container] | None:
    """Open a folder of tables or shards, or a tar of samples; None where images lie in folders."""
    is_tar = path.name.lower().endswith(TAR_SUFFIXES)
    if path.is_dir() and not any(map(_may_be_image, names)):
        rows = find_columnar(names)
        shards = [name for name in names if name.lower().endswith(TAR_SUFFIXES)]
        if rows:
            return open_rows(path, rows, naming, source)
        if shards:
            return open_shards(path, shards, naming, source)
    return open_shards(path.parent, [path.name], naming, source) if is_tar and is_web_dataset(names) else None


def _open_images(
    path: Path, container: Container, names: list[str], source: str, naming: Naming
) -> tuple[Listing, Container]:
    """Recognise what tells the classes of the images in a folder or an archive, and list them."""
    if naming.pattern:
        refuse_unused(naming, source, used=("label",))
        return list_by_file_name(names, naming.pattern, source), container
    metadata = find_metadata(container, names, naming, source)
    if metadata:
        return list_image_folder(names, metadata, naming, source), container
    exported = open_exports(path, container, names, naming, source)
    if exported:
        return exported
    refuse_unused(naming, source)
    root = find_root(names)
    if root is None:
        return list_by_folder(names, source), container
    annotations = container.read(f"{root}{ANNOTATIONS}", TEXT_LIMIT).decode()
    words = container.read(f"{root}words.txt", TEXT_LIMIT).decode() if f"{root}words.txt" in names else ""
    return list_tiny_imagenet(names, annotations, words), container


def _complete(listing: Listing, container: Container, source: str) -> Listing:
    """Add to a listing what a folder or an archive could not offer."""
    listing.notes += container.notes
    if container.hidden:  # said but listed nowhere: DVC does not see when they change
        listing.notes.append(f"hidden images or folders, which are left out: {quote_some(sorted(container.hidden))}")
    listing.refused += [(name, reason) for name, reason in container.refused if not side_kind(name)]
    if listing.refused and not listing.paths:
        name, reason = listing.refused[0]
        raise SightlineError(
            f"prepare.source: {source}: holds no image that can be read, and {len(listing.refused)} entries that "
            f"cannot, such as {name} ({reason})"
        )
    return listing


def _may_be_image(name: str) -> bool:
    return not side_kind(name) and not name.lower().endswith(ARCHIVES_WITHIN)


def inside_raw(source: str, key: str = "source", others: str = "digits, torchvision:<Dataset> or ") -> Path:
    """Return a parameter of prepare as a path; SightlineError where DVC would not see what lies there.

    `others` is what else the parameter may be, for the message.
    """
    path = Path(source)
    if path.is_absolute() or ".." in path.parts or path.parts[:2] != RAW.parts:
        raise SightlineError(
            f"params.yaml: prepare.{key}: {source!r} must be {others}a path below {RAW}, "
            f"where DVC sees it: move your images there (a link may lead to them from their old place), "
            f"or copy them with `dvc import-url`"
        )
    if path.is_relative_to(DOWNLOADS):
        raise SightlineError(
            f"params.yaml: prepare.{key}: {source!r} lies where DVC sees no changes: "
            f"name it torchvision:<Dataset>, or move your images out of {DOWNLOADS}"
        )
    if is_litter(path.as_posix()):
        raise SightlineError(
            f"params.yaml: prepare.{key}: {source!r} is hidden, so that DVC sees no changes: give it another name"
        )
    return path
