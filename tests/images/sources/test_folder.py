import os
import socket
import zipfile

import pytest

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.folder import Folder
from sightline.images.sources.open import open_source


@pytest.fixture
def photos(workspace):
    folder = workspace / "data/raw/photos"
    for name in ("cat/1.png", "dog/2.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def elsewhere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "3.png").write_bytes(b"3")
    return folder


@pytest.mark.parametrize("link", ["data/raw/linked", "data/raw/photos/bird", "data/raw/photos/cat/more"])
def test_a_link_to_a_folder_elsewhere_is_refused_with_what_to_do(photos, elsewhere, workspace, link):
    (workspace / link).symlink_to(elsewhere)
    source = "data/raw/linked" if link == "data/raw/linked" else "data/raw/photos"
    with pytest.raises(SightlineError, match=f"{link}: a link leads to {elsewhere}, .*dvc import-url {elsewhere}"):
        open_source(source)


def test_the_watched_folder_itself_may_be_the_source(photos, workspace):
    (workspace / "data/raw/README.md").write_text("")
    (workspace / "data/raw/1.png").write_bytes(b"1")
    (workspace / "data/raw/table.csv").write_text("path,label\n1.png,cat\nphotos/dog/2.png,dog\n")
    assert open_source("data/raw/table.csv")[0].classes == ["cat", "dog"]
    (workspace / "data/raw/1.png").unlink()
    assert open_source("data/raw")[0].classes == ["cat", "dog"]


def test_a_table_beside_a_linked_folder_is_refused_too(photos, elsewhere):
    (photos / "bird").symlink_to(elsewhere)
    (photos / "table.csv").write_text("path,label\ncat/1.png,cat\nbird/3.png,bird\n")
    with pytest.raises(SightlineError, match="photos/bird: a link leads to"):
        open_source("data/raw/photos/table.csv")


def test_links_to_files_are_followed_and_to_other_folders_that_are_watched_refused(photos, elsewhere, workspace):
    (photos / "cat/linked.png").symlink_to(elsewhere / "3.png")
    listing, container = open_source("data/raw/photos")
    assert listing.paths == ["cat/1.png", "cat/linked.png", "dog/2.png"]
    assert container.read("cat/linked.png", 10) == b"3"
    (workspace / "data/raw/more").mkdir()
    (photos / "bird").symlink_to(workspace / "data/raw/more")  # DVC sees its images, but not whether the link is there
    with pytest.raises(SightlineError, match="photos/bird: a link leads to"):
        open_source("data/raw/photos")


def test_the_watched_folder_itself_may_be_a_link(photos, workspace, tmp_path_factory):
    (workspace / "data/raw").rename(tmp_path_factory.mktemp("disk") / "raw")
    (workspace / "data/raw").symlink_to(next(tmp_path_factory.getbasetemp().glob("disk*/raw")))
    assert open_source("data/raw/photos")[0].classes == ["cat", "dog"]


def test_linked_archives_are_followed_but_not_linked_folders_around_them(photos, elsewhere, workspace):
    with zipfile.ZipFile(elsewhere / "set.zip", "w") as archive:
        archive.writestr("cat/1.png", b"1")
        archive.writestr("dog/1.png", b"2")
    (workspace / "data/raw/set.zip").symlink_to(elsewhere / "set.zip")
    (workspace / "data/raw/table.csv").write_text("path,label\nset.zip/cat/1.png,cat\nset.zip/dog/1.png,dog\n")
    assert open_source("data/raw/set.zip")[0].classes == ["cat", "dog"]
    assert open_source("data/raw/table.csv")[0].classes == ["cat", "dog"]
    (workspace / "data/raw/linked").symlink_to(elsewhere)
    with pytest.raises(SightlineError, match="data/raw/linked: a link leads to"):
        open_source("data/raw/linked/set.zip")


def test_where_nobody_watches_all_links_are_followed(photos, elsewhere):
    (photos / "bird").symlink_to(elsewhere)
    assert "bird/3.png" in Folder(photos).names()


def test_a_folder_reached_twice_is_read_at_its_own_place_whatever_the_order(photos):
    (photos / "a_copy").symlink_to(photos / "dog")
    (photos / "z_copy").symlink_to(photos / "dog")
    folder = Folder(photos)
    assert folder.names() == ["cat/1.png", "dog/2.png"]
    assert [name for name, _ in folder.refused] == ["a_copy", "z_copy"]


def test_what_is_no_file_is_listed_with_its_reason(photos):
    os.mkfifo(photos / "cat/pipe.png")
    (photos / "cat/gone.png").symlink_to("nowhere.png")
    (photos / "cat/round.png").symlink_to("round.png")
    (photos / "cat/new\r.png").write_bytes(b"")
    (photos / "cat").joinpath(os.fsdecode(b"gr\xfcn.png")).write_bytes(b"")
    folder = Folder(photos)
    assert folder.names() == ["cat/1.png", "dog/2.png"]
    reasons = dict(folder.refused)
    assert reasons.pop("cat/round.png").startswith("cannot be read")
    assert reasons == {
        "cat/pipe.png": "not a file: a pipe, a socket or a device",
        "cat/gone.png": "a link to nothing",
        "cat/new\\r.png": "the name has a control character: rename it",
        "cat/gr\\xfcn.png": "the name is not UTF-8: rename it",
    }


def test_a_table_that_names_a_pipe_or_a_socket_does_not_wait(photos, monkeypatch):
    os.mkfifo(photos / "pipe.png")
    monkeypatch.chdir(photos)
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket.png")
    server.close()
    for name in ("pipe.png", "socket.png"):
        with pytest.raises(BadImageError, match="cannot be read: a pipe or a device"):
            Folder(photos).read(name, 10)
    with pytest.raises(BadImageError, match="file not found"):
        Folder(photos).read("cat/1.png/2.png", 10)


@pytest.mark.parametrize("name", [b"gr\xfcn", b"a\nb"])
def test_a_folder_whose_name_cannot_be_written_is_refused(photos, name):
    (photos / "cat").rename(photos / os.fsdecode(name))
    with pytest.raises(SightlineError, match=r"data/raw/photos: folder 'gr\\xfcn': the name is not|'a\\nb'.*control"):
        open_source("data/raw/photos")


def test_a_folder_that_may_not_be_read_is_named(photos, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SightlineError, match="data/raw/photos/dog: permission denied: allow reading it"):
        open_source("data/raw/photos")


def test_hidden_images_and_folders_are_told(photos):
    (photos / "cat/.3.png").write_bytes(b"3")
    (photos / "cat/._1.png").write_bytes(b"")
    (photos / ".bird").mkdir()
    listing, _ = open_source("data/raw/photos")
    assert listing.paths == ["cat/1.png", "dog/2.png"]
    assert listing.notes == ["hidden images or folders, which are left out: '.bird', 'cat/.3.png'"]
    assert listing.refused == listing.aside == []


def test_litter_is_not_even_looked_into(photos, monkeypatch):
    for name in (".git", "__MACOSX", "Lost+Found"):
        (photos / name).mkdir()
        (photos / name / "1.png").write_bytes(b"1")
    (photos / "cat/Icon\r").write_bytes(b"")
    scanned = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (scanned.append(path.name), scan(path))[1])
    assert Folder(photos).names() == ["cat/1.png", "dog/2.png"]
    assert sorted(scanned) == ["cat", "dog", "photos"]


@pytest.mark.parametrize("source", ["data/raw/.photos", "data/raw/a/__MACOSX"])
def test_a_hidden_source_is_refused(workspace, source):
    with pytest.raises(SightlineError, match="is hidden, so that DVC sees no changes"):
        open_source(source)


@pytest.mark.parametrize("name", ["photos.zip", "table.csv"])
def test_a_pipe_in_the_place_of_a_source_does_not_wait(workspace, name):
    os.mkfifo(workspace / "data/raw" / name)
    with pytest.raises(SightlineError, match=r"is neither a folder nor a file|is not a file"):
        open_source(f"data/raw/{name}")
