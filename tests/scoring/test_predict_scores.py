import pandas as pd
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.scoring import predict as module
from sightline.scoring.predict import score_judged, select_judged


def samples(subset: list[str], fold: list[int]) -> pd.DataFrame:
    rows = range(len(subset))
    ids = [f"image {row}" for row in rows]
    return pd.DataFrame({"row": rows, "id": ids, "label": 0, "class": "a", "subset": subset, "fold": fold})


def say(member, rows):
    """Return logits of a member that is nothing but its probability of the first class."""
    return torch.log(torch.tensor([[member, 1 - member]])).repeat(len(rows), 1)


def test_without_folds_validation_and_test_are_judged():
    judged = select_judged(samples(["train", "val", "test", "val"], [-1] * 4), folds=[None])
    assert list(judged["row"]) == [1, 2, 3]
    assert list(judged["subset"]) == ["val", "test", "val"]
    assert set(judged["fold"]) == {-1}


def test_with_folds_every_fold_is_validation():
    judged = select_judged(samples(["train", "val", "test", "train"], [1, 0, -1, -1]), folds=[0, 1])
    assert list(judged["row"]) == [0, 1, 2]
    assert list(judged["subset"]) == ["val", "val", "test"]
    assert list(judged["fold"]) == [1, 0, -1]


def test_folds_of_the_split_do_not_matter_to_a_single_network():
    judged = select_judged(samples(["train", "val"], [0, 1]), folds=[None])
    assert list(judged["row"]) == [1]
    assert list(judged["fold"]) == [-1]


def test_an_image_is_predicted_out_of_fold_and_test_by_all():
    judged = select_judged(samples(["train", "test", "train", "train"], [1, -1, 0, 1]), folds=[0, 1])
    scores, alone = score_judged([0.2, 0.6], [0, 1], judged, classes=2, predict=say)
    assert scores.exp()[:, 0].tolist() == pytest.approx([0.6, 0.4, 0.2, 0.6])  # 0.4: the mean of both
    assert [decided.tolist() for decided in alone] == [[1], [0]]  # on test, 0.2 and 0.6 of the first class


def test_blocks_of_images_are_combined_in_their_order(monkeypatch):
    monkeypatch.setattr(module, "row_blocks", lambda rows, width: iter([slice(0, 2), slice(2, 4)]))
    judged = select_judged(samples(["test"] * 3, [-1] * 3), folds=[0, 1])
    scores, _ = score_judged(
        [0.1, 0.3],
        [0, 1],
        judged,
        classes=2,
        predict=lambda one, rows: say(one, rows) * (torch.from_numpy(rows != 1)[:, None]),
    )
    assert scores.exp()[:, 0].tolist() == pytest.approx([0.2, 0.5, 0.2])


def test_no_judged_images_give_no_scores():
    judged = select_judged(samples(["train"], [-1]), folds=[None])
    scores, alone = score_judged([0.5], [None], judged, classes=2, predict=say)
    assert scores.shape == (0, 2) and alone == []


def test_a_fold_without_its_member_is_refused():
    judged = select_judged(samples(["train", "train"], [0, 2]), folds=[0, 1])
    with pytest.raises(SightlineError, match="no member left out fold 2: run `dvc repro train`"):
        score_judged([0.2, 0.6], [0, 1], judged, classes=2, predict=say)


def test_scores_that_are_not_finite_are_refused():
    judged = select_judged(samples(["val", "test"], [-1, -1]), folds=[None])
    with pytest.raises(SightlineError, match="not finite for 2 of 2 images, such as image 0"):
        score_judged([float("nan")], [None], judged, classes=2, predict=say)
