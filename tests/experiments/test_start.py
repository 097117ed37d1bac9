"""What is refused before an experiment starts."""

import pytest

from sightline.common.errors import SightlineError
from sightline.experiments.start import refuse_shallow
from sweep_repo import git, make_repository


def test_a_shallow_clone_is_refused_since_dvc_loses_experiments_there(tmp_path):
    make_repository(tmp_path)
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Second")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{tmp_path}", "shallow")
    with pytest.raises(SightlineError, match=r"^this clone is shallow, .*: `git fetch --unshallow`$"):
        refuse_shallow(tmp_path / "shallow")
    git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    refuse_shallow(tmp_path / "shallow")
    refuse_shallow(tmp_path)
