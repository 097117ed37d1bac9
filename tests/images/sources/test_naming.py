"""Columns of any name, paths made of columns, and classes in file names."""

import zipfile

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.naming import Naming, naming_of
from sightline.images.sources.open import open_source

KAGGLE = naming_of({"path": "train/{id}.jpg", "label": "Breed", "group": "owner", "subset": "fold"})
PETS = naming_of({"label": r"regex:^(?P<label>.+)_\d+"})


def table(workspace, text):
    (workspace / "data/raw/labels.csv").write_text(text)
    return "data/raw/labels.csv"


def folder(workspace, *names):
    for name in names:
        path = workspace / "data/raw/pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return "data/raw/pets"


def columns_of(listing):
    return list(zip(listing.paths, listing.classes, listing.groups, listing.subsets, strict=True))


def test_a_path_is_made_of_columns_and_others_are_named(workspace):
    source = table(workspace, "ID,breed,owner,fold,site\n1a,pug,anna,train,x\n2b,boxer,,valid,y\n")
    listing, _ = open_source(source, KAGGLE)
    assert columns_of(listing) == [
        ("train/1a.jpg", "pug", "anna", "train"),
        ("train/2b.jpg", "boxer", "", "val"),
    ]
    assert listing.further == {"site": ["x", "y"]}


def test_columns_of_a_template_stay_further_columns_where_their_names_are_free(workspace):
    source = table(workspace, "site,id,label\nnorth,1,a\nsouth,1,b\n")
    listing, _ = open_source(source, naming_of({"path": "{site}/{id}.png"}))
    assert listing.paths == ["north/1.png", "south/1.png"]
    assert listing.further == {"site": ["north", "south"]}


def test_a_template_may_lead_into_an_archive(workspace):
    with zipfile.ZipFile(workspace / "data/raw/train.zip", "w") as archive:
        archive.writestr("train/7.jpg", b"seven")
    source = table(workspace, "id,label\n7,a\n")
    listing, container = open_source(source, naming_of({"path": "train.zip/train/{id}.jpg"}))
    assert container.read(listing.paths[0], 100) == b"seven"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,breed,owner,fold\n,pug,x,\n", r"line 2: train/\{id\}\.jpg must not be empty"),
        ("image,breed,owner,fold\n1,pug,x,\n", r"has no column 'id' \(found: image, Breed.*by prepare.path"),
        ("id,label,owner,fold\n1,pug,x,\n", r"has no column 'Breed' .*by prepare.label"),
        ("id,breed,fold\n1,pug,\n", r"has no column 'owner' .*by prepare.group"),
        ("id,breed,owner\n1,pug,x\n", r"has no column 'fold' .*by prepare.subset"),
        ("id,breed,owner,fold\n1,pug,x,3\n", r"line 2: subset '3' must be one of"),
        ("id,breed,owner,fold\n../1,pug,x,\n", r"line 2: 'train/\.\./1\.jpg' must lie beside the table"),
    ],
)
def test_what_a_parameter_names_must_be_there(workspace, text, message):
    with pytest.raises(SightlineError, match=message) as caught:
        open_source(table(workspace, text), KAGGLE)
    assert "\n" not in str(caught.value)


def test_classes_in_file_names_are_read_whatever_the_folders(workspace):
    source = folder(workspace, "a/Great_Dane_12.jpg", "b/pug_1.jpg", "pug_2.jpg", "notes.txt")
    listing, _ = open_source(source, PETS)
    assert columns_of(listing) == [
        ("a/Great_Dane_12.jpg", "Great_Dane", "", ""),
        ("b/pug_1.jpg", "pug", "", ""),
        ("pug_2.jpg", "pug", "", ""),
    ]
    assert listing.side_files == {".txt": 1}


def test_names_that_do_not_match_are_quarantined_and_test_images_without_a_class_put_aside(workspace):
    source = folder(workspace, "train/pug_1.jpg", "train/boxer_1.jpg", "train/cover.jpg", "test/1.jpg")
    listing, _ = open_source(source, PETS)
    reason = "no class in the name: it does not match prepare.label"
    assert listing.subsets == ["train", "train"]
    assert listing.refused == [("train/cover.jpg", reason)]
    assert listing.aside == [("test/1.jpg", reason)]


def test_a_pattern_with_a_slash_sees_the_path_and_may_name_more(workspace):
    source = folder(workspace, "p07/left/cat-1.jpg", "p08/right/dog-1.jpg")
    pattern = r"regex:^(?P<group>\w+)/(?P<side>\w+)/(?P<label>\w+)-\d+$"
    listing, _ = open_source(source, naming_of({"label": pattern}))
    assert columns_of(listing) == [("p07/left/cat-1.jpg", "cat", "p07", ""), ("p08/right/dog-1.jpg", "dog", "p08", "")]
    assert listing.further == {"side": ["left", "right"]}


def test_a_subset_in_a_pattern_is_read_as_in_a_table(workspace):
    source = folder(workspace, "Training_cat_1.jpg", "Testing_cat_2.jpg", "dog_3.jpg")
    listing, _ = open_source(source, naming_of({"label": r"regex:^((?P<subset>T[a-z]+)_)?(?P<label>[a-z]+)_"}))
    assert list(zip(listing.classes, listing.subsets, strict=True)) == [("cat", "test"), ("cat", "train"), ("dog", "")]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            r"regex:^(?P<subset>\w+?)_(?P<label>\w+)_",
            r"pets/part_cat_3.jpg: subset 'part' must be one of train, val, test",
        ),
        (r"regex:^(?P<split>\w+?)_(?P<label>\w+)_", r"pets: the column 'split' is called as if it divided the images"),
    ],
)
def test_a_pattern_that_divides_otherwise_is_refused(workspace, pattern, message):
    with pytest.raises(SightlineError, match=message):
        open_source(folder(workspace, "train_cat_1.jpg", "part_cat_3.jpg"), naming_of({"label": pattern}))


def test_a_pattern_that_matches_nothing_ends_in_a_line(workspace):
    with pytest.raises(SightlineError, match=r"holds no image that can be read, and 1 entries .*does not match"):
        open_source(folder(workspace, "a.jpg"), PETS)


def test_a_group_of_a_pattern_may_not_take_a_name_of_the_index(workspace):
    with pytest.raises(SightlineError, match="the group 'width' has a name that is taken"):
        open_source(folder(workspace, "a.jpg"), naming_of({"label": "regex:(?P<label>a)(?P<width>b)?"}))


@pytest.mark.parametrize(
    ("source", "naming", "message"),
    [
        ("data/raw/pets", {"label": "breed"}, "prepare.label: 'breed' says nothing about data/raw/pets"),
        ("digits", {"group": "hand"}, "prepare.group: 'hand' says nothing about digits"),
        ("data/raw/pets", {"label": "regex:(?P<label>a)", "path": "x"}, "prepare.path: 'x' says nothing"),
        ("data/raw/labels.csv", {"label": "regex:(?P<label>a)"}, "labels.csv is a table: name its column of labels"),
    ],
)
def test_a_name_that_a_source_cannot_use_is_refused(workspace, source, naming, message):
    folder(workspace, "cat/a_1.jpg", "dog/b_1.jpg")
    with pytest.raises(SightlineError, match=message):
        open_source(source, naming_of(naming))


def test_what_changed_leads_back_to_the_names():
    assert naming_of(KAGGLE.changed()) == KAGGLE
    assert Naming("path", "label", "group", "subset").changed() == {}
