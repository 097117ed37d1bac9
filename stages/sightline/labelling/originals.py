"""The batch's images as people see them: the files that they are, in the size that they have."""

import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from sightline.common.errors import SightlineError
from sightline.common.files import replacing
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.beside_table import BesideTable
from sightline.images.sources.open import RAW
from sightline.labelling.batch import SHOWN

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1 << 28  # px
LONGEST = 1 << 31  # bytes of a file
SIDE = 1024  # px: of what no browser shows


def copy_images(batch: "pd.DataFrame", folder: Path, preprocessing: Preprocessing) -> None:
    """Write each image under its name in the batch; what browsers do not show becomes a PNG of at most 1024 px.

    What a command that was ended left in the folder goes: people would label images that no batch knows.

    Raises
    ------
    SightlineError
        An image cannot be read under its id, the path below data/raw.
    """
    shutil.rmtree(folder, ignore_errors=True)
    files = BesideTable(RAW, batch["id"].tolist())
    names = dict(zip(batch["id"], batch["file"], strict=True))
    for row in files.cheapest_order():
        path = batch["id"].iloc[row]
        try:
            data = files.read(path, LONGEST)
            shown = data if path.lower().endswith(SHOWN) else _to_png(data, preprocessing)
        except BadImageError as error:
            raise SightlineError(f"label: {RAW / path}: {error}: run `dvc repro prepare` where it has moved") from None
        with replacing(folder / names[path]) as beside:
            beside.write_bytes(shown)


def _to_png(data: bytes, preprocessing: Preprocessing) -> bytes:
    large = replace(preprocessing, image_size=SIDE, fit="pad")
    pixels = decode(data, large, LARGEST).pixels
    stream = BytesIO()
    Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).save(stream, format="PNG")
    return stream.getvalue()
