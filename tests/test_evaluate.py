import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from evaluate import main, require_equal_classes
from open_gates import set_gates
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_table
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import perceptual_hashes, pixel_hashes
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import read_calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider, ViewAverage
from sightline.networks.predict import predict_logits
from sightline.networks.saved import (
    Member,
    ModelSpec,
    load_members,
    read_spec,
    write_spec,
    write_weights,
)
from sightline.networks.stack import Stacks, load_stacks
from sightline.parameters.evaluate import EvaluateParams, EvaluateSection
from sightline.parameters.gates import GatesSection
from sightline.scoring.reference import place, read_reference
from sightline.scoring.summary import describe_metrics

NAMES = ["NA", "b, c", "$d"]
PREPROCESSING = {"image_size": 8, "fit": "crop", "resample": "bilinear", "background": [255, 255, 255]}
OUTPUTS = [
    "data/predictions/label_issues.csv",
    "data/predictions/predictions.csv",
    "data/predictions/reference.json",
    "data/predictions/slices.csv",
    "data/predictions/probabilities.npy",
    "metrics/evaluate.json",
    "models/calibration.json",
    "plots/evaluate/classes.csv",
    "plots/evaluate/confusion.csv",
    "plots/evaluate/confusion.png",
    "plots/evaluate/embedding.csv",
    "plots/evaluate/headline.csv",
    "plots/evaluate/label_issues.png",
    "plots/evaluate/mistakes.png",
    "plots/evaluate/confidence.csv",
    "plots/evaluate/coverage.csv",
    "plots/evaluate/pr.csv",
    "plots/evaluate/reliability.csv",
    "plots/evaluate/reliability.png",
    "plots/evaluate/robustness.csv",
    "plots/evaluate/roc.csv",
    "plots/evaluate/slices.csv",
]
OPTIONS = {
    "tta": "none",
    "calibration": "temperature",
    "min_confidence": 0.0,
    "conformal": "lac",
    "conformal_coverage": 0.8,
    "top_k": [2],
    "bins": 15,
    "bootstrap": 50,
    "confidence": 0.9,
    "curves": 2,
    "mistakes": 4,
    "label_issues": 4,
    "label_images": 30,
    "slices": 3,
    "map": 9,
    "corruptions": [],
    "attacks": [],
    "attack_epsilon": 8.0,
    "attack_steps": 3,
    "ood": "",
    "robustness_images": 5,
}

OPEN = set_gates()


def params(gates: GatesSection = OPEN, **changes) -> EvaluateParams:
    section = EvaluateSection(**OPTIONS | changes)
    return EvaluateParams(arithmetic="native", memory_mb=1, seed=0, near_bits=0, gates=gates, evaluate=section)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_project(
    subset: list[str], folds: list[int], right: bool | None = None, architecture: str = "simple_cnn"
) -> None:
    """Write what the stages before evaluate leave, with untrained networks.

    `right` gives each image the class that the first network sees in it (True) or another one (False).
    """
    stream = np.random.default_rng(0)
    pixels = stream.integers(0, 256, (len(subset), 8, 8, 3), dtype=np.uint8)
    members = write_networks(sorted(set(folds) - {-1}) or [None], architecture)
    labels = stream.integers(0, 3, len(subset))
    if right is not None:
        seen = predict_logits(members[0], pixels, np.arange(len(subset)), 32, torch.device("cpu")).argmax(dim=1).numpy()
        labels = seen if right else (seen + 1) % 3
    write_images(pixels, labels)
    ids = [f"{row:03d}" for row in range(len(subset))]
    write_table("data/split/split.csv", pd.DataFrame({"id": ids, "subset": subset, "fold": folds}))


def write_images(pixels: np.ndarray, labels: np.ndarray) -> None:
    Path("data/prepared").mkdir(parents=True)
    np.save("data/prepared/images.npy", pixels)
    index = {"id": [f"{row:03d}" for row in range(len(labels))], "label": labels, "class": [NAMES[i] for i in labels]}
    hashes = {
        "sha256": [value.tobytes().hex() for value in pixel_hashes(pixels)],
        "phash": [f"{value:016x}" for value in perceptual_hashes(pixels)],
    }
    described = index | {"group": "", "subset": "", "width": 8, "height": 8} | hashes
    write_table("data/prepared/index.csv", pd.DataFrame(described))
    content = {"source": "test", "classes": NAMES, "images": len(labels), "preprocessing": PREPROCESSING}
    write_json("data/prepared/dataset.json", content)


