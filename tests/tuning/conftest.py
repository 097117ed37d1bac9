"""Studies without DVC."""

import pytest

from fake_runs import SETTINGS, Tuner
from sightline.tuning.settings import TuneParams


@pytest.fixture
def tuner(workspace):
    """Make a tuner in a folder with params.yaml; arguments change the settings."""

    def make(**changes):
        settings = TuneParams.model_validate(SETTINGS | changes)
        settings.folder.mkdir(parents=True, exist_ok=True)
        return Tuner(settings)

    return make
