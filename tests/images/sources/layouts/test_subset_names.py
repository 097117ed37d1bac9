import pytest

from sightline.images.sources.layouts.subset_names import hidden_subset, subset_of, subsets_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Training", "train"),
        ("seg_train", "train"),
        ("TrainSet", "train"),
        ("trainset", "train"),
        ("images-train2017", "train"),
        ("Train Images (cropped)", "train"),
        ("训练集", "train"),
        ("Trainingsdaten", "train"),
        ("Validierungsbilder", "val"),
        ("Testdaten", "test"),
        ("学習データ", "train"),
        ("テスト", "test"),
        ("validación", "val"),
        ("val_data", "val"),
        ("valid", "val"),
        ("dev", "val"),
        ("Validation Set", "val"),
        ("test_set", "test"),
        ("Testing", "test"),
        ("hold-out", "test"),
        ("PrivateTest", "test"),
        ("eval", "eval"),
        ("seg_pred", "unlabelled"),
        ("cat", ""),
        ("train_station", ""),
        ("test_tube", ""),
        ("invalid", ""),
        ("data", ""),
        ("2017", ""),
    ],
)
def test_a_name_means_a_subset_or_none(name, kind):
    assert subset_of(name) == kind


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        ({"asl_alphabet_train", "asl_alphabet_test"}, {"asl_alphabet_train": "train", "asl_alphabet_test": "test"}),
        ({"training_real", "training_fake"}, {}),
        ({"train", "train_masks"}, {"train": "train"}),
        ({"train", "eval"}, {"train": "train", "eval": "test"}),
        ({"train", "eval", "test"}, {"train": "train", "eval": "val", "test": "test"}),
        ({"training", "validation", "evaluation"}, {"training": "train", "validation": "val", "evaluation": "test"}),
        ({"tr", "te"}, {"tr": "train", "te": "test"}),
        ({"de", "tr", "te"}, {}),  # languages
    ],
)
def test_names_side_by_side(names, kinds):
    assert subsets_of(names) == kinds


def test_a_subset_may_hide_in_a_longer_name():
    assert [hidden_subset(name) for name in ("cat_train", "simpson_testset", "cat")] == ["train", "test", ""]