def write_networks(folds: list[int | None], *architectures: str) -> list[Classifier]:
    """Write a network for each fold, by turns of the architectures."""
    members = []
    for number, fold in enumerate(folds):
        architecture = architectures[number % len(architectures)] if architectures else "simple_cnn"
        torch.manual_seed(number)
        network = build_network(architecture, len(NAMES), 8, pretrained=False)
        torch.nn.init.normal_(network.head.weight)
        write_weights(f"models/trained/{number}.safetensors", network.state_dict())
        members.append(Member(architecture=architecture, file=f"{number}.safetensors", fold=fold))
    fields = {"classes": NAMES, "input_size": 8, "mean": [0.5] * 3, "std": [0.25] * 3, "members": members}
    write_spec("models/trained", ModelSpec(preprocessing=Preprocessing(**PREPROCESSING), **fields))
    return load_members("models/trained", read_spec("models/trained"))


def read(path: str):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_predictions() -> tuple[pd.DataFrame, np.ndarray]:
    table = pd.read_csv("data/predictions/predictions.csv", dtype={"id": str})
    return table, np.load("data/predictions/probabilities.npy")


def every_output() -> dict[str, bytes]:
    return {path: Path(path).read_bytes() for path in OUTPUTS}


def test_predictions_metrics_and_plots_agree_with_each_other(project, capsys):
    make_project(["train", "val", "test", "val", "test"] * 6, [-1] * 30)
    main(params())
    table, probabilities = read_predictions()
    assert list(table) == ["id", "row", "subset", "label", "predicted", "confidence", "decided"]
    assert list(table["row"]) == [row for row in range(30) if row % 5]
    assert list(table["id"]) == [f"{row:03d}" for row in table["row"]]
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (24, 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(24), abs=1e-6)
    assert (probabilities.argmax(axis=1) == table["predicted"]).all()
    assert probabilities.max(axis=1) == pytest.approx(table["confidence"].to_numpy())

    metrics, test = read("metrics/evaluate.json"), table[table["subset"] == "test"]
    assert metrics["test"]["accuracy"] == pytest.approx((test["label"] == test["predicted"]).mean())
    assert metrics["val"]["images"] == metrics["test"]["images"] == 12
    change = metrics["calibration"]["val"]
    assert change["log_loss_after"] == metrics["val"]["log_loss"] < change["log_loss_before"]
    assert metrics["calibration"]["temperature"] == read("models/calibration.json")["temperature"] != 1
    confusion = pd.read_csv("plots/evaluate/confusion.csv", keep_default_na=False)
    assert list(confusion["actual"]) == [NAMES[label] for label in test["label"]]
    assert list(confusion["predicted"]) == [NAMES[label] for label in test["predicted"]]
    assert f"accuracy {metrics['test']['accuracy']:.4f}" in capsys.readouterr().out
    drawn = pd.read_csv("plots/evaluate/robustness.csv")
    assert drawn[["severity", "accuracy"]].to_numpy().tolist() == [[0, pytest.approx(metrics["test"]["accuracy"])]]


def test_a_model_that_misses_a_gate_ends_in_one_line_after_all_is_written(project):
    make_project(["train", "val", "test"] * 6, [-1] * 18, right=False)
    main(params())
    written = every_output()
    for path in written:
        Path(path).unlink()
    with pytest.raises(SightlineError, match=r"^gates missed: min_accuracy: test accuracy 0, wanted at least 0\.5 "):
        main(params(set_gates(min_accuracy=0.5)))
    assert every_output() == written


