import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from imports import ROOT
from shares_model import CLASSES, CONFORMAL, write_shares_model

CHILD = """
import resource, runpy, sys
sys.path.insert(0, {stages!r})
sys.argv = ["predict.py", *sys.argv[1:]]
try:
    runpy.run_path({script!r}, run_name="__main__")
finally:
    heavy = {{"torch", "pandas", "pydantic", "scipy", "sklearn", "onnx", "tqdm"}} & set(sys.modules)
    own = {{name for name in sys.modules if name.startswith("sightline.")}}
    print(sorted(heavy), sorted(own), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.fixture
def model(tmp_path):
    return str(write_shares_model(tmp_path / "model.onnx"))


@pytest.fixture
def pictures(tmp_path, encode):
    """A red image, a green one below it, and a hidden file."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    (folder / "a.png").write_bytes(encode(np.full((9, 7, 3), (200, 0, 50), np.uint8)))
    (folder / "below/b.png").write_bytes(encode(np.full((4, 4, 3), (0, 9, 0), np.uint8)))
    (folder / ".hidden").write_text("x")
    return folder


def predict(*arguments: str) -> subprocess.CompletedProcess:
    child = CHILD.format(stages=str(ROOT / "stages"), script=str(ROOT / "stages/predict.py"))
    return subprocess.run([sys.executable, "-c", child, *arguments], capture_output=True, text=True, check=False)


def test_a_folder_as_lines_with_three_packages_alone(model, pictures):
    done = predict("--model", model, str(pictures))
    assert done.returncode == 0
    assert done.stdout == f"{pictures}/a.png\tred\t0.8000\n{pictures}/below/b.png\tgrün\t1.0000\n"
    heavy, own = done.stderr.split("] ")[:2]  # and no bar without a terminal
    assert heavy == "["
    assert {name for name in own.strip("[").replace("'", "").split(", ") if "decoding" not in name} == {
        "sightline.common",
        "sightline.common.errors",
        "sightline.deployment",
        "sightline.deployment.runtime",
        "sightline.images",
        "sightline.scoring",
        "sightline.scoring.metrics",
        "sightline.scoring.metrics.sets",
        "sightline.serving",
        "sightline.serving.answers",
        "sightline.serving.model",
    }


def test_json_has_all_classes(model, pictures):
    done = predict("--model", model, "--json", str(pictures / "a.png"))
    assert json.loads(done.stdout) == {
        "path": f"{pictures}/a.png",
        "class": "red",
        "probability": 0.8,
        "decided": True,
        "top": [
            {"class": "red", "probability": 0.8},
            {"class": "blue", "probability": 0.2},
            {"class": "grün", "probability": 0.0},
        ],
        "set": None,
        "set_coverage": None,
        "probabilities": {"red": 0.8, "grün": 0.0, "blue": 0.2},
    }


def test_a_model_abstains_and_names_sets_as_it_was_exported(model, pictures):
    write_shares_model(model, {"min_confidence": 0.9, "conformal": CONFORMAL})
    assert predict("--model", model, str(pictures / "a.png")).stdout == f"{pictures}/a.png\tred\t0.8000\tundecided\n"
    told = json.loads(predict("--model", model, "--json", str(pictures / "a.png")).stdout)
    assert (told["class"], told["decided"]) == ("red", False)
    assert (told["set"], told["set_coverage"]) == (["red", "blue"], 0.95)  # of 0.15 or more


def test_bad_files_are_named_and_the_others_predicted(model, pictures):
    (pictures / "note.txt").write_text("not a picture")
    done = predict("--model", model, str(pictures), str(pictures / "none.png"))
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert f"{pictures}/note.txt: not an image" in done.stderr
    assert f"{pictures}/none.png: " in done.stderr


def test_what_is_missing_is_said_in_one_line(model, pictures, tmp_path):
    assert "not found: `dvc repro` makes it" in predict("--model", str(tmp_path / "x.onnx"), str(pictures)).stderr
    bare = onnx.load(model)
    del bare.metadata_props[:]
    onnx.save(bare, tmp_path / "bare.onnx")
    done = predict("--model", str(tmp_path / "bare.onnx"), str(pictures))
    assert (done.returncode, "does not tell how to make its pixels" in done.stderr) == (1, True)


@pytest.mark.parametrize("length", [0, 100])
def test_a_damaged_model_is_said_in_one_line(model, pictures, length):
    content = Path(model).read_bytes()
    Path(model).write_bytes(content[:length])
    done = predict("--model", model, str(pictures))
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 0)
    assert f"{model}: damaged, or no ONNX model" in done.stderr


def test_an_empty_folder_is_said(model, tmp_path):
    (tmp_path / "empty").mkdir()
    done = predict("--model", model, str(tmp_path / "empty"))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path}/empty: no files there\n" in done.stderr


def test_a_bar_on_a_terminal_when_the_results_go_elsewhere(model, pictures):
    ours, theirs = os.openpty()
    command = [sys.executable, str(ROOT / "stages/predict.py"), "--model", model, str(pictures)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
    os.close(theirs)
    assert os.read(ours, 1000).decode().endswith(f"\r[{'#' * 30}] 2/2 images\r\n")
    os.close(ours)


def test_memory_does_not_grow_with_the_number_of_images(model, tmp_path, encode):
    picture = tmp_path / "one.png"
    picture.write_bytes(encode((150, 150)))
    peaks = []
    for count in (32, 3000):  # 3,000 pictures of 67,500 bytes would be 200 MB
        done = predict("--model", model, *[str(picture)] * count)
        assert len(done.stdout.splitlines()) == count
        peaks.append(int(done.stderr.split()[-1]))
    unit = 1024 if sys.platform.startswith("linux") else 1
    assert (peaks[1] - peaks[0]) * unit < 30 * 2**20


def test_deep_pixels_are_scaled_as_the_model_says(model, tmp_path, encode):
    made = onnx.load(model)
    how = {"image_size": 4, "fit": "stretch", "resample": "box", "background": [255, 255, 255]}
    properties = {"classes": json.dumps(CLASSES), "preprocessing": json.dumps(how | {"ranges": {"uint16": [100, 200]}})}
    helper.set_model_props(made, properties)
    onnx.save(made, model)
    values = np.full((4, 4), 140, np.uint16)  # 102 of 255
    values[:2] = 300  # clipped to 255
    (tmp_path / "deep.png").write_bytes(encode(values))
    (tmp_path / "float.tif").write_bytes(encode(values.astype(np.float32), "TIFF"))
    done = predict("--model", model, "--json", str(tmp_path / "deep.png"), str(tmp_path / "float.tif"))
    assert json.loads(done.stdout)["probabilities"] == {name: pytest.approx(1 / 3, abs=1e-6) for name in CLASSES}
    assert "float.tif: no known range: float32 pixels" in done.stderr
    assert done.returncode == 1
