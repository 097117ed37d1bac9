"""Which of timm's networks go through all six stages: the smallest member of each of its modules, on 24 digits.

Run    PYTHONPATH=stages nice python benchmarks/families.py
       --only fastvit regnet runs these modules again, --failed those with an error, --report writes the table alone
Writes benchmarks/results/families.json    one entry a module, written after each: what each stage cost, or its error
       docs/families.md                    the same as a table

The smallest is the one with the fewest parameters times pixels. Weights are random and training has two steps: this
tells whether a network passes, not how well it learns. Times are processor time, without imports. A module whose entry
has all stages is not run again. Each stage runs in a process of its own, with a limit of processor time. Linux only.
"""

from sightline.common.arithmetic import set_environment

if __name__ == "__main__":
    set_environment()  # as the default's `arithmetic: portable` does, before NumPy and torch

# isort: split
import argparse
import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from families_choice import Network, choose_networks
from families_report import describe, has_failed, write_report
from families_run import STAGES, prepare_digits, run_stages

RESULTS = Path(__file__).parent / "results/families.json"
CHOICE = RESULTS.with_name("families_choice.json")


def main() -> None:
    options = read_options()
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for network in choose(options, rows):
            prepared = Path(folder, f"prepared_{network.side}")
            if not prepared.exists():
                prepare_digits(prepared, network.side)
            rows[network.module] = asdict(network) | {
                "stages": run_stages(network, prepared, options.stages, options.cpu_limit)
            }
            RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
            print(describe(rows[network.module]), flush=True)
    write_report(rows)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only", nargs="+", default=[], help="modules of timm to run, whether they have an entry or not"
    )
    parser.add_argument("--skip", nargs="+", default=[], help="modules of timm to leave for another time")
    parser.add_argument("--failed", action="store_true", help="run the modules again whose entry has an error")
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES, help="end before the others")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--cpu-limit", type=int, default=900, help="seconds of processor time a stage")
    return parser.parse_args()


def choose(options: argparse.Namespace, rows: dict[str, dict]) -> list[Network]:
    """Return what is to be run, the smallest first."""
    if options.report:
        return []
    networks = [network for network in choose_networks(CHOICE) if network.module not in options.skip]
    if options.only:
        return [network for network in networks if network.module in options.only]
    if options.failed:
        return [network for network in networks if network.module in rows and has_failed(rows[network.module])]
    return [network for network in networks if not is_whole(rows.get(network.module), options.stages)]


def is_whole(row: dict | None, stages: list[str]) -> bool:
    """Tell whether nothing is left to run: each stage has been, or one before it failed."""
    return row is not None and (has_failed(row) or set(stages) <= row["stages"].keys())


if __name__ == "__main__":
    main()