@pytest.mark.parametrize(
    ("calibration", "tta"),
    [("temperature", "none"), ("vector", "flip"), ("isotonic", "multi_crop"), ("none", "flip")],
)
def test_probabilities_are_those_of_the_model_that_is_exported(project, monkeypatch, calibration, tta):
    monkeypatch.setattr("sightline.scoring.calibration.why_not_isotonic", lambda *_: "")
    make_project(["train"] * 12 + ["test"] * 4, [0, 1, 2] * 4 + [-1] * 4)
    main(params(calibration=calibration, tta=tta))
    table, probabilities = read_predictions()
    members = load_members("models/trained", read_spec("models/trained"))
    pixels = torch.from_numpy(np.load("data/prepared/images.npy"))
    found = read_calibration()
    assert (found.method, found.tta) == (calibration, tta)
    with torch.inference_mode():
        whole = Decider(members, found, load_stacks("models/trained", read_spec("models/trained")).whole)(pixels)
        whole = whole.exp().numpy()
        alone = [Decider([member], found)(pixels).exp().numpy() for member in members]
    expected = [whole[row] if row >= 12 else alone[row % 3][row] for row in table["row"]]
    assert probabilities == pytest.approx(np.array(expected), abs=1e-5)
    assert list(table["subset"]) == ["val"] * 12 + ["test"] * 4
    metrics = read("metrics/evaluate.json")
    assert metrics["folds"]["folds"] == 3
    with torch.inference_mode():
        decided = [ViewAverage(member, tta)(pixels[12:]).argmax(dim=1).numpy() for member in members]
    right = [(one == table["label"][12:]).mean() for one in decided]
    assert metrics["members"]["accuracy_mean"] == pytest.approx(np.mean(right))
    assert not np.allclose(alone[0], alone[1])  # else nothing above could fail


def test_isotonic_calibration_of_few_images_gives_way_to_the_temperature_with_a_note(project):
    make_project(["train"] * 12 + ["test"] * 4, [0, 1, 2] * 4 + [-1] * 4)
    main(params(calibration="isotonic"))
    metrics = read("metrics/evaluate.json")
    assert metrics["calibration"]["method"] == read_calibration().method == "temperature"
    assert "12 validation images for 3 classes are fewer than 20 a class" in metrics["notes"]["calibration"]
    assert metrics["notes"]["calibration"].endswith("temperature was used in place of isotonic")


def test_training_labels_are_doubted_too_without_folds_and_as_many_as_asked_for(project, capsys):
    make_project(["train"] * 60 + ["val", "test"] * 6, [-1] * 72)
    main(params(label_images=40))
    doubted = pd.read_csv("data/predictions/label_issues.csv")
    share = (doubted["subset"] == "train").sum() / 40
    assert 0 < share < 1
    assert doubted["own_probability"].notna().all()
    assert read("metrics/evaluate.json")["label_issues"]["doubted_of_train"] == pytest.approx(share)
    assert "40 training images" in capsys.readouterr().err
    main(params(label_images=0))
    assert set(pd.read_csv("data/predictions/label_issues.csv")["subset"]) <= {"val", "test"}
    assert "doubted_of_train" not in read("metrics/evaluate.json")["label_issues"]


@pytest.mark.parametrize("crossed", [True, False])
def test_a_stack_scores_validation_by_regressions_that_did_not_see_it(project, crossed):
    make_project(["train" if crossed else "val"] * 12 + ["test"] * 4, [0, 1, 2] * 4 + [-1] * 4)
    names = ["simple_cnn"] if crossed else ["simple_cnn", "cnn"]
    members = write_networks([0, 1, 2]) if crossed else write_networks([None, None], *names)
    stacks = write_stack(len(names), parts=3 if crossed else 5)
    main(params(calibration="vector"))
    table, probabilities = read_predictions()
    pixels, found = torch.from_numpy(np.load("data/prepared/images.npy")), read_calibration()
    part = np.arange(12) % 3 if crossed else table[:12].groupby("label").cumcount().to_numpy() % 5
    with torch.inference_mode():
        for row in range(16):
            stack = stacks.whole if row >= 12 else stacks.held_out[part[row]]
            voters = [members[row % 3]] if crossed and row < 12 else members
            expected = Decider(voters, found, stack)(pixels[row : row + 1]).exp()[0].numpy()
            assert probabilities[row] == pytest.approx(expected, abs=1e-5)
    first = every_output()
    main(params(calibration="vector"))
    assert every_output() == first


def write_stack(architectures: int, parts: int) -> Stacks:
    torch.manual_seed(1)
    tensors = {"weight": torch.randn(1 + parts, 3, 3 * architectures), "bias": torch.randn(1 + parts, 3)}
    write_weights("models/trained/stack.safetensors", tensors)
    spec = read_spec("models/trained").model_copy(update={"stack": "stack.safetensors"})
    write_spec("models/trained", spec)
    return load_stacks("models/trained", spec)


def test_abstaining_shows_in_predictions_and_metrics(project):
    make_project(["val", "test"] * 10, [-1] * 20)
    main(params(min_confidence=0.5))
    table, probabilities = read_predictions()
    assert (table["decided"] == (probabilities.max(axis=1) >= 0.5)).all()
    test = table[table["subset"] == "test"]
    assert read("metrics/evaluate.json")["abstention"]["coverage"] == pytest.approx(test["decided"].mean())


