"""Copies of the repository link to DVC's cache, unless a configuration says otherwise."""

from dvc.config import Config

from sightline.experiments.links import link_to_cache


def types_of(root, monkeypatch):
    """Return how `dvc` would link with these variables set."""
    for name, value in link_to_cache(root).items():
        monkeypatch.setenv(name, value)
    return Config(dvc_dir=str(root / ".dvc"))["cache"]["type"]


def test_without_a_word_about_it_files_are_linked(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    (tmp_path / ".dvc").mkdir()
    assert types_of(tmp_path, monkeypatch) == ["reflink", "hardlink", "symlink", "copy"]


def test_what_the_system_or_the_repository_says_counts_more(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    (tmp_path / "system").mkdir()
    (tmp_path / "system/config").write_text("[core]\n    checksum_jobs = 3\n[cache]\n    type = symlink\n")
    (tmp_path / ".dvc").mkdir()
    assert types_of(tmp_path, monkeypatch) == ["symlink"]
    assert Config(dvc_dir=str(tmp_path / ".dvc"))["core"]["checksum_jobs"] == 3
    (tmp_path / ".dvc/config").write_text("[cache]\n    type = copy\n")
    assert types_of(tmp_path, monkeypatch) == ["copy"]
