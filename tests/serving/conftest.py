"""A service that the tests of this folder ask, and images for it."""

import numpy as np
import pytest

from running_service import serving
from shares_model import CONFORMAL, write_shares_model


@pytest.fixture(scope="session")
def shares_model(tmp_path_factory):
    """A model that abstains below 0.7, and names sets."""
    rule = {"min_confidence": 0.7, "conformal": CONFORMAL}
    return str(write_shares_model(tmp_path_factory.mktemp("served") / "model.onnx", rule))


@pytest.fixture(scope="session")
def service(shares_model):
    """A service that many tests ask, with small limits."""
    with serving(model=shares_model, body_mb=1, images=4, megapixels=0.01, body_s=1) as running:
        yield running


@pytest.fixture
def red(encode):
    """A PNG whose shares are 0.8, 0, 0.2."""
    return encode(np.full((9, 7, 3), (200, 0, 50), np.uint8))


@pytest.fixture
def grey(encode):
    """A PNG whose shares are 0.5, 0.25, 0.25."""
    return encode(np.full((9, 7, 3), (100, 50, 50), np.uint8))
