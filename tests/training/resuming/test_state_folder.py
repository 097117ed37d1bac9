import hashlib
import os
from pathlib import Path

import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.training.resuming.folder import FINISHED, LARGEST, OLDEST, ResumeFolder, clean
from sightline.training.resuming.note import read_note, resume_root
from sightline.training.resuming.taken import settle


def test_a_state_is_read_as_it_was_saved(tmp_path):
    state = {"weights": {"w": torch.arange(3.0)}, "history": [{"val/loss": 0.1}], "position": None}
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) is None
        folder.save(0, state)
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        found = folder.load(0)
        assert torch.equal(found["weights"]["w"], state["weights"]["w"])
        assert (found["history"], found["position"]) == (state["history"], None)
        assert folder.load(1) is None


def write_output(root):
    (root / "trained").mkdir(exist_ok=True)
    (root / "trained/weights").write_bytes(b"hello")
    return root / "trained"


def take(root, sums):
    """Put into a cache of DVC what has these MD5."""
    for md5 in sums:
        path = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def saved_then_opened(path, before, finished, now, why_not):
    with ResumeFolder(path, before, why_not) as folder:
        folder.save(0, {"x": 1})
        if finished:
            folder.finish([write_output(path.parent)])
    if finished == "taken":
        take(path.parent, read_note(path).outputs)
        settle(path.parent, path.parent / ".dvc")
    with ResumeFolder(path, now, why_not) as folder:
        return folder.load(0)


WHY = "schedule: cosine depends on the length"


@pytest.mark.parametrize(
    ("before", "finished", "now", "why_not", "goes_on"),
    [
        (5, False, 5, "", True),
        (5, True, 5, "", True),  # DVC has lost it
        (5, True, 5, WHY, True),
        (5, "taken", 5, "", False),  # a forced run is a run
        (5, "taken", 5, WHY, False),
        (5, "taken", 9, "", True),
        (5, True, 9, "", True),
        (5, False, 9, "", True),
        (5, True, 9, WHY, False),
        (5, False, 5, WHY, True),
        (9, False, 5, "", False),
    ],
)
def test_when_a_state_is_gone_on_with(tmp_path, capsys, before, finished, now, why_not, goes_on):  # noqa: PLR0913, PLR0917
    found = saved_then_opened(tmp_path / "a", before, finished, now, why_not)
    assert (found is not None) == goes_on
    said = capsys.readouterr().out
    assert ("anew" in said or "first epoch" in said) == (not goes_on)
    assert (why_not in said) or goes_on or now < before or now == before


