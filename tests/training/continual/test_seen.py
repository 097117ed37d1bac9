from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from sightline.common.files import write_table
from sightline.images.samples import read_samples
from sightline.networks.saved import read_spec
from sightline.training.continual.forgetting import measure_forgetting
from sightline.training.continual.seen import count_seen_judges, seen_notes
from small_run import make_run

EARLIER = "models/pretrained/first"


@pytest.fixture
def moved(workspace):
    """6 training images, 3 for validation, 3 for test; the earlier model learnt from one more of either of these."""
    make_run(workspace, ("train",) * 6 + ("val",) * 3 + ("test",) * 3)
    split = pd.read_csv("data/split/split.csv")
    (workspace / EARLIER).mkdir(parents=True)
    for file in (workspace / "models/trained").iterdir():
        file.rename(workspace / EARLIER / file.name)
    write_table(f"{EARLIER}/split.csv", split.assign(subset=["train"] * 7 + ["val"] * 3 + ["train", "test"]))
    return split


def test_images_that_judge_and_were_learnt_before_are_counted_and_told(moved):
    seen = count_seen_judges(read_samples(), EARLIER)
    assert seen == {"learnt_before": {"val": 1, "test": 1}}
    (line,) = seen_notes(seen["learnt_before"], EARLIER)
    assert "models/pretrained/first has learnt from images that judge here (1 of val, 1 of test)" in line


def test_in_folds_every_image_judges(moved):
    write_table("data/split/split.csv", moved.assign(fold=[0, 1] * 3 + [-1] * 6))
    assert count_seen_judges(read_samples(), EARLIER)["learnt_before"]["folds"] == 6


@pytest.mark.parametrize("weights", ["", "models/pretrained/second"])
def test_of_what_no_split_tells_nothing_is_said(moved, weights):
    assert count_seen_judges(read_samples(), weights) == {}
    assert seen_notes({}, weights) == []


def test_forgetting_is_measured_on_images_that_the_earlier_model_has_not_learnt_from(moved, workspace):
    spec = read_spec(EARLIER)
    params = SimpleNamespace(head_init="known", weights=EARLIER, memory_mb=64)
    pixels = np.load("data/prepared/images.npy")
    earlier = workspace / EARLIER
    found = measure_forgetting(earlier, spec, read_samples(), pixels, params, torch.device("cpu"))
    assert (found["images"], found["forgetting"]) == (2, 0)
    (earlier / "split.csv").unlink()
    assert measure_forgetting(earlier, spec, read_samples(), pixels, params, torch.device("cpu"))["images"] == 3
