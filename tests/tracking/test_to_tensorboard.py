import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sightline.tracking.to_tensorboard import write_tensorboard


def read(folder):
    return EventAccumulator(str(folder)).Reload()


def test_a_run_has_its_epochs_results_pictures_and_histograms(record, tmp_path):
    assert write_tensorboard(record(), tmp_path) == f"tensorboard --logdir {tmp_path}"
    events = read(tmp_path / "slower")
    assert [(event.step, event.value) for event in events.Scalars("val/accuracy")] == [(0, 0.25), (1, 0.75)]
    assert [event.value for event in events.Scalars("evaluate/test.accuracy")] == [0.5]
    (picture,) = events.Images("evaluate/confusion")
    assert (picture.width, picture.height) == (4, 4)
    (histogram,) = events.Histograms("weights_best/head.weight")
    assert (histogram.histogram_value.num, histogram.histogram_value.sum) == (3, 1.25)


def test_a_run_that_is_written_again_replaces_the_earlier_one(record, tmp_path):
    write_tensorboard(record(), tmp_path)
    write_tensorboard(record(accuracy=0.75), tmp_path)
    assert [event.value for event in read(tmp_path / "slower").Scalars("evaluate/test.accuracy")] == [0.75]


def test_each_of_several_members_has_a_run_below(record, tmp_path):
    write_tensorboard(record(members=2), tmp_path)
    for name in ("fold_0", "fold_1"):
        assert len(read(tmp_path / "slower" / name).Scalars("train/loss")) == 2
    with pytest.raises(KeyError):
        read(tmp_path / "slower").Scalars("train/loss")
