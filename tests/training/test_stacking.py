from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.images.samples import SUBSETS, Samples
from sightline.networks.classifier import mean_log_probabilities
from sightline.networks.stack import Stack, stack_inputs
from sightline.parameters.train import TrainParams
from sightline.training.stacking import HeldOut, fit_regression, fit_stack, refuse_unstackable, score


def make_scores(labels: np.ndarray, classes: int, turn: int, seed: int) -> torch.Tensor:
    """Return noisy log-probabilities of a network that says class + turn where it sees class."""
    logits = np.random.default_rng(seed).normal(0, 1, (len(labels), classes))
    logits[np.arange(len(labels)), (labels + turn) % classes] += 2.5
    return torch.tensor(logits).float().log_softmax(dim=1)


def make_held(count: int, classes: int, parts: int = 5) -> HeldOut:
    labels = np.random.default_rng(9).integers(0, classes, count)
    scores = [make_scores(labels, classes, 0, 1), make_scores(labels, classes, 1, 2)]
    return HeldOut(scores, labels, np.arange(count) % parts)


def test_a_network_that_confuses_classes_in_a_fixed_way_helps_a_stack_and_harms_the_mean():
    held, fresh = make_held(300, 3), make_held(900, 3)
    tensors = fit_stack(held, 1.0, None)
    stacked = Stack(["right", "turned"], tensors["weight"][0], tensors["bias"][0])(fresh.scores)
    found = {
        "stack": score(stacked, fresh.labels),
        "mean": score(mean_log_probabilities(fresh.scores), fresh.labels),
        "right": score(fresh.scores[0], fresh.labels),
    }
    assert found["mean"]["accuracy"] < found["right"]["accuracy"] < found["stack"]["accuracy"] - 0.02
    assert found["stack"]["log_loss"] < found["right"]["log_loss"] - 0.05


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("weights", [None, [3.0, 0.5, 1.0, 1.0]])
def test_probabilities_are_those_of_scikit_learn(classes, weights):
    held = make_held(200, classes)
    weights = weights and torch.tensor(weights[:classes])
    tensors = fit_stack(held, 0.3, weights)
    stack = Stack(["a", "b"], tensors["weight"][0], tensors["bias"][0])
    inputs = stack_inputs(held.scores).double().numpy()
    named = None if weights is None else dict(enumerate(weights.tolist()))
    reference = LogisticRegression(C=0.3, class_weight=named, max_iter=1000).fit(inputs, held.labels)
    assert stack(held.scores).exp().numpy() == pytest.approx(reference.predict_proba(inputs), abs=1e-5)


def test_the_regression_of_a_part_has_not_seen_it():
    held = make_held(200, 3)
    tensors = fit_stack(held, 1.0, None)
    assert tensors["weight"].shape == (6, 3, 6)
    inputs = stack_inputs(held.scores).double().numpy()
    for part in range(5):
        others = held.parts != part
        weight, bias = fit_regression(inputs[others], held.labels[others], 1.0, None)
        assert tensors["weight"][1 + part].numpy() == pytest.approx(weight, abs=1e-6)
        assert tensors["bias"][1 + part].numpy() == pytest.approx(bias, abs=1e-6)
    lying = HeldOut(held.scores, np.where(held.parts == 2, 0, held.labels), held.parts)
    found = fit_stack(lying, 1.0, None)["weight"]
    same = [torch.equal(found[number], tensors["weight"][number]) for number in range(6)]
    assert same == [False, False, False, True, False, False]  # that without part 2


def test_a_smaller_c_holds_the_weights_nearer_to_zero():
    held = make_held(200, 3)
    small, large = (fit_stack(held, c, None)["weight"][0].norm() for c in (0.01, 1.0))
    assert 0 < small < large / 2


def params(workspace, set_params, **changes) -> TrainParams:
    set_params(**{"ensemble": "stack", "model": ["simple_cnn", "cnn"], **changes})
    return load_params(TrainParams)


def samples(subsets: list[str], folds: list[int], labels: list[int]) -> Samples:
    numbers = [SUBSETS.index(subset) for subset in subsets]
    return Samples(np.arange(len(labels)), np.array(labels), np.array(numbers), np.array(folds))


def test_what_cannot_be_stacked_is_refused_before_training(workspace, set_params):
    both = params(workspace, set_params)
    enough = samples(["train", "val", "val", "val", "val"], [-1] * 5, [0, 0, 0, 1, 1])
    refuse_unstackable(enough, ["x", "y"], both)
    with pytest.raises(SightlineError, match=r"stack needs validation images .* but 'y' has too few: raise split\.val"):
        refuse_unstackable(enough[np.arange(5) < 4], ["x", "y"], both)
    with pytest.raises(SightlineError, match="but 'x' has too few"):
        refuse_unstackable(enough[np.arange(5) < 1], ["x", "y"], both)
    refuse_unstackable(enough[np.arange(5) < 4], ["x", "y"], params(workspace, set_params, ensemble="mean"))
    crossed = samples(["train"] * 4, [0, 1, 1, 1], [0, 0, 1, 1])
    with pytest.raises(SightlineError, match="but 'y' has too few"):
        refuse_unstackable(crossed, ["x", "y"], both)


def test_one_network_without_folds_is_nothing_to_combine(workspace, set_params):
    alone = params(workspace, set_params, model="simple_cnn")
    with pytest.raises(SightlineError, match=r"stack has nothing to combine .*list several architectures in `model`"):
        refuse_unstackable(samples(["val"] * 4, [-1] * 4, [0, 0, 1, 1]), ["x", "y"], alone)
    refuse_unstackable(samples(["train"] * 4, [0, 1, 0, 1], [0, 0, 1, 1]), ["x", "y"], alone)
    assert not Path("models").exists()
