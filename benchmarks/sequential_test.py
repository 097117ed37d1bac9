"""The test of `make ab`, simulated: how often it is wrong for who looks at every comparison, and how many it needs.

Run    python benchmarks/sequential_test.py --runs 1000
Writes benchmarks/results/sequential_test.csv

Two models are right with the given probabilities: side by side on other images each (canary, ab), or both on the same
images (shadow), of which they decide so many differently. It is looked at after every comparison.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sightline.monitoring.arms.betting import log_stakes

VALUES = np.array([-1.0, 0.0, 1.0])
ALPHA = 0.05
APART = {  # accuracies of the current model and the candidate
    "canary 0.90, 0.90": (0.90, 0.90),
    "canary 0.98, 0.98": (0.98, 0.98),
    "canary 0.90, 0.92": (0.90, 0.92),
    "canary 0.96, 0.98": (0.96, 0.98),
}
PAIRED = {  # shares of images that only the current model, only the candidate decides rightly
    "shadow 0.02, 0.02": (0.02, 0.02),
    "shadow 0.01, 0.03": (0.01, 0.03),
    "shadow 0.04, 0.06": (0.04, 0.06),
}


def main() -> None:
    options = read_options()
    rows = []
    for number, (name, shares) in enumerate(all_shares().items()):
        stream = np.random.default_rng((options.seed, number))
        found = np.array([first_decision(shares, options.comparisons, stream) for _ in range(options.runs)])
        decided = np.isfinite(found)
        row = {"setting": name, "runs": options.runs, "decided": decided.mean()}
        row |= {f"{share:.0%} within": np.quantile(found, share, method="higher") for share in (0.5, 0.8, 0.9)}
        rows.append(row)
        print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    out = Path("benchmarks/results/sequential_test.csv")
    out.parent.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(out, index=False)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulate the test of `make ab`.")
    parser.add_argument("--runs", type=int, default=1000, help="of each setting; default: %(default)s")
    parser.add_argument("--comparisons", type=int, default=20_000, help="looks in a run; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return parser.parse_args()


def all_shares() -> dict[str, tuple[float, float, float]]:
    """Return the shares of the differences -1, 0 and 1."""
    shares = {name: (old * (1 - new), 0.0, new * (1 - old)) for name, (old, new) in APART.items()}
    shares |= {name: (lost, 0.0, won) for name, (lost, won) in PAIRED.items()}
    return {name: (lost, 1 - lost - won, won) for name, (lost, _, won) in shares.items()}


def first_decision(shares: tuple[float, float, float], comparisons: int, stream: np.random.Generator) -> float:
    """Return after how many comparisons an equal accuracy is ruled out; inf: never."""
    numbers = stream.choice(3, p=shares, size=comparisons)
    changes = np.flatnonzero(numbers != 1)  # a difference of 0 moves no stake against 0
    counts = np.cumsum(np.eye(3, dtype=int)[numbers[changes]], axis=0)
    stakes = log_stakes(VALUES, counts, np.array([0.0]))[:, 0]
    crossed = np.flatnonzero(stakes >= np.log(1 / ALPHA))
    return float(changes[crossed[0]] + 1) if len(crossed) else np.inf


if __name__ == "__main__":
    main()
