"""Put the selected model of a data set into a stage: Git tags that GTO, `dvc get` and a backend read.

Run    make promote DATA=digits STAGE=production
Reads  registry/selection.json, the experiment that it names, `gates` of params.yaml
Writes the tags <data>@v<version> and <data>#<stage>#<number>; `git push --tags` shares them with their experiment
"""

import argparse
from pathlib import Path

from sightline.common.params import StageParams
from sightline.common.stage import run_stage
from sightline.sweeping.promotion import promote, read_choice


class Params(StageParams):
    """No key of params.yaml."""


def main(params: Params) -> None:
    options = read_options()
    root = Path.cwd()
    record = read_choice(options.data, root)
    version, stage = promote(options.data, options.stage, record, root)
    print(f"{options.data}: {record.experiment} is {version} and in {options.stage}: tags {version} {stage}")
    print(
        f"share it: git push --tags && dvc push --all-tags; elsewhere: dvc get URL {record.file.path} --rev {version}"
    )


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Put the selected model of a data set into a stage.")
    parser.add_argument("--data", required=True, help="data set of sweep.yaml")
    parser.add_argument("--stage", required=True, help="production, staging or any other word")
    return parser.parse_args()


if __name__ == "__main__":
    run_stage(main, Params)
