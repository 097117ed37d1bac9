"""What the benchmark of training computes around the training itself."""

import multiprocessing
import os
import time
from functools import partial

import numpy as np
import pytest

import training
from cases import CASES, FASTAI, OTHERS, PACKAGES
from scaling import alone, batch_seconds, split_seconds, whole_split, write_workspace
from sightline.common.params import load_params
from sightline.parameters.train import TrainParams
from startup import attribute_imports
from training_report import summarize, to_table
from windows import Window, interleave, mapped_arrays, started
from workspace import write_params


def sleep_and_tick(seconds, tick):
    while True:
        time.sleep(seconds)
        tick()


def fail(tick):
    raise ValueError("no network of that name")


def test_contenders_take_turns_and_their_rates_are_images_a_second(tmp_path):
    runs = {str(milliseconds): partial(sleep_and_tick, milliseconds / 1000) for milliseconds in (10, 40)}
    with started(runs, 10, tmp_path) as contenders:
        rates = interleave(contenders, Window(1, 0.2), rounds=2)
        memory = [contender.stop() for contender in contenders]
    assert [len(found) for found in rates.values()] == [2, 2]
    assert max(rates["40"]) <= 250  # 10 images in 40 ms; a busy machine sleeps longer
    assert max(rates["40"]) < max(rates["10"]) <= 1000
    assert all(found["peak"] > 1 and found["mapped"] == 0 for found in memory)
    assert not any(contender.process.is_alive() for contender in contenders)


def test_a_contender_that_dies_shows_the_end_of_its_log_and_takes_the_others_along(tmp_path):
    runs = {"slow": partial(sleep_and_tick, 0.01), "timm": fail}
    with (
        pytest.raises(RuntimeError, match=r"timm did not train:(.|\n)*no network of that name"),
        started(runs, 10, tmp_path),
    ):
        pass
    for child in multiprocessing.active_children():
        child.join(5)  # killed, but not yet gone
    assert multiprocessing.active_children() == []


def test_ratios_are_medians_over_rounds_not_of_medians():
    rates = {"mine": [100.0, 200.0, 90.0], "theirs": [50.0, 50.0, 90.0]}
    memory = {"mine": {"peak": 500.0, "mapped": 100.0}, "theirs": {"peak": 320.0, "mapped": 0.0}}
    mine, theirs = summarize(rates, memory, {"theirs": 1.5})
    assert (mine["images_per_second"], mine["lowest"], mine["highest"]) == (100, 90, 200)
    assert (theirs["ratio"], theirs["ratio_lowest"], theirs["ratio_highest"], theirs["target"]) == (2, 1, 4, 1.5)
    assert theirs["memory_ratio"] == 1.25
    assert to_table([mine, theirs]).count("\n") == 3


def test_imports_count_for_the_package_that_our_own_modules_ask_for():
    log = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     numpy.linalg
import time:       200 |        300 |   numpy
import time:        50 |        350 | sightline.images.store
import time:       400 |        400 |   numpy.fft
import time:       600 |       1000 | torch
"""
    assert attribute_imports(log) == {"numpy": pytest.approx(300e-6), "torch": pytest.approx(1000e-6)}


def test_simulated_images_take_no_disk_space_and_can_be_split_and_read(tmp_path):
    write_workspace(2000, tmp_path)
    images = (tmp_path / "data/prepared/images.npy").stat()
    assert images.st_size > 2000 * 32 * 32 * 3 > 10 * 512 * images.st_blocks
    found = alone(split_seconds, tmp_path) | whole_split(tmp_path)
    assert 0 < found["split_s"] < found["split_process_s"]
    assert found["split_process_mib"] > 50
    assert (tmp_path / "data/split/split.csv").read_text().count(",test,-1\n") == 400
    assert alone(batch_seconds, tmp_path)["gather_us_per_image"] > 0


def test_only_arrays_that_are_mapped_count_as_such(tmp_path):
    np.save(tmp_path / "images.npy", np.ones(3 << 20, dtype=np.uint8))
    before = mapped_arrays()
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert mapped.sum() == 3 << 20
    assert mapped_arrays() - before == pytest.approx(3 * 1024, abs=2 * os.sysconf("SC_PAGESIZE") / 1024)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_parameters_of_every_case_are_valid(case, tmp_path):
    for changes in case.stages.values():
        write_params(tmp_path, case.params | changes)
        params = load_params(TrainParams, str(tmp_path / "params.yaml"))
        assert (params.batch_size, params.optimizer) == (case.batch_size, "sgd")


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch):
    assert set(PACKAGES) < set(OTHERS)
    monkeypatch.setattr(training, "find_spec", lambda package: None if package == "fastai" else object())
    assert {name for name in OTHERS if not training.is_installed(name)} == {FASTAI}


def test_a_parameter_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(KeyError, match=r"split.share"):
        write_params(tmp_path, {"split.share": 0.1})