def test_embeddings_are_the_inputs_of_the_last_layer(project):
    make_project(["train", "val", "test", "test"] * 6, [-1] * 24)
    main(params(tta="flip"))
    network = load_members("models/trained", read_spec("models/trained"))[0]
    pixels = torch.from_numpy(np.load("data/prepared/images.npy"))[np.flatnonzero(np.arange(24) % 4 > 1)]
    with torch.inference_mode():
        images = network.normalize(network.scale(pixels))
        vectors = network.network.forward_features(images).mean(dim=(2, 3)).double().numpy()
    kept = vectors[[0, 1, 3, 4, 6, 7, 8, 10, 11]]  # evenly chosen
    found = read_reference().embedding
    assert found.mean == pytest.approx(kept[::2].mean(axis=0), abs=1e-4)
    expected = place(kept[1::2], np.array(found.mean), found.scale, np.array(found.axes))
    assert np.array(found.places) == pytest.approx(expected, abs=1e-3)
    reference = read("data/predictions/reference.json")
    assert (reference["images"], len(reference["confidence"]), len(reference["pixels"]["red"])) == (12, 9, 9)
    drawn = pd.read_csv("plots/evaluate/embedding.csv", dtype={"id": str})
    assert len(drawn) == 9
    table, _ = read_predictions()
    right = dict(zip(table["id"], table["label"] == table["predicted"], strict=True))
    assert [decision == "right" for decision in drawn["decision"]] == [right[name] for name in drawn["id"]]


def test_robustness_is_measured_where_asked_for(project, encode):
    make_project(["val", "test"] * 10, [-1] * 20)
    asked = {"corruptions": ["noise", "jpeg"], "attacks": ["fgsm", "pgd"], "ood": "data/ood/other"}
    Path("data/ood/other").mkdir(parents=True)
    for name in range(4):
        Path(f"data/ood/other/{name}.png").write_bytes(encode((20, 30), seed=name))
    Path("data/ood/other/notes.txt").write_text("no image")
    main(params(**asked))
    metrics = read("metrics/evaluate.json")
    assert set(metrics["corruptions"]) == {"images", "unchanged", "jpeg", "mean", "noise"}
    assert set(metrics["attacks"]) == {"images", "epsilon", "unchanged", "fgsm", "pgd"}
    assert metrics["attacks"]["images"] == 5
    assert metrics["ood"]["images"] == 4
    assert 0 <= metrics["ood"]["energy_auroc"] <= 1
    drawn = pd.read_csv("plots/evaluate/robustness.csv")
    assert drawn["severity"].tolist() == [*range(6)] * 4
    assert drawn["curve"].unique().tolist() == ["noise", "jpeg", "fgsm", "pgd"]
    assert drawn["accuracy"].iloc[-1] == metrics["attacks"]["pgd"]
    first = every_output()
    main(params(**asked))
    assert every_output() == first


@pytest.mark.parametrize(
    ("ood", "why"), [("data/ood/nothing", "does not exist"), ("elsewhere", "below data/ood"), ("data/ood", "below")]
)
def test_a_wrong_folder_of_other_images_is_refused(project, ood, why):
    make_project(["val", "test"], [-1, -1])
    with pytest.raises(SightlineError, match=f"evaluate.ood: .*{why}"):
        main(params(ood=ood))


def test_a_model_without_gradients_and_embeddings_says_so(project):
    make_project(["val", "test"] * 6, [-1] * 12, architecture="lbp+linear_svm")
    main(params(attacks=["fgsm"], corruptions=["blur"]))
    metrics = read("metrics/evaluate.json")
    assert "attacks" not in metrics
    assert {"attacks", "embedding"} <= set(metrics["notes"])
    assert "corruptions" in metrics
    assert "pixels" in read("data/predictions/reference.json")
    assert pd.read_csv("plots/evaluate/embedding.csv").empty


def test_further_columns_of_the_index_are_slices(project):
    make_project(["train"] * 3 + ["val"] * 6 + ["test"] * 12, [-1] * 21)
    index = pd.read_csv("data/prepared/index.csv", dtype=str, keep_default_na=False).assign(
        site=["007", "010", ""] * 7, box_x=["3", "", ""] * 7
    )
    write_table("data/prepared/index.csv", index)
    main(params())
    slices = pd.read_csv("data/predictions/slices.csv").set_index("slice")["images"]
    assert slices[["site 007", "site 010", "box_x 3"]].tolist() == [4, 4, 4]


