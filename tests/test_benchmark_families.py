"""What the benchmarks of networks and convolutions say of what went well, and of what did not."""

import os
import signal

import pytest

import convolutions
import families_report
from convolutions import Shape, compute_all, measure_errors
from families_report import write_report


def result(seconds, **found):
    return {"seconds": seconds, "mib": int(seconds * 100)} | found


FILES = {
    "onnx": {"kept": True, "max_probability_difference": 1e-5},
    "fp16": {"kept": True, "max_probability_difference": 1e-3},
    "int8_dynamic": {"kept": False},
}
WHOLE = {
    "module": "resnet",
    "name": "resnet10t",
    "side": 176,
    "parameters": 4923042,
    "stages": {
        "train": result(2.4, metrics={}),
        "evaluate": result(1.6, metrics={}),
        "gradcam": result(6.0, metrics={"methods": {"gradcam": {}, "saliency": {}, "occlusion": {}}}),
        "export": result(3.0, error="KeyError: 'x'"),
        "export without variants": result(20.0, metrics={"artifacts": FILES, "notes": {"model_int8.onnx": "left out"}}),
    },
}
CRASHED = WHOLE | {"module": "fastvit", "name": "fastvit_t8", "stages": {"train": result(1.0, error="SIGSEGV")}}


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(families_report, "REPORT", tmp_path / "families.md")
    write_report({"resnet": WHOLE, "fastvit": CRASHED})
    return (tmp_path / "families.md").read_text()


def test_the_table_has_costs_and_failures(page):
    assert "2 networks: 1 of 2 train, 1 of 1 are explained, 1 of 1 export" in page
    assert "1 as fp16, 0 as int8_dynamic, 0 as int8_static" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `fastvit_t8` | `fastvit` | 176 | 4,923,042 | **failed** |  |  |  |  |  |  |  | 100 |",
        "| `resnet10t` | `resnet` | 176 | 4,923,042 | 2 | 2 | 6, not attention_rollout | 20 | 1e-05 | 1e-03 | "
        "**failed** |  | 2000 |",
    ]


def test_below_it_stands_what_went_wrong(page):
    assert page.endswith(
        "- `fastvit_t8`: train: SIGSEGV\n- `resnet10t`: export: KeyError: 'x'; model_int8.onnx: left out\n"
    )


def test_a_right_convolution_has_errors_of_rounding():
    assert max(measure_errors(Shape(kernel=3, padding=1, side=8), 1)) < 1e-5


def test_a_case_that_kills_its_process_leaves_the_others_their_results(monkeypatch):
    def measure(shape, threads):
        if shape.kernel == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return [0.5, 0.25, float(threads)]

    monkeypatch.setattr(convolutions, "measure_errors", measure)
    found = compute_all([(Shape(), 1), (Shape(kernel=7), 1), (Shape(), 2)])
    assert found == [([0.5, 0.25, 1.0], ""), (["", "", ""], "SIGKILL"), ([0.5, 0.25, 2.0], "")]
