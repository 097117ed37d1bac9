"""Folders with images and the export of a label tool in them."""

import json
from typing import NamedTuple

import pytest

from sightline.images.sources.naming import naming_of
from sightline.images.sources.open import open_source

SOURCE = "data/raw/set"


class Opened(NamedTuple):
    """A listing, its labels by path, and what its bytes are read from."""

    listing: object
    labels: dict[str, str]
    container: object


@pytest.fixture
def fill(workspace):
    """Write images, which hold their own names, and texts or JSON below data/raw/set."""

    def write(*images, **files):
        texts = {name: name for name in images} | files.pop("files", {})
        for name, content in texts.items():
            path = workspace / SOURCE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    return write


@pytest.fixture
def opened():
    """Open data/raw/set, or another source, with names of columns that differ from the plain ones."""

    def read(source=SOURCE, **changed):
        listing, container = open_source(source, naming_of(changed))
        return Opened(listing, dict(zip(listing.paths, listing.classes, strict=True)), container)

    return read
