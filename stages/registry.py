"""What comes after a sweep: its winner goes to production, and what nobody needs any more goes.

Run    make promote DATA=digits STAGE=production     tags the selected model of a data set, if it passes the gates
       make clean-experiments KEEP=3                 shows what sweeps no longer need, asks, deletes it
Reads  registry/selection.json, registry/registry.json, Git's experiments; `gates` of params.yaml
Writes the tags <data>@v<version> and <data>#<stage>#<number> of GTO; `git push --tags` shares them and their experiment
Keeps  what a branch, a tag or the registry names, the newest of each model on each data set, experiments that no sweep
       made, and whatever still runs
"""

import argparse
import sys
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.common.stage import run_stage
from sightline.parameters.gates import GateParams

GC = "dvc gc --workspace --all-branches --all-tags --all-experiments"


def main(params: GateParams) -> None:
    options = read_options()
    COMMANDS[options.command](options, params, Path.cwd())


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Promote the winner of a sweep, or delete what nobody needs.")
    commands = parser.add_subparsers(dest="command", required=True)
    promotion = commands.add_parser("promote", help="put the selected model of a data set into a stage")
    promotion.add_argument("--data", required=True, help="data set of sweep.yaml")
    promotion.add_argument("--stage", required=True, help="production, staging or any other word")
    cleaning = commands.add_parser("clean", help="delete experiments of sweeps, and what runs have left")
    cleaning.add_argument("--keep", type=int, default=3, help="of each model on each data set; default: %(default)s")
    cleaning.add_argument("--days", type=float, default=14, help="age of what runs have left; default: %(default)s")
    cleaning.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    if options.command == "clean" and min(options.keep, options.days) < 0:
        parser.error("--keep and --days must not be negative")
    return options


def promote_winner(options: argparse.Namespace, params: GateParams, root: Path) -> None:
    """Tag the selected model of a data set."""
    from sightline.sweeping.promotion import promote, read_choice, refuse_missed  # with DVC; cleaning does without

    record = read_choice(options.data, root)
    refuse_missed(record, params.gates)
    version, stage = promote(options.data, options.stage, record, root)
    print(f"{options.data}: {record.experiment} is {version} and in {options.stage}: tags {version} {stage}")
    print(
        f"share it: git push --tags && dvc push --all-tags; elsewhere: dvc get URL {record.file.path} --rev {version}"
    )


def clean(options: argparse.Namespace, params: GateParams, root: Path) -> None:
    """Show what nobody needs, and delete it when the user agrees."""
    from sightline.sweeping.cleaning import find_leftovers, find_superfluous
    from sightline.sweeping.registry import read_registry

    found = [*find_superfluous(read_registry(root), options.keep, root), *find_leftovers(options.days, root)]
    if not found:
        print("nothing to delete")
        return
    print("\n".join(f"would delete {what}" for what in found))
    if not (options.yes or agrees(len(found))):
        print("nothing was deleted")
        return
    for what in found:
        what.delete(root)
    print(f"deleted {len(found)}; their files in DVC's cache go with: {GC}")


def agrees(count: int) -> bool:
    """Ask, where there is a terminal to answer."""
    if not sys.stdin.isatty():
        raise SightlineError("clean-experiments: nobody to ask: call it on a terminal, or with YES=1")
    return input(f"delete these {count}? [y/N] ").strip().lower() in ("y", "yes")


COMMANDS = {"promote": promote_winner, "clean": clean}


if __name__ == "__main__":
    run_stage(main, GateParams)
