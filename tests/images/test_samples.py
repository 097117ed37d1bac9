import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.images import samples as samples_module
from sightline.images.samples import find_untrained, read_samples, tabulate
from sightline.images.store import read_index

INDEX = 'id,label,class,group\n"a,1.png",0,NA,\nb.png,1,dog,x\n"c\n.png",0,NA,\nd.png,12,cat,\n'


@pytest.fixture
def prepared(tmp_path):
    (tmp_path / "index.csv").write_text(INDEX)
    (tmp_path / "split.csv").write_text('id,subset,fold\n"a,1.png",train,1\n"c\n.png",val,0\nd.png,test,-1\n')
    return tmp_path


def test_samples_are_the_images_of_the_split(prepared):
    samples = read_samples(prepared, prepared)
    assert samples.row.tolist() == [0, 2, 3]
    assert samples.label.tolist() == [0, 0, 12]
    assert samples.fold.tolist() == [1, 0, -1]
    assert [samples.of(name).row.tolist() for name in ("train", "val", "test")] == [[0], [2], [3]]
    assert sum(column.itemsize for column in vars(samples).values()) == 10  # bytes an image


def test_a_part_has_all_columns_of_the_chosen(prepared):
    part = read_samples(prepared, prepared)[np.array([False, True, True])]
    assert (len(part), part.row.tolist(), part.label.tolist(), part.fold.tolist()) == (2, [2, 3], [0, 12], [0, -1])


def test_a_table_has_the_columns_of_the_index_and_the_subsets_of_the_split(prepared):
    index = pd.DataFrame({"id": ["a,1.png", "b.png", "c\n.png", "d.png"], "subset": ["", "val", "", ""]})
    assert tabulate(read_samples(prepared, prepared), index).to_dict("list") == {
        "id": ["a,1.png", "c\n.png", "d.png"],
        "subset": ["train", "val", "test"],
        "row": [0, 2, 3],
        "fold": [1, 0, -1],
    }


@pytest.mark.parametrize("names", [["z.png"], ["d.png", "b.png"]])
def test_a_split_of_other_images_is_one_line(prepared, names):
    (prepared / "split.csv").write_text("id,subset,fold\n" + "".join(f"{name},train,-1\n" for name in names))
    message = (
        rf"names images that .*index.csv lacks or has in another order \(got '{names[-1]}'\): run `dvc repro split`"
    )
    with pytest.raises(SightlineError, match=message):
        read_samples(prepared, prepared)


def test_no_split_is_one_line(prepared):
    (prepared / "split.csv").unlink()
    with pytest.raises(SightlineError, match=r"split.csv: not found: `dvc repro` makes it"):
        read_samples(prepared, prepared)


def test_classes_without_training_images_by_hand():
    label = np.array([0, 0, 1, 2, 2, 4])
    subset = np.array([0, 1, 1, 0, 2, 2])  # train, val, val, train, test, test
    none = np.full(6, -1)
    assert find_untrained(label, subset, none, 5).tolist() == [1, 3, 4]
    fold = np.array([0, 1, 1, 0, -1, -1])  # without fold 0 classes 0 and 1 are trained, without fold 1 classes 0 and 2
    assert find_untrained(label, subset, fold, 5).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_parts_of_any_length_give_the_same_samples(prepared, monkeypatch, rows):
    monkeypatch.setattr(samples_module, "AT_ONCE", rows)
    assert read_samples(prepared, prepared).row.tolist() == [0, 2, 3]
    index = pd.DataFrame({"id": ["a,1.png", "b.png", "c\n.png", "d.png"], "label": [0, 1, 0, 12]})
    assert read_samples(prepared, prepared, index).label.tolist() == [0, 0, 12]
    (prepared / "split.csv").write_text("id,subset,fold\nb.png,train,0\nd.png,val,1\nb.png,val,1\n")
    with pytest.raises(SightlineError, match=r"another order \(got 'b.png'\)"):
        read_samples(prepared, prepared)


@pytest.mark.parametrize("row", ["a,trian,0", "a,train,200", "a,train,", "a,train"])
def test_a_split_with_a_wrong_cell_is_damaged(prepared, row):
    (prepared / "index.csv").write_text("id,label\na,0\n")
    (prepared / "split.csv").write_text(f"id,subset,fold\n{row}\n")
    with pytest.raises(SightlineError, match=r"^[^\n]*split.csv: damaged [^\n]*$"):
        read_samples(prepared, prepared)


def test_the_index_holds_few_objects(prepared):
    (prepared / "index.csv").write_text(
        "id,label,class,group,subset,width,height,sha256,phash\na,0,NA,,val,1,2,00,0f\nb,0,NA,p,,1,2,01,10\n"
    )
    index = read_index(prepared / "index.csv")
    assert index["sha256"].tolist() == [b"00", b"01"]
    assert index["class"].tolist() == ["NA", "NA"]
    assert index["group"].tolist() == ["", "p"]
    assert index["subset"].tolist() == ["val", ""]