def test_a_full_disk_leaves_the_state_before_and_says_so(tmp_path, capsys, monkeypatch):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"x": 1})

        def full(state, stream):
            stream.write(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(torch, "save", full)
        folder.save(0, {"x": 2})
        assert folder.load(0) == {"x": 1}
    assert "No space left on device" in capsys.readouterr().out
    assert not list((tmp_path / "a").glob("*.partial"))


def test_two_trainings_of_the_same_do_not_run_at_once(tmp_path):
    with (
        ResumeFolder(tmp_path / "a", 5, ""),
        pytest.raises(SightlineError, match="another process trains with the same parameters"),
    ):
        ResumeFolder(tmp_path / "a", 5, "")
    ResumeFolder(tmp_path / "a", 5, "").__exit__()


def test_working_copies_of_dvc_share_the_folder_of_their_repository():
    assert resume_root(Path("/home/me/repo")) == Path("/home/me/repo/.resume")
    assert resume_root(Path("/home/me/repo/.dvc/tmp/exps/tmpab12")) == Path("/home/me/repo/.resume")
    assert resume_root(Path("/home/me/repo/.dvc/tmp/exps/standalone/tmpab12")) == Path("/home/me/repo/.resume")


def entry(root, name, age, size=10):
    (root / name).mkdir(parents=True)
    with (root / name / "member_0.pt").open("wb") as stream:
        stream.truncate(size)  # a hole: takes no disk
    for path in (root / name / "member_0.pt", root / name):
        os.utime(path, (1e9 - age, 1e9 - age))


def test_what_dvc_is_to_take_is_told_by_the_md5_of_its_files_and_taken_when_it_has_all(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/b").write_bytes(b"world")
    with ResumeFolder(tmp_path / "a", 5, WHY) as folder:
        folder.save(0, {"x": 1})
        folder.finish([write_output(tmp_path), tmp_path / "more"])
    hello, world = "5d41402abc4b2a76b9719d911017c592", "7d793037a0760186574b0282f2f435e7"
    assert read_note(tmp_path / "a").outputs == [hello, world]
    for sums, taken in (([], False), ([world], False), ([hello], True)):
        take(tmp_path, sums)
        settle(tmp_path, tmp_path / ".dvc")
        assert read_note(tmp_path / "a").taken == taken
        assert (tmp_path / "a/member_0.pt").exists() != taken


def test_the_cache_is_where_the_settings_of_dvc_put_it(tmp_path):
    with ResumeFolder(tmp_path / "a", 5, WHY) as folder:
        folder.finish([write_output(tmp_path)])
    take(tmp_path / "elsewhere", read_note(tmp_path / "a").outputs)
    (tmp_path / ".dvc").mkdir()
    settle(tmp_path, tmp_path / ".dvc")
    assert not read_note(tmp_path / "a").taken
    (tmp_path / ".dvc/config.local").write_text(f"[cache]\n    dir = {tmp_path}/elsewhere/.dvc/cache\n")
    settle(tmp_path, tmp_path / ".dvc")
    assert read_note(tmp_path / "a").taken


@pytest.mark.parametrize(("why_not", "left"), [(WHY, False), ("", True)])
def test_of_a_finished_training_states_stay_a_day_unless_a_longer_one_may_go_on(tmp_path, why_not, left):
    with ResumeFolder(tmp_path / "a", 5, why_not) as folder:
        folder.save(0, {"x": 1})
        folder.finish([write_output(tmp_path)])
    now = (tmp_path / "a/run.json").stat().st_mtime
    clean(tmp_path, "own", now + FINISHED - 60)
    assert (tmp_path / "a").exists()
    clean(tmp_path, "own", now + FINISHED + 60)
    assert (tmp_path / "a").exists() == left


def test_old_states_and_what_is_too_much_are_removed_but_not_the_own_one(tmp_path):
    entry(tmp_path, "old", OLDEST + 1)
    entry(tmp_path, "own", OLDEST + 1)
    entry(tmp_path, "new", 1, LARGEST // 2)
    entry(tmp_path, "second", 2, LARGEST // 3)
    entry(tmp_path, "third", 3, LARGEST // 3)
    clean(tmp_path, "own", 1e9)
    assert {path.name for path in tmp_path.iterdir()} == {"own", "new", "second"}
    clean(tmp_path / "missing", "own", 1e9)


DAMAGES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "a byte short": lambda content: content[:-1],
    "a byte long": lambda content: content + b"x",
    "garbage": lambda content: bytes(range(256)) * (len(content) // 256),
    "a flipped bit": lambda content: flip(content, len(content) // 3),
    "a flipped bit of the checksum": lambda content: flip(content, len(content) - 3),
}


def flip(content, place):
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def damage(path, kind):
    path.write_bytes(DAMAGES[kind](path.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_state_is_told_in_a_line_and_not_used(tmp_path, capsys, kind):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"weights": torch.arange(1000.0)})
        folder.save(1, {"weights": torch.ones(3)})
    damage(tmp_path / "a/member_0.pt", kind)
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) is None
        assert capsys.readouterr().out == f"{tmp_path}/a/member_0.pt: damaged: this training starts anew\n"
        assert torch.equal(folder.load(1)["weights"], torch.ones(3))
        folder.save(0, {"weights": torch.zeros(2)})
        assert torch.equal(folder.load(0)["weights"], torch.zeros(2))


def test_a_state_ends_with_the_checksum_of_what_torch_wrote(tmp_path):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"weights": torch.arange(1000.0)})
    content = (tmp_path / "a/member_0.pt").read_bytes()
    assert content[-32:] == hashlib.sha256(content[:-32]).digest()
    assert content.startswith(b"PK")


TYPES = '{"note": {"epochs": "5", "endless": true, "finished": false, "outputs": [], "taken": false}, "sha256": ""}'
NOTES = ["", "{}", "[]", "null", '{"epochs": 5', TYPES, "\0" * 40, "\udcff"]


@pytest.mark.parametrize("content", NOTES)
def test_a_damaged_note_is_told_in_a_line_and_training_starts_anew(tmp_path, capsys, content):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"x": 1})
    (tmp_path / "a/run.json").write_bytes(content.encode(errors="surrogateescape"))
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) is None
        folder.save(0, {"x": 2})
    assert capsys.readouterr().out == f"{tmp_path}/a/run.json: damaged: this training starts anew\n"
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) == {"x": 2}


def test_a_flipped_digit_of_the_note_is_not_believed(tmp_path, capsys):
    with ResumeFolder(tmp_path / "a", 7, WHY) as folder:
        folder.save(0, {"x": 1})
    path = tmp_path / "a/run.json"
    path.write_text(path.read_text().replace('"epochs": 7', '"epochs": 5'))
    with ResumeFolder(tmp_path / "a", 5, WHY) as folder:  # else a run of 7 epochs would be gone on with as one of 5
        assert folder.load(0) is None
    assert "run.json: damaged" in capsys.readouterr().out
