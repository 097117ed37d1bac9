"""What train needs of DVCLive, for machines without DVC: put this folder on PYTHONPATH."""

import json
from pathlib import Path


class Live:
    """Keeps the last score of each name, and writes them nested by their parts, as DVCLive's summary does."""

    def __init__(self, **_):
        self.step = 0
        self.summary = {}

    def log_metric(self, name: str, value: float) -> None:
        *parents, last = name.split("/")
        place = self.summary
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value

    def make_summary(self) -> None:
        Path(self.metrics_file).write_text(json.dumps(self.summary | {"step": self.step}))
