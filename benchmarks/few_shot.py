"""Compare heads on few images a class: prototypes against a linear probe, over 100 episodes.

    apt-get install dataset-fashion-mnist
    python benchmarks/subsets.py fashion /usr/share/datasets/fashion-mnist
    python benchmarks/subsets.py cifar10 cifar10.zip
    make weights NAME=tf_efficientnet_lite0
    python benchmarks/few_shot.py fashion cifar10_small

An episode draws 5 of the ten classes, 1, 5, 10 or 20 images of each to learn from, and 15 others to judge by; all heads
see the same draws. No class was seen before: the weights are ImageNet's. The interval is mean ± 1.96 standard errors
over the episodes. Features are kept below benchmarks/results/few_shot/, so that a run that was stopped goes on.
"""

import argparse
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "stages"))
RESULTS = REPOSITORY / "benchmarks/results/few_shot"
WEIGHTS = REPOSITORY / "models/pretrained/tf_efficientnet_lite0.safetensors"
NETWORK = "tf_efficientnet_lite0"
SIDE = 128  # px
IMAGES = 150  # a class
WAYS = 5
QUERIES = 15
EPISODES = 100
AT_ONCE = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="archives data/raw/<name>.zip of train/<class>/<image>")
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 5, 10, 20])
    options = parser.parse_args()
    for name in options.names:
        classes = read_features(name)
        for shots in options.shots:
            print(f"{name}, {WAYS} classes, {shots} images each: {describe(run_episodes(classes, shots))}", flush=True)


def read_features(name: str) -> np.ndarray:
    """Return what the network sees of an archive's training images, float32 [classes, images, features]."""
    path = RESULTS / f"{name}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, see(read_pixels(REPOSITORY / f"data/raw/{name}.zip")))
    return np.load(path)


def read_pixels(archive: Path) -> np.ndarray:
    """Decode the first images of each class, uint8 [classes, images, side, side, 3]."""
    from sightline.images.decoding.decode import decode
    from sightline.images.decoding.preprocessing import Preprocessing

    preprocessing = Preprocessing(SIDE, "crop", "bicubic", (255, 255, 255))
    with zipfile.ZipFile(archive) as container:
        classes = defaultdict(list)
        for name in sorted(container.namelist()):
            subset, label, file = name.split("/")[-3:]
            if subset == "train" and file and len(classes[label]) < IMAGES:
                classes[label].append(decode(container.read(name), preprocessing, SIDE**2).pixels)
    return np.stack([np.stack(pixels) for _, pixels in sorted(classes.items())])


def see(pixels: np.ndarray) -> np.ndarray:
    """Return the features of uint8 [classes, images, side, side, 3]."""
    import torch

    from sightline.networks.architectures.build import build_network
    from sightline.networks.classifier import Classifier
    from sightline.training.recipe.head import read_features
    from sightline.training.recipe.pretrained import load_weights, weights_normalization

    network = build_network(NETWORK, len(pixels), SIDE, pretrained=False)
    load_weights(network, WEIGHTS)
    classifier = Classifier(network, *weights_normalization(WEIGHTS), SIDE)
    images = torch.from_numpy(pixels.reshape(-1, *pixels.shape[2:]))
    return read_features(classifier, images.split(AT_ONCE), len(images)).reshape(*pixels.shape[:2], -1)


def run_episodes(classes: np.ndarray, shots: int) -> dict[str, np.ndarray]:
    """Return each head's accuracy in each episode, float64 [EPISODES]."""
    from sightline.training.recipe.probe import Features

    accuracies = defaultdict(list)
    for episode in range(EPISODES):
        random = np.random.default_rng([shots, episode])
        chosen = classes[random.choice(len(classes), WAYS, replace=False)]
        places = [random.permutation(chosen.shape[1])[: shots + QUERIES] for _ in range(WAYS)]
        images = np.stack([of_class[places] for of_class, places in zip(chosen, places, strict=True)])
        labels = np.repeat(np.arange(WAYS), shots)
        seen = Features(images[:, :shots].reshape(WAYS * shots, -1), labels)
        asked = Features(images[:, shots:].reshape(WAYS * QUERIES, -1), np.repeat(np.arange(WAYS), QUERIES))
        for name, head in list_heads(seen).items():
            logits = asked.values @ head.weight.T + head.bias
            accuracies[name].append((logits.argmax(axis=1) == asked.labels).mean())
    return {name: np.array(values) for name, values in accuracies.items()}


def list_heads(seen) -> dict:
    """Return the heads that are compared, fitted on the features of a few images."""
    from sightline.training.heads.prototypes import fit_prototypes
    from sightline.training.recipe.probe import Features, fit_probe

    none = Features(np.empty((0, seen.values.shape[1]), np.float32), np.empty(0, dtype=int))
    return {"prototypes": fit_prototypes(seen, WAYS), "probe": fit_probe(seen, none, WAYS, None)}


def describe(accuracies: dict[str, np.ndarray]) -> str:
    """Return the mean accuracy of each head with its interval, and that of the difference to the first head."""
    first, *others = accuracies
    gaps = [f"{name} less {first} {interval(accuracies[name] - accuracies[first])}" for name in others]
    return ", ".join([f"{name} {interval(values)}" for name, values in accuracies.items()] + gaps)


def interval(values: np.ndarray) -> str:
    return f"{values.mean():.4f} ± {1.96 * values.std(ddof=1) / len(values) ** 0.5:.4f}"


if __name__ == "__main__":
    main()
