import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import read_columns, read_table, write_table
from sightline.common.params import load_params
from sightline.parameters.split import SplitParams
from sightline.splitting.clusters import find_clusters
from split import COLUMNS, main


def make_index(count=120, classes=3, group="", subset="", seed=0):
    """An index of images that are all different; phashes are far apart."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return pd.DataFrame(
        {
            "id": [f"{number}.png" for number in range(count)],
            "label": labels,
            "class": [f"class {label}" for label in labels],
            "group": group,
            "subset": subset,
            "width": 8,
            "height": 8,
            "sha256": [f"{value:064x}" for value in random.permutation(10**6)[:count]],
            "phash": [f"{value:016x}" for value in random.integers(0, 2**64, count, dtype=np.uint64)],
        }
    )


@pytest.fixture
def split(set_params):
    def run(index, **changes):
        set_params(**changes)
        write_table("data/prepared/index.csv", index)
        main(load_params(SplitParams))
        table = read_table("data/split/split.csv", text=("id", "subset"))
        return table, json.loads(Path("metrics/split.json").read_text())

    return run


def test_the_default_divides_by_class(split):
    table, metrics = split(make_index(), **{"split.val": 0.1, "split.test": 0.2})
    assert table["subset"].value_counts().to_dict() == {"train": 84, "val": 12, "test": 24}
    assert metrics["test"] == {"images": 24, "classes": 3}
    assert (table["fold"] == -1).all()
    classes = read_table("plots/split/classes.csv")
    assert classes["images"].sum() == 120
    assert len(classes) == 9


def test_classes_and_groups_that_look_like_numbers_stay_text(split):
    index = make_index()
    index["class"] = index["label"].map({0: "007", 1: "1.0", 2: "NA"})
    index["group"] = [f"{number % 2 * '0'}{number // 2 % 30}" for number in range(120)]  # 1 and 01 are two groups
    split(index, **{"split.keep_duplicates_together": "none"})
    classes = read_table("plots/split/classes.csv", text=("class",))
    assert classes["class"].unique().tolist() == ["007", "1.0", "NA"]
    assert len(set(find_clusters(read_columns("data/prepared/index.csv", COLUMNS), 3)["group"])) == 60


def test_fixed_subsets_stay_and_only_the_missing_one_is_drawn(split):
    index = make_index()
    index["subset"] = ["test"] * 30 + ["train"] * 90
    table, _ = split(index, **{"split.val": 0.1, "split.test": 0.4})
    assert (table["subset"][:30] == "test").all()
    assert table["subset"][30:].value_counts().to_dict() == {"train": 81, "val": 9}


def test_groups_never_stand_on_two_sides(split):
    index = make_index(600)
    index["group"] = [f"person {number // 12}" for number in range(600)]
    table, metrics = split(index, folds=4)
    sides = table.assign(group=index["group"]).groupby("group")[["subset", "fold"]].nunique()
    outside = table.assign(group=index["group"]).query("subset != 'test'").groupby("group")["fold"].nunique()
    assert (
        table.assign(group=index["group"], test=table["subset"] == "test").groupby("group")["test"].nunique() == 1
    ).all()
    assert (outside == 1).all()
    assert len(sides) == 50
    assert sum(metrics["leaks"]["group"].values()) == 0


def test_duplicates_stay_together_as_asked(split):
    index = make_index(300)
    index.loc[1::2, "sha256"] = index.loc[::2, "sha256"].to_numpy()
    index["label"] = np.arange(300) // 2 % 3
    table, metrics = split(index)
    assert (table["subset"].to_numpy()[::2] == table["subset"].to_numpy()[1::2]).all()
    assert sum(metrics["leaks"]["exact"].values()) == 0
    _, apart = split(index, **{"split.keep_duplicates_together": "none", "split.on_leak": "report"})
    assert apart["leaks"]["exact"]["train_test"] > 10


def test_near_duplicates_are_kept_together_when_asked(split):
    index = make_index(300)
    values = [int(value, 16) for value in index["phash"]]
    index["phash"] = [f"{values[number - number % 2] ^ (number % 2):016x}" for number in range(300)]
    index["label"] = np.arange(300) // 2 % 3
    table, metrics = split(index, **{"split.keep_duplicates_together": "near"})
    assert (table["subset"].to_numpy()[::2] == table["subset"].to_numpy()[1::2]).all()
    assert sum(metrics["leaks"]["near"].values()) == 0


@pytest.fixture
def leaking():
    """Three training images repeat test images of a source with fixed subsets."""
    index = make_index()
    index["subset"] = ["test"] * 30 + ["val"] * 30 + ["train"] * 60
    index.loc[60:62, "sha256"] = index.loc[0:2, "sha256"].to_numpy()
    return index


def test_leaks_of_fixed_subsets_fail_drop_or_are_reported(split, leaking):
    with pytest.raises(SightlineError, match=r"3 images stand on two sides .exact train_test: 3."):
        split(leaking, **{"split.on_leak": "fail"})
    table, metrics = split(leaking, **{"split.on_leak": "report"})
    assert (len(table), metrics["leaks"]["exact"]["train_test"], metrics["dropped"]) == (120, 3, 0)
    table, metrics = split(leaking, **{"split.on_leak": "drop"})
    assert (len(table), metrics["dropped"]) == (117, 3)
    assert not set(table["id"]) & {"60.png", "61.png", "62.png"}


def test_hashing_moves_no_image_when_others_are_added(split):
    index = make_index(900)
    old, _ = split(index[:600], **{"split.method": "hash"})
    new, _ = split(index, **{"split.method": "hash"})
    assert old.equals(new[:600])
    assert set(new["subset"]) == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split.val": 0.6, "split.test": 0.4}, "split: val . test must be less than 1"),
        ({"split.method": "hash", "split.keep_duplicates_together": "near"}, "cannot keep near duplicates together"),
        ({"folds": 1}, "folds: must be 0"),
        ({"folds": 97}, "folds: 97 cannot be made of 96 images: set 96 or fewer"),
        ({"split.on_leak": "shrug"}, "split.on_leak: must be 'fail', 'drop' or 'report'"),
    ],
)
def test_what_cannot_be_split_is_one_line(split, changes, message):
    with pytest.raises(SightlineError, match=message) as caught:
        split(make_index(), **changes)
    assert "\n" not in str(caught.value)


def test_sixty_thousand_rows_take_seconds(split):
    index = make_index(60_000, classes=10)
    start = time.perf_counter()
    split(index, folds=5)
    assert time.perf_counter() - start < 10  # 1 to 2 s on two quiet cores; the bound catches quadratic work


def test_classes_without_training_images_are_named_and_counted(split, capsys):
    index = make_index(600, classes=200)
    shares = {"split.method": "hash", "split.val": 0.2, "split.test": 0.2}
    table, metrics = split(index, **shares, **{"split.on_untrained": "report"})
    trained = set(index["class"][(table["subset"] == "train").to_numpy()])
    missing = [f"class {label}" for label in range(200) if f"class {label}" not in trained]
    assert len(missing) > 5
    assert metrics["classes_without_training_images"] == len(missing) == 200 - metrics["train"]["classes"]
    line = f"split: {len(missing)} of 200 classes have no image to train on: {', '.join(missing[:5])}"
    assert capsys.readouterr().out.splitlines()[0] == f"{line} and {len(missing) - 5} more"


def leave_to_test(index):
    index["subset"] = index["label"].map({0: "train", 1: "train", 2: "test"})
    index.loc[:2, "subset"] = "test"  # some of the classes that are trained
    return index


def test_a_class_that_the_source_left_to_test_is_named(split, capsys):
    _, metrics = split(leave_to_test(make_index()), **{"split.val": 0.1, "split.on_untrained": "report"})
    assert metrics["classes_without_training_images"] == 1
    assert capsys.readouterr().out == "split: 1 of 3 classes have no image to train on: class 2\n"


def test_a_class_that_the_source_left_to_test_ends_the_stage_or_is_left_out_as_asked(split, capsys):
    index = leave_to_test(make_index())
    lost = int((index["label"] == 2).sum())
    line = f"{lost} images of val and test are of classes without an image to train on: class 2"
    with pytest.raises(SightlineError, match=f"^split.on_untrained: {line}: mend data/raw"):
        split(index, **{"split.val": 0.1})
    table, metrics = split(index, **{"split.val": 0.1, "split.on_untrained": "drop"})
    assert capsys.readouterr().out.endswith(f"split: left out: {line}\n")
    assert set(table["id"]) == set(index["id"][index["label"] != 2])
    assert metrics["dropped"] == lost
    assert metrics["test"]["classes"] == 2


def test_nothing_is_said_where_every_class_is_trained(split, capsys):
    _, metrics = split(make_index(), folds=3)
    assert metrics["classes_without_training_images"] == 0
    assert capsys.readouterr().out == ""


def test_a_class_within_one_fold_is_not_trained_by_the_member_of_that_fold(split, capsys):
    index = make_index()
    index["group"] = [f"person {number}" for number in range(120)]
    index.loc[index["label"] == 2, "group"] = "all of class 2"
    _, metrics = split(index, folds=3)
    assert metrics["classes_without_training_images"] == 1
    assert "1 of 3 classes have no image to train on: class 2" in capsys.readouterr().out


def test_no_training_image_at_all_is_one_line(split):
    index = make_index()
    index["subset"] = ["test"] * 60 + ["val"] * 60
    with pytest.raises(SightlineError, match=r"^split: no image to train on is left .120 of 120") as caught:
        split(index)
    assert "\n" not in str(caught.value)


def test_no_training_image_in_a_fold_is_one_line(split):
    with pytest.raises(SightlineError, match="folds: all images fall into one fold"):
        split(make_index(1, classes=1), folds=2, **{"split.method": "hash", "split.test": 0.01, "split.val": 0.01})


def test_few_groups_are_divided_and_the_shares_that_could_not_be_had_are_said(split, capsys):
    index = make_index()
    index["group"] = [f"person {number // 12}" for number in range(120)]
    table, metrics = split(index, **{"split.val": 0.15, "split.test": 0.2})
    assert table["subset"].value_counts().to_dict() == {"train": 84, "val": 12, "test": 24}
    assert metrics["val"] == {"images": 12, "classes": 3}
    said = "split: val has 12 images where split.val: 0.15 asks for 18: 10 units stay whole (groups, duplicates), "
    assert capsys.readouterr().out == f"{said}the largest has 12 images, and each class is in training\n"


def test_small_classes_are_divided_and_those_that_a_subset_lacks_are_named(split, capsys):
    table, metrics = split(make_index(300, classes=100), **{"split.val": 0.15, "split.test": 0.2})
    assert table["subset"].value_counts().to_dict() == {"train": 195, "val": 45, "test": 60}
    assert [metrics[name]["classes"] for name in ("train", "val", "test")] == [100, 45, 60]
    lines = sorted(capsys.readouterr().out.splitlines())
    assert [line.partition(" classes: ")[0] for line in lines] == [
        "split: test has no image of 40 of 100",
        "split: val has no image of 55 of 100",
    ]
    tested = set(table["subset"].index[table["subset"] == "test"] % 100)
    first = [f"class {label}" for label in range(100) if label not in tested][:5]
    assert lines[0].endswith(f"classes: {', '.join(first)} and 35 more")


def test_a_single_class_to_train_on_is_one_line(split):
    index = make_index(classes=2)
    index["subset"] = index["label"].map({0: "train", 1: "test"})
    with pytest.raises(SightlineError, match=r"^split: the images to train on are of one class, class 0: a network"):
        split(index)


def test_a_test_subset_of_other_classes_alone_is_one_line(split):
    index = make_index()
    index["subset"] = index["label"].map({0: "train", 1: "train", 2: "test"})
    index.loc[index["label"] == 2, "class"] = "Icon\r"
    with pytest.raises(SightlineError, match=r"test has only classes without an image to train on .Icon\\r.: sort"):
        split(index)


def test_nothing_left_open_for_a_missing_subset_is_one_line(split):
    index = make_index()
    index["subset"] = "test"
    with pytest.raises(SightlineError, match=r"^split: no image to train on is left .120 of 120"):
        split(index, folds=3)


@pytest.mark.parametrize("share", ["val", "test"])
def test_the_smallest_share_is_still_one_image(split, share):
    table, _ = split(make_index(), **{f"split.{share}": 0.001})
    assert (table["subset"] == share).sum() == 1


def test_one_grouped_pair_among_many_images_takes_seconds(split):
    index = make_index(30_000, classes=10)
    index.loc[[0, 10], "group"] = "pair"
    start = time.process_time()
    split(index, folds=5)
    assert time.process_time() - start < 5  # 0.6 s; scikit-learn's StratifiedGroupKFold takes minutes
