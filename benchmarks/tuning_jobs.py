"""What a trial of `make tune` costs beyond its stages, and how many more trials an hour two jobs make than one.

    git clone . /tmp/quiet && cd /tmp/quiet && dvc repro && python benchmarks/tuning_jobs.py --trials 8

On a machine that does nothing else. Each study's first trial is params.yaml, whose results are there: no stage runs, so
its seconds are those of DVC and of the tuner. All others train on one thread.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

COMMON = {
    "objectives": ["val/accuracy"],
    "space": {"lr": {"low": 1e-3, "high": 1e-2, "log": True}, "arithmetic": {"choices": ["native"]}},
    "sampler": "random",
    "pruner": "none",
    "prune_after": 1,
    "seeds": [],
    "hours": 0,
    "threads": 1,
    "storage": "journal",
    "push": "",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=8, help="of each study, besides its first; default: %(default)s")
    options = parser.parse_args()
    rates = []
    for jobs in (1, 2):
        study = f"jobs_{jobs}_{int(time.time())}"
        seconds, overhead = run_study(study, jobs, options.trials)
        rates.append(3600 * options.trials / seconds)
        print(f"{jobs} jobs: {rates[-1]:.0f} trials an hour; {overhead:.1f} s beyond the stages", flush=True)
    print(f"two jobs make {rates[1] / rates[0]:.2f} times as many")


def run_study(study: str, jobs: int, trials: int) -> tuple[float, float]:
    """Run a study; return the seconds that all trials but the first took, and those of the first."""
    file = Path(f"{study}.yaml")
    YAML().dump(COMMON | {"study": study, "seed": jobs, "jobs": jobs, "trials": 1}, file)
    run(file)
    YAML().dump(COMMON | {"study": study, "seed": jobs, "jobs": jobs, "trials": 1 + trials}, file)
    begun = time.monotonic()
    run(file)
    seconds = time.monotonic() - begun
    file.unlink()
    return seconds, float(pd.read_csv(f"tuning/{study}/trials.csv")["seconds"][0])


def run(file: Path) -> None:
    subprocess.run([sys.executable, "stages/tune.py", "--file", str(file)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
