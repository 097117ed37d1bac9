import pytest

from open_gates import set_gates
from sightline.common.errors import SightlineError
from sightline.gating.judge import judge_evaluation, judge_files, refuse_missed

EVALUATION = {
    "test": {"accuracy": 0.9, "f1_macro": 0.85, "ece": 0.03},
    "slices": {"worst": {"accuracy": 0.5, "slice": "class 5"}},
}
EXPORT = {
    "parity": {"subset": "test"},
    "artifacts": {
        "onnx": {"kept": True, "bytes": 4_000_000, "accuracy": 0.9},
        "int8_static": {"kept": True, "bytes": 1_100_000, "accuracy": 0.88},
        "fp16": {"kept": False, "accuracy": 0.1},
    },
}


def test_without_gates_there_is_no_verdict():
    assert judge_evaluation(set_gates(), EVALUATION) == judge_files(set_gates(), EXPORT) == []


@pytest.mark.parametrize(
    ("gate", "passing", "missing"),
    [
        ("min_accuracy", 0.9, 0.9001),
        ("min_f1_macro", 0.85, 0.86),
        ("max_ece", 0.03, 0.0299),
        ("min_worst_slice", 0.5, 0.51),
    ],
)
def test_a_limit_itself_passes(gate, passing, missing):
    assert [verdict.passed for verdict in judge_evaluation(set_gates(**{gate: passing}), EVALUATION)] == [True]
    (verdict,) = judge_evaluation(set_gates(**{gate: missing}), EVALUATION)
    assert (verdict.gate, verdict.passed) == (gate, False)


@pytest.mark.parametrize("metrics", [{}, {"test": {"images": 0}}])
def test_what_was_not_measured_does_not_pass(metrics):
    limits = set_gates(min_accuracy=0.1, max_ece=0.9, min_worst_slice=0.1)
    assert [verdict.passed for verdict in judge_evaluation(limits, metrics)] == [False] * 3
    assert [verdict.passed for verdict in judge_files(set_gates(max_file_mb=9.0), metrics)] == [False]


def test_one_file_must_be_small_enough_and_all_that_are_kept_accurate_enough():
    assert [verdict.passed for verdict in judge_files(set_gates(max_file_mb=1.1), EXPORT)] == [True]
    (size,) = judge_files(set_gates(max_file_mb=1.0), EXPORT)
    assert str(size) == "max_file_mb: MB of the smallest exported file, int8_static, 1.1, wanted at most 1"
    (accuracy,) = judge_files(set_gates(min_accuracy=0.89), EXPORT)
    assert (accuracy.passed, accuracy.measured) == (False, "test accuracy of the exported int8_static 0.88")
    assert judge_files(set_gates(min_accuracy=0.88), EXPORT)[0].passed


def test_all_missed_gates_are_one_line_with_both_numbers():
    verdicts = judge_evaluation(set_gates(min_accuracy=0.95, min_f1_macro=0.8, max_ece=0.01), EVALUATION)
    with pytest.raises(SightlineError) as raised:
        refuse_missed(verdicts, "they")
    assert str(raised.value) == (
        "gates missed: min_accuracy: test accuracy 0.9, wanted at least 0.95; max_ece: test ece 0.03, wanted at most "
        "0.01 (they are written, DVC records no result)"
    )
    refuse_missed(verdicts[1:2], "they")
