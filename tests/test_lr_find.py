import numpy as np
import pandas as pd
import pytest
import torch
from accelerate.state import AcceleratorState

from lr_find import main, rate_scales, smooth, suggest
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.parameters.train import TrainParams
from small_run import SUBSETS, make_run


def test_smoothing_starts_without_bias_and_ends_before_what_is_not_finite():
    table = smooth(np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, np.inf]))
    assert table["smoothed"].tolist() == pytest.approx([4.0, (0.9 * 0.4 + 0.1 * 2) / (1 - 0.81)])


def test_the_steepest_fall_is_suggested():
    rates = np.geomspace(1e-6, 1, 61)
    loss = 1 / (1 + np.exp(4 * (np.log10(rates) + 3)))  # falls fastest at 1e-3
    assert suggest(pd.DataFrame({"lr": rates, "smoothed": loss})) == pytest.approx(1e-3, rel=0.05)


def test_a_loss_that_only_rises_suggests_nothing():
    with pytest.raises(SightlineError, match="the loss did not fall"):
        suggest(pd.DataFrame({"lr": np.geomspace(1e-6, 1, 20), "smoothed": np.arange(20.0)}))


def test_the_rate_is_that_of_the_head_with_layer_decay():
    groups = [{"params": [torch.zeros(1)], "initial_lr": rate} for rate in (0.02, 0.04, 0.08)]
    assert rate_scales(torch.optim.SGD(groups, lr=0.08)) == [0.25, 0.5, 1.0]


def test_a_model_without_a_learning_rate_is_refused_in_one_line(workspace, set_params):
    make_run(workspace, SUBSETS[:1] * 48 + SUBSETS[1:2] * 6)
    set_params(model="hog+svm", batch_size=16)
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(SightlineError, match=r"model: hog\+svm has no learning rate"):
        main(load_params(TrainParams))


def test_the_command_draws_and_leaves_the_pipelines_outputs_alone(workspace, set_params, capsys):
    make_run(workspace, SUBSETS[:1] * 48 + SUBSETS[1:2] * 6)
    set_params(batch_size=16)
    before = {path: path.read_bytes() for path in (workspace / "models").rglob("*") if path.is_file()}
    AcceleratorState._reset_state(reset_partial_state=True)
    main(load_params(TrainParams))
    assert "suggested lr: " in capsys.readouterr().out
    table = pd.read_csv("lr_find/loss.csv")
    assert table["lr"].is_monotonic_increasing
    assert table["smoothed"].min() < table["smoothed"].iloc[0]
    assert (workspace / "lr_find/loss.png").stat().st_size > 1000
    assert {path: path.read_bytes() for path in before} == before
    assert not (workspace / ".resume").exists()
