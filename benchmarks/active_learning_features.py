"""Read, once, what a frozen network sees in the images of an archive: what benchmarks/active_learning.py works on.

Run    python benchmarks/active_learning_features.py data/raw/cifar10.zip --test test --size 32 --input 64
       python benchmarks/active_learning_features.py data/raw/ants_bees.zip --test val --size 288 --input 288
Reads  models/pretrained/tf_efficientnet_lite0.safetensors (make weights NAME=tf_efficientnet_lite0)
Writes benchmarks/results/active_learning/<archive>_<input>.npz: features float32 [n, 1280], labels, test (bool), phash
"""

import argparse
import itertools
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from sightline.common.files import replacing
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import perceptual_hashes
from sightline.networks.architectures.build import build_network
from sightline.networks.classifier import Classifier
from sightline.training.recipe.head import read_features
from sightline.training.recipe.pretrained import load_weights

RESULTS = Path(__file__).resolve().parent / "results/active_learning"
NETWORK = "tf_efficientnet_lite0"
LEVELS = [0.5, 0.5, 0.5]  # mean and deviation that its weights were learnt with
LARGEST = 1 << 28  # px
AT_ONCE = 64  # images
PART = 2500  # images whose features are kept, so that a run that was ended goes on behind them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and one more folder of classes")
    parser.add_argument("--test", required=True, help="the folder whose images are never asked for")
    parser.add_argument("--size", type=int, required=True, help="px: side of the stored images")
    parser.add_argument("--input", type=int, required=True, help="px: side that the network takes")
    parser.add_argument("--most", type=int, default=1500, help="training images a class; default: %(default)s")
    parser.add_argument("--most-test", type=int, default=500, help="test images a class; default: %(default)s")
    options = parser.parse_args()
    names = list_images(options.archive, {"train": options.most, options.test: options.most_test})
    classes = sorted({name.split("/")[1] for name in names})
    parts = RESULTS / f"{options.archive.stem}_{options.input}"
    parts.mkdir(parents=True, exist_ok=True)
    network = load_network(len(classes), options.input)
    for start in range(0, len(names), PART):
        file = parts / f"{start:06d}.npz"
        if not file.exists():
            features, phash = embed(options.archive, names[start : start + PART], options.size, network)
            with replacing(file) as beside, beside.open("wb") as stream:
                np.savez(stream, features=features, phash=phash)
    seen = [np.load(file) for file in sorted(parts.glob("[0-9]*.npz"))]
    np.savez(
        parts.with_suffix(".npz"),
        features=np.concatenate([part["features"] for part in seen]),
        phash=np.concatenate([part["phash"] for part in seen]),
        labels=np.array([classes.index(name.split("/")[1]) for name in names]),
        test=np.array([name.split("/")[0] == options.test for name in names]),
    )


def list_images(archive: Path, most: dict[str, int]) -> list[str]:
    """Return <subset>/<class>/<file>, sorted, of the first images of each class, so many in each subset."""
    names = sorted(zipfile.ZipFile(archive).namelist())
    wanted = [name for name in names if name.split("/")[0] in most and name.lower().endswith(".jpg")]
    chosen = []
    for folder, group in itertools.groupby(wanted, key=lambda name: name.rpartition("/")[0]):
        chosen += itertools.islice(group, most[folder.split("/")[0]])
    return chosen


def load_network(classes: int, side: int) -> Classifier:
    network = build_network(NETWORK, classes, side, pretrained=False)
    load_weights(network, f"models/pretrained/{NETWORK}.safetensors")
    return Classifier(network.eval(), LEVELS, LEVELS, side)


def embed(archive: Path, names: list[str], size: int, classifier: Classifier) -> tuple[np.ndarray, np.ndarray]:
    """Return features float32 [n, features] and perceptual hashes uint64 [n]."""
    hashes = []

    def batches() -> Iterator[torch.Tensor]:
        for pixels in decode_all(archive, names, size):
            hashes.append(perceptual_hashes(pixels))
            yield torch.from_numpy(pixels)

    features = read_features(classifier, batches(), len(names))
    return features, np.concatenate(hashes)


def decode_all(archive: Path, names: list[str], size: int) -> Iterator[np.ndarray]:
    """Yield uint8 [batch, size, size, 3]."""
    preprocessing = Preprocessing(size, "crop", "bicubic", (255, 255, 255), "srgb", "refuse", {}, 3)
    with zipfile.ZipFile(archive) as container:
        for start in range(0, len(names), AT_ONCE):
            batch = names[start : start + AT_ONCE]
            yield np.stack([decode(container.read(name), preprocessing, LARGEST).pixels for name in batch])


if __name__ == "__main__":
    main()
