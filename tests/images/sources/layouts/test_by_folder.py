import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.layouts.by_folder import list_by_folder


def files(*folders):
    return [f"{folder}/{number}.png" for folder in folders for number in range(2)]


def rows(names):
    listing = list_by_folder(names, "photos")
    return sorted(set(zip(listing.classes, listing.subsets, strict=True)))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Training", "Testing"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set", "test_set"),
        ("images_train2017", "holdout"),
        ("Final_Training/Images", "Final_Test/Images"),
        ("archive/scans_train", "archive/scans_test"),
    ],
)
def test_subsets_under_other_names_are_subsets(train, test):
    listing = list_by_folder(files(f"{train}/glioma", f"{train}/notumor", f"{test}/glioma", f"{test}/notumor"), "x")
    assert listing.classes == (["glioma"] * 2 + ["notumor"] * 2) * 2
    assert listing.subsets == ["train"] * 4 + ["test"] * 4
    assert len(listing.notes) == 1
    assert "is train" in listing.notes[0]


def test_images_published_without_labels_are_set_aside():
    listing = list_by_folder(files("seg_train/a", "seg_train/b", "seg_pred/seg_pred", "seg_test"), "x")
    assert set(listing.classes) == {"a", "b"}
    assert [name for name, _ in listing.aside] == files("seg_pred/seg_pred", "seg_test")
    assert listing.unlabelled == []


def test_training_images_without_a_class_are_missed():
    assert list_by_folder([*files("train/a", "train/b"), "train/c.png"], "x").unlabelled == ["train/c.png"]


def test_subsets_below_each_class_are_read():
    names = files("cats/train", "cats/test", "dogs/train", "dogs/test")
    assert rows(names) == [("cats", "test"), ("cats", "train"), ("dogs", "test"), ("dogs", "train")]


def test_a_train_beside_other_vehicles_is_a_class():
    listing = list_by_folder(files("bus", "car", "train"), "x")
    assert (set(listing.classes), set(listing.subsets)) == ({"bus", "car", "train"}, {""})
    assert listing.notes == ["train is read as a class, not as the training subset"]


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (("cat", "dog", "test"), "'test' beside 'cat'"),
        (("train/a", "train/b", "train_masks"), "'train' beside 'train_masks'"),
        (("train", "test"), "'test', 'train' hold no class folders"),
        (("images", "masks"), "'images' cannot be a class"),
        (("images_001", "images_002"), "'images_001', 'images_002' cannot be classes"),
        (("cat", "dog", "annotations"), "'annotations' cannot be a class"),
        (("cat/images", "cat/masks", "dog/images"), "below 'cat', 'masks' beside 'images' cannot hold images"),
        (("cats/train", "cats/test", "dogs"), "'cats' holds the subsets 'test', 'train'"),
        (("fold/1/train/a", "fold/1/test/a", "fold/2/train/a"), "'fold/1' holds the subsets 'test', 'train'"),
        (("cat_train", "cat_test", "dog_train", "dog_test"), "may be subsets or classes"),
        (("simpsons/bart", "simpsons/lisa", "simpson_testset/all"), "'simpson_testset' may be subsets or classes"),
        (("color/rust", "color/scab", "grayscale/rust", "grayscale/scab"), "hold the same folders ('rust', 'scab')"),
        (("fold1/a", "fold1/b", "fold2/a", "fold2/b"), "'fold1', 'fold2' hold the same folders ('a', 'b')"),
        (
            ("cells/cells/a", "cells/cells/b", "cells/a", "cells/b"),
            "'cells/cells' holds all the folders that stand beside",
        ),
        (("cat", " "), "the class folder's name is blank"),
    ],
)
def test_folders_that_are_no_classes_are_named(folders, told):
    with pytest.raises(SightlineError) as caught:
        list_by_folder(files(*folders), "photos")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "classes",
    [
        ("with_mask", "without_mask"),
        ("train_station", "bullet_train", "test_tube", "bus", "car"),
        ("training_real", "training_fake"),
        ("photo", "sketch", "cartoon"),
        ("1", "2"),
    ],
)
def test_classes_whose_names_only_remind_of_others_stay(classes):
    assert rows(files(*classes)) == sorted((name, "") for name in classes)


def test_what_is_no_image_hides_no_enclosing_folder():
    listing = list_by_folder([*files("Pets/Cat", "Pets/Dog"), "readme[1].txt", "LICENSE", "terms.pdf"], "x")
    assert set(listing.classes) == {"Cat", "Dog"}
    assert listing.side_files == {".txt": 1, ".pdf": 1, "license": 1}


def test_a_folder_without_images_is_no_class():
    listing = list_by_folder([*files("food/images/pizza", "food/images/sushi"), "food/meta/train.txt"], "x")
    assert set(listing.classes) == {"pizza", "sushi"}
    listing = list_by_folder([*files("cat", "dog"), "clips/1.mov"], "x")
    assert set(listing.classes) == {"cat", "dog"}
    assert listing.notes == ["folders without images, which are no classes: 'clips'"]


def test_side_files_and_archives_are_no_images():
    listing = list_by_folder([*files("cat", "dog"), "cat/0.json", "cat/0.MOV", "dog/more.zip", "dog/scan"], "x")
    assert listing.side_files == {".json": 1, ".mov": 1}
    assert [name for name, _ in listing.aside] == ["dog/more.zip"]
    assert "dog/scan" in listing.paths  # an image needs no suffix


def test_names_that_look_the_same_are_one_class():
    listing = list_by_folder(files("caf\u00e9", "cafe\u0301", "dog", "dog "), "x")
    assert set(listing.classes) == {"caf\u00e9", "dog"}
    assert len(listing.notes) == 2
    assert "'dog' are one class (2 spellings)" in listing.notes[1]


def test_folders_that_all_classes_hold_are_told():
    listing = list_by_folder(files("site_a/cat", "site_a/dog", "site_b/cat", "site_b/dog"), "x")
    assert set(listing.classes) == {"site_a", "site_b"}
    assert listing.notes == [
        "the classes are 'site_a', 'site_b', not the folders that each of them holds: 'cat', 'dog'"
    ]
