"""How many labels asking saves: accuracy on fixed test images against labels, for each strategy of `make label`.

Run    python benchmarks/active_learning_features.py ...     once for each archive
       python benchmarks/active_learning.py cifar10_64 --start 500 --each 250 --end 3000 --seeds 10
       python benchmarks/active_learning.py ants_bees_288 --start 10 --each 5 --end 70 --seeds 20
Reads  benchmarks/results/active_learning/<features>.npz
Writes benchmarks/results/active_learning/<features>/<strategy>_<seed>.json, which a later run takes as they are, and
       <features>.md: the tables of docs/few_labels.md

A round fits a logistic regression (C 0.01) on the first 256 principal components of the frozen features, asks for the
next images of the pool with the strategy of `make label`, and labels them as the data set does. All strategies of a
seed begin with the same images, drawn at random; test images are the same for all.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from sightline.common.files import write_json, write_text
from sightline.common.seeding import stream_seed
from sightline.drawing.markdown import table
from sightline.labelling.seen import Seen
from sightline.labelling.strategies import STRATEGIES, Question, choose

RESULTS = Path(__file__).resolve().parent / "results/active_learning"
COMPONENTS = 256
STRENGTH = 0.01  # of 0.001 to 0.1 the best for 500 and for 3,000 labels of CIFAR-10 drawn at random
ITERATIONS = 500


class Data:
    """Features float64 [n, components] of about unit variance, and labels, of the pool and of test."""

    def __init__(self, file: Path):
        stored = np.load(file)
        test = stored["test"]
        axes = PCA(min(COMPONENTS, (~test).sum() - 1), random_state=0).fit(stored["features"][~test])
        features = axes.transform(stored["features"]) / np.sqrt(axes.explained_variance_.mean())
        self.pool, self.test = features[~test], features[test]
        self.labels, self.test_labels = stored["labels"][~test], stored["labels"][test]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", help="cifar10_64 or ants_bees_288")
    parser.add_argument("--start", type=int, required=True, help="labels drawn at random")
    parser.add_argument("--each", type=int, required=True, help="labels a round")
    parser.add_argument("--end", type=int, required=True, help="labels at the end")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    data = Data(RESULTS / f"{options.features}.npz")
    counts = range(options.start, options.end + 1, options.each)
    curves = {name: [] for name in STRATEGIES}
    for seed in range(options.seeds):
        for name in STRATEGIES:
            file = RESULTS / options.features / f"{name}_{seed}.json"
            if not file.exists():
                write_json(file, ask(data, name, seed, counts))
                print(f"{file.stem}: {json.loads(file.read_text())[-1]:.4f}", flush=True)
            curves[name].append(json.loads(file.read_text()))
    text = "\n".join([*accuracy_table(curves, counts), "", *saving_table(curves, counts), ""])
    write_text(RESULTS / f"{options.features}.md", text)
    print(text)


def ask(data: Data, strategy: str, seed: int, counts: range) -> list[float]:
    """Return the test accuracy at each count of labels."""
    order = np.random.default_rng(stream_seed(seed, "start")).permutation(len(data.pool))
    known, left = order[: counts[0]], order[counts[0] :]
    draws = np.random.default_rng(stream_seed(seed, "label"))
    scores = []
    while True:
        model = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS).fit(data.pool[known], data.labels[known])
        scores.append(float(model.score(data.test, data.test_labels)))
        if len(scores) == len(counts):
            return scores
        chosen = choose(strategy, question(data, model, known, left, counts.step, draws)).rows
        known = np.concatenate([known, left[chosen]])
        left = np.delete(left, chosen)


def question(
    data: Data, model: LogisticRegression, known: np.ndarray, left: np.ndarray, count: int, draws: np.random.Generator
) -> Question:
    def see(rows: np.ndarray) -> Seen:
        return Seen(model.predict_proba(data.pool[rows]), data.pool[rows])

    return Question(see(left), lambda: see(known), count, draws)


def accuracy_table(curves: dict[str, list[list[float]]], counts: range) -> list[str]:
    """Return mean and standard deviation over seeds, in percent, of every other count."""
    shown = range(0, len(counts), 2)
    rows = []
    for name, runs in curves.items():
        mean, spread = 100 * np.mean(runs, axis=0), 100 * np.std(runs, axis=0, ddof=1)
        rows.append([name, *(f"{mean[place]:.1f} ± {spread[place]:.1f}" for place in shown)])
    return table(["strategy", *(f"{counts[place]:,}" for place in shown)], rows)


def saving_table(curves: dict[str, list[list[float]]], counts: range) -> list[str]:
    """Return how many labels take each strategy's mean curve to the accuracy that random has at some counts.

    Beside that the mean difference over all rounds, seed by seed.
    """
    goals = [len(counts) // 2, 3 * len(counts) // 4, len(counts) - 1]
    random = np.mean(curves["random"], axis=0)
    rows = []
    for name, runs in curves.items():
        needed = [labels_for(random[goal], np.mean(runs, axis=0), counts) for goal in goals]
        told = [say(labels, counts[goal]) for labels, goal in zip(needed, goals, strict=True)]
        rows.append([name, *told, say_difference(np.subtract(runs, curves["random"])[:, 1:].mean(axis=1))])
    header = ["labels for the accuracy of random at", *(f"{counts[goal]:,}: {random[goal]:.3f}" for goal in goals)]
    return table([*header, "points above random"], rows)


def say_difference(differences: np.ndarray) -> str:
    """Return the mean of differences [seeds] in points, and its 95 % interval by Student's t."""
    half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    mean = differences.mean()
    return f"{100 * mean:+.1f} ({100 * (mean - half):+.1f} to {100 * (mean + half):+.1f})" if half else "0"


def labels_for(accuracy: float, curve: np.ndarray, counts: range) -> float | None:
    """Return where a curve, straight between its points, is at an accuracy for the first time; None: never."""
    for place, score in enumerate(curve):
        if score >= accuracy:
            if place == 0:
                return counts[0]
            before = curve[place - 1]
            return counts[place - 1] + (accuracy - before) / (score - before) * counts.step
    return None


def say(labels: float | None, of_random: int) -> str:
    return "more" if labels is None else f"{labels:,.0f} ({labels / of_random - 1:+.0%})"


if __name__ == "__main__":
    main()
