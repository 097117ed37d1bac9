import pandas as pd

from sightline.deployment.card import CardFacts, write_card
from sightline.images.store import DatasetSpec
from sightline.networks.saved import Member, ModelSpec, Preprocessing

PARITY = {
    "subset": "test",
    "images": 4,
    "decision_flips": 0,
    "max_probability_difference": 2.5e-7,
    "accuracy_onnx": 0.5,
    "accuracy_torch": 0.5,
}


def facts(classes: list[str], labels: list[int], predicted: list[int], **changed) -> CardFacts:
    how = {"image_size": 48, "fit": "crop", "resample": "box", "background": [0, 0, 0]}
    scaling = {"input_size": 32, "mean": [0.0] * 3, "std": [1.0] * 3}
    members = [Member(architecture="resnet18", file=f"{n}", fold=n) for n in range(2)]
    spec = ModelSpec(classes=classes, preprocessing=Preprocessing(**how), members=members, **scaling)
    subsets = ["train", "val"] * len(classes) + ["test"] * len(labels)
    names = [name for name in classes for _ in range(2)] + [classes[label] for label in labels]
    given = {
        "spec": spec,
        "dataset": DatasetSpec(source="data/raw/x.zip", classes=classes, images=len(subsets), **how),
        "samples": pd.DataFrame({"class": names, "subset": subsets}),
        "test": pd.DataFrame({"label": labels, "predicted": predicted}),
        "evaluation": {"val": {"images": 3, "accuracy": 0.75}, "test": {"images": 4, "accuracy": 0.5, "ece": 0.125}},
        "export": {"bytes": 12345, "opset": 20, "parameters": 6789, "parity": PARITY},
        "temperature": 0.8,
        "intended_use": "Sorting insects.",
    }
    return CardFacts(**(given | changed))


def test_numbers_come_from_the_facts():
    card = write_card(facts(["ant", "bee"], labels=[0, 0, 0, 1], predicted=[0, 1, 1, 1]))
    for line in (
        "Sorting insects.",
        "- An image classifier: 2 x resnet18 whose probabilities are averaged, 6,789 parameters.",
        "- Calibration: scores are divided by a temperature of 0.8000, fitted on validation images.",
        "Source `data/raw/x.zip`, 8 images, of which 2 train, 2 val, 4 test.",
        "| ant | 1 | 1 | 3 | 0.3333 |",
        "| bee | 1 | 1 | 1 | 1.0000 |",
        "| images | 3 | 4 |",
        "| accuracy | 0.7500 | 0.5000 |",
        "| ece | - | 0.1250 |",
        "- The weakest class is ant: recall 0.3333 on 3 test images.",
        "- The most frequent mistake takes ant for bee: 2 of 2 mistakes.",
        "- Fewer than 30 test images, so that their recall is uncertain: ant, bee.",
        "- ONNX Runtime against torch on 4 test images: 0 decisions differ, the largest difference of a probability is "
        "2.5e-07, accuracy 0.5000 and 0.5000.",
    ):
        assert f"\n{line}\n" in card
    assert "f1_macro" not in card


def test_nothing_to_judge_on():
    export = {"bytes": 1, "opset": 20, "parameters": 1, "notes": []}
    evaluation = {"val": {"images": 0}, "test": {"images": 0}, "notes": {"test": "no images, hence no metrics"}}
    card = write_card(
        facts(["ant", "bee"], labels=[], predicted=[], export=export, evaluation=evaluation, temperature=1.0)
    )
    assert "| ant | 1 | 1 | 0 | - |" in card
    assert "- There are no test images: nothing is known about new images." in card
    assert "- Not compared with torch" in card
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
