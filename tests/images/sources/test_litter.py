"""What prepare passes over and what .dvcignore names are the same, so that litter written later runs nothing again."""

import pytest
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter

from imports import ROOT
from sightline.images.sources.names import LITTER, is_litter


@pytest.fixture(scope="module")
def ignored():
    """Tell whether DVC ignores a path of the repository."""
    found = DvcIgnoreFilter(LocalFileSystem(), str(ROOT))
    return lambda path: found.is_ignored_file(str(ROOT / path), ignore_subrepos=False)


SPELT = {"thumbs.db": "Thumbs.db", "icon\r": "Icon\r", "__macosx": "__MACOSX", "@eadir": "@eaDir"} | {
    "$recycle.bin": "$RECYCLE.BIN",
    "system volume information": "System Volume Information",
}


@pytest.mark.parametrize("folder", ["data/raw", "data/ood"])
def test_dvc_ignores_what_prepare_passes_over(ignored, folder):
    litter = {SPELT.get(name, name) for name in LITTER} | {".DS_Store", "._1.png", ".git"}
    assert {name for name in litter if not ignored(f"{folder}/photos/cat/{name}")} == set()
    assert {name for name in litter if not is_litter(f"photos/cat/{name}")} == set()
    assert ignored(f"{folder}/.DS_Store")


@pytest.mark.parametrize("name", ["photos.zip", "photos/cat/1.png", "photos/Icons", "photos/Icon1", "photos/#1.png"])
def test_dvc_sees_all_else(ignored, name):
    assert not ignored(f"data/raw/{name}")
    assert not is_litter(name)
