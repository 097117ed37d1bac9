import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.retraining.limits import Limits, Watched, find_reasons, read_watched

LIMITS = Limits(windows=2, labels=100, fall=0.05)


@pytest.mark.parametrize(
    ("drift", "high", "new", "reasons"),
    [
        ([["noise"], []], 0.95, 99, []),
        ([["noise"]], None, 0, []),  # one window of two
        ([[], ["noise"], ["brightness", "noise"]], None, 0, ["drift in the last 2 windows: brightness, noise"]),
        ([[]], 0.9, 100, ["100 new images are labelled, 100 suffice"]),
        ([[]], 0.85, 0, []),  # 0.05 below 0.9 exactly
        ([[]], 0.8499, 0, ["accuracy on labels is at most 85.0%, on test it was 90.0%"]),
    ],
)
def test_why_to_train_again(drift, high, new, reasons):
    assert find_reasons(Watched(drift, high), new, 0.9, LIMITS) == reasons


def test_what_the_monitor_wrote_is_read(tmp_path):
    with pytest.raises(SightlineError, match=r"history\.json: not found: `make monitor` writes it"):
        read_watched(tmp_path)
    write_json(tmp_path / "history.json", {"windows": [{"drift": ["noise"]}, {"drift": []}]})
    write_json(tmp_path / "accuracy.json", [{"name": "all", "high": 0.7}, {"name": "label a", "high": 0.1}])
    assert read_watched(tmp_path) == Watched([["noise"], []], 0.7)
    write_json(tmp_path / "accuracy.json", [])
    assert read_watched(tmp_path).accuracy_high is None
    write_json(tmp_path / "accuracy.json", [1])
    with pytest.raises(SightlineError, match="not what `make monitor` writes"):
        read_watched(tmp_path)
