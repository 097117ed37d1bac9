import torch

from sightline.training.history import History, is_better


def test_better_is_lower_for_losses_higher_for_the_rest_and_never_a_tie():
    assert is_better(1.0, 2.0, "val/loss", 0.0)
    assert not is_better(2.0, 2.0, "val/loss", 0.0)
    assert is_better(0.6, 0.5, "val/accuracy", 0.0)
    assert not is_better(0.5, 0.5, "val/accuracy", 0.0)
    assert not is_better(0.55, 0.5, "val/accuracy", 0.1)


def filled(values, min_delta=0.0, monitor="val/accuracy"):
    history = History(monitor, min_delta)
    for number, value in enumerate(values):
        history.add({"val/accuracy": value}, lambda number=number: {"w": torch.tensor(number)})
    return history


def test_the_best_epoch_keeps_its_weights_and_small_steps_are_no_progress():
    history = filled([0.5, 0.7, 0.72, 0.71], min_delta=0.05)
    assert (history.best_epoch, history.best_weights["w"].item()) == (2, 2)
    assert history.best_scores == {"val/accuracy": 0.72}
    assert history.stale == 2  # the last step of more than 0.05 was epoch 1


def test_many_small_steps_add_up_to_progress():
    assert filled([0.5, 0.53, 0.56, 0.59], min_delta=0.05).stale == 1


def test_weights_are_copied_only_when_they_are_better():
    asked = []
    history = History("val/loss", 0.0)
    for value in (2.0, 3.0, 1.0):
        history.add({"val/loss": value}, lambda value=value: asked.append(value) or {})
    assert asked == [2.0, 1.0]


def test_without_the_monitored_score_the_last_epoch_is_best():
    history = filled([0.9, 0.1], monitor="val/loss")
    assert history.best_epoch == 1


def test_a_record_goes_on_from_its_state():
    half = filled([0.5, 0.7])
    other = History("val/accuracy", 0.0)
    other.load_state_dict(half.state_dict())
    for history in (half, other):
        history.add({"val/accuracy": 0.6}, dict)
    assert other == half
    assert other.stale == 1
