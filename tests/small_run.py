"""What the stages before gradcam and export leave, for a tiny untrained network: used by the tests of both."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sightline.common.files import write_json, write_table
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import read_calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.saved import Member, ModelSpec, write_spec, write_weights
from sightline.networks.stack import load_stack

CLASSES = ["ant", "bee", "éléphant"]
SIZE = 16
TEMPERATURE = 0.5
SUBSETS = ("train", "val", "test")


def make_run(
    root: Path, subsets: tuple[str, ...], members: int = 1, architecture: str = "simple_cnn", stacked: bool = False
) -> None:
    """Write data/ and models/ below `root`, one image for each of `subsets`."""
    how = {"image_size": SIZE, "fit": "crop", "resample": "bilinear", "background": [255, 255, 255]}
    pixels = np.random.default_rng(0).integers(0, 256, (len(subsets), SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.arange(len(subsets)) % len(CLASSES)
    ids = [f"{CLASSES[label]}/{row}.png" for row, label in enumerate(labels)]
    spec = ModelSpec(
        classes=CLASSES,
        preprocessing=Preprocessing(**how),
        input_size=SIZE,
        mean=[0.5, 0.4, 0.3],
        std=[0.2, 0.25, 0.3],
        members=[
            Member(architecture=architecture, file=f"member_{n}.safetensors", fold=n if members > 1 else None)
            for n in range(members)
        ],
        stack="stack.safetensors" if stacked else None,
    )
    probabilities = _train_nothing(root, spec, pixels)
    for folder in ("data/prepared", "data/split", "data/predictions"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    np.save(root / "data/prepared/images.npy", pixels)
    names = [CLASSES[label] for label in labels]
    index = {"id": ids, "label": labels, "class": names, "group": "", "subset": "", "width": 20, "height": 20}
    write_table(root / "data/prepared/index.csv", pd.DataFrame(index | {"sha256": "", "phash": ""}))
    write_json(
        root / "data/prepared/dataset.json",
        {"source": "here", "classes": CLASSES, "images": len(subsets), "preprocessing": how},
    )
    split = pd.DataFrame({"id": ids, "subset": subsets, "fold": -1})
    write_table(root / "data/split/split.csv", split)
    rows = np.flatnonzero(split["subset"] != "train")
    np.save(root / "data/predictions/probabilities.npy", probabilities[rows])
    predictions = {"id": ids, "row": np.arange(len(ids)), "subset": subsets, "label": labels}
    predictions |= {"predicted": probabilities.argmax(axis=1), "confidence": probabilities.max(axis=1)}
    write_table(root / "data/predictions/predictions.csv", pd.DataFrame(predictions).iloc[rows])


def make_training(root: Path, train: int, val: int) -> None:
    """Write data/ below `root` with so many images to train and to validate on, and nothing trained."""
    make_run(root, SUBSETS[:1] * train + SUBSETS[1:2] * val + SUBSETS[2:])
    for path in (root / "models/trained").iterdir():
        path.unlink()


def _train_nothing(root: Path, spec: ModelSpec, pixels: np.ndarray) -> np.ndarray:
    torch.manual_seed(0)
    write_spec(root / "models/trained", spec)
    classifiers = []
    for member in spec.members:
        network = build_network(member.architecture, len(spec.classes), spec.input_size, pretrained=False)
        write_weights(root / "models/trained" / member.file, network.state_dict())
        classifiers.append(Classifier(network, spec.mean, spec.std, spec.input_size).eval())
    if spec.stack:
        tensors = {"weight": torch.randn(1 + len(spec.members), 3, 3), "bias": torch.randn(1 + len(spec.members), 3)}
        write_weights(root / "models/trained" / spec.stack, tensors)
    write_json(
        root / "models/calibration.json",
        {"method": "temperature", "temperature": TEMPERATURE, "images": 4, "note": None},
    )
    calibration, stack = read_calibration(root / "models/calibration.json"), load_stack(root / "models/trained", spec)
    with torch.no_grad():
        return Decider(classifiers, calibration, stack)(torch.from_numpy(pixels)).exp().numpy()
