"""What goes into the workspace, and what is in its way."""

from sightline.tuning.sharing import has_changes
from sweep_repo import git, make_repository


def test_changes_of_gits_files_count_and_files_of_nobody_do_not(tmp_path):
    make_repository(tmp_path)
    (tmp_path / "kept").write_text("a")
    git(tmp_path, "add", "kept")
    assert has_changes(tmp_path)
    git(tmp_path, "commit", "--quiet", "--message", "Kept")
    (tmp_path / "nobodys").write_text("a")
    assert not has_changes(tmp_path)
    (tmp_path / "kept").write_text("b")
    assert has_changes(tmp_path)
