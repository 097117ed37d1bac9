"""A command whose package is not installed says so in one line."""

import pytest

from sightline.common.process import require


def test_a_package_that_is_there_is_no_matter():
    require("numpy", "requirements.txt")


def test_a_package_that_is_not_there_is_told_with_where_it_is_pinned():
    with pytest.raises(SystemExit, match=r"^no_such_package is not installed: pip install -r requirements-tune.txt$"):
        require("no_such_package", "requirements-tune.txt")
