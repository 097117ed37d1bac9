"""DVCLive in Sightline's layout: `metrics/<stage>.json` and `plots/<stage>/`."""

from pathlib import Path

from dvclive import Live


class StageLive(Live):
    """A DVCLive logger whose files are the outputs that dvc.yaml names for a stage.

    `dvc.yaml` is written by hand and `dvc repro` or `dvc exp run` records the experiment, so DVCLive does neither.
    """

    def __init__(self, stage: str):
        self._stage = stage
        Path(self.metrics_file).parent.mkdir(exist_ok=True)
        super().__init__(dir=f"plots/{stage}", dvcyaml=False, save_dvc_exp=False)

    @property
    def metrics_file(self) -> str:
        return f"metrics/{self._stage}.json"

    @property
    def plots_dir(self) -> str:
        return f"plots/{self._stage}"
