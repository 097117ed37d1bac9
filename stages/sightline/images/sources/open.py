"""`prepare.source`: where labelled images come from."""

from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.sources.containers import Container, open_container
from sightline.images.sources.layouts import Listing, common_root, is_tiny_imagenet, list_by_folder, list_tiny_imagenet

RAW = Path("data/raw")  # a dependency of prepare in dvc.yaml: what lies elsewhere would escape DVC's notice
DOWNLOADS = RAW / "torchvision"  # in .dvcignore, since a copy without them would seem changed
TEXT_LIMIT = 1 << 30


def open_source(source: str) -> tuple[Listing, Container]:
    """List a source's labelled images and open what their bytes are read from.

    Parameters
    ----------
    source : str
        ``digits``, ``torchvision:<Dataset>``, or the path of a folder, archive or CSV below ``data/raw``.

    Raises
    ------
    SightlineError
        Nothing is there, or it cannot be understood, or a download fails.
    """
    if source == "digits":
        from sightline.images.sources.digits import open_digits  # scikit-learn, for this source alone

        return open_digits()
    if source.startswith("torchvision:"):
        from sightline.images.sources.torchvision_sets import open_torchvision  # torchvision, for this source alone

        return open_torchvision(source.partition(":")[2], DOWNLOADS)
    path = _inside_raw(source)
    if path.suffix.lower() == ".csv":
        from sightline.images.sources.csv_table import open_csv

        return open_csv(path)
    container = open_container(path)
    return list_images(container, source), container


def list_images(container: Container, source: str) -> Listing:
    """Recognise the layout of a folder or an archive and list its images."""
    names = container.names()
    if not is_tiny_imagenet(names):
        return list_by_folder(names, source)
    root = common_root(names)
    annotations = container.read(f"{root}val/val_annotations.txt", TEXT_LIMIT).decode()
    words = container.read(f"{root}words.txt", TEXT_LIMIT).decode() if f"{root}words.txt" in names else ""
    return list_tiny_imagenet(names, annotations, words)


def _inside_raw(source: str) -> Path:
    path = Path(source)
    if path.is_absolute() or ".." in path.parts or path.parts[:2] != RAW.parts:
        raise SightlineError(
            f"params.yaml: prepare.source: {source!r} must be digits, torchvision:<Dataset> or a path below {RAW}, "
            f"where DVC sees it (a link to another place is enough)"
        )
    if path.is_relative_to(DOWNLOADS):
        raise SightlineError(
            f"params.yaml: prepare.source: {source!r} lies where DVC sees no changes: "
            f"name it torchvision:<Dataset>, or move your images out of {DOWNLOADS}"
        )
    return path
