import numpy as np
import pandas as pd

from sightline.deployment.card.card import CardFacts, write_card
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.samples import Samples
from sightline.images.store import DatasetSpec
from sightline.networks.calibration import Calibration
from sightline.networks.saved import Member, ModelSpec

EXPORT = {
    "artifacts": {
        "onnx": {
            "kept": True,
            "bytes": 12345,
            "bytes_zipped": 11000,
            "decision_flips": 0,
            "max_probability_difference": 2.5e-7,
            "accuracy": 0.5,
        },
        "int8_static": {
            "kept": False,
            "decision_flips": 2,
            "max_probability_difference": 0.25,
            "accuracy": 0.25,
        },
    },
    "opset": 20,
    "parameters": 6789,
    "macs": 1000,
    "peak_activation_bytes": 2**19,
    "parity": {"subset": "test", "images": 4, "decoded_again": True, "accuracy_torch": 0.5},
    "pruning": {"share": 0.3, "kept": False, "accuracy_before": 0.5, "accuracy_after": 0.25},
    "revision": {"images": "a1", "split": "b2", "weights": "c3"},
    "notes": {"model_int8_static.onnx": "left out: too much"},
}


EVALUATION = {
    "val": {"images": 3, "accuracy": 0.75},
    "test": {"images": 4, "accuracy": 0.5, "ece": 0.125},
    "intervals": {"confidence": 0.9, "test": {"accuracy": {"low": 0.25, "high": 0.75}}},
    "calibration": {"method": "temperature", "test": {"ece_before": 0.25, "ece_after": 0.125}},
    "abstention": {"coverage": 0.75, "accuracy_decided": 2 / 3},
    "conformal": {"coverage": 1.0, "mean_set_size": 1.5},
    "leakage": {"exact": 1, "near": 2},
    "slices": {"worst": {"slice": "width 8", "accuracy": 0.0, "low": 0.0, "high": 0.6, "images": 2}},
}


def facts(classes: list[str], labels: list[int], predicted: list[int], **changed) -> CardFacts:
    how = Preprocessing(image_size=48, fit="crop", resample="box", background=[0, 0, 0])
    scaling = {"input_size": 32, "mean": [0.0] * 3, "std": [1.0] * 3}
    members = [Member(architecture="resnet18", file=f"{n}", fold=n) for n in range(2)]
    spec = ModelSpec(classes=classes, preprocessing=how, members=members, **scaling)
    subsets = np.array([0, 1] * len(classes) + [2] * len(labels))
    classes_of = np.array([label for label in range(len(classes)) for _ in range(2)] + labels)
    given = {
        "spec": spec,
        "dataset": DatasetSpec(source="data/raw/x.zip", classes=classes, images=len(subsets), preprocessing=how),
        "samples": Samples(np.arange(len(subsets)), classes_of, subsets, fold=np.full(len(subsets), -1)),
        "test": pd.DataFrame({"label": labels, "predicted": predicted}),
        "evaluation": EVALUATION,
        "export": EXPORT,
        "calibration": Calibration(method="temperature", temperature=0.8, images=3),
        "intended_use": "Sorting insects.",
    }
    return CardFacts(**(given | changed))


def test_numbers_come_from_the_facts():
    card = write_card(facts(["ant", "bee"], labels=[0, 0, 0, 1], predicted=[0, 1, 1, 1]))
    for line in (
        "Sorting insects.",
        "- An image classifier: 2 x resnet18, folds pooled by the mean of their log-probabilities, 6,789 parameters.",
        "- Calibration: scores are divided by a temperature of 0.8000, fitted on 3 validation images.",
        "Source `data/raw/x.zip`, 8 images, of which 2 train, 2 val, 4 test.",
        "| ant | 1 | 1 | 3 | 0.3333 |",
        "| bee | 1 | 1 | 1 | 1.0000 |",
        "| | validation | test | 90% interval on test |",
        "| images | 3 | 4 | |",
        "| accuracy | 0.7500 | 0.5000 | 0.2500 to 0.7500 |",
        "| ece | - | 0.1250 | - |",
        "- Calibration changed the calibration error on test from 0.2500 to 0.1250.",
        "- It is asked to decide on the surest 75.0% of the test images, with accuracy 0.6667.",
        "- Its prediction sets hold the true class of 100.0% of the test images, with 1.50 classes on average.",
        "- 3 test images have a twin, or nearly one, among the training images.",
        "- The weakest slice of the test images is width 8: accuracy 0.0000 (0.0000 to 0.6000) on 2 images.",
        "- The weakest class is ant: recall 0.3333 on 3 test images.",
        "- The most frequent mistake takes ant for bee: 2 of 2 mistakes.",
        "- Fewer than 30 test images, so that their recall is uncertain: ant, bee.",
        "| onnx | 12,345 | 11,000 | 0 | 2.5e-07 | 0.5000 |",
        "| int8_static | left out | - | 2 | 2.5e-01 | 0.2500 |",
        "- One image takes 1,000 multiply-adds in convolutions and matrix products, 0.50 MiB for intermediate results.",
        "- Pruning 30% of the weights: accuracy 0.5000 before and 0.2500 after: too much, so nothing is pruned.",
        "- Compared with torch on 4 test images, decoded again from their files; torch's accuracy is 0.5000.",
        "- model_int8_static.onnx: left out: too much.",
        "| weights: `models/trained` | `c3` |",
    ):
        assert f"\n{line}\n" in card
    assert "f1_macro" not in card


def test_nothing_to_judge_on():
    kept = {"kept": True, "bytes": 1, "bytes_zipped": 1}
    told = {"opset": 20, "parameters": 1, "macs": 1, "revision": EXPORT["revision"], "notes": {"parity": "none"}}
    export = {"artifacts": {"onnx": kept}} | told
    evaluation = {"val": {"images": 0}, "test": {"images": 0}, "notes": {"test": "no images, hence no metrics"}}
    card = write_card(
        facts(
            ["ant", "bee"],
            labels=[],
            predicted=[],
            export=export,
            evaluation=evaluation,
            calibration=Calibration(method="none", temperature=1.0, images=0),
        )
    )
    assert "| ant | 1 | 1 | 0 | - |" in card
    assert "- There are no test images: nothing is known about new images." in card
    assert "- Not compared with torch" in card
    assert "| onnx | 1 | 1 | - | - | - |" in card
    assert "- Calibration: none" in card
    assert "- test: no images, hence no metrics" in card
    assert "nan" not in card.lower()


def test_all_right():
    card = write_card(facts(["ant", "bee"], labels=[0, 1], predicted=[0, 1]))
    assert "- All 2 test images are recognised" in card
    assert "most frequent mistake" not in card


def test_many_classes_are_cut_and_odd_names_escaped():
    classes = ["a|b", *(f"class {number:03}" for number in range(199))]
    labels = list(range(200))
    card = write_card(facts(classes, labels, predicted=[*range(199), 0]))
    assert "a\\|b" in card
    assert "and 170 more" in card
    rows = [line for line in card.splitlines() if line.endswith(("| 1.0000 |", "| 0.0000 |"))]
    assert len(rows) == 30
    assert rows[0] == "| class 198 | 1 | 1 | 1 | 0.0000 |"