def test_running_twice_gives_the_same_bytes(project):
    make_project(["train", "val", "test"] * 5, [-1] * 15)
    main(params())
    first = every_output()
    main(params())
    assert every_output() == first


@pytest.mark.parametrize(
    ("subset", "noted"),
    [
        (["train", "val"] * 4, {"test"}),
        (["train", "test"] * 4, {"calibration", "val"}),
        (["train"] * 4, {"calibration", "val", "test"}),
    ],
)
def test_empty_subsets_are_noted_and_everything_is_written(project, subset, noted, capsys):
    make_project(subset, [-1] * len(subset))
    main(params())
    assert all(every_output().values())
    metrics = read("metrics/evaluate.json")
    assert noted <= set(metrics["notes"])
    empty = noted - {"calibration"}
    assert {name for name in ("val", "test") if metrics[name] == {"images": 0}} == empty
    assert (read("models/calibration.json")["temperature"] == 1.0) == ("val" in empty)
    assert "no images, hence no metrics" in capsys.readouterr().out


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong(project, right):
    make_project(["val", "test"] * 6, [-1] * 12, right=right)
    main(params())
    metrics = read("metrics/evaluate.json")
    assert metrics["test"]["accuracy"] == metrics["val"]["accuracy"] == float(right)
    assert metrics["test"]["log_loss"] < 36  # finite: no probability is taken for exactly 0
    ends = metrics["intervals"]["test"]["accuracy"]
    farthest = 1.6449**2 / (6 + 1.6449**2)  # of 6 images at 0.9
    expected = (1 - farthest, 1.0) if right else (0.0, farthest)
    assert (ends["low"], ends["high"]) == pytest.approx(expected, abs=1e-4)
    assert metrics["intervals"]["test"]["f1_macro"]["high"] > metrics["intervals"]["test"]["f1_macro"]["low"]
    assert Path("plots/evaluate/mistakes.png").stat().st_size > 0


def test_one_image_in_each_subset(project):
    make_project(["val", "test"], [-1, -1])
    main(params())
    metrics = read("metrics/evaluate.json")
    assert metrics["test"]["images"] == 1
    assert "cohen_kappa" not in metrics["test"]
    assert "cohen_kappa" in metrics["notes"]["test"]


def test_without_calibration_the_probabilities_stay(project):
    make_project(["val", "test"] * 4, [-1] * 8)
    main(params(calibration="none"))
    change = read("metrics/evaluate.json")["calibration"]
    assert change["temperature"] == 1.0
    assert change["test"]["log_loss_before"] == pytest.approx(change["test"]["log_loss_after"])


@pytest.mark.parametrize(
    ("prepared", "different"),
    [(["NA", "b, c", "e"], "has 3 (different: $d, e)"), (["$d", "NA", "b, c"], "has 3 (different: their order)")],
)
def test_other_classes_are_refused(prepared, different):
    with pytest.raises(SightlineError) as caught:
        require_equal_classes(NAMES, prepared)
    assert different in str(caught.value)
    assert str(caught.value).endswith("run `dvc repro train`")


def test_a_refusal_is_one_line_and_writes_nothing(project):
    make_project(["val", "test"], [-1, -1])
    dataset = read("data/prepared/dataset.json") | {"classes": ["x", "y"]}
    write_json("data/prepared/dataset.json", dataset)
    settings = {"seed": 0, "near_bits": 0, "arithmetic": "native", "memory_mb": 1}
    settings |= {"evaluate": OPTIONS, "gates": OPEN.model_dump()}
    write_json("params.yaml", settings)
    script = Path(__file__).parents[1] / "stages/evaluate.py"
    found = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("models/trained/model.json: trained on 3 classes")
    assert not [path for path in OUTPUTS if Path(path).exists()]


def test_describe_shows_the_main_metrics_and_the_notes():
    metrics = {"val": {"images": 0}, "test": {"images": 5, "accuracy": 0.5}, "notes": {"val": "no images"}}
    assert describe_metrics(metrics).splitlines() == [
        "val        0 images",
        "test       5 images  accuracy 0.5000",
        "val: no images",
    ]
