"""One archive for prepare: the images of the last training under their ids and on their sides, and new ones behind.

The ids stay, so that both models are compared on the same test images; the archive is a source of any kind no more, but
Hugging Face's imagefolder, which prepare reads. The same images give the same bytes.
"""

import csv
import io
import zipfile
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.common.files import replacing
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.containers import Container
from sightline.retraining.additions import Additions, name_of
from sightline.retraining.base import Base

METADATA = "metadata.csv"
BEGINNING = (1980, 1, 1, 0, 0, 0)  # of time, for zip
ANY_SIZE = 1 << 62  # prepare has refused what is too large


def write_bundle(path: Path, base: Base, source: Container, additions: Additions, sides: list[str]) -> None:
    """Write the archive; `sides` are train, val or test for each addition.

    Raises
    ------
    SightlineError
        An image of the last training cannot be read any more.
    """
    with replacing(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        _add(archive, METADATA, _metadata(base, additions, sides))
        for name in base.images["id"]:
            try:
                _add(archive, name, source.read(name, ANY_SIZE))
            except BadImageError as error:
                raise SightlineError(f"{base.dataset.source}: {name}: {error}: bring it back, `dvc checkout`") from None
        for image in additions.images:
            _add(archive, name_of(image), image.file.read_bytes())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, BEGINNING), content)  # stored: images hardly become smaller


def _metadata(base: Base, additions: Additions, sides: list[str]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file_name", "label", "group", "subset", *base.further])
    columns = ["id", "class", "group", "subset", *base.further]
    writer.writerows(base.images[columns].itertuples(index=False))
    blank = [""] * len(base.further)
    rows = zip(additions.images, sides, strict=True)
    writer.writerows([name_of(image), image.label, "", side, *blank] for image, side in rows)
    return stream.getvalue().encode()
