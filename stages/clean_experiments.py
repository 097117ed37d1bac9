"""Delete experiments of sweeps that nobody needs any more, and what runs have left: shows it all, asks, then deletes.

Run    make clean-experiments KEEP=3      keeps the newest three of each model on each data set
       python stages/clean_experiments.py --keep 3 --days 14 --yes      without asking
Reads  Git's experiments, registry/registry.json
Keeps  what a branch, a tag or the registry names, experiments that no sweep made, and whatever still runs
"""

import argparse
import sys
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.common.params import StageParams
from sightline.common.stage import run_stage
from sightline.sweeping.cleaning import Experiment, Leftover, find_leftovers, find_superfluous
from sightline.sweeping.registry import read_registry

GC = "dvc gc --workspace --all-branches --all-tags --all-experiments"


class Params(StageParams):
    """No key of params.yaml."""


def main(params: Params) -> None:
    options = read_options()
    root = Path.cwd()
    registry = read_registry(root)
    found = [*find_superfluous(registry, options.keep, root), *find_leftovers(options.days, root)]
    if not found:
        print("nothing to delete")
        return
    print("\n".join(f"would delete {what}" for what in found))
    if not (options.yes or agrees(found)):
        print("nothing was deleted")
        return
    for what in found:
        what.delete(root)
    print(f"deleted {len(found)}; their files in DVC's cache go with: {GC}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Delete experiments of sweeps that nobody needs any more.")
    parser.add_argument("--keep", type=int, default=3, help="of each model on each data set; default: %(default)s")
    parser.add_argument("--days", type=float, default=14, help="age of what runs have left; default: %(default)s")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    if options.keep < 0 or options.days < 0:
        parser.error("--keep and --days must not be negative")
    return options


def agrees(found: list[Experiment | Leftover]) -> bool:
    """Ask, where there is a terminal to answer."""
    if not sys.stdin.isatty():
        raise SightlineError("clean-experiments: nobody to ask: call it on a terminal, or with YES=1")
    return input(f"delete these {len(found)}? [y/N] ").strip().lower() in ("y", "yes")


if __name__ == "__main__":
    run_stage(main, Params)
