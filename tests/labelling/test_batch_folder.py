"""The folder of all batches: one command at a time, and nothing that only people can make is ever to be deleted."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.naming import PLAIN
from sightline.labelling.batch import COLUMNS, alone_in, file_name, read_batches
from sightline.labelling.destination import Destination, name_table
from sightline.labelling.reading import describe_next


def test_a_second_command_is_refused_until_the_first_has_ended(tmp_path):
    folder = tmp_path / "labels"
    with (
        alone_in(folder),
        pytest.raises(SightlineError, match="another `make label` is at work there"),
        alone_in(folder),
    ):
        pass
    with alone_in(folder):
        assert folder.is_dir()


@pytest.mark.parametrize("inner", ["", "labels"])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path, inner):
    (tmp_path / "file").write_text("")
    with pytest.raises(SightlineError, match="is no folder: move that file away"), alone_in(tmp_path / "file" / inner):
        pass


@pytest.mark.parametrize(
    ("content", "told"),
    [("rank,file", "its last line is not complete"), ("rank;file\n", "has no column file"), ("rank\n\xe9\n", "utf-8")],
)
def test_a_batch_that_was_damaged_by_hand_is_to_be_mended(tmp_path, content, told):
    (tmp_path / "1").mkdir()
    (tmp_path / "1/batch.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(SightlineError) as caught:
        read_batches(tmp_path)
    assert told in str(caught.value)
    assert str(caught.value).endswith(": mend it, or bring back what Git has by `git checkout`")


@pytest.mark.parametrize("column", ["file", "id", "sha256"])
def test_labels_never_go_to_another_image_than_was_asked_for(tmp_path, column):
    rows = pd.DataFrame({"id": ["new/a.png", "new/b.png"], "sha256": ["00" * 32, "11" * 32]})
    rows["file"] = [file_name(*row) for row in rows.itertuples(index=False)]
    rows = rows.assign(rank=[1, 2], strategy="mix", score=0.0, prediction="ant", confidence=0.5)[list(COLUMNS)]
    (tmp_path / "1").mkdir()
    rows.to_csv(tmp_path / "1/batch.csv", index=False)
    assert read_batches(tmp_path)["id"].tolist() == ["new/a.png", "new/b.png"]
    rows[column] = rows[column].to_numpy()[::-1]
    rows.to_csv(tmp_path / "1/batch.csv", index=False)
    with pytest.raises(SightlineError, match=r"1/batch.csv: file \S+ was not made of id 'new/[ab].png' and its sha256"):
        read_batches(tmp_path)


def test_no_two_sources_share_a_table():
    below = ["ab", "ab.zip", "ab.v2.zip", "old/ab", "old%2Fab", "new/ab", "old/ab.zip", "ab/project.json", ""]
    names = [name_table(Path("data/raw") / name) for name in below]
    assert len(set(names)) == len(below)
    assert names[:2] == ["ab_labelled.csv", "ab.zip_labelled.csv"]
    assert not any("/" in name or name.startswith(".") for name in names)


def test_the_command_that_trains_next_can_be_pasted():
    target = Destination(Path("data/raw/set A_labelled.csv"), PLAIN, False)
    told = describe_next(target, SimpleNamespace(naming=None))
    assert told == "`dvc exp run -S 'prepare.source=data/raw/set A_labelled.csv'` trains with them"
