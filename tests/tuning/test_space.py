"""The search space, and what params.yaml says to it."""

import pytest

from sightline.common.errors import SightlineError
from sightline.experiments.keys import flatten, unflatten
from sightline.tuning.settings import Entry
from sightline.tuning.space import Parameter, list_grid, read_parameters
from sightline.tuning.today import read_today, refuse_idle, refuse_space


@pytest.fixture
def refused(workspace):
    """Return the line with which a space is refused."""

    def refuse(space):
        with pytest.raises(SightlineError) as caught:
            refuse_space(read_parameters(space), read_today())
        return str(caught.value)

    return refuse


LOW = {"low": 0.1, "high": 0.2}


@pytest.mark.parametrize(
    ("space", "line"),
    [
        ({"lrr": LOW}, "tune.yaml: space: lrr: is not a known key: did you mean lr?"),
        ({"augment.rotatoin": LOW}, "space: augment.rotatoin: is not a known key: did you mean augment.rotation?"),
        ({"augment": LOW}, "space: augment: is a section: name one of its keys"),
        ({"lr": {"low": -0.1, "high": 0.2}}, "tune.yaml: space: lr: lr: must be greater than 0 (got -0.1)"),
        ({"drop_rate": {"low": 0.0, "high": 1.5}}, "drop_rate: must be less than 1 (got 1.5)"),
        ({"batch_size": {"low": 8.0, "high": 64.5}}, "batch_size: batch_size: must be a valid integer"),
        ({"loss": {"choices": ["focal", "hinge"]}}, "loss: loss: must be 'cross_entropy', 'focal' or 'bce'"),
        ({"lr": [LOW, LOW]}, "space: lr: two of its entries hold at once"),
        ({"lr": [3]}, "space: lr: must hold choices, or low and high (got 3)"),
        ({"lr": {"low": 2, "high": 1}}, "tune.yaml: space: lr: low (2) must not be above high (1)"),
        ({"lr": LOW | {"hihg": 1}}, "tune.yaml: space: lr: hihg: is not a known key: did you mean high?"),
        ({"lr": {"low": 0, "high": 1, "log": True}}, "space: lr: log: true needs a low above 0, and no step"),
        ({"lr": [{"low": 1}]}, "space: lr: must have either choices, or low and high"),
        ({"lr": LOW | {"when": {"optimiser": "sgd"}}}, "space: optimiser: is not a known key: did you mean optimizer?"),
        (
            {"lr": LOW | {"when": {"optimizer": "sgd"}}, "optimizer": {"choices": ["sgd"]}},
            "space: lr (optimizer=sgd): when: optimizer must stand above it",
        ),
        (
            {"optimizer": {"choices": ["sgd"]}, "lr": LOW | {"when": {"optimizer": ["adam", "lion"]}}},
            "space: lr (optimizer=['adam', 'lion']): when: optimizer is never adam or lion in this space",
        ),
        ({"lr": {"low": 0.1, "high": float("inf")}}, "tune.yaml: space: lr: high: must be "),
    ],
)
def test_a_bad_space_is_one_line(refused, space, line):
    assert line in refused(space)


@pytest.mark.parametrize(
    ("space", "objective", "line"),
    [
        ({}, "val/loss", "tune.yaml: space: is empty: name keys of params.yaml"),
        ({"split.val": LOW}, "val/loss", "space: split.val: chooses images, which must be the same for all trials"),
        ({"seed": {"low": 0, "high": 3}}, "val/loss", "space: seed: chooses images"),
        ({"export.prune": LOW}, "val/loss", "space: export.prune: changes none of the objectives: take it out"),
        ({"export.prune": LOW}, "bytes", ""),
    ],
)
def test_what_tells_trials_apart_by_chance_or_not_at_all_is_no_space(space, objective, line):
    parameters = read_parameters(space)
    if not line:
        refuse_idle(parameters, [objective])
        return
    with pytest.raises(SightlineError) as caught:
        refuse_idle(parameters, [objective])
    assert line in str(caught.value)


def test_a_condition_of_several_values_holds_for_each():
    parameter = Parameter("lr", "lr", Entry(low=1, high=2, when={"optimizer": ["adamw", "lion"]}))
    assert parameter.holds({"optimizer": "lion"})
    assert not parameter.holds({"optimizer": "sgd"})


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        (Entry(low=0.0, high=1.0, points=3), [0.0, 0.5, 1.0]),
        (Entry(low=1e-4, high=1e-2, log=True), [1e-4, pytest.approx(1e-3), 1e-2]),
        (Entry(low=0.0, high=0.3, step=0.1), [0.0, 0.1, 0.2, pytest.approx(0.3)]),
        (Entry(low=1, high=4, points=3), [1, 2, 4]),  # 2.5 rounds to the even number
        (Entry(low=5, high=30, step=10), [5, 15, 25]),
        (Entry(choices=["a", "b"]), ["a", "b"]),
    ],
)
def test_a_grid_has_both_ends_and_what_lies_evenly_between(entry, values):
    assert Parameter("key", "key", entry).grid() == values


def test_a_grid_crosses_conditions_only_where_they_hold(workspace):
    entries = {
        "optimizer": {"choices": ["adamw", "sgd"]},
        "momentum": {"choices": [0.8, 0.9], "when": {"optimizer": "sgd"}},
    }
    today = read_today() | {"momentum": 0.5}
    points = [(point["optimizer"], point["momentum"]) for point in list_grid(read_parameters(entries), today)]
    assert points == [("adamw", 0.5), ("sgd", 0.8), ("sgd", 0.9)]


def test_a_list_is_a_choice_like_any_other():
    parameter = Parameter("augment.crop_scale", "augment.crop_scale", Entry(choices=[[0.3, 1.0], [0.8, 1.0]]))
    label = parameter.label([0.8, 1.0])
    assert label in parameter.distribution().choices
    assert parameter.value(label) == [0.8, 1.0]


def test_sections_become_dotted_keys_and_back(workspace):
    content = {"lr": 1, "augment": {"rotation": 2, "erasing_area": [0.1, 0.2]}}
    assert flatten(content) == {"lr": 1, "augment.rotation": 2, "augment.erasing_area": [0.1, 0.2]}
    assert unflatten(flatten(content)) == content
