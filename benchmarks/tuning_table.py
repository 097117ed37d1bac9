"""Tables of trained configurations for benchmarks/tuning.py: a validation curve and a test score of each, once.

A row is a point of a grid; `curve` holds the validation accuracy after each epoch, `test` the test accuracy of the
epoch that validation would choose.
"""

import json
import os
import subprocess
import sys
import zipfile
from itertools import product
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
AXES = {
    "digits": {
        "lr": np.geomspace(1e-4, 1.0, 9).tolist(),
        "weight_decay": np.geomspace(1e-3, 1.0, 4).tolist(),
        "optimizer": ["adamw", "sgd"],
    },
    "ants_bees": {
        "lr": np.geomspace(1e-5, 10.0, 13).tolist(),
        "weight_decay": np.geomspace(1e-4, 1.0, 5).tolist(),
        "optimizer": ["adamw", "sgd"],
        "batch_size": [8, 32, 128],
    },
}
EPOCHS = {"digits": 6, "ants_bees": 20}
NETWORK = "tf_efficientnet_lite0"
SIDE = 224  # px, of photos
DIGITS_SIDE = 16  # px
SMOOTHING = 0.1


def make_table(name: str, folder: Path) -> list[dict]:
    """Train every point of a grid; return the rows."""
    train = {"digits": DigitsTrainer, "ants_bees": ProbeTrainer}[name](folder)
    points = [dict(zip(AXES[name], values, strict=True)) for values in product(*AXES[name].values())]
    rows = []
    for number, point in enumerate(points, start=1):
        curve, test = train(point)
        rows.append({"values": point, "curve": curve, "test": test})
        print(f"{number}/{len(points)}  {point}  {max(curve):.4f}", flush=True)
    return rows


class DigitsTrainer:
    """Trains simple_cnn on the digits by the real stage, in this process: start-up is paid once.

    Parameters
    ----------
    folder : Path
        An empty working folder.
    """

    def __init__(self, folder: Path):
        from workspace import write_params

        self._write = write_params
        (folder / "data/raw").mkdir(parents=True)
        os.chdir(folder)
        write_params(folder, {"prepare.image_size": DIGITS_SIDE})
        for stage in ("prepare", "split"):
            subprocess.run([sys.executable, REPOSITORY / f"stages/{stage}.py"], check=True)
        sys.path.insert(0, str(REPOSITORY / "stages"))
        import train

        self._train = train

    def __call__(self, point: dict) -> tuple[list[float], float]:
        """Return the validation accuracy of each epoch, and the test accuracy of the best."""
        from sightline.common.params import load_params
        from sightline.images.samples import read_samples
        from sightline.images.store import open_pixels
        from sightline.networks.predict import predict_logits
        from sightline.networks.saved import load_members, read_spec
        from sightline.parameters.train import TrainParams

        self._write(
            Path(), {"prepare.image_size": DIGITS_SIDE, "arithmetic": "native", "epochs": EPOCHS["digits"]} | point
        )
        self._train.main(load_params(TrainParams))
        lines = Path("plots/train/metrics/val/accuracy.tsv").read_text().splitlines()[1:]
        test = read_samples().of("test")
        classifier = load_members("models/trained", read_spec("models/trained"))[0]
        decided = predict_logits(classifier, open_pixels(), test.row, 256, "cpu").argmax(dim=1).numpy()
        return [float(line.split("\t")[1]) for line in lines], float(np.mean(decided == test.label))


class ProbeTrainer:
    """Trains a linear head on what a network with published weights makes of ants and bees, computed once.

    Parameters
    ----------
    folder : Path
        Holds ants_bees.zip; the weights are those of `make weights NAME=tf_efficientnet_lite0` in the repository.
    """

    def __init__(self, folder: Path):
        images, labels = read_photos(folder / "ants_bees.zip")
        self._features = embed(images)
        self._parts, self._labels = divide(labels), labels

    def __call__(self, point: dict) -> tuple[list[float], float]:
        """Return the validation accuracy of each epoch, and the test accuracy of the best."""
        import torch
        from torch.nn.functional import cross_entropy

        torch.manual_seed(0)
        (train, val, test), labels = self._parts, torch.from_numpy(self._labels)
        head = torch.nn.Linear(self._features.shape[1], 2)
        make = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[point["optimizer"]]
        optimizer = make(head.parameters(), lr=point["lr"], weight_decay=point["weight_decay"])
        curve, tests = [], []
        for _ in range(EPOCHS["ants_bees"]):
            for batch in torch.from_numpy(train)[torch.randperm(len(train))].split(point["batch_size"]):
                loss = cross_entropy(head(self._features[batch]), labels[batch], label_smoothing=SMOOTHING)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                right = (head(self._features).argmax(dim=1) == labels).float()
            curve.append(right[val].mean().item())
            tests.append(right[test].mean().item())
        return curve, tests[int(np.argmax(curve))]


def read_photos(archive: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 [N, SIDE, SIDE, 3], the middle of each photo, and labels [N], in the order of the names."""
    from PIL import Image, ImageOps

    with zipfile.ZipFile(archive) as container:
        names = sorted(name for name in container.namelist() if name.endswith(".jpg"))
        images = [ImageOps.fit(Image.open(container.open(name)).convert("RGB"), (SIDE, SIDE)) for name in names]
    return np.stack([np.asarray(image) for image in images]), np.array(["/bees/" in name for name in names], dtype=int)


def embed(images: np.ndarray):
    """Return the network's pooled features, float32 [N, features]."""
    import timm
    import torch
    from safetensors.torch import load_file

    network = timm.create_model(NETWORK, num_classes=1000)
    network.load_state_dict(load_file(REPOSITORY / f"models/pretrained/{NETWORK}.safetensors"))
    network.reset_classifier(0)
    network.eval()
    with torch.no_grad():
        batches = torch.from_numpy(images).permute(0, 3, 1, 2).split(32)
        return torch.cat([network((batch.float() / 255 - 0.5) / 0.5) for batch in batches])


def divide(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of training, validation and test: a half, a quarter and a quarter of each class."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    train, rest = train_test_split(rows, test_size=0.5, stratify=labels, random_state=0)
    val, test = train_test_split(rest, test_size=0.5, stratify=labels[rest], random_state=0)
    return train, val, test


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write rows, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
