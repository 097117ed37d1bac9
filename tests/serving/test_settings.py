import re

import pytest
from packaging.requirements import Requirement

from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.serving.settings import Settings, describe_settings, read_settings


def test_values_of_the_environment_are_read():
    settings = read_settings(
        {"SIGHTLINE_PORT": "9", "SIGHTLINE_FORMATS": "PNG, JPEG", "SIGHTLINE_CORS": "", "PATH": "x"}
    )
    assert (settings.port, settings.formats, settings.cors) == (9, ("PNG", "JPEG"), ())
    assert "secret" not in repr(read_settings({"SIGHTLINE_API_KEY": "secret"}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "x", "SIGHTLINE_PORT: should be a valid integer, unable to parse string as an integer (got 'x')"),
        ("PORT", "70000", "SIGHTLINE_PORT: should be less than or equal to 65535 (got '70000')"),
        ("BATCH", "0", "SIGHTLINE_BATCH: should be greater than 0 (got '0')"),
        ("FORMATS", "PNG,EPS", "SIGHTLINE_FORMATS: must be some of JPEG,PNG,"),
        ("FORMATS", "", "SIGHTLINE_FORMATS: must be some of JPEG,PNG,"),
        ("PORTS", "1", "SIGHTLINE_PORTS: no such setting"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name, value, message):
    with pytest.raises(SightlineError, match=f"^{re.escape(message)}") as refused:
        read_settings({f"SIGHTLINE_{name}": value})
    assert "\n" not in str(refused.value)


def test_every_setting_is_described():
    assert all(field.description for field in Settings.model_fields.values())
    assert len(describe_settings().splitlines()) == len(Settings.model_fields)


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    found = [Requirement(line.partition("#")[0]) for line in lines if re.match(r"[a-z]", line)]
    return {requirement.name: str(requirement.specifier) for requirement in found}


def test_both_requirements_pin_the_same():
    both = pins("requirements.txt").items() | pins("requirements-serve.txt").items()
    assert len(both) == len(dict(both))
