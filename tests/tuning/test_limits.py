"""Networks that cost too much are told before they are trained."""

import pytest
from optuna.trial import TrialState

from fake_runs import FakeRun
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.experiments.keys import flatten
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.store import DatasetSpec
from sightline.networks.architectures.build import build_network
from sightline.parameters.whole import WholeParams
from sightline.tuning.limits import find_excess
from sightline.tuning.results import find_winner, tabulate_trials

HOW = Preprocessing(8, "crop", "box", (0, 0, 0))
DATASET = DatasetSpec(source="x", classes=["ant", "bee"], images=9, preprocessing=HOW)


def values_of(**changes):
    return flatten(load_params(WholeParams).model_dump(mode="json")) | {"prepare.image_size": 16} | changes


def test_a_network_is_counted_before_it_is_trained(workspace):
    count = sum(weight.numel() for weight in build_network("simple_cnn", 2, 16, False).parameters())
    values = values_of(model="simple_cnn")
    assert find_excess(values, {"parameters": count}, DATASET) is None
    assert find_excess(values, {"parameters": count - 1}, DATASET).startswith(f"limits: parameters {count} is above")
    assert find_excess(values, {"macs": 1.0}, DATASET).endswith("is above 1")
    assert "handcrafted" in find_excess(values_of(model="hog+svm"), {"macs": 1.0}, DATASET)


@pytest.mark.slow
def test_latency_and_bytes_are_those_of_the_exported_graph(workspace):
    limits = {"bytes": 1e7, "latency_ms": 1e-6}
    assert find_excess(values_of(model="simple_cnn"), limits, DATASET).startswith("limits: latency_ms ")


def test_trials_above_a_limit_are_not_trained_and_do_not_count(tuner):
    one = tuner(trials=3, limits={"macs": 5.0})
    begun = []

    def run(values):
        begun.append(values["lr"])
        return FakeRun([0.5], [0.5])

    one.excess = lambda values: "limits: macs 9 is above 5" if values["lr"] > 1e-2 else None
    study, _ = one.run(run)
    left = [trial for trial in study.trials if trial.state == TrialState.PRUNED]
    assert len(begun) == 3
    assert max(begun) <= 1e-2
    assert len(left) == len(study.trials) - 3 > 0
    table = tabulate_trials(study, one.settings)
    assert set(table.loc[table["state"] == "pruned", "reason"]) == {"limits: macs 9 is above 5"}
    assert find_winner(study, one.settings).state == TrialState.COMPLETE


def test_a_limit_that_nothing_keeps_ends_the_search(tuner):
    one = tuner(trials=3, limits={"macs": 5.0})
    one.excess = lambda values: "limits: macs 9 is above 5"
    with pytest.raises(SightlineError, match="20 trials in a row cost too much, the last one so: limits: macs 9"):
        one.run(lambda values: FakeRun([0.5], [0.5]))


def test_a_study_with_another_limit_is_another_study(tuner):
    tuner(limits={"macs": 5.0}).open()
    with pytest.raises(SightlineError, match=r"limits: .*was 5\.0 when the study s began and is 6"):
        tuner(limits={"macs": 6.0}).open()
